"""Gradients and fades known by hand: how many there are, of which kind, and how far off they are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.drawn import box, coverage, disc, draw, gradients, pixels, shapes
from pipeline.render import render

SIDE = 128
NAVY, WHITE = (20, 40, 160), (255, 255, 255)
Y, X = np.mgrid[0:SIDE, 0:SIDE] + 0.5


def fading(alpha: np.ndarray) -> np.ndarray:
    """(H, W, 4) uint8: navy of an opacity, 0–1."""
    a = np.rint(np.clip(alpha, 0, 1) * 255).astype(np.uint8)
    return np.where(a[..., None] > 0, np.dstack([np.full((SIDE, SIDE, 3), NAVY, np.uint8), a]), 0).astype(np.uint8)


def off(rgba: np.ndarray, svg: str, ground: float) -> float:
    """Mean difference over a grey, levels."""

    def on(picture: np.ndarray) -> np.ndarray:
        a = picture[..., 3:] / 255
        return picture[..., :3] * a + ground * (1 - a)

    return float(np.abs(on(rgba) - on(render(svg, SIDE, SIDE))).mean())


FADES = {
    "along a box": (coverage(box(64, 64, 90, 70), SIDE, SIDE) * (1 - (X - 19) / 90), "linear"),
    "down a disc": (coverage(disc(64, 64, 50), SIDE, SIDE) * (1 - (Y - 14) / 100), "linear"),
    "a glow": (1 - np.hypot(X - 64, Y - 64) / 60, "radial"),
    "an edge 30 px soft": ((40 - np.hypot(X - 64, Y - 64)) / 30 + 0.5, "radial"),
    "an edge 12 px soft": ((40 - np.hypot(X - 64, Y - 64)) / 12 + 0.5, "radial"),
    "an edge 6 px soft": ((40 - np.hypot(X - 64, Y - 64)) / 6 + 0.5, "radial"),
}


@pytest.mark.parametrize("name", FADES)
def test_a_fade_to_nothing_is_one_gradient(name):
    alpha, kind = FADES[name]
    rgba = fading(alpha)
    svg = draw(rgba)
    assert [g.tag.rpartition("}")[2] for g in gradients(svg)] == [f"{kind}Gradient"], svg
    assert len(shapes(svg)) <= 2, svg
    assert max(off(rgba, svg, 0), off(rgba, svg, 255)) < 1, svg


def test_a_fade_into_the_colour_of_the_ground_is_one_gradient():
    t = np.clip((X - 19) / 90, 0, 1)[..., None]
    rgba = pixels(SIDE, SIDE, WHITE, (box(64, 64, 90, 70), np.array(NAVY) * (1 - t) + np.array(WHITE) * t))
    svg = draw(rgba)
    assert len(gradients(svg)) == 1, svg
    assert off(rgba, svg, 255) < 1


def test_a_gradient_shaded_in_one_corner_is_itself_elsewhere():
    t = np.clip((X - 14) / 100, 0, 1)[..., None]
    shade = 0.6 * np.clip(1 - np.hypot(X - 110, Y - 100) / 45, 0, 1)[..., None]
    lit = np.array((250, 190, 60)) * (1 - t) + np.array((240, 60, 110)) * t
    rgba = pixels(SIDE, SIDE, WHITE, (box(64, 64, 100, 80), lit * (1 - shade)))
    svg = draw(rgba)
    first = np.abs(render(svg, SIDE, SIDE)[..., :3].astype(float) - rgba[..., :3])[30:100, 20:60]
    assert gradients(svg), svg
    assert first.mean() < 1, "what the shadow leaves alone is not banded"
    assert off(rgba, svg, 255) < 2


def test_two_gradients_of_other_colours_stay_two():
    t = np.clip((X - 19) / 90, 0, 1)[..., None]
    above = np.array(NAVY) * (1 - t) + np.array((230, 200, 40)) * t
    below = np.array((200, 20, 60)) * (1 - t) + np.array((90, 220, 240)) * t
    rgba = pixels(SIDE, SIDE, WHITE, (box(64, 34, 90, 40), above), (box(64, 94, 90, 40), below))
    svg = draw(rgba)
    assert len(gradients(svg)) == 2, svg
    assert off(rgba, svg, 255) < 1


def test_a_slightly_soft_edge_is_an_edge():
    rgba = fading((40 - np.hypot(X - 64, Y - 64)) / 2 + 0.5)
    svg = draw(rgba)
    assert not gradients(svg)
    assert len(shapes(svg)) == 1
