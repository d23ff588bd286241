"""A folder or a zip as a list of pictures that are read one at a time, and the names that their SVGs get."""

from __future__ import annotations

import os
import stat
import struct
import threading
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..config import LIMITS, ZIP_LIMITS, ZipLimits
from ..errors import BadPicture

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"))
"""Files with another suffix are passed over."""

_CHUNK = 1 << 16
_END = struct.Struct("<4s4H2LH")  # the end-of-central-directory record


@dataclass(frozen=True)
class Inputs:
    """Pictures by name (a relative path with ``/``) and how many other files were passed over."""

    names: tuple[str, ...]
    passed_over: int

    def read(self, index: int) -> bytes:
        """The bytes of ``names[index]``. Raises `BadPicture`."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what is open."""


def open_inputs(path: Path, limits: ZipLimits = ZIP_LIMITS) -> Inputs:
    """The pictures of a folder, with its sub-folders, or of a zip. Raises `BadPicture` if it is neither."""
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        raise BadPicture(f"There is no {path}.")
    return _zip(path, limits)


@dataclass(frozen=True)
class _Folder(Inputs):
    root: Path

    def read(self, index: int) -> bytes:
        path = self.root / self.names[index]
        try:
            size = path.stat().st_size
            if size > LIMITS.bytes:
                raise BadPicture(
                    f"The file has {size / 1e6:.1f} MB; the limit is {LIMITS.bytes / 1e6:.0f} MB.", "too_large"
                )
            return path.read_bytes()
        except OSError as error:
            raise BadPicture(f"Cannot read the file: {error.strerror or error}.") from error


def _folder(root: Path) -> _Folder:
    names, others = [], 0
    for folder, subfolders, files in os.walk(root):  # links to folders are not followed
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in files:
            path = Path(folder, name)
            if name.startswith(".") or path.suffix.lower() not in SUFFIXES or not path.is_file():
                others += 1
            else:
                names.append(path.relative_to(root).as_posix())
    return _Folder(tuple(sorted(names)), others, root)


@dataclass(frozen=True)
class _Zip(Inputs):
    archive: zipfile.ZipFile
    entries: tuple[zipfile.ZipInfo, ...]
    limits: ZipLimits
    lock: threading.Lock
    left: list[int]  # bytes that may still be unpacked

    def read(self, index: int) -> bytes:
        entry = self.entries[index]
        _check_entry(entry, self.limits)
        parts: list[bytes] = []
        size = 0
        with self.lock:
            try:
                with self.archive.open(entry) as stream:
                    while chunk := stream.read(_CHUNK):
                        size += len(chunk)
                        self.left[0] -= len(chunk)
                        if size > LIMITS.bytes:
                            raise BadPicture(f"The file unpacks to more than {LIMITS.bytes / 1e6:.0f} MB.", "too_large")
                        if self.left[0] < 0:
                            raise BadPicture(
                                f"The zip unpacks to more than {self.limits.bytes / 1e6:.0f} MB.", "too_large"
                            )
                        if size > _CHUNK and size > self.limits.ratio * max(entry.compress_size, 1):
                            raise _too_dense(self.limits)
                        parts.append(chunk)
            except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError) as error:
                raise BadPicture(f"The zip entry cannot be unpacked ({error}).") from error
        return b"".join(parts)

    def close(self) -> None:
        self.archive.close()


def _zip(path: Path, limits: ZipLimits) -> _Zip:
    try:
        _check_directory(path, limits)
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BadPicture(f"{path.name} is neither a folder nor a zip that can be read ({error}).") from error
    files = [entry for entry in archive.infolist() if not entry.is_dir()]
    pictures = [entry for entry in files if _is_picture(_name(entry))]
    names = tuple(map(_name, pictures))
    return _Zip(names, len(files) - len(names), archive, tuple(pictures), limits, threading.Lock(), [limits.bytes])


def _check_directory(path: Path, limits: ZipLimits) -> None:
    """Refuse a zip by the size of its directory, before that is read."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _END.size - 65535))
        tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < _END.size:
        raise zipfile.BadZipFile("it has no zip directory")
    entries, directory = _END.unpack_from(tail, at)[4:6]
    if entries > limits.entries or directory > limits.directory:
        raise BadPicture(f"The zip has more than {limits.entries} entries.", "too_large")


def _check_entry(entry: zipfile.ZipInfo, limits: ZipLimits) -> None:
    path = PurePosixPath(_name(entry))
    bad = path.is_absolute() or ".." in path.parts or ":" in path.parts[0]
    if bad or any(ord(letter) < 32 for letter in entry.filename):
        raise BadPicture("The zip entry's name leads out of the folder.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise BadPicture("The zip entry is a link.")
    if entry.flag_bits & 1:
        raise BadPicture("The zip entry is encrypted.")
    if entry.file_size > _CHUNK and entry.file_size > limits.ratio * max(entry.compress_size, 1):
        raise _too_dense(limits)


def _too_dense(limits: ZipLimits) -> BadPicture:
    return BadPicture(f"The zip entry is packed more than {limits.ratio} : 1, as no picture is.", "too_large")


def _name(entry: zipfile.ZipInfo) -> str:
    return entry.filename.replace("\\", "/")


def _is_picture(name: str) -> bool:
    """Whether an entry has a picture's suffix, and is not what file managers leave behind."""
    parts = PurePosixPath(name).parts
    junk = any(part == "__MACOSX" or (part.startswith(".") and part != "..") for part in parts)
    return not junk and PurePosixPath(name).suffix.lower() in SUFFIXES


def svg_names(names: Iterable[str]) -> list[str]:
    """A file name for the SVG of each picture, in the same folder, all different even where case does not count.

    ``a.png`` gives ``a.svg``; beside an ``a.jpg`` it gives ``a.png.svg``.
    """
    names = list(names)
    short = [str(PurePosixPath(name).with_suffix(".svg")) for name in names]
    long = [name + ".svg" for name in names]
    often = Counter(name.casefold() for name in short)
    taken = {name.casefold() for name, s in zip(long, short, strict=True) if often[s.casefold()] > 1}
    chosen, used = [], set()
    for s, full in zip(short, long, strict=True):
        name = full if often[s.casefold()] > 1 or s.casefold() in taken else s
        base, n = name.removesuffix(".svg"), 1
        while name.casefold() in used:
            n += 1
            name = f"{base}~{n}.svg"
        used.add(name.casefold())
        chosen.append(name)
    return chosen
