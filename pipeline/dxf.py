"""Our SVG → DXF: outlines for cutters and plotters, curves as polylines."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import ezdxf
import ezdxf.units
import numpy as np
from PIL import ImageColor

_FLATNESS = 0.05
"""Furthest, in units of the viewBox, that a DXF's polyline is from its curve."""


def write(svg: str, own_width: float, own_height: float, width: float) -> bytes:
    """Polylines and circles as DXF R2010, y upwards, in millimetres at 96 px an inch, a layer for each colour.

    A stroke is a polyline along its centre, as wide as its pen.
    """
    unit = width / own_width * 25.4 / 96
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    wide, high = (float(box[1]), float(box[2])) if box else (own_width, own_height)
    sx, sy = unit * own_width / wide, unit * own_height / high
    document = ezdxf.new("R2010", units=ezdxf.units.MM)
    space = document.modelspace()
    for paint, points, circle, pen in _shapes(svg):
        layer = paint.removeprefix("#") if paint.startswith("#") else "shading"
        if layer not in document.layers:
            made = document.layers.add(layer)
            if paint.startswith("#"):
                red, green, blue = bytes.fromhex(paint[1:])
                made.rgb = (red, green, blue)
        if circle and pen is None and abs(sx - sy) < 1e-9:
            x, y, r = circle
            space.add_circle((x * sx, (high - y) * sy), r * sx, dxfattribs={"layer": layer})
        elif len(points) > 1:
            flat = [(x * sx, (high - y) * sy) for x, y in points]
            line = space.add_lwpolyline(flat, close=pen is None or pen.closed, dxfattribs={"layer": layer})
            if pen is not None:
                line.dxf.const_width = pen.width * sx
    out = io.StringIO()
    document.write(out)
    return out.getvalue().encode()


_TAG = re.compile(r"<(/?)(g|path|circle|ellipse|rect|polygon)\b([^>]*?)/?>")
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
_TOKEN = re.compile(r"[MmLlHhVvCcSsAaZz]|-?(?:\d+\.?\d*|\.\d+)")

Point = tuple[float, float]


@dataclass(frozen=True)
class _Pen:
    """A stroke's width in units of the viewBox, and whether its line is closed."""

    width: float
    closed: bool


_Shape = tuple[str, list[Point], tuple[float, float, float] | None, _Pen | None]


def _shapes(svg: str) -> Iterator[_Shape]:
    """Of every subpath: paint (``#rrggbb`` or a gradient's name), flattened line, a circle's centre and radius, and its pen."""
    inherited: list[dict[str, str]] = [{"fill": "#000"}]
    for end, name, rest in _TAG.findall(svg):
        if end:
            inherited.pop()
            continue
        own = dict(_ATTRIBUTE.findall(rest))
        given = {**inherited[-1], **own}
        if name == "g":
            inherited.append({key: value for key, value in given.items() if key in ("fill", "stroke", "stroke-width")})
            continue
        width = None
        paint = given["fill"]
        if paint == "none":
            if "fill" not in own and "stroke" not in inherited[-1]:
                continue  # the gap filler's lines are the same outlines again
            paint, width = given["stroke"], float(given["stroke-width"])
        if not paint.startswith("url("):
            paint = "#" + bytes(ImageColor.getrgb(paint)[:3]).hex()
        pen = None if width is None else _Pen(width, closed=True)
        get: Callable[[str], float] = lambda key, of=given: float(of.get(key, 0))  # type: ignore[misc]  # noqa: E731
        if name == "path":
            for points, closed in _flattened(given["d"]):
                yield paint, points, None, pen and replace(pen, closed=closed)
        elif name == "circle":
            circle = get("cx"), get("cy"), get("r")
            yield paint, _ring(*circle, get("r"), 0), circle, pen
        elif name == "ellipse":
            yield paint, _ring(get("cx"), get("cy"), get("rx"), get("ry"), _turn(given)), None, pen
        elif name == "rect":
            yield paint, _rectangle(given, get), None, pen
        else:
            values = [float(v) for v in _TOKEN.findall(given["points"])]
            yield paint, list(zip(values[::2], values[1::2], strict=True)), None, pen


def _turn(given: dict[str, str]) -> float:
    found = re.match(r"rotate\((-?[\d.]+)", given.get("transform", ""))
    return float(found[1]) if found else 0.0


def _ring(cx: float, cy: float, rx: float, ry: float, angle: float) -> list[Point]:
    t = np.linspace(0, 2 * np.pi, _steps(max(rx, ry), 2 * np.pi), endpoint=False)
    a = np.radians(angle)
    x, y = rx * np.cos(t), ry * np.sin(t)
    return list(
        zip((cx + x * np.cos(a) - y * np.sin(a)).tolist(), (cy + x * np.sin(a) + y * np.cos(a)).tolist(), strict=True)
    )


def _rectangle(given: dict[str, str], get: Callable[[str], float]) -> list[Point]:
    x, y, w, h = (get(k) for k in ("x", "y", "width", "height"))
    r = min(get("rx") or get("ry"), w / 2, h / 2)
    points: list[Point] = []
    for cx, cy, start in (
        (x + w - r, y + r, -90),
        (x + w - r, y + h - r, 0),
        (x + r, y + h - r, 90),
        (x + r, y + r, 180),
    ):
        angles = np.radians(np.linspace(start, start + 90, _steps(r, np.pi / 2) + 1)) if r else [0.0]
        points += [(cx + r * float(np.cos(a)), cy + r * float(np.sin(a))) for a in angles]
    if angle := np.radians(_turn(given)):
        centre = re.match(r"rotate\(-?[\d.]+ (-?[\d.]+) (-?[\d.]+)", given["transform"])
        mx, my = (float(centre[1]), float(centre[2])) if centre else (0.0, 0.0)
        c, s = float(np.cos(angle)), float(np.sin(angle))
        points = [(mx + (px - mx) * c - (py - my) * s, my + (px - mx) * s + (py - my) * c) for px, py in points]
    return points


