"""Pictures whose geometry is known exactly, and the geometry that an SVG says.

A picture is made of coverages: how much of each pixel lies inside a shape, by sampling its definition, so no renderer has a
part in the truth. `shapes` reads an SVG of ours back as elements, subpaths and absolute coordinates.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import numpy as np

from pipeline.picture import Picture
from pipeline.plan import Plan
from pipeline.trace import trace

Inside = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Coordinates x and y, px → whether they lie inside."""
SAMPLES = 16
"""Samples a pixel's side: coverage is exact to about 1/256 on edges at an angle, to 1/32 px on upright ones."""


def disc(cx: float, cy: float, r: float) -> Inside:
    """A circle."""
    return lambda x, y: (x - cx) ** 2 + (y - cy) ** 2 <= r * r


def oval(cx: float, cy: float, rx: float, ry: float, degrees: float = 0.0) -> Inside:
    """An ellipse, turned clockwise as SVG turns."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return lambda x, y: (((x - cx) * c + (y - cy) * s) / rx) ** 2 + (((y - cy) * c - (x - cx) * s) / ry) ** 2 <= 1


def box(cx: float, cy: float, w: float, h: float, degrees: float = 0.0, r: float = 0.0) -> Inside:
    """A rectangle around a centre, with corners of radius r, turned clockwise."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))

    def inside(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        u, v = np.abs((x - cx) * c + (y - cy) * s), np.abs((y - cy) * c - (x - cx) * s)
        du, dv = np.maximum(u - (w / 2 - r), 0), np.maximum(v - (h / 2 - r), 0)
        return (u <= w / 2) & (v <= h / 2) & ((du * du + dv * dv <= r * r) if r else True)

    return inside


def polygon(*points: tuple[float, float]) -> Inside:
    """A polygon, filled by the even-odd rule."""

    def inside(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        odd = np.zeros(np.broadcast(x, y).shape, bool)
        for (ax, ay), (bx, by) in zip(points, (*points[1:], points[0]), strict=True):
            if ay != by:
                odd ^= ((ay > y) != (by > y)) & (x < ax + (y - ay) * (bx - ax) / (by - ay))
        return odd

    return inside


def stroke(ax: float, ay: float, bx: float, by: float, width: float) -> Inside:
    """A straight stroke with butt ends."""
    angle = np.degrees(np.arctan2(by - ay, bx - ax))
    return box((ax + bx) / 2, (ay + by) / 2, float(np.hypot(bx - ax, by - ay)), width, float(angle))


def coverage(inside: Inside, width: int, height: int, samples: int = SAMPLES) -> np.ndarray:
    """(height, width) float64, 0–1: how much of each pixel is inside."""
    total = np.zeros((height, width))
    offsets = (np.arange(samples) + 0.5) / samples
    x = np.arange(width)[None, :]
    for dy in offsets:
        y = np.arange(height)[:, None] + dy
        for dx in offsets:
            total += inside(x + dx, y)
    return total / samples**2


Layer = tuple[Inside, Any] | tuple[Inside, Any, float]
"""A shape, its colour (RGB 0–255, or an (H, W, 3) array for a shading) and its opacity."""


def pixels(width: int, height: int, ground: tuple[int, int, int] | None, *layers: Layer) -> np.ndarray:
    """(height, width, 4) uint8: shapes over a ground, over nothing where `ground` is None."""
    rgb = np.zeros((height, width, 3))
    alpha = np.zeros((height, width, 1))
    if ground is not None:
        rgb[:], alpha[:] = ground, 1
    for inside, colour, *opacity in layers:
        a = coverage(inside, width, height)[..., None] * (opacity[0] if opacity else 1.0)
        rgb = rgb * (1 - a) + np.asarray(colour, float) * a  # premultiplied
        alpha = alpha + a * (1 - alpha)
    straight = rgb / np.maximum(alpha, 1e-9)
    return np.rint(np.concatenate([np.clip(straight, 0, 255), alpha * 255], axis=2)).astype(np.uint8)


def picture(rgba: np.ndarray, fmt: str = "PNG") -> Picture:
    """A `Picture` of (H, W, 4) uint8."""
    return Picture(rgba, rgba.shape[1], rgba.shape[0], fmt)


def draw(rgba: np.ndarray, *, fmt: str = "PNG", without: tuple[str, ...] = (), **knobs: float) -> str:
    """Our drawing of (H, W, 4) uint8 as an SVG."""
    return trace(picture(rgba, fmt), Plan("planar", knobs, without=frozenset(without)))


@dataclass(frozen=True)
class Segment:
    """A piece of a subpath: letter L, C, Q or A as written (H and V are kept), its numbers, and where it ends."""

    letter: str
    numbers: tuple[float, ...]
    end: tuple[float, float]


@dataclass(frozen=True)
class Subpath:
    """A run of segments from a start."""

    start: tuple[float, float]
    segments: tuple[Segment, ...]
    closed: bool

    @property
    def vertices(self) -> np.ndarray:
        """(n, 2): start and ends of the segments, without the way back to the start."""
        points = [self.start, *(segment.end for segment in self.segments)]
        if len(points) > 1 and np.hypot(points[-1][0] - points[0][0], points[-1][1] - points[0][1]) < 1e-6:
            points.pop()
        return np.array(points)

    @property
    def straight(self) -> bool:
        """Whether there are only lines."""
        return all(segment.letter in "LHV" for segment in self.segments)


@dataclass(frozen=True)
class Shape:
    """An element that draws: tag, fill (``#rrggbb``, ``url(#…)`` or ``none``), all attributes, and a path's subpaths."""

    tag: str
    fill: str
    attributes: dict[str, str]
    subpaths: tuple[Subpath, ...] = ()

    def __getitem__(self, name: str) -> float:
        return float(self.attributes.get(name, 0))


_DRAWS = ("path", "circle", "ellipse", "rect", "polygon", "polyline", "line")
_COUNT = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}
_TOKEN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def shapes(svg: str) -> list[Shape]:
    """The elements that draw, in painting order; attributes of groups are inherited."""
    found: list[Shape] = []

    def walk(element: ElementTree.Element, inherited: dict[str, str]) -> None:
        tag = element.tag.rpartition("}")[2]
        attributes = {**inherited, **element.attrib}
        if tag in _DRAWS:
            fill = _long(attributes.get("fill", "#000"))
            found.append(Shape(tag, fill, attributes, tuple(subpaths(element.get("d", ""))) if tag == "path" else ()))
        elif tag in ("svg", "g"):
            kept = {k: v for k, v in attributes.items() if tag == "g" and k != "id"}
            for child in element:
                walk(child, kept)

    walk(ElementTree.fromstring(svg), {})
    return found


def gradients(svg: str) -> list[ElementTree.Element]:
    """The linear and radial gradients."""
    return [e for e in ElementTree.fromstring(svg).iter() if e.tag.endswith(("linearGradient", "radialGradient"))]


def stops(gradient: ElementTree.Element) -> list[tuple[float, tuple[int, int, int]]]:
    """Offset and colour of each stop."""
    found = []
    for stop in gradient:
        text = stop.get("offset", "0")
        offset = float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
        colour = _long(stop.get("stop-color", "#000"))
        found.append((offset, (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))))
    return found


