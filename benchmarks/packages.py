"""Packages of the npm registry and of PyPI, fetched by pinned name, version and hash, and unpacked into a folder.

Only the archive itself is fetched: nothing that it depends on, and no script of it is run.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

TIMEOUT = 300
"""Seconds that a fetch may take."""


class NotFetched(Exception):
    """The registry could not be reached, or what came was not what is pinned."""


@dataclass(frozen=True)
class Package:
    """An archive of a registry.

    Attributes
    ----------
    digest : str
        Of the archive: base64 sha512 for npm, as its own lock files have it; hex sha256 for PyPI.
    licence : str
        As its manifest has it, for what is taken from it.
    """

    registry: Literal["npm", "pypi"]
    name: str
    version: str
    digest: str
    licence: str

    @property
    def slug(self) -> str:
        """Its name as a file's."""
        return re.sub(r"[^\w.-]+", "-", self.name.lstrip("@"))

    def fetched(self, cache: Path) -> Path:
        """The folder of its files; fetched where it is not there yet. Raises `NotFetched`."""
        folder = cache / f"{self.slug}-{self.version}"
        if not folder.exists():
            cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=cache) as scratch:
                archive = self._archive(Path(scratch))
                unpack(archive, Path(scratch) / "files")
                shutil.move(Path(scratch) / "files", folder)
        return folder

    def _archive(self, into: Path) -> Path:
        pinned = f"{self.name}@{self.version}" if self.registry == "npm" else f"{self.name}=={self.version}"
        if self.registry == "npm":
            command = ["npm", "pack", "--silent", "--ignore-scripts", pinned]
        else:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
            command = [*pip, "--only-binary", ":all:", "--python-version", "3.11", "--platform", "any"]
            command += ["--platform", "manylinux2014_x86_64", "--dest", str(into), pinned]
        try:
            subprocess.run(command, cwd=into, check=True, capture_output=True, text=True, timeout=TIMEOUT)
        except (subprocess.SubprocessError, OSError) as error:
            raise NotFetched(f"{pinned} cannot be fetched ({error}).") from error
        archive = next((path for path in into.iterdir() if path.suffix in (".tgz", ".whl", ".gz")), None)
        if archive is None:
            raise NotFetched(f"Nothing came for {pinned}.")
        data = archive.read_bytes()
        sha512 = base64.b64encode(hashlib.sha512(data).digest()).decode()
        came = sha512 if self.registry == "npm" else hashlib.sha256(data).hexdigest()
        if came != self.digest:
            raise NotFetched(f"What came for {pinned} is not what is pinned, but {came}.")
        return archive


def unpack(archive: Path, into: Path) -> None:
    """Write a tarball's or a zip's plain files; an npm tarball's leading folder is left out, and so is what points outside."""
    into.mkdir(parents=True)
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as file:
            for info in file.infolist():
                if not info.is_dir():
                    _write(into, PurePosixPath(info.filename), file.read(info))
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and (stream := tar.extractfile(member)):
                _write(into, PurePosixPath(*PurePosixPath(member.name).parts[1:]), stream.read())


def _write(into: Path, name: PurePosixPath, data: bytes) -> None:
    if name.is_absolute() or ".." in name.parts or not name.parts:
        return
    path = into / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