def _steps(radius: float, sweep: float) -> int:
    """Straight steps that keep to `_FLATNESS` of an arc."""
    step = 2 * math.acos(max(-1.0, 1 - _FLATNESS / max(radius, _FLATNESS)))
    return max(2, math.ceil(abs(sweep) / step))


def _flattened(data: str) -> Iterator[tuple[list[Point], bool]]:
    """The subpaths of path data as points, and whether each is closed."""
    tokens = _tokens(data)
    points: list[Point] = []
    at = start = (0.0, 0.0)
    handle: Point | None = None
    letter = ""
    i = 0

    def take(count: int) -> list[float]:
        nonlocal i
        i += count
        return [float(v) for v in tokens[i - count : i]]

    while i < len(tokens):
        if tokens[i].isalpha():
            letter = tokens[i]
            i += 1
            if letter in "Zz":
                if points:
                    yield points, True
                points, at, handle = [], start, None
                continue
        ox, oy = at if letter.islower() else (0.0, 0.0)
        kind = letter.lower()
        if kind != "m" and not points:
            points = [at]
        if kind == "m":
            if points:
                yield points, False
            x, y = take(2)
            at = start = (ox + x, oy + y)
            points, handle = [at], None
            letter = "l" if letter == "m" else "L"
        elif kind in "lhv":
            x, y = take(2) if kind == "l" else (*take(1), 0.0) if kind == "h" else (0.0, *take(1))
            at = (ox + x if kind != "v" else at[0], oy + y if kind != "h" else at[1])
            points.append(at)
            handle = None
        elif kind in "cs":
            first = [2 * at[0] - handle[0], 2 * at[1] - handle[1]] if handle else list(at)
            values = take(6 if kind == "c" else 4)
            placed = [v + (ox, oy)[k % 2] for k, v in enumerate(values)]
            p1, (p2, p3) = (placed[:2], (placed[2:4], placed[4:])) if kind == "c" else (first, (placed[:2], placed[2:]))
            points += _bezier(at, p1, p2, p3)
            at, handle = (p3[0], p3[1]), (p2[0], p2[1])
        else:
            rx, ry, angle, large, sweep, x, y = take(7)
            to = (ox + x, oy + y)
            points += _arc(at, rx, ry, angle, large > 0, sweep > 0, to)
            at, handle = to, None
    if points:
        yield points, False


def _tokens(data: str) -> list[str]:
    """Letters and numbers; the two flags of an arc may stand without a space before what follows."""
    out: list[str] = []
    place, arc = 0, -1
    for_flag = re.compile(r"[\s,]*([01])")
    while True:
        if arc >= 0 and arc % 7 in (3, 4) and (flag := for_flag.match(data, place)):
            out.append(flag[1])
            place, arc = flag.end(), arc + 1
            continue
        found = _TOKEN.search(data, place)
        if not found:
            return out
        token = found[0]
        arc = (0 if token in "Aa" else -1) if token.isalpha() else arc + 1 if arc >= 0 else -1
        out.append(token)
        place = found.end()


def _bezier(p0: Point, p1: list[float], p2: list[float], p3: list[float]) -> list[Point]:
    control = np.array([p0, p1, p2, p3])
    bend = np.abs(np.diff(control, 2, axis=0)).sum(axis=1).max()
    n = max(2, math.ceil(math.sqrt(0.75 * bend / _FLATNESS)))
    t = np.linspace(0, 1, n + 1)[1:, None]
    curve = (
        (1 - t) ** 3 * control[0]
        + 3 * (1 - t) ** 2 * t * control[1]
        + 3 * (1 - t) * t**2 * control[2]
        + t**3 * control[3]
    )
    return [(float(x), float(y)) for x, y in curve]


def _arc(p0: Point, rx: float, ry: float, angle: float, large: bool, sweep: bool, p1: Point) -> list[Point]:
    """Points of an elliptic arc without its start: SVG 1.1, F.6.5."""
    a = math.radians(angle)
    c, s = math.cos(a), math.sin(a)
    dx, dy = (p0[0] - p1[0]) / 2, (p0[1] - p1[1]) / 2
    x, y = c * dx + s * dy, -s * dx + c * dy
    if rx == 0 or ry == 0:
        return [p1]
    over = (x / rx) ** 2 + (y / ry) ** 2
    if over > 1:
        rx, ry = rx * math.sqrt(over), ry * math.sqrt(over)
        over = 1.0
    q = math.sqrt(max(0.0, 1 / over - 1)) * (-1 if large == sweep else 1) if over else 0.0
    ux, uy = q * rx * y / ry, -q * ry * x / rx
    mx, my = c * ux - s * uy + (p0[0] + p1[0]) / 2, s * ux + c * uy + (p0[1] + p1[1]) / 2
    begin = math.atan2((y - uy) / ry, (x - ux) / rx)
    turn = (math.atan2((-y - uy) / ry, (-x - ux) / rx) - begin) % (2 * math.pi)
    if not sweep:
        turn -= 2 * math.pi
    t = begin + np.linspace(0, turn, _steps(max(rx, ry), turn) + 1)[1:]
    px, py = rx * np.cos(t), ry * np.sin(t)
    return list(zip((mx + c * px - s * py).tolist(), (my + s * px + c * py).tolist(), strict=True))
