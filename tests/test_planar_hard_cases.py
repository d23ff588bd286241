"""The pictures that tracers get wrong, each on geometry known by hand."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from benchmarks.drawn import (
    box,
    circle_of,
    coverage,
    disc,
    draw,
    gradients,
    picture,
    pixels,
    polygon,
    shapes,
    stops,
    stroke,
)
from pipeline.measure import ssim
from pipeline.picture import composite, load
from pipeline.plan import Plan
from pipeline.render import render
from pipeline.trace import trace
from pipeline.trace.vtracer import raw_default

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
NAVY, RED, GREEN, GOLD = (20, 40, 160), (210, 30, 40), (30, 150, 60), (240, 190, 30)


def defect(*values, reason: str):
    """A case that comes out wrong; the test says so when it comes out right."""
    return pytest.param(*values, marks=pytest.mark.xfail(strict=True, raises=AssertionError, reason=reason))


def over(svg: str, width: int, height: int, ground: int = 255) -> np.ndarray:
    """(height, width, 3) uint8: the SVG over a grey."""
    return composite(render(svg, width, height), ground)


def reproduced(rgba: np.ndarray, svg: str) -> float:
    """Share of what stands out from a white ground that the SVG shows too, 0–1; what it adds counts against it."""
    truth = composite(rgba).astype(float)
    drawn = over(svg, rgba.shape[1], rgba.shape[0]).astype(float)
    return float(1 - np.abs(truth - drawn).sum() / np.abs(255 - truth).sum())


def grown(rgba: np.ndarray, by: int) -> np.ndarray:
    return cv2.resize(rgba, None, fx=by, fy=by, interpolation=cv2.INTER_NEAREST)


@pytest.mark.parametrize("levels", [6, 10])
def test_adjacent_colours_that_are_nearly_the_same(levels):
    light = (120 + levels,) * 3
    rgba = pixels(64, 64, (120, 120, 120), (box(50, 32, 36, 80), light), (disc(14, 14, 6), light))
    svg = draw(rgba)
    fills = {shape.fill for shape in shapes(svg)}
    assert len(fills) == 2, svg
    out = over(svg, 64, 64)
    assert abs(int(out[40, 5, 0]) - 120) <= 1 and abs(int(out[40, 60, 0]) - light[0]) <= 1
    assert abs(int(out[14, 14, 0]) - light[0]) <= 1


STROKES = {
    "horizontal": (10, 32.5, 86, 32.5),
    "vertical, between pixels": (48, 8, 48, 88),
    "at 45°": (14, 14, 80, 80),
    "at 12°": (8, 38, 88, 55),
    "at 71°": (38, 8, 65, 88),
}


@pytest.mark.parametrize("width", [1, 1.5, 2])
@pytest.mark.parametrize("way", STROKES)
def test_a_thin_stroke_is_whole(way, width):
    rgba = pixels(96, 96, WHITE, (stroke(*STROKES[way], width), BLACK))
    svg = draw(rgba)
    assert reproduced(rgba, svg) >= 0.8, svg
    assert len(shapes(svg)) <= 3, svg  # the ground, what is drawn with a pen, and what is too short for one


RINGS = [
    defect(51.31, 43.54, 22.3, 0.75, reason="one arc takes the long way round and fills the ring"),
    defect(49.9, 41.63, 33.12, 1, reason="a curved stroke breaks into pieces, two thirds of it missing"),
    (42.46, 45.37, 21.2, 1),
]


@pytest.mark.parametrize(("x", "y", "r", "width"), RINGS)
def test_a_thin_ring_is_whole_and_empty(x, y, r, width):
    ring = lambda u, v: disc(x, y, r + width / 2)(u, v) & ~disc(x, y, r - width / 2)(u, v)  # noqa: E731
    rgba = pixels(96, 96, WHITE, (ring, RED))
    svg = draw(rgba)
    v, u = np.mgrid[0:96, 0:96] + 0.5
    away = np.abs(np.hypot(u - x, v - y) - r) > 3
    assert (over(svg, 96, 96)[away] == 255).all()
    assert reproduced(rgba, svg) >= 0.8
    assert sum(max(1, len(shape.subpaths)) for shape in shapes(svg)) <= 4


def text(size: int, words: str, by: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Words at `size` px as (H, W, 4) uint8, and the same eight times as large."""
    font = ImageFont.load_default(size * by)
    left, top, right, bottom = font.getbbox(words)
    w, h = int(right - left) // by + 8, int(bottom - top) // by + 8
    image = Image.new("L", (w * by, h * by), 255)
    ImageDraw.Draw(image).text((4 * by - left, 4 * by - top), words, font=font, fill=0)

    def rgba(reduced: Image.Image) -> np.ndarray:
        grey = np.asarray(reduced)
        return np.dstack([grey, grey, grey, np.full_like(grey, 255)])

    return rgba(image.reduce(by)), rgba(image.reduce(by // 8))


@pytest.mark.parametrize(
    "size", [*(defect(size, reason="strokes of about a pixel break up") for size in (10, 12, 16)), 24]
)
def test_tiny_text(size):
    """At least as legible as the plainest way: enlarged by cubic interpolation and cut at half coverage."""
    rgba, large = text(size, "Hamburg 2048 & Sons")
    h, w = large.shape[:2]
    enlarged = cv2.resize(composite(rgba), (w, h), interpolation=cv2.INTER_CUBIC)
    plain = ssim(composite(large), np.where(enlarged < 128, 0, 255).astype(np.uint8))
    ours = ssim(composite(large), over(draw(rgba), w, h))
    assert ours >= plain - 0.02
    assert ours > ssim(composite(large), over(raw_default(picture(rgba)), w, h))


def test_overlapping_translucent_shapes_on_a_ground():
    rgba = pixels(96, 96, WHITE, (disc(36, 48, 26.3), RED, 0.5), (disc(60, 48, 26.3), NAVY, 0.5))
    svg = draw(rgba)
    out = over(svg, 96, 96).astype(int)
    for y, x in ((48, 20), (48, 48), (48, 76), (5, 5)):
        assert np.abs(out[y, x] - rgba[y, x, :3].astype(int)).max() <= 2
    assert len({shape.fill for shape in shapes(svg)}) <= 4, svg
    assert np.abs(out - rgba[..., :3]).mean() < 0.5


@pytest.mark.parametrize("ground", [0, 255])
def test_overlapping_translucent_shapes_on_nothing(ground):
    rgba = pixels(96, 96, None, (disc(36, 48, 26.3), RED, 0.5), (disc(60, 48, 26.3), NAVY, 0.5))
    svg = draw(rgba)
    out = render(svg, 96, 96).astype(int)
    for y, x in ((48, 20), (48, 48), (48, 76)):
        assert np.abs(out[y, x] - rgba[y, x].astype(int)).max() <= 3, svg
    assert out[5, 5, 3] == 0
    assert np.abs(composite(rgba, ground).astype(int) - over(svg, 96, 96, ground)).mean() < 0.8


def sloped(width: int, height: int, left: tuple[int, int, int], right: tuple[int, int, int]) -> np.ndarray:
    t = ((np.arange(width) + 0.5) / width)[None, :, None]
    return np.repeat(np.array(left) * (1 - t) + np.array(right) * t, height, axis=0)


def test_a_gradient_behind_shapes_is_one_gradient():
    shading = sloped(160, 120, (250, 120, 40), (60, 40, 200))
    marks = [
        (disc(40.3, 40.2, 18.6), WHITE),
        (box(110, 60, 40, 70), WHITE),
        (box(70.4, 95.2, 60, 12, 8), (10, 10, 30)),
    ]
    rgba = pixels(160, 120, BLACK, (box(80, 60, 400, 400), shading), *marks)
    svg = draw(rgba)
    found = gradients(svg)
    assert len(found) == 1 and found[0].tag.endswith("linearGradient"), svg
    colours = [np.array(colour) for _, colour in stops(found[0])]
    assert len(colours) <= 4
    assert len(shapes(svg)) <= 4, svg
    assert np.abs(over(svg, 160, 120).astype(int) - rgba[..., :3]).mean() < 1.5


def test_a_gradient_cut_in_two_by_a_bar_is_one_gradient():
    shading = sloped(160, 80, (30, 160, 230), (20, 40, 120))
    rgba = pixels(160, 80, WHITE, (box(80, 40, 140, 60), shading), (box(80, 40, 12, 100), WHITE))
    svg = draw(rgba)
    assert len(gradients(svg)) == 1, svg
    assert np.abs(over(svg, 160, 80).astype(int) - rgba[..., :3]).mean() < 1


def test_a_sixteen_pixel_icon():
    layers = [(box(8, 8, 13, 13, r=3), NAVY), (disc(8, 6.5, 2.5), WHITE), (box(8, 11.5, 7, 2), WHITE)]
    rgba = pixels(16, 16, WHITE, *layers)
    large = pixels(128, 128, WHITE, *[(grown_shape(inside, 8), colour) for inside, colour in layers])
    svg = draw(rgba)
    ours = ssim(composite(large), over(svg, 128, 128))
    assert ours >= 0.9 and ours > ssim(composite(large), over(raw_default(picture(rgba)), 128, 128)), svg
    assert len(shapes(svg)) <= 4, svg


def grown_shape(inside, by):
    return lambda x, y: inside(x / by, y / by)


def test_a_large_logo_keeps_its_size():
    image = Image.new("RGB", (4000, 2000), "white")
    paint = ImageDraw.Draw(image)
    paint.ellipse((400, 400, 1600, 1600), fill=NAVY)
    paint.rectangle((2200, 600, 3399, 1399), fill=RED)
    found = load(image.resize((2000, 1000), Image.Resampling.BOX))
    svg = trace(found, Plan("planar"))
    assert 'width="2000" height="1000"' in svg
    view = [float(n) for n in svg.partition('viewBox="')[2].partition('"')[0].split()]
    by = 2000 / view[2]
    circle = next(c for shape in shapes(svg) if (c := circle_of(shape)))
    assert np.abs(np.array(circle) * by - (500, 500, 300)).max() < 0.6, svg
    assert len(shapes(svg)) <= 3, svg
    out = over(svg, 2000, 1000)
    assert tuple(out[500, 1400]) == RED and tuple(out[299, 1400]) == WHITE and tuple(out[301, 1102]) == RED


def mark(size: int = 200, degrees: float = 0.0) -> np.ndarray:
    s = size / 200
    return pixels(
        size,
        size,
        WHITE,
        (disc(62 * s, 70 * s, 40.3 * s), NAVY),
        (box(142 * s, 70 * s, 60 * s, 60 * s, degrees), RED),
        (polygon((30 * s, 178 * s), (98 * s, 124 * s), (176 * s, 180 * s)), GREEN),
    )


def test_a_scan():
    clean = mark(degrees=1.3)
    rng = np.random.default_rng(1)
    dirty = cv2.GaussianBlur(clean[..., :3], None, 0.9).astype(float) + rng.normal(0, 4, (200, 200, 1))
    scan = np.dstack([np.clip(np.rint(dirty), 0, 255).astype(np.uint8), clean[..., 3]])
    svg = draw(scan)
    assert len(shapes(svg)) <= 6, [s.fill for s in shapes(svg)]
    assert ssim(clean[..., :3], over(svg, 200, 200)) >= 0.96


@pytest.mark.parametrize(
    "quality", [defect(60, reason="specks of ringing at corners and a colour beside an edge are kept"), 80, 92]
)
def test_a_jpeg_has_no_rings_of_dirt(quality):
    clean = mark()
    out = io.BytesIO()
    Image.fromarray(clean[..., :3]).save(out, "JPEG", quality=quality, subsampling=2)
    svg = trace(load(out.getvalue()), Plan("planar"))
    assert len(shapes(svg)) <= 5, [s.fill for s in shapes(svg)]
    assert ssim(clean[..., :3], over(svg, 200, 200)) >= 0.97


@pytest.mark.parametrize("ground", [(0, 0, 0), (255, 255, 255), (220, 20, 30)])
def test_soft_edges_and_translucent_regions_show_the_same_over_any_ground(ground):
    soft = np.clip((34 - np.hypot(*(np.mgrid[0:96, 0:96] + 0.5 - 48))) / 6 + 0.5, 0, 1)
    rgba = np.dstack([np.full((96, 96, 3), NAVY, np.uint8), np.rint(soft * 255).astype(np.uint8)])
    pane = coverage(box(48, 80, 70, 20), 96, 96)[..., None] > 0.5
    rgba = np.where(pane, np.array((*RED, 128), np.uint8), rgba)
    rgba[rgba[..., 3] == 0] = 0
    drawn = render(draw(rgba), 96, 96)

    def on(picture_: np.ndarray) -> np.ndarray:
        a = picture_[..., 3:] / 255
        return picture_[..., :3] * a + np.array(ground) * (1 - a)

    assert np.abs(on(rgba) - on(drawn)).mean() < 2.5
    assert abs(int(drawn[84, 48, 3]) - 128) <= 3 and drawn[2, 2, 3] == 0


def checker(side: int = 120, cell: float = 23.7) -> np.ndarray:
    """Triangles of two colours that fill the picture and touch along every side."""

    def inside(x, y):
        u, v = (x + 3.1) / cell, (y + 1.7) / cell
        return (np.floor(u) + np.floor(v) + (u - np.floor(u) > v - np.floor(v))) % 2 == 0

    return pixels(side, side, NAVY, (inside, GOLD))


@pytest.mark.parametrize("by", [1, 3.37, 8])
def test_no_ground_shows_between_touching_shapes(by):
    svg = draw(checker())
    side = round(120 * by)
    assert render(svg, side, side)[..., 3].min() == 255


def test_cairosvg_shows_no_ground_between_touching_shapes():
    cairosvg = pytest.importorskip("cairosvg")
    png = cairosvg.svg2png(draw(checker()).encode(), output_width=405, output_height=405)
    assert np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))[..., 3].min() >= 254


