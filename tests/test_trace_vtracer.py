"""The vtracer recipe: transparency over any ground, the viewBox, compact paths, the same result each time."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from pipeline.measure import complexity, quality, ssim
from pipeline.picture import Picture, load
from pipeline.plan import Finish, Plan
from pipeline.render import render
from pipeline.trace import trace
from pipeline.trace.vtracer import opacity_layers, raw_default

GROUNDS = {"black": (0, 0, 0), "white": (255, 255, 255), "red": (255, 0, 0)}
SCALE = 8
"""Coverage is drawn at so many times the size and averaged."""


def over(rgba: np.ndarray, ground: tuple[int, int, int]) -> np.ndarray:
    alpha = rgba[..., 3:].astype(float) / 255
    return (rgba[..., :3] * alpha + np.array(ground) * (1 - alpha) + 0.5).astype(np.uint8)


def coverage(draw, width: int = 160, height: int = 120) -> np.ndarray:
    """(H, W) uint8 of what `draw` paints at `SCALE` times the size."""
    big = np.zeros((height * SCALE, width * SCALE), np.uint8)
    draw(big)
    return cv2.resize(big, (width, height), interpolation=cv2.INTER_AREA)


def disc(x: int, y: int, radius: float, value: int = 255):
    return lambda big: cv2.circle(big, (x * SCALE, y * SCALE), int(radius * SCALE), value, -1)


def picture(rgb, alpha: np.ndarray) -> Picture:
    pixels = np.empty((*alpha.shape, 4), np.uint8)
    pixels[..., :3], pixels[..., 3] = rgb, alpha
    return load(_png(pixels))


def _png(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA))[1].tobytes()


def errors(source: Picture, **knobs: float) -> dict[str, tuple[float, float]]:
    """SSIM and the largest error of a 5 × 5 mean, levels, over each ground."""
    svg = trace(source, Plan("vtracer", {"path_precision": 2, **knobs}))
    height, width = source.pixels.shape[:2]
    drawn = render(svg, width, height)
    found = {}
    for name, ground in GROUNDS.items():
        a, b = over(source.pixels, ground), over(drawn, ground)
        difference = cv2.blur(a.astype(np.float32) - b.astype(np.float32), (5, 5))
        found[name] = ssim(a, b), float(np.abs(difference).max())
    return found


def assert_alike(source: Picture, least: float, most: float, **knobs: float) -> None:
    for ground, (similarity, error) in errors(source, **knobs).items():
        assert similarity >= least and error <= most, (ground, similarity, error)


def test_a_hole_in_a_disc():
    alpha = coverage(disc(80, 60, 50)) - coverage(disc(80, 60, 20))
    assert_alike(picture((20, 120, 220), alpha), 0.95, 60)


def test_a_hole_lets_the_ground_through():
    alpha = coverage(disc(80, 60, 50)) - coverage(disc(80, 60, 20))
    drawn = render(trace(picture((20, 120, 220), alpha), Plan()), 160, 120)
    assert drawn[60, 80, 3] == 0 and drawn[0, 0, 3] == 0 and drawn[60, 115, 3] == 255


@pytest.mark.parametrize("width", [2, 4, 8])
def test_a_thin_transparent_strip(width):
    alpha = np.full((120, 160), 255, np.uint8)
    alpha[:, 78 : 78 + width] = 0
    assert_alike(picture((30, 160, 60), alpha), 0.97, 60, filter_speckle=0, corner_threshold=30)


def test_a_thin_transparent_strip_at_the_border():
    alpha = np.full((120, 160), 255, np.uint8)
    alpha[:3] = 0
    drawn = render(trace(picture((30, 160, 60), alpha), Plan()), 160, 120)
    assert drawn[0, 80, 3] == 0 and drawn[60, 80, 3] == 255


def test_a_white_logo_on_nothing():
    assert_alike(picture((255, 255, 255), coverage(disc(80, 60, 45))), 0.95, 60)


def test_soft_edges_are_cut_at_half_their_opacity():
    soft = cv2.GaussianBlur(coverage(disc(80, 60, 45)), (0, 0), 1.2)
    source = picture((200, 40, 40), soft)
    drawn = render(trace(source, Plan("vtracer", {"path_precision": 2})), 160, 120)
    assert abs(int(drawn[..., 3].astype(int).sum()) - int(soft.astype(int).sum())) < 0.03 * soft.astype(int).sum()
    assert_alike(source, 0.85, 80)


def test_a_half_transparent_area_keeps_its_opacity():
    alpha = coverage(disc(55, 60, 35))
    alpha[20:100, 90:150] = np.maximum(alpha[20:100, 90:150], 128)
    source = picture((90, 30, 160), alpha)
    svg = trace(source, Plan("vtracer", {"path_precision": 2}))
    drawn = render(svg, 160, 120)
    assert abs(int(drawn[60, 120, 3]) - 128) <= 2 and drawn[60, 55, 3] == 255
    assert 'fill-opacity=".5"' in svg
    assert_alike(source, 0.95, 75)


def test_two_levels_of_opacity():
    alpha = np.zeros((120, 160), np.uint8)
    alpha[10:110, 10:50], alpha[10:110, 60:100], alpha[10:110, 110:150] = 255, 170, 60
    levels = sorted(opacity for _, opacity in opacity_layers(alpha))
    assert levels == pytest.approx([60 / 255, 170 / 255, 1], abs=0.005)
    assert_alike(picture((10, 10, 10), alpha), 0.95, 60)


@pytest.mark.parametrize("hidden", [(255, 0, 255), (0, 0, 0), (255, 255, 255)])
def test_what_is_hidden_under_alpha_0_does_not_show(hidden):
    alpha = coverage(disc(80, 60, 45))
    rgb = np.where((alpha > 0)[..., None], (20, 120, 220), hidden).astype(np.uint8)
    rgb[::3, ::2][alpha[::3, ::2] == 0] = (0, 255, 0)
    source, clean = picture(rgb, alpha), picture((20, 120, 220), alpha)
    assert trace(source, Plan()) == trace(clean, Plan())
    raw = Picture(np.dstack([rgb, alpha]), 160, 120, "PNG")  # even where it was not cleaned on loading
    drawn = render(trace(raw, Plan()), 160, 120)
    assert drawn[2, 2, 3] == 0
    inside = drawn[..., 3] > 0
    assert np.abs(drawn[inside][:, :3].astype(int) - (20, 120, 220)).max() <= 16


def test_a_picture_of_nothing_draws_nothing():
    svg = trace(picture((9, 9, 9), np.zeros((40, 60), np.uint8)), Plan())
    assert complexity(svg).paths == 0 and 'viewBox="0 0 60 40"' in svg


def test_an_opaque_picture_is_filled_to_its_edges():
    drawn = render(trace(picture((9, 99, 199), np.full((40, 60), 255, np.uint8)), Plan()), 60, 40)
    assert (drawn[..., 3] == 255).all()


# ---- the file


def test_size_and_view_box_are_those_of_the_original():
    source = load(cv2.imencode(".png", np.full((900, 2100, 3), 120, np.uint8))[1].tobytes())
    head = trace(source, Plan()).split(">")[0]
    assert 'width="2100"' in head and 'height="900"' in head
    _, _, width, height = map(float, re.search(r'viewBox="([^"]*)"', head)[1].split())
    assert (width, height) == (1024, 439) and 'preserveAspectRatio="none"' in head


def test_the_same_picture_gives_the_same_file(logo):
    source = load(logo)
    assert len({trace(source, Plan()) for _ in range(3)}) == 1


@pytest.mark.parametrize("name", ["blender.png", "panda.png", "fish.jpg"])
def test_rewriting_the_paths_changes_bytes_and_not_the_picture(name, examples):
    rgb = load(examples / name).over(255)
    source = Picture(np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)]), rgb.shape[1], rgb.shape[0], "PNG")
    raw, ours = raw_default(source), trace(source, Plan("vtracer", {"path_precision": 2}))
    assert len(ours) < 0.75 * len(raw)
    assert quality(source, ours) == pytest.approx(quality(source, raw), abs=0.001)


@pytest.mark.parametrize("precision", range(9))
def test_decimals(precision, logo):
    source = load(logo)
    svg = trace(source, Plan("vtracer", {"path_precision": precision}))
    decimals = [len(part) for part in re.findall(r"\.(\d+)", " ".join(re.findall(r' d="([^"]*)"', svg)))]
    assert max(decimals, default=0) <= precision
    assert quality(source, svg) > (0.94 if precision == 0 else 0.97)


def test_the_ground_is_dropped_on_request():
    rgb = np.full((120, 160, 3), 255, np.uint8)
    cv2.circle(rgb, (80, 60), 40, (200, 30, 30), -1, cv2.LINE_AA)
    source = Picture(np.dstack([rgb, np.full((120, 160), 255, np.uint8)]), 160, 120, "PNG")
    kept, dropped = (render(trace(source, Plan("vtracer", {}, Finish(b))), 160, 120) for b in ("keep", "drop"))
    assert kept[2, 2, 3] == 255 and dropped[2, 2, 3] == 0
    assert tuple(dropped[60, 80]) == tuple(kept[60, 80]) and kept[60, 80, 3] == 255
