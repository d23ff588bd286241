"""Lines drawn with a pen come back as strokes: centre line, width, caps and joins known by hand."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks.drawn import box, disc, draw, picture, pixels, shapes
from pipeline.plan import Finish, Plan
from pipeline.trace import trace

WHITE, INK, RED = (255, 255, 255), (20, 40, 160), (220, 40, 40)
NEAR = 0.1
"""Pixels that a point, a radius or a width may be off."""


@dataclass(frozen=True)
class Pen:
    """A stroked element: its tag, attributes, and its pen's."""

    tag: str
    attributes: dict[str, str]
    width: float
    cap: str
    join: str

    @property
    def numbers(self) -> list[float]:
        return [float(n) for n in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", self.attributes.get("d", ""))]


def pens(svg: str) -> list[Pen]:
    """The stroked elements of an SVG, their groups' attributes included."""
    found = []

    def walk(node: ElementTree.Element, inherited: dict[str, str]) -> None:
        attributes = {**inherited, **node.attrib}
        tag = node.tag.rpartition("}")[2]
        if tag not in ("svg", "g") and "stroke" in attributes:
            found.append(
                Pen(
                    tag,
                    attributes,
                    float(attributes["stroke-width"]),
                    attributes.get("stroke-linecap", "butt"),
                    attributes.get("stroke-linejoin", "miter"),
                )
            )
        for child in node:
            walk(child, {k: v for k, v in attributes.items() if k.startswith(("stroke", "fill"))})

    walk(ElementTree.fromstring(svg), {})
    return found


def polyline(*points: tuple[float, float], width: float, cap: str = "round"):
    """A line of round joins through points."""
    parts = []
    for (ax, ay), (bx, by) in itertools.pairwise(points):
        length = float(np.hypot(bx - ax, by - ay))
        angle = float(np.degrees(np.arctan2(by - ay, bx - ax)))
        parts.append(box((ax + bx) / 2, (ay + by) / 2, length, width, angle))
    dots = points if cap == "round" else points[1:-1]
    parts += [disc(x, y, width / 2) for x, y in dots]
    return lambda x, y: np.any(np.broadcast_arrays(*(part(x, y) for part in parts)), axis=0)


def ring(cx: float, cy: float, r: float, width: float):
    return lambda x, y: np.abs(np.hypot(x - cx, y - cy) - r) <= width / 2


@pytest.mark.parametrize(("r", "width"), [(40, 12), (40.4, 5.3), (20, 3)])
def test_a_ring_is_a_circle_with_a_pen(r, width):
    (pen,) = pens(draw(pixels(128, 128, WHITE, (ring(64.3, 63.8, r, width), INK))))
    assert pen.tag == "circle" and pen.attributes["fill"] == "none" and pen.attributes["stroke"] == "#1428a0"
    found = [float(pen.attributes[k]) for k in ("cx", "cy", "r")]
    assert np.abs(np.subtract(found, (64.3, 63.8, r))).max() < NEAR
    assert abs(pen.width - width) < NEAR


@pytest.mark.parametrize("width", [4, 9.5, 16])
def test_a_corner_of_round_ends_and_joins(width):
    svg = draw(pixels(160, 160, WHITE, (polyline((30, 40), (120, 40), (120, 130), width=width), INK)))
    (pen,) = pens(svg)
    assert (pen.tag, pen.cap, pen.join) == ("path", "round", "round")
    assert abs(pen.width - width) < NEAR
    (line,) = next(shape for shape in shapes(svg) if shape.fill == "none").subpaths
    assert line.straight and not line.closed and len(line.vertices) == 3
    ends = line.vertices if line.vertices[0][0] < 100 else line.vertices[::-1]
    assert np.abs(ends - [(30, 40), (120, 40), (120, 130)]).max() < NEAR


def test_flat_ends():
    svg = draw(pixels(160, 160, WHITE, (polyline((30, 40), (120, 60), (70, 130), width=10, cap="butt"), INK)))
    (pen,) = pens(svg)
    assert pen.cap == "butt"
    assert abs(pen.width - 10) < NEAR


@pytest.mark.parametrize("points", [((80, 30), (80, 130)), ((30, 60), (130, 100))])
def test_lines_run_through_a_crossing(points):
    first = polyline((30, 80), (130, 80), width=8)
    second = polyline(*points, width=8)
    svg = draw(pixels(160, 160, WHITE, (lambda x, y: first(x, y) | second(x, y), INK)))
    (pen,) = pens(svg)
    assert len(re.findall("[Mm]", pen.attributes["d"])) == 2, svg
    assert len(pen.numbers) <= 8


def test_a_branch_ends_on_the_line_it_comes_to():
    first, second = polyline((30, 50), (130, 50), width=10), polyline((70, 50), (70, 120), width=10)
    svg = draw(pixels(160, 160, WHITE, (lambda x, y: first(x, y) | second(x, y), INK)))
    (pen,) = pens(svg)
    assert len(re.findall("[Mm]", pen.attributes["d"])) == 2, svg
    assert len(pen.numbers) <= 6, svg  # a horizontal and a vertical line


def test_what_a_stroke_encloses_of_the_ground_is_not_painted():
    svg = draw(pixels(128, 128, WHITE, (ring(64, 64, 40, 8), INK)))
    assert svg.count("<path") == 1 and svg.count("<circle") == 1, svg  # the ground, and the ring


def test_a_filled_shape_with_an_outline():
    svg = draw(pixels(128, 128, WHITE, (disc(64, 64, 40), RED), (ring(64, 64, 40, 8), INK)))
    (pen,) = pens(svg)
    assert abs(float(pen.attributes["r"]) - 40) < NEAR
    fill = re.search(r'<circle[^>]*r="([\d.]+)"[^>]*fill="#dc2828"', svg)
    assert fill and 36.5 < float(fill[1]) < 43.5, svg  # it reaches beneath the ring, not beyond it


def test_a_box_stays_a_box_and_a_disc_a_disc():
    svg = draw(pixels(128, 128, WHITE, (box(64, 30, 80, 6), INK), (disc(64, 90, 14), RED)))
    assert not pens(svg), svg


def test_a_shape_of_changing_width_is_no_stroke():
    wedge = lambda x, y: (np.abs(y - 64) < 4 + (x - 20) * 0.12) & (x > 20) & (x < 110)  # noqa: E731
    assert not pens(draw(pixels(128, 128, WHITE, (wedge, INK))))


def test_strokes_can_be_left_out():
    rgba = pixels(128, 128, WHITE, (ring(64, 64, 40, 8), INK))
    assert pens(draw(rgba)) and not pens(draw(rgba, without=("strokes",)))


def test_strokes_on_nothing_and_in_every_grouping():
    first, second = ring(64, 64, 40, 8), polyline((64, 40), (64, 88), width=8)
    rgba = pixels(128, 128, None, (lambda x, y: first(x, y) | second(x, y), INK))
    for grouping in ("compact", "shape", "colour", "layer"):
        svg = trace(picture(rgba), Plan("planar", finish=Finish(grouping=grouping)))
        assert {round(pen.width) for pen in pens(svg)} == {8}, svg
        assert len(pens(svg)) == 2


def test_a_translucent_region_of_strokes_does_not_cover_itself_twice():
    first, second = polyline((20, 64), (108, 64), width=8), polyline((64, 20), (64, 108), width=8)
    rgba = pixels(128, 128, None, (lambda x, y: first(x, y) | second(x, y), INK, 0.5))
    svg = trace(picture(rgba), Plan("planar"))
    assert len(pens(svg)) <= 1, svg