def test_nothing_hidden_shows():
    """A disc across the border of two colours: left of it no green is seen, right of it no red, under its edge neither."""
    rgba = pixels(96, 96, GREEN, (box(24, 48, 48, 200), RED), (disc(48, 48, 30.4), NAVY))
    out = over(draw(rgba), 768, 768).astype(int)
    left, right = out[:, : 47 * 8], out[:, 49 * 8 :]
    assert not (left[..., 1] > 60).any()
    assert not (right[..., 0] > 60).any()


def test_counters_of_letters_are_holes():
    rgba, _ = text(60, "ABO8")
    rgba = np.dstack([np.zeros_like(rgba[..., :3]), 255 - rgba[..., 0]])
    svg = draw(rgba)
    out = render(svg, rgba.shape[1], rgba.shape[0])
    assert (out[..., 3][rgba[..., 3] == 0] <= 8).all()
    assert (out[..., 3][cv2.erode(rgba[..., 3], np.ones((3, 3))) == 255] >= 247).all()
    holes = cv2.connectedComponents((rgba[..., 3] < 128).astype(np.uint8), connectivity=4)[0] - 1  # with the outside
    drawn = cv2.connectedComponents((out[..., 3] < 128).astype(np.uint8), connectivity=4)[0] - 1
    assert holes == drawn == 7  # A 1, B 2, O 1, 8 2, and outside


def test_one_colour_is_one_shape():
    svg = draw(pixels(64, 48, GOLD))
    assert [shape.fill for shape in shapes(svg)] == ["#f0be1e"]
    assert (over(svg, 64, 48) == GOLD).all()


def test_nothing_is_nothing():
    assert shapes(draw(np.zeros((32, 32, 4), np.uint8))) == []
