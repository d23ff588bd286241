"""SVG to PDF, EPS, PNG and DXF: each looks like the SVG, at any size; what is missing is named."""

from __future__ import annotations

import builtins
import io
import shutil
import subprocess

import cv2
import ezdxf
import numpy as np
import pytest

from pipeline.errors import BadSetting, ExportFailed
from pipeline.picture import load
from pipeline.plan import Finish, Plan
from pipeline.render import FORMATS, MEDIA_TYPES, export, render
from pipeline.trace import trace
from pipeline.trace.emit import document

BODY = (
    '<defs><linearGradient id="a" gradientUnits="userSpaceOnUse" x1="0" y1="0" x2="120" y2="0"><stop stop-color="red"/>'
    '<stop offset="1" stop-color="#00f"/></linearGradient></defs>'
    '<path d="M10 10h100v30H10z" fill="url(#a)"/><circle cx="30" cy="60" r="15" fill="#0a0" fill-opacity=".5"/>'
    '<path d="M60 50a10 10 0 0120 0c0 20-20 20-20 0zm30 0 20 5-10 20z"/>'
)
PICTURE = document(BODY, 120, 80)


def white(rgba: np.ndarray) -> np.ndarray:
    alpha = rgba[..., 3:] / 255
    return rgba[..., :3] * alpha + 255 * (1 - alpha)


def tool(name: str) -> str:
    path = shutil.which(name)
    if not path:
        pytest.skip(f"{name} is not installed")
    return path


def pixels_of_pdf(data: bytes, tmp_path, width: int, height: int) -> np.ndarray:
    (tmp_path / "a.pdf").write_bytes(data)
    size = ["-scale-to-x", str(width), "-scale-to-y", str(height)]
    subprocess.run([tool("pdftoppm"), *size, "-png", "-singlefile", "a.pdf", "a"], cwd=tmp_path, check=True)
    return cv2.imread(str(tmp_path / "a.png"))[..., ::-1].astype(float)


def pixels_of_eps(data: bytes, tmp_path) -> np.ndarray:
    (tmp_path / "a.eps").write_bytes(data)
    quality = ["-dTextAlphaBits=4", "-dGraphicsAlphaBits=4", "-r96", "-dEPSCrop"]
    command = [tool("gs"), "-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-sDEVICE=png16m", *quality]
    subprocess.run([*command, "-sOutputFile=a.png", "a.eps"], cwd=tmp_path, check=True)
    return cv2.imread(str(tmp_path / "a.png"))[..., ::-1].astype(float)


def svgs(examples) -> list[str]:
    return [PICTURE, *(trace(load(examples / name), Plan("planar")) for name in ("blender.png", "weather.png"))]


def test_a_pdf_looks_like_the_svg(examples, tmp_path):
    for svg in svgs(examples):
        height, width = render_size(svg)
        got = pixels_of_pdf(export(svg, "pdf"), tmp_path, width, height)
        assert np.abs(got - white(render(svg, width, height))).mean() < 1.2


def test_an_eps_looks_like_the_svg(examples, tmp_path):
    for svg in svgs(examples):
        height, width = render_size(svg)
        got = pixels_of_eps(export(svg, "eps"), tmp_path)
        assert got.shape == (height, width, 3)
        assert np.abs(got - white(render(svg, width, height))).mean() < 2.5


def test_a_pdf_keeps_its_shapes(examples):
    assert b"/Subtype /Image" not in export(trace(load(examples / "blender.png"), Plan("planar")), "pdf")


def render_size(svg: str) -> tuple[int, int]:
    image = cv2.imdecode(np.frombuffer(export(svg, "png"), np.uint8), cv2.IMREAD_UNCHANGED)
    return image.shape[:2]


@pytest.mark.parametrize(("width", "height"), [(None, 80), (120, 80), (33, 22), (1500, 1000), (1, 1)])
def test_a_png_of_any_size(width, height):
    image = cv2.imdecode(np.frombuffer(export(PICTURE, "png", width=width), np.uint8), cv2.IMREAD_UNCHANGED)
    assert image.shape == (height, width or 120, 4)
    assert (cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA) == render(PICTURE, width or 120, height)).all()


