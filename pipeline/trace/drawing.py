"""The planar recipe: our own drawing of flat and shaded artwork, from pixels to SVG."""

from __future__ import annotations

import numpy as np

from ..errors import NotADrawing
from ..picture import Picture
from ..plan import Plan
from .emit import PathData, document, hex_colour, number
from .gradients import LINEAR, PROFILE, Inks, Shading
from .outline import Circle, Ellipse, Outline, Shape, Tolerances, outlines
from .planar import Regions, measure_edges, regions_of
from .prepare import segment

_MOST_REGIONS = 1500
"""Regions above which a picture is no drawing; it is for vtracer then."""
_PHOTO_UNEVEN, _PHOTO_REGIONS = 0.5, 120
"""Share of shading that no gradient explains, and regions that come of it, from which a picture is a photo."""


def trace(picture: Picture, plan: Plan) -> str:
    """Draw a picture as flat and shaded regions. Raises `NotADrawing`."""
    knobs = plan.knobs
    label_map = segment(
        picture,
        palette_distance=knobs["palette_distance"],
        smallest=knobs["smallest_region"],
        cleaning=knobs["cleaning"],
        gradients=knobs["gradients"] >= 0.5,
    )
    regions = regions_of(label_map)
    count = len(regions.order)
    if count > _MOST_REGIONS or (label_map.uneven > _PHOTO_UNEVEN and count > _PHOTO_REGIONS):
        raise NotADrawing(f"The picture has {count} regions, {label_map.uneven:.0%} of it texture: no drawing.")
    samples = measure_edges(label_map, regions)
    noise = label_map.noise
    tolerances = Tolerances(
        price=knobs["price"],
        candidates=knobs["tolerance"] * (1 + 2 * noise),
        reach=5.0 + 4 * min(noise, 1.0),
        corner=np.radians(knobs["corner_angle"]) * (1 + 0.4 * min(noise, 1.0)),
    )
    shapes = outlines(regions, samples, tolerances)
    return write(regions, shapes, label_map.inks, picture, plan)


def write(regions: Regions, shapes: list[list[Shape]], inks: Inks, picture: Picture, plan: Plan) -> str:
    """Regions and their shapes → SVG, bottom to top."""
    height, width = regions.ids.shape
    scale = picture.scale
    decimals = int(plan.knobs["precision"])
    fills, defs = _fills(inks, np.unique(regions.ink), scale, decimals)
    body: list[str] = []
    sequence = np.argsort(regions.order, kind="stable")
    drop = _background(regions) if plan.finish.background == "drop" else -1
    group: list[Shape] = []
    fill = ""
    for r in sequence.tolist():
        if regions.order[r] < 0 or not shapes[r] or r == drop:
            continue
        paint = fills[int(regions.ink[r])]
        if paint != fill and group:
            body.append(_elements(group, fill, decimals, scale))
            group = []
        fill = paint
        group = group + shapes[r]
    if group:
        body.append(_elements(group, fill, decimals, scale))
    text = (f"<defs>{''.join(defs)}</defs>" if defs else "") + "".join(body)
    return document(text, picture.width, picture.height, (width * scale, height * scale))


def _background(regions: Regions) -> int:
    """The region that covers the whole border, or -1."""
    border = np.concatenate([regions.ids[0], regions.ids[-1], regions.ids[:, 0], regions.ids[:, -1]])
    return int(border[0]) if (border == border[0]).all() else -1


def _elements(shapes: list[Shape], fill: str, decimals: int, scale: float) -> str:
    """Shapes of one fill, one after another: outlines as one compound path, a lone circle or ellipse as itself."""
    if len(shapes) == 1 and not isinstance(shapes[0], Outline):
        s = shapes[0]
        n = lambda v: number(v * scale, decimals)  # noqa: E731
        if isinstance(s, Circle):
            return f'<circle cx="{n(s.x)}" cy="{n(s.y)}" r="{n(s.r)}"{fill}/>'
        turn = f' transform="rotate({number(s.angle, 1)} {n(s.x)} {n(s.y)})"' if s.angle else ""
        return f'<ellipse cx="{n(s.x)}" cy="{n(s.y)}" rx="{n(s.rx)}" ry="{n(s.ry)}"{turn}{fill}/>'
    path = PathData(decimals, scale)
    for shape in shapes:
        if isinstance(shape, Outline):
            path.move(*shape.start)
            last = len(shape.segments) - 1
            for i, segment_ in enumerate(shape.segments):
                if segment_[0] == "l":
                    if i == last and np.hypot(segment_[1] - shape.start[0], segment_[2] - shape.start[1]) < 1e-6:
                        continue
                    path.line(segment_[1], segment_[2])
                elif segment_[0] == "c":
                    path.cubic(*segment_[1:])
                else:
                    path.arc(*segment_[1:])
        else:
            _round(path, shape)
        path.close()
    return f'<path d="{path.text()}"{fill}/>'