_NAMES = {"red": "#ff0000", "white": "#ffffff", "black": "#000000", "tan": "#d2b48c"}


def _long(colour: str) -> str:
    if re.fullmatch(r"#[0-9a-f]{3}", colour):
        return "#" + "".join(2 * digit for digit in colour[1:])
    return _NAMES.get(colour, colour)


def subpaths(data: str) -> list[Subpath]:
    """The subpaths of path data, in absolute coordinates."""
    out: list[Subpath] = []
    at = start = (0.0, 0.0)
    segments: list[Segment] = []

    def finish(closed: bool) -> None:
        nonlocal segments
        if segments or closed:
            out.append(Subpath(start, tuple(segments), closed))
        segments = []

    i, letter = 0, ""
    while True:
        while i < len(data) and data[i] in " ,\t\n":
            i += 1
        if i == len(data):
            break
        if data[i].isalpha():
            letter = data[i]
            i += 1
        values: list[float] = []
        upper = letter.upper()
        while len(values) < _COUNT[upper]:
            while data[i] in " ,\t\n":
                i += 1
            if upper == "A" and len(values) in (3, 4):  # flags may stand against what follows
                values.append(float(data[i]))
                i += 1
                continue
            match = _TOKEN.match(data, i)
            if match is None:
                raise ValueError(f"not path data at {i}: {data[i : i + 20]!r}")
            values.append(float(match[0]))
            i = match.end()
        if letter.islower():
            if upper == "H":
                values[0] += at[0]
            elif upper == "V":
                values[0] += at[1]
            elif upper == "A":
                values[5] += at[0]
                values[6] += at[1]
            else:
                values = [value + at[k % 2] for k, value in enumerate(values)]
        if upper == "Z":
            finish(True)
            at = start
            continue
        if upper == "M":
            finish(False)
            at = start = (values[0], values[1])
            letter = "l" if letter == "m" else "L"
            continue
        end = (values[0], at[1]) if upper == "H" else (at[0], values[0]) if upper == "V" else (values[-2], values[-1])
        segments.append(Segment(upper, tuple(values), end))
        at = end
    finish(False)
    return out