def test_a_dxf_has_the_shapes_where_they_are():
    """120 × 80 px are 31.75 × 21.17 mm, y upwards; areas by the shoelace formula against those of the shapes."""
    drawing = ezdxf.read(io.StringIO(export(PICTURE, "dxf").decode()))
    mm = 25.4 / 96
    circle = drawing.modelspace().query("CIRCLE").first
    assert circle.dxf.radius == pytest.approx(15 * mm)
    assert tuple(circle.dxf.center)[:2] == pytest.approx((30 * mm, 20 * mm))
    assert circle.dxf.layer == "00aa00" and drawing.layers.get("00aa00").rgb == (0, 170, 0)
    outlines = drawing.modelspace().query("LWPOLYLINE")
    areas = []
    for line in outlines:
        x, y = np.array([p[:2] for p in line.get_points()]).T / mm
        assert line.closed
        areas.append(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)
    # the rectangle; half a disc of radius 10 over a cubic whose area is 0.6 of its box of 20 × 20; the triangle
    cubic = 0.6 * 20 * 20
    assert areas[0] == pytest.approx(3000)
    assert areas[1] == pytest.approx(np.pi * 50 + cubic, rel=0.01)
    assert areas[2] == pytest.approx(0.5 * abs(20 * 25 - 10 * 5))


def test_a_dxf_has_every_colour_of_a_drawing(examples):
    svg = trace(load(examples / "panda.png"), Plan("planar", {}, Finish(gap_filler=True)))
    drawing = ezdxf.read(io.StringIO(export(svg, "dxf").decode()))
    assert {layer.dxf.name for layer in drawing.layers} >= {entity.dxf.layer for entity in drawing.modelspace()}
    assert not drawing.audit().has_errors


def test_strokes_are_lines_of_their_width_in_a_dxf():
    body = (
        '<g fill="none" stroke="#f00" stroke-width="6"><path d="M10 10h60m0 20-20 30"/><circle cx="90" cy="40" r="20"/></g>'
        '<path d="M10 50h10" fill="none" stroke="#00f" stroke-width="3"/>'
    )
    drawing = ezdxf.read(io.StringIO(export(document(body, 120, 80), "dxf").decode()))
    lines = list(drawing.modelspace().query("LWPOLYLINE"))
    mm = 25.4 / 96
    assert [(line.closed, line.dxf.layer) for line in lines] == [
        (False, "ff0000"), (False, "ff0000"), (True, "ff0000"), (False, "0000ff")
    ]  # fmt: skip
    assert [line.dxf.const_width for line in lines] == pytest.approx([6 * mm] * 3 + [3 * mm])
    assert [p[:2] for p in lines[0].get_points()] == [
        pytest.approx((10 * mm, 70 * mm)),
        pytest.approx((70 * mm, 70 * mm)),
    ]
    assert not drawing.modelspace().query("CIRCLE") and not drawing.audit().has_errors


def test_a_width_scales_every_format():
    assert b'width="240" height="160" viewBox="0 0 120 80"' in export(PICTURE, "svg", width=240)
    assert b"0 0 180 120" in export(PICTURE, "eps", width=240)
    drawing = ezdxf.read(io.StringIO(export(PICTURE, "dxf", width=240).decode()))
    assert drawing.modelspace().query("CIRCLE").first.dxf.radius == pytest.approx(30 * 25.4 / 96)


def test_svg_is_the_text_itself():
    assert export(PICTURE, "svg") == PICTURE.encode() and set(MEDIA_TYPES) == set(FORMATS)


@pytest.mark.parametrize("width", [0, -3, 1.5, True, 1_000_000, "9"])
def test_a_width_that_makes_no_picture_is_refused(width):
    with pytest.raises((BadSetting, TypeError)):
        export(PICTURE, "png", width=width)


def test_an_unknown_format_is_refused():
    with pytest.raises(BadSetting, match="svg, pdf, eps, png or dxf"):
        export(PICTURE, "ai")


@pytest.mark.parametrize("format", ["pdf", "eps"])
def test_without_cairo_the_message_names_it_and_the_rest_works(monkeypatch, format):
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name == "cairosvg":
            raise OSError('no library called "cairo-2" was found')
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ExportFailed, match="cairo library"):
        export(PICTURE, format)
    assert export(PICTURE, "png").startswith(b"\x89PNG") and export(PICTURE, "dxf")