def _round(path: PathData, s: Circle | Ellipse) -> None:
    """A circle or ellipse as two arcs of a path; a hole turns the other way."""
    ellipse = s if isinstance(s, Ellipse) else Ellipse(s.x, s.y, s.r, s.r, 0.0, s.hole)
    t = np.radians(ellipse.angle)
    dx, dy = ellipse.rx * np.cos(t), ellipse.rx * np.sin(t)
    path.move(s.x - dx, s.y - dy)
    for way in (1, -1):
        path.elliptic(ellipse.rx, ellipse.ry, ellipse.angle, False, not s.hole, s.x + way * dx, s.y + way * dy)


def _fills(inks: Inks, used: np.ndarray, scale: float, decimals: int) -> tuple[dict[int, str], list[str]]:
    """The fill attributes of every used ink, and the gradients they refer to."""
    fills: dict[int, str] = {}
    defs: list[str] = []
    for i in used.tolist():
        shading = inks.shadings[i]
        if shading is None:
            colour, opacity = _straight(inks.means[i])
            attribute = "" if colour == "#000" else f' fill="{colour}"'
            fills[i] = attribute + (f' fill-opacity="{number(opacity)}"' if opacity < 0.995 else "")
        else:
            name = _name(len(defs))
            defs.append(_gradient(shading, name, scale, decimals))
            fills[i] = f' fill="url(#{name})"'
    return fills, defs


def _name(i: int) -> str:
    return chr(97 + i) if i < 26 else f"g{i}"


def _straight(premultiplied: np.ndarray) -> tuple[str, float]:
    alpha = float(premultiplied[3])
    rgb = np.clip(np.rint(premultiplied[:3] * 255 / max(alpha, 1e-3)), 0, 255)
    return hex_colour(rgb), min(1.0, alpha / 255)


def _gradient(shading: Shading, name: str, scale: float, decimals: int) -> str:
    stops = "".join(_stop(t / (PROFILE - 1), shading.profile[t]) for t in _knots(shading.profile, 2.0))
    a, _, c, _, e, f = (float(v) for v in shading.geometry)
    n = lambda v: number((v + 0.5) * scale, max(1, decimals - 1))  # noqa: E731 — models speak of pixel centres
    if shading.kind == LINEAR:
        norm = a * a + c * c
        x1, y1 = -e * a / norm, -e * c / norm
        x2, y2 = (1 - e) * a / norm, (1 - e) * c / norm
        # any point of the axis will do: the one nearest the middle of the picture keeps the numbers small
        box = f'x1="{n(x1)}" y1="{n(y1)}" x2="{n(x2)}" y2="{n(y2)}"'
        return f'<linearGradient id="{name}" gradientUnits="userSpaceOnUse" {box}>{stops}</linearGradient>'
    radius = 1 / a
    box = f'cx="{n(-e * radius)}" cy="{n(-f * radius)}" r="{number(radius * scale, max(1, decimals - 1))}"'
    return f'<radialGradient id="{name}" gradientUnits="userSpaceOnUse" {box}>{stops}</radialGradient>'


def _stop(offset: float, premultiplied: np.ndarray) -> str:
    colour, opacity = _straight(premultiplied)
    place = f' offset="{number(offset)}"' if offset > 0.004 else ""
    paint = "" if colour == "#000" else f' stop-color="{colour}"'
    return f"<stop{place}{paint}" + (f' stop-opacity="{number(opacity)}"' if opacity < 0.995 else "") + "/>"


def _knots(profile: np.ndarray, tolerance: float) -> list[int]:
    """Indices of the stops that draw a profile to within so many levels (Douglas–Peucker on the colours)."""
    keep = {0, len(profile) - 1}
    stack = [(0, len(profile) - 1)]
    while stack:
        a, b = stack.pop()
        if b - a < 2:
            continue
        t = np.arange(1, b - a)[:, None] / (b - a)
        away = np.abs(profile[a + 1 : b] - (profile[a] * (1 - t) + profile[b] * t)).max(axis=1)
        i = int(away.argmax())
        if away[i] > tolerance:
            keep.add(a + 1 + i)
            stack += [(a, a + 1 + i), (a + 1 + i, b)]
    return sorted(keep)