def circle_of(shape: Shape) -> tuple[float, float, float] | None:
    """Centre and radius where an element is a circle, as itself or as two arcs."""
    if shape.tag == "circle":
        return shape["cx"], shape["cy"], shape["r"]
    if shape.tag == "ellipse" and abs(shape["rx"] - shape["ry"]) < 1e-9:
        return shape["cx"], shape["cy"], shape["rx"]
    if shape.tag == "path" and len(shape.subpaths) == 1:
        return round_subpath(shape.subpaths[0])
    return None


def round_subpath(subpath: Subpath) -> tuple[float, float, float] | None:
    """Centre and radius of a subpath that is two half circles."""
    if len(subpath.segments) != 2 or any(s.letter != "A" for s in subpath.segments):
        return None
    (rx, ry, *_), far = subpath.segments[0].numbers, subpath.segments[0].end
    if abs(rx - ry) > 1e-6 or abs(np.hypot(far[0] - subpath.start[0], far[1] - subpath.start[1]) - 2 * rx) > 0.05:
        return None
    return (subpath.start[0] + far[0]) / 2, (subpath.start[1] + far[1]) / 2, rx


def corners_of(shape: Shape) -> np.ndarray | None:
    """(n, 2) vertices where an element is one polygon, as rect, polygon or path of lines."""
    if shape.tag == "rect" and not shape["rx"] and not shape["ry"]:
        x, y, w, h = shape["x"], shape["y"], shape["width"], shape["height"]
        points = np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)])
    elif shape.tag == "polygon":
        points = np.array([float(n) for n in _TOKEN.findall(shape.attributes["points"])]).reshape(-1, 2)
    elif shape.tag == "path" and len(shape.subpaths) == 1 and shape.subpaths[0].straight:
        points = shape.subpaths[0].vertices
    else:
        return None
    turn = re.fullmatch(r"rotate\(([^)]*)\)", shape.attributes.get("transform", ""))
    if turn:
        angle, *centre = (float(n) for n in _TOKEN.findall(turn[1]))
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        pivot = np.array(centre or (0, 0))
        points = (points - pivot) @ np.array([[c, s], [-s, c]]) + pivot
    return points


def farthest(points: np.ndarray, truth: np.ndarray) -> float:
    """The largest distance, px, from a vertex to the nearest of the other set, both ways."""
    d = np.hypot(*(points[:, None] - truth[None]).transpose(2, 0, 1))
    return float(max(d.min(axis=0).max(), d.min(axis=1).max()))
