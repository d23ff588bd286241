"""Pictures from bytes, paths and image objects: values worked out by hand, and odd and malformed files of all kinds."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from fetch_pictures import NotFetched, pillow_images, png_suite
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from pipeline.config import Limits
from pipeline.errors import BadPicture
from pipeline.picture import Picture, composite, load

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def corners() -> Image.Image:
    """32 × 16: red, green over blue, white quarters of 16 × 8."""
    quarters = np.array([[RED, GREEN], [BLUE, WHITE]], np.uint8)
    return Image.fromarray(quarters.repeat(8, axis=0).repeat(16, axis=1))


def encoded(image: Image.Image, fmt: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, fmt, **options)
    return out.getvalue()


def png(width: int, height: int, depth: int, kind: int, rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of raw rows (each led by its filter byte), chunks placed before the data."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    body = b"".join(chunk(*c) for c in chunks)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def pixel(picture: Picture, x: int, y: int) -> tuple[int, ...]:
    return tuple(int(v) for v in picture.pixels[y, x])


# ---- formats


@pytest.mark.parametrize(
    ("fmt", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("GIF", {}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("JPEG", {"quality": 95, "subsampling": 0}, 6),
    ],
)
def test_formats_give_the_same_picture(fmt, options, tolerance, tmp_path):
    data = encoded(corners(), fmt, **options)
    path = tmp_path / "a.bin"
    path.write_bytes(data)
    for source in (data, path, str(path)):
        picture = load(source)
        assert (picture.width, picture.height, picture.format) == (32, 16, fmt)
        assert picture.pixels.shape == (16, 32, 4) and picture.pixels.dtype == np.uint8
        for (x, y), colour in {(4, 3): RED, (28, 3): GREEN, (4, 12): BLUE, (28, 12): WHITE}.items():
            assert np.abs(np.subtract(pixel(picture, x, y), (*colour, 255))).max() <= tolerance


def test_pixels_cannot_be_written_to():
    with pytest.raises(ValueError):
        load(encoded(corners(), "PNG")).pixels[0, 0] = 1


def test_loading_leaves_the_image_object_as_it_was():
    image = Image.new("RGBA", (5, 5), (1, 2, 3, 0))
    load(image)
    assert image.getpixel((0, 0)) == (1, 2, 3, 0)


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN, BLUE)]
    for fmt in ("GIF", "WEBP", "PNG"):
        data = encoded(
            frames[0],
            fmt,
            save_all=True,
            append_images=frames[1:],
            duration=50,
            **({"lossless": True} if fmt == "WEBP" else {}),
        )
        assert pixel(load(data), 4, 4) == (*RED, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_upright(orientation):
    where = {1: RED, 2: GREEN, 3: WHITE, 4: BLUE, 5: RED, 6: BLUE, 7: WHITE, 8: GREEN}  # what comes to the top left
    exif = Image.Exif()
    exif[0x0112] = orientation
    for fmt in ("PNG", "WEBP"):
        options = {"lossless": True} if fmt == "WEBP" else {}
        picture = load(encoded(corners(), fmt, exif=exif, **options))
        assert (picture.width, picture.height) == ((16, 32) if orientation >= 5 else (32, 16))
        assert picture.pixels.shape[:2] == (picture.height, picture.width)
        assert pixel(picture, 1, 1) == (*where[orientation], 255)


def test_a_turned_picture_that_is_reduced_keeps_its_proportions():
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = load(encoded(Image.new("RGB", (2400, 1200), RED), "JPEG", exif=exif))
    assert (picture.width, picture.height) == (1200, 2400)
    assert picture.pixels.shape == (1024, 512, 4)


def test_a_broken_exif_block_is_passed_over():
    assert pixel(load(encoded(Image.new("RGB", (9, 9), RED), "PNG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")), 4, 4) == (
        *RED,
        255,
    )


# ---- modes


def test_16_bit_grey():
    rows = b"\0" + struct.pack(">3H", 0, 32896, 65535)
    picture = load(png(3, 1, 16, 0, rows))
    assert [pixel(picture, x, 0) for x in range(3)] == [(0, 0, 0, 255), (128, 128, 128, 255), (255, 255, 255, 255)]


def test_16_bit_grey_that_is_dark_is_not_brightened():
    picture = load(png(2, 1, 16, 0, b"\0" + struct.pack(">2H", 200, 257)))
    assert [pixel(picture, x, 0)[0] for x in range(2)] == [1, 1]


def test_16_bit_grey_with_a_transparent_shade():
    picture = load(png(2, 1, 16, 0, b"\0" + struct.pack(">2H", 1000, 65535), (b"tRNS", struct.pack(">H", 1000))))
    assert [pixel(picture, x, 0) for x in range(2)] == [(0, 0, 0, 0), (255, 255, 255, 255)]


def test_16_bit_grey_with_alpha():
    picture = load(png(1, 1, 16, 4, b"\0" + struct.pack(">2H", 65535, 32896)))
    assert pixel(picture, 0, 0) == (255, 255, 255, 128)


def test_16_bit_colour_with_and_without_alpha():
    assert pixel(load(png(1, 1, 16, 2, b"\0" + struct.pack(">3H", 65535, 32896, 0))), 0, 0) == (255, 128, 0, 255)
    assert pixel(load(png(1, 1, 16, 6, b"\0" + struct.pack(">4H", 65535, 32896, 0, 16448))), 0, 0) == (255, 128, 0, 64)


def test_16_bit_colour_with_a_transparent_colour():
    rows = b"\0" + struct.pack(">6H", 4660, 22136, 39612, 65535, 0, 0)
    picture = load(png(2, 1, 16, 2, rows, (b"tRNS", struct.pack(">3H", 4660, 22136, 39612))))
    assert [pixel(picture, x, 0) for x in range(2)] == [(0, 0, 0, 0), (255, 0, 0, 255)]


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_grey_of_few_bits(depth):
    top = 2**depth - 1
    bits = f"{top:0{depth}b}{0:0{depth}b}".ljust(16, "0")
    picture = load(png(2, 1, depth, 0, b"\0" + int(bits, 2).to_bytes(2, "big")[: max(1, depth // 4)]))
    assert [pixel(picture, x, 0) for x in range(2)] == [(255, 255, 255, 255), (0, 0, 0, 255)]


def test_palette_with_transparency_for_each_entry():
    picture = load(
        png(3, 1, 8, 3, b"\0\0\1\2", (b"PLTE", bytes([255, 0, 0, 0, 255, 0, 0, 0, 255])), (b"tRNS", bytes([0, 128])))
    )
    assert [pixel(picture, x, 0) for x in range(3)] == [(0, 0, 0, 0), (0, 255, 0, 128), (0, 0, 255, 255)]


def test_transparent_gif():
    image = Image.new("P", (4, 4), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((0, 0), 0)
    picture = load(encoded(image, "GIF", transparency=0))
    assert pixel(picture, 0, 0) == (0, 0, 0, 0) and pixel(picture, 2, 2) == (0, 0, 255, 255)


def test_cmyk_jpeg_without_a_profile():
    picture = load(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95))
    assert np.abs(np.subtract(pixel(picture, 8, 8), (255, 0, 0, 255))).max() < 8


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, (255, 255, 255, 255)),
        ("L", 77, (77, 77, 77, 255)),
        ("LA", (77, 128), (77, 77, 77, 128)),
        ("La", (64, 128), (128, 128, 128, 128)),
        ("RGBa", (128, 0, 0, 128), (255, 0, 0, 128)),
        ("RGBX", (1, 2, 3, 0), (1, 2, 3, 255)),
        ("HSV", (0, 255, 255), (255, 0, 0, 255)),
        ("YCbCr", (255, 128, 128), (255, 255, 255, 255)),
        ("LAB", (255, 128, 128), (255, 255, 255, 255)),
        ("I", 255, (255, 255, 255, 255)),
        ("I", 65535, (255, 255, 255, 255)),
        ("I;16", 65535, (255, 255, 255, 255)),
        ("F", 0.5, (128, 128, 128, 255)),
        ("F", 128.0, (128, 128, 128, 255)),
    ],
)
def test_modes_of_image_objects(mode, colour, expected):
    assert np.abs(np.subtract(pixel(load(Image.new(mode, (8, 8), colour)), 4, 4), expected)).max() <= 1


def test_what_is_hidden_under_alpha_0_is_gone():
    picture = load(encoded(Image.new("RGBA", (3, 3), (200, 100, 50, 0)), "PNG"))
    assert not picture.pixels.any() and picture.has_alpha


# ---- profiles


def adobe_rgb_like() -> bytes:
    """A matrix profile with sRGB's primaries swapped: red stands for green."""
    srgb = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    at = {name: srgb.index(name) for name in (b"rXYZ", b"gXYZ")}
    srgb[at[b"rXYZ"] : at[b"rXYZ"] + 4], srgb[at[b"gXYZ"] : at[b"gXYZ"] + 4] = b"gXYZ", b"rXYZ"
    return bytes(srgb).replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be")).replace(b"sRGB", b"test")


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_profile_is_applied_and_alpha_kept(mode):
    colour = (255, 0, 0) if mode == "RGB" else (255, 0, 0, 100)
    picture = load(encoded(Image.new(mode, (4, 4), colour), "PNG", icc_profile=adobe_rgb_like()))
    assert np.abs(np.subtract(pixel(picture, 1, 1), (0, 255, 0, 255 if mode == "RGB" else 100))).max() <= 3


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "CMYK"])
def test_a_broken_profile_or_one_of_another_space_is_passed_over(mode):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for profile in (b"nonsense", lab, adobe_rgb_like()[:200]):
        fmt = "JPEG" if mode == "CMYK" else "PNG"
        plain = load(encoded(Image.new(mode, (8, 8)), fmt))
        assert np.array_equal(load(encoded(Image.new(mode, (8, 8)), fmt, icc_profile=profile)).pixels, plain.pixels)


