"""Pictures made to do harm: each ends in a result or a clear error in time, while another conversion goes on undisturbed."""

from __future__ import annotations

import io
import os
import struct
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from conftest import png_of
from PIL import Image

from pipeline import BadPicture, Converter, Plan
from pipeline.config import HARD_TIMEOUT, ZIP_LIMITS
from pipeline.picture import load
from pipeline.serve.inputs import open_inputs

IN_TIME = 10.0
"""Seconds."""


@pytest.fixture(scope="module")
def converter() -> Iterator[Converter]:
    with Converter(2) as shared:
        shared.workers.start()
        yield shared


def noise(side: int, channels: int = 3) -> bytes:
    return png_of(np.random.default_rng(0).integers(0, 256, (side, side, channels), np.uint8))


def checkerboard(side: int, low: int = 0, high: int = 255) -> bytes:
    board = np.indices((side, side)).sum(0) % 2
    return png_of(np.where(board, high, low).astype(np.uint8))


def png_header(width: int, height: int) -> bytes:
    """A PNG whose header declares a size, and that has next to nothing behind it."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def truncated_jpeg() -> bytes:
    out = io.BytesIO()
    Image.open(io.BytesIO(noise(256))).save(out, "JPEG")
    return out.getvalue()[: len(out.getvalue()) // 2]


def huge_but_flat() -> bytes:
    """49 million pixels in some 50 KB: as much as the limit allows."""
    out = io.BytesIO()
    Image.new("P", (7000, 7000)).save(out, "PNG")
    return out.getvalue()


DRAWN: dict[str, Callable[[], bytes]] = {
    "noise": lambda: noise(512),
    "noise at the working size": lambda: noise(1024),
    "noise larger than the working size": lambda: noise(1500),
    "noise with alpha": lambda: noise(512, 4),
    "large noise with alpha": lambda: noise(1024, 4),
    "one pixel": lambda: png_of(np.zeros((1, 1, 3), np.uint8)),
    "one transparent pixel": lambda: png_of(np.zeros((1, 1, 4), np.uint8)),
    "nothing but transparency": lambda: png_of(np.zeros((64, 64, 4), np.uint8)),
    "a line of pixels": lambda: png_of(np.tile(np.array([[0, 255]], np.uint8), (1, 300))),
    "a column of pixels": lambda: png_of(np.tile(np.array([[0], [255]], np.uint8), (4000, 1))),
    "checkerboard": lambda: checkerboard(512),
    "faint checkerboard": lambda: checkerboard(512, 120, 136),
    "a huge flat picture": huge_but_flat,
}

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "header of 20000²": (lambda: png_header(20_000, 20_000), "out_of_limits"),
    "header of 65000²": (lambda: png_header(65_000, 65_000), "out_of_limits"),
    "header of no pixels": (lambda: png_header(0, 100), "unreadable out_of_limits not_an_image"),
    "little behind the header": (lambda: png_header(5_000, 5_000), "unreadable"),
    "truncated JPEG": (truncated_jpeg, "unreadable"),
    "text": (lambda: b"this is not a picture", "not_an_image"),
    "SVG": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>', "not_an_image"),
    "zip": (lambda: b"PK\3\4" + bytes(100), "not_an_image"),
    "nothing": (lambda: b"", "unreadable"),
    "GIF of 20000² in 40 bytes": (
        lambda: b"GIF89a" + struct.pack("<HHBBB", 20_000, 20_000, 0, 0, 0) + bytes(27),
        "out_of_limits unreadable",
    ),
}


class Neighbour:
    """Somebody else, who converts a logo over and over in the meantime."""

    def __init__(self, converter: Converter, logo: Path) -> None:
        self.converter, self.logo = converter, logo.read_bytes()
        self.expected = converter.convert(self.logo, tier=1).svg
        self.over = threading.Event()
        self.done, self.wrong = 0, 0
        self.thread = threading.Thread(target=self._go)

    def _go(self) -> None:
        while not self.over.is_set() or not self.done:
            self.wrong += self.converter.convert(self.logo, tier=1).svg != self.expected
            self.done += 1

    def __enter__(self) -> Neighbour:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()


@pytest.mark.parametrize("tier", [1, 3])
@pytest.mark.parametrize("name", DRAWN)
def test_any_valid_picture_is_drawn_in_time(converter: Converter, logo: Path, name: str, tier: int) -> None:
    data = DRAWN[name]()
    with Image.open(io.BytesIO(data)) as image:
        size = image.size
    with Neighbour(converter, logo) as neighbour:
        begin = time.monotonic()
        result = converter.convert(data, tier=tier)
        seconds = time.monotonic() - begin
    assert seconds < IN_TIME
    assert (result.width, result.height) == size
    assert ElementTree.fromstring(result.svg).get("viewBox")
    assert neighbour.done and not neighbour.wrong


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_is_refused_in_time(converter: Converter, logo: Path, name: str) -> None:
    make, codes = REFUSED[name]
    with Neighbour(converter, logo) as neighbour:
        begin = time.monotonic()
        with pytest.raises(BadPicture) as caught:
            converter.convert(make())
        seconds = time.monotonic() - begin
    assert seconds < IN_TIME
    assert caught.value.code in codes.split() and len(caught.value.message) > 15
    assert neighbour.done and not neighbour.wrong


def test_the_limit_on_time_is_what_was_promised() -> None:
    assert HARD_TIMEOUT <= IN_TIME


@pytest.mark.parametrize("knobs", [{"filter_speckle": 0, "layer_difference": 1, "color_precision": 8}])
def test_the_worst_plan_on_the_worst_picture_ends_in_time(converter: Converter, knobs: dict[str, float]) -> None:
    begin = time.monotonic()
    result = converter.convert(noise(1024), plan=Plan("vtracer", {**knobs, "length_threshold": 3.5}))
    assert time.monotonic() - begin < IN_TIME + 0.5
    assert result.svg


# --- zips -------------------------------------------------------------------------------------------------------------


def a_zip(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def test_a_zip_bomb_is_refused_entry_by_entry(tmp_path: Path) -> None:
    small = png_of(np.zeros((4, 4, 3), np.uint8))
    inputs = open_inputs(a_zip(tmp_path / "bomb.zip", {"good.png": small, "bomb.png": bytes(25_000_000)}))
    assert inputs.read(inputs.names.index("good.png")) == small
    with pytest.raises(BadPicture, match="packed more than 100") as caught:
        inputs.read(inputs.names.index("bomb.png"))
    assert caught.value.code == "too_large"
    inputs.close()


def test_a_bomb_that_lies_about_its_size_is_stopped_on_the_way(tmp_path: Path) -> None:
    path = a_zip(tmp_path / "lie.zip", {"bomb.png": bytes(25_000_000)})
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<I", 25_000_000), struct.pack("<I", 1000)))
    inputs = open_inputs(path)
    with pytest.raises(BadPicture):
        inputs.read(0)
    inputs.close()


def test_a_zip_may_unpack_to_so_much_and_no_more(tmp_path: Path) -> None:
    path = a_zip(tmp_path / "big.zip", {f"{i}.png": os.urandom(300_000) for i in range(4)})
    inputs = open_inputs(path, replace(ZIP_LIMITS, bytes=1_000_000))
    for index in range(3):
        inputs.read(index)
    with pytest.raises(BadPicture, match="more than 1 MB"):
        inputs.read(3)
    inputs.close()


def test_too_many_entries_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = a_zip(tmp_path / "many.zip", {f"{i}.png": b"" for i in range(ZIP_LIMITS.entries + 1)})
    with pytest.raises(BadPicture, match="200 entries"):
        open_inputs(path)


@pytest.mark.parametrize(
    "name", ["../out.png", "a/../../out.png", "/etc/out.png", "..\\out.png", "C:/out.png", "a\nb.png"]
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    inputs = open_inputs(a_zip(tmp_path / "names.zip", {name: b"x"}))
    with pytest.raises(BadPicture, match="leads out"):
        inputs.read(0)
    inputs.close()


def test_links_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "links.zip", "w") as archive:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    inputs = open_inputs(tmp_path / "links.zip")
    with pytest.raises(BadPicture, match="link"):
        inputs.read(0)
    inputs.close()


@pytest.mark.parametrize("data", [b"", b"PK\5\6", b"no zip at all", b"PK\5\6" + b"\xff" * 18])
def test_what_is_no_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    with pytest.raises(BadPicture):
        open_inputs(path)


def test_the_noise_of_these_tests_is_noise() -> None:
    assert load(noise(512)).busyness() > 250_000
