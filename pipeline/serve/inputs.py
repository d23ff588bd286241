"""A folder, a zip or loose files as a list of pictures that are read one at a time, and the names that their SVGs get."""

from __future__ import annotations

import os
import stat
import struct
import threading
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

from ..config import BATCH_LIMITS, LIMITS, ZIP_LIMITS, BatchLimits, ZipLimits
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
        return _read(self.root / self.names[index])


def _read(path: Path) -> bytes:
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


@dataclass(frozen=True)
class _Files(Inputs):
    readers: tuple[Callable[[], bytes], ...]
    opened: tuple[Inputs, ...]

    def read(self, index: int) -> bytes:
        return self.readers[index]()

    def close(self) -> None:
        for inputs in self.opened:
            inputs.close()


def open_files(
    files: Sequence[tuple[str, Path | None]], limits: BatchLimits = BATCH_LIMITS, zips: ZipLimits = ZIP_LIMITS
) -> Inputs:
    """The pictures of files that somebody sent, zips among them, each under the name that the sender gave.

    Names may have folders, and are made such that they stay within one. A zip's pictures keep their own names where it is
    all that was sent, else they go into a folder of its name. One that cannot be opened beside other files is a picture that
    cannot be read; so is a file that was left out since it is too large, whose path is None. Hidden files are passed over,
    and in folders whatever is no picture by its name.

    Raises
    ------
    BadPicture
        There are too many files or bytes, there is no picture, or the one zip that was sent cannot be opened.
    """
    if len(files) > limits.files:
        raise BadPicture(f"These are {len(files)} files; the limit is {limits.files} at a time.", "too_large")
    if sum(path.stat().st_size for _, path in files if path and path.exists()) > limits.bytes:
        raise BadPicture(f"These files have more than {limits.bytes / 1e6:.0f} MB together.", "too_large")
    zip_count = sum(name.lower().endswith(".zip") for name, _ in files)
    if zip_count > limits.zips:
        raise BadPicture(f"These are {zip_count} zips; the limit is {limits.zips} at a time.", "too_large")
    found = _Files((), 0, (), ())
    for given, path in files:
        name = _tidy(given)
        folder = PurePosixPath(name)
        if _is_junk(name) or (len(folder.parts) > 1 and folder.suffix.lower() not in (*SUFFIXES, ".zip")):
            found = replace(found, passed_over=found.passed_over + 1)
        elif path is None:
            found = _with(found, name, partial(_refuse, _too_long()))
        elif folder.suffix.lower() != ".zip":
            found = _with(found, name, partial(_read, path))
        else:
            try:
                inside = _zip(path, zips)
            except BadPicture as error:
                if len(files) == 1:
                    raise
                found = _with(found, name, partial(_refuse, error))
                continue
            found = replace(found, opened=(*found.opened, inside), passed_over=found.passed_over + inside.passed_over)
            for index, entry in enumerate(inside.names):
                shown = entry if len(files) == 1 else f"{folder.with_suffix('')}/{entry}"
                found = _with(found, shown, partial(inside.read, index))
    if not found.names or len(found.names) > limits.files:
        found.close()
    if not found.names:
        raise BadPicture("There is no picture among these files.", "not_an_image")
    if len(found.names) > limits.files:
        raise BadPicture(f"These are {len(found.names)} pictures; the limit is {limits.files} at a time.", "too_large")
    return replace(found, names=tuple(_all_different(found.names)))


def _with(found: _Files, name: str, read: Callable[[], bytes]) -> _Files:
    return replace(found, names=(*found.names, name), readers=(*found.readers, read))


def _refuse(error: BadPicture) -> bytes:
    raise error


def _too_long() -> BadPicture:
    return BadPicture(f"The file is larger than {LIMITS.bytes / 1e6:.0f} MB.", "too_large")


def _tidy(name: str) -> str:
    """A sender's name for a file as a relative path that stays where it is."""
    shown = "".join(letter for letter in name.replace("\\", "/") if ord(letter) >= 32 and ord(letter) != 127)
    parts = [part for part in shown.split("/") if part not in ("", ".", "..")]
    if parts and ":" in parts[0]:
        parts[0] = parts[0].replace(":", "_")
    return "/".join(parts) or "picture"


def _all_different(names: Iterable[str]) -> Iterable[str]:
    """The names, the second ``a.png`` as ``a~2.png``."""
    used: set[str] = set()
    for name in names:
        path, n = PurePosixPath(name), 1
        while name in used:
            n += 1
            name = str(path.with_name(f"{path.stem}~{n}{path.suffix}"))
        used.add(name)
        yield name


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
    return not _is_junk(name) and PurePosixPath(name).suffix.lower() in SUFFIXES


def _is_junk(name: str) -> bool:
    """Whether a file is hidden, or what file managers leave behind."""
    return any(part == "__MACOSX" or (part.startswith(".") and part != "..") for part in PurePosixPath(name).parts)


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