# ---- working size


def test_a_large_picture_is_reduced_and_remembers_its_size():
    picture = load(Image.new("RGB", (3000, 1500), RED))
    assert (picture.width, picture.height) == (3000, 1500)
    assert picture.pixels.shape == (512, 1024, 4) and pixel(picture, 500, 250) == (*RED, 255)
    assert picture.scale == pytest.approx(3000 / 1024)


def test_a_long_thin_picture_keeps_at_least_a_pixel():
    assert load(Image.new("RGB", (10_000, 2), RED)).pixels.shape == (1, 1024, 4)


def test_reducing_does_not_mix_in_what_is_hidden():
    half = np.zeros((64, 64, 4), np.uint8)
    half[:, :31] = (255, 0, 0, 255)
    half[:, 31:] = (0, 255, 0, 0)
    picture = load(Image.fromarray(half), Limits(work_side=32))
    assert pixel(picture, 15, 10) == (255, 0, 0, 128)  # a column opaque, a column clear
    assert pixel(picture, 3, 10) == (255, 0, 0, 255) and pixel(picture, 16, 10) == (0, 0, 0, 0)


def test_reducing_in_strips_equals_reducing_at_once():
    rng = np.random.default_rng(3)
    rgba = rng.integers(0, 256, (700, 300, 4)).astype(np.uint8)
    small = load(Image.fromarray(rgba), Limits(work_side=100)).pixels
    weights = rgba[..., 3:].astype(float)
    colour = (rgba[..., :3] * weights).reshape(100, 7, -1, 300, 3).sum(axis=(1, 2))
    assert small.shape == (100, 43, 4)
    column = weights.reshape(100, 7, 300)[:, :, :].mean(axis=(1, 2))
    assert np.allclose(small[..., 3].mean(axis=1), column, atol=1.0) and colour.shape[0] == 100


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_composite_is_exact(colour, alpha, ground):
    pixels = np.array([[[colour, colour, colour, alpha], [0, 0, 0, 255]]], np.uint8)
    assert composite(pixels, ground)[0, 0, 0] == round((colour * alpha + ground * (255 - alpha)) / 255)


