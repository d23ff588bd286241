"""Geometry known by hand comes back from its pixels, to a twentieth of a pixel."""

from __future__ import annotations

import re

import numpy as np
import pytest

from benchmarks import drawn
from benchmarks.drawn import box, circle_of, corners_of, disc, draw, farthest, oval, pixels, polygon, shapes

WHITE, INK = (255, 255, 255), (20, 40, 160)


NEAR = 0.05
"""Pixels that a vertex, centre or radius may be off."""


def only(svg: str, fill: str = "#1428a0") -> drawn.Shape:
    """The one element of a colour."""
    found = [shape for shape in shapes(svg) if shape.fill == fill]
    assert len(found) == 1, svg
    return found[0]


def turned(cx: float, cy: float, w: float, h: float, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    half = np.array([(-w, -h), (w, -h), (w, h), (-w, h)]) / 2
    return half @ np.array([[c, s], [-s, c]]) + (cx, cy)


@pytest.mark.parametrize(("x", "y"), [(16, 16), (16.5, 16.5), (16.3, 17.7), (15.9, 16.1)])
def test_a_square_at_a_fraction_of_a_pixel(x, y):
    svg = draw(pixels(64, 64, WHITE, (box(x + 15, y + 15, 30, 30), INK)))
    corners = corners_of(only(svg))
    assert corners is not None and len(corners) == 4
    assert farthest(corners, np.array([(x, y), (x + 30, y), (x + 30, y + 30), (x, y + 30)])) <= NEAR


@pytest.mark.parametrize(
    "sides",
    [
        (40, 24),
        (9, 30),
        (3, 40),
    ],
)
def test_sides_of_a_box_are_exactly_horizontal_and_vertical(sides):
    svg = draw(pixels(64, 64, WHITE, (box(32.3, 31.6, *sides), INK)))
    shape = only(svg)
    if shape.tag == "path":
        assert {s.letter for s in shape.subpaths[0].segments} <= {"H", "V"}, svg
        assert set(re.sub(r"[-\d. ]", "", shape.attributes["d"])) <= set("MhvzHV")
    else:
        assert shape.tag == "rect" and "transform" not in shape.attributes


@pytest.mark.parametrize(("x", "y", "r"), [(32, 32, 20), (32.4, 31.7, 20.3), (31.5, 32.5, 7.2), (32.2, 32.9, 3.4)])
def test_a_circle(x, y, r):
    svg = draw(pixels(64, 64, WHITE, (disc(x, y, r), INK)))
    found = circle_of(only(svg))
    assert found is not None, svg
    assert np.abs(np.array(found) - (x, y, r)).max() <= NEAR


@pytest.mark.parametrize("degrees", [0, 30, 45, 70])
def test_an_ellipse(degrees):
    svg = draw(pixels(96, 96, WHITE, (oval(48.3, 47.6, 36.5, 20.2, degrees), INK)))
    shape = only(svg)
    assert shape.tag == "ellipse", svg
    assert abs(shape["cx"] - 48.3) <= NEAR and abs(shape["cy"] - 47.6) <= NEAR
    radii = shape["rx"], shape["ry"]
    assert np.abs(np.sort(radii) - (20.2, 36.5)).max() <= NEAR
    turn = re.match(r"rotate\(([-\d.]+)", shape.attributes.get("transform", ""))
    angle = (float(turn[1]) if turn else 0.0) + (90 if radii[0] < radii[1] else 0)
    assert abs((angle - degrees + 90) % 180 - 90) < 0.5


@pytest.mark.parametrize(
    "degrees",
    [
        1.5,
        17,
        45,
        63,
    ],
)
def test_a_rectangle_at_an_angle(degrees):
    svg = draw(pixels(96, 96, WHITE, (box(48.2, 47.9, 60, 34, degrees), INK)))
    corners = corners_of(only(svg))
    assert corners is not None and len(corners) == 4, svg
    assert farthest(corners, turned(48.2, 47.9, 60, 34, degrees)) <= 2 * NEAR


@pytest.mark.parametrize(
    "radius",
    [
        4,
        9.5,
        16,
    ],
)
def test_a_rounded_rectangle(radius):
    truth = box(48.2, 47.9, 70, 50, r=radius)
    svg = draw(pixels(96, 96, WHITE, (truth, INK)))
    shape = only(svg)
    if shape.tag == "rect":
        assert abs(shape["x"] - 13.2) <= NEAR and abs(shape["y"] - 22.9) <= NEAR and abs(shape["rx"] - radius) <= 0.2
        return
    (path,) = shape.subpaths
    assert len(path.segments) <= 8, svg
    assert sum(s.letter in "HV" for s in path.segments) >= 3, svg  # the closing side may be left to z
    low, high = path.vertices.min(axis=0), path.vertices.max(axis=0)
    assert np.abs(np.concatenate([low - (13.2, 22.9), high - (83.2, 72.9)])).max() <= NEAR
    arcs = [s.numbers[0] for s in path.segments if s.letter == "A"]
    assert len(arcs) == 4 and np.abs(np.array(arcs) - radius).max() <= 0.2, svg


def test_a_triangle_keeps_its_corners():
    truth = [(12.3, 80.1), (47.8, 9.6), (88.4, 70.2)]
    svg = draw(pixels(96, 96, WHITE, (polygon(*truth), INK)))
    corners = corners_of(only(svg))
    assert corners is not None and len(corners) == 3, svg
    assert farthest(corners, np.array(truth)) <= 3 * NEAR


def test_a_star_keeps_its_corners():
    angles = np.radians(np.arange(10) * 36 - 90)
    radii = np.where(np.arange(10) % 2, 22.0, 52.0)
    truth = np.stack([64.3 + radii * np.cos(angles), 63.8 + radii * np.sin(angles)], axis=1)
    svg = draw(pixels(128, 128, WHITE, (polygon(*map(tuple, truth)), INK)))
    corners = corners_of(only(svg))
    assert corners is not None and len(corners) == 10, svg
    assert farthest(corners, truth) <= 4 * NEAR


def test_a_ring_is_two_circles():
    ring = lambda x, y: disc(40.3, 39.8, 30.4)(x, y) & ~disc(40.3, 39.8, 18.7)(x, y)  # noqa: E731
    svg = draw(pixels(80, 80, WHITE, (ring, INK)))
    found = [circle for shape in shapes(svg) if (circle := circle_of(shape))]
    found += [
        c for shape in shapes(svg) if len(shape.subpaths) > 1 for p in shape.subpaths if (c := drawn.round_subpath(p))
    ]
    strokes = [shape for shape in shapes(svg) if shape.tag == "circle" and "stroke-width" in shape.attributes]
    if strokes:
        (x, y, r), width = found[0], strokes[0]["stroke-width"]
        found = [(x, y, r + width / 2), (x, y, r - width / 2)]
    assert len(found) == 2, svg
    for circle, r in zip(sorted(found, key=lambda c: -c[2]), (30.4, 18.7), strict=True):
        assert np.abs(np.array(circle) - (40.3, 39.8, r)).max() <= NEAR


def test_the_same_radius_is_written_the_same():
    places = [(30.2, 30.7), (90.6, 31.1), (31.4, 90.3), (90.1, 89.8)]
    svg = draw(pixels(120, 120, WHITE, *[(disc(x, y, 17.3), INK) for x, y in places]))
    circles = [shape for shape in shapes(svg) if shape.fill == "#1428a0"]
    radii = [c for shape in circles if (c := circle_of(shape))]
    radii += [
        c for shape in circles if len(shape.subpaths) > 1 for p in shape.subpaths if (c := drawn.round_subpath(p))
    ]
    assert len(radii) == 4, svg
    assert np.ptp([r for _, _, r in radii]) <= 0.03


def test_drawing_is_deterministic():
    rgba = pixels(96, 64, WHITE, (disc(30, 30, 20.2), INK), (box(60, 30, 40, 22, 20), (200, 30, 30)))
    assert len({draw(rgba) for _ in range(3)}) == 1
