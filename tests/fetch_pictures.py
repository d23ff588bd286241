"""Odd and malformed pictures to test with, fetched once by pinned name, version and hash from PyPI's source distributions.

    python tests/fetch_pictures.py        prints where they are

Pillow's ``Tests/images`` and pypng's copy of Willem van Schaik's PngSuite. They are kept in ``build/pictures``.
"""

from __future__ import annotations

import hashlib
import os
import runpy
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(os.environ.get("TRUECURVE_TEST_PICTURES", Path(__file__).resolve().parent.parent / "build" / "pictures"))
TIMEOUT = 120
"""Seconds that a fetch may take."""


@dataclass(frozen=True)
class Source:
    """A source distribution on PyPI, and the folder or module inside it that is wanted."""

    name: str
    version: str
    sha256: str
    wanted: str


PILLOW = Source(
    "pillow", "12.3.0", "3b8182a766685eaa002637e28b4ec8d6b18819a0c71f579bf0dbaa5830297cce", "/Tests/images/"
)
PYPNG = Source(
    "pypng", "0.20220715.0", "739c433ba96f078315de54c0db975aee537cbc3e1d0ae4ed9aab0ca1e427e2c1", "pngsuite.py"
)


class NotFetched(Exception):
    """The registry could not be reached, or what came was not what is pinned."""


def fetch(source: Source) -> Path:
    """The folder with what is wanted of a source; fetched where it is not there yet. Raises `NotFetched`."""
    folder = CACHE / f"{source.name}-{source.version}"
    if (folder / "complete").exists():
        return folder
    with tempfile.TemporaryDirectory() as scratch:
        pin = Path(scratch) / "pin.txt"
        pin.write_text(f"{source.name}=={source.version} --hash=sha256:{source.sha256}\n")
        command = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--require-hashes"),
            *("--no-deps", "--no-binary", source.name, "--dest", scratch, "--requirement", str(pin)),
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT)
        except (subprocess.SubprocessError, OSError) as error:
            raise NotFetched(f"PyPI's {source.name} {source.version} cannot be fetched ({error}).") from error
        archive = next(Path(scratch).glob("*.tar.gz"), None)
        if archive is None or hashlib.sha256(archive.read_bytes()).hexdigest() != source.sha256:
            raise NotFetched(f"What came for {source.name} {source.version} is not what is pinned.")
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.isfile() and source.wanted in member.name:
                    name = member.name.partition(source.wanted)[2] or Path(member.name).name
                    (folder / name.replace("/", "__")).write_bytes(tar.extractfile(member).read())
    (folder / "complete").touch()
    return folder


def pillow_images() -> list[Path]:
    """Every file of Pillow's own tests, of all formats and none. Raises `NotFetched`."""
    return sorted(path for path in fetch(PILLOW).iterdir() if path.name != "complete")


def png_suite() -> dict[str, bytes]:
    """PngSuite by name. Raises `NotFetched`."""
    return {name: bytes(data) for name, data in runpy.run_path(str(fetch(PYPNG) / "pngsuite.py"))["png"].items()}


if __name__ == "__main__":
    print(len(pillow_images()), "files of Pillow's and", len(png_suite()), "of PngSuite in", CACHE)