# ---- what is refused


def refused(source, limits: Limits | None = None) -> BadPicture:
    with pytest.raises(BadPicture) as caught:
        load(source, *([limits] if limits else []))
    assert len(caught.value.message) > 15 and caught.value.message.endswith(".")
    return caught.value


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"hello, this is text and no picture", "not a picture"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"II*\0" + bytes(40), "TIFF"),
        (b"\0\0\0\x20ftypavif" + bytes(40), "AVIF"),
        (b"PK\3\4" + bytes(40), "zip"),
    ],
)
def test_not_an_image(data, word):
    error = refused(data)
    assert error.code == "not_an_image" and word in error.message


@pytest.mark.parametrize("fmt", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_truncated_files_are_unreadable(fmt):
    rng = np.random.default_rng(0)
    data = encoded(Image.fromarray(rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)), fmt)
    for share in (0.02, 0.1, 0.5, 0.9):
        assert refused(data[: max(4, int(len(data) * share))]).code in ("unreadable", "not_an_image")
    assert refused(data[: len(data) // 2]).code == "unreadable"


def test_nothing_and_nowhere(tmp_path):
    assert refused(b"").code == "unreadable"
    assert "no such file" in refused(tmp_path / "none.png").message
    assert "folder" in refused(tmp_path).message
    assert refused("a\0b.png").code == "unreadable"
    assert refused("/dev/zero").code == "unreadable"


def test_too_many_bytes(tmp_path):
    path = tmp_path / "big.png"
    path.write_bytes(bytes(2000))
    for source in (bytes(2000), path):
        error = refused(source, Limits(bytes=1000))
        assert error.code == "too_large" and "MB" in error.message


@pytest.mark.parametrize(
    "data",
    [
        png(20_000, 20_000, 8, 2, b""),
        png(65_000, 65_000, 8, 6, b""),
        png(16_385, 1, 8, 2, b""),
        b"GIF89a"
        + struct.pack("<HH", 20_000, 20_000)
        + b"\0\0\0"
        + b","
        + struct.pack("<HHHHB", 0, 0, 20_000, 20_000, 0)
        + b"\2\0;",
        b"BM"
        + struct.pack("<IHHI", 54, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, 30_000, 30_000, 1, 24, 0, 0, 0, 0, 0, 0),
    ],
)
def test_a_header_that_declares_too_much_is_refused_before_decoding(data):
    begin = time.perf_counter()
    error = refused(data)
    assert error.code == "out_of_limits" and "limit is" in error.message
    assert time.perf_counter() - begin < 0.5


def test_image_objects_are_held_to_the_limits_too():
    assert refused(Image.new("1", (17_000, 10))).code == "out_of_limits"
    assert refused(Image.new("RGB", (0, 5))).code == "out_of_limits"


def outcome(data: bytes) -> Picture | str:
    """The picture, or the message it was refused with."""
    try:
        return load(data)
    except BadPicture as error:
        return error.message


@given(st.binary(max_size=300))
def test_any_bytes_give_a_picture_or_a_reason(data):
    for head in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM", b"RIFF\x40\0\0\0WEBPVP8 "):
        assert outcome(head + data)


@given(st.data())
def test_a_flipped_byte_gives_a_picture_or_a_reason(data):
    fmt = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP"]))
    raw = bytearray(encoded(corners(), fmt))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    assert outcome(bytes(raw))


# ---- collections of odd pictures

_LOAD_ALL = """
import json, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
import numpy as np
from pipeline.errors import BadPicture
from pipeline.features import extract
from pipeline.picture import load
for path in sys.stdin.read().splitlines():
    begin, code, message = time.perf_counter(), "picture", ""
    try:
        picture = load(path)
        if not np.isfinite(extract(picture).vector()).all():
            code = "features are not finite"
    except BadPicture as error:
        code, message = error.code, error.message
    except BaseException as error:
        code, message = type(error).__name__, str(error)
    print(json.dumps([path, code, message, time.perf_counter() - begin]), flush=True)
"""
ALLOWED = {"picture", "unreadable", "not_an_image", "too_large", "out_of_limits"}


def load_all(paths: list[Path]) -> list[list]:
    """name, outcome, message and seconds of each file, loaded in a process that is ended when it hangs."""
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", _LOAD_ALL],
        input="\n".join(map(str, paths)),
        cwd=root,
        capture_output=True,
        text=True,
        timeout=240,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert len(rows) == len(paths), f"ended at {paths[len(rows)]}: {done.stderr[-1000:]}"
    return [[Path(name).name, *rest] for name, *rest in rows]


@pytest.mark.network
def test_every_picture_of_pillows_own_tests():
    try:
        paths = pillow_images()
    except NotFetched as reason:
        pytest.skip(str(reason))
    assert len(paths) > 900
    rows = load_all(paths)
    assert not [row for row in rows if row[1] not in ALLOWED]
    assert not [row for row in rows if row[1] != "picture" and len(row[2]) < 15]
    assert not [row for row in rows if row[3] > 5]
    found = {name: code for name, code, _, _ in rows}
    assert sum(code == "picture" for code in found.values()) > 400
    for name in (
        "hopper.jpg",
        "hopper.png",
        "hopper.gif",
        "hopper.webp",
        "hopper.bmp",
        "pil_sample_cmyk.jpg",
        "dispose_bgnd.gif",
    ):
        assert found[name] == "picture", name
    assert found["truncated_image.png"] == "unreadable" and found["hopper.tif"] == "not_an_image"


@pytest.mark.network
def test_png_suite(tmp_path):
    try:
        suite = png_suite()
    except NotFetched as reason:
        pytest.skip(str(reason))
    paths = []
    for name, data in suite.items():
        paths.append(tmp_path / f"{name}.png")
        paths[-1].write_bytes(data)
    rows = load_all(paths)
    assert not [row for row in rows if row[1] not in ALLOWED]
    assert all(row[1] == "unreadable" if row[0].startswith("x") else row[1] == "picture" for row in rows), rows
    for name in suite:
        if name.startswith("basi") and (straight := "basn" + name[4:]) in suite:
            assert np.array_equal(load(suite[name]).pixels, load(suite[straight]).pixels), name
    assert load(suite["tbrn2c08"]).has_alpha and not load(suite["basn2c08"]).has_alpha
    assert load(suite["basn6a16"]).has_alpha and load(suite["basn4a16"]).has_alpha
