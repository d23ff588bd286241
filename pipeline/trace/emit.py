"""Shapes → SVG text: viewBox, short numbers, relative commands, nothing that is the default anyway."""

from __future__ import annotations

import numpy as np

from ..picture import Picture
from ..plan import Finish
from .gradients import LINEAR, PROFILE, Inks, Shading
from .outline import Outline, Shape
from .planar import Regions
from .shapes import Circle, Ellipse


def document(body: str, width: int, height: int, inner: tuple[float, float] | None = None) -> str:
    """An SVG of ``width × height`` px around `body`, whose coordinates run over `inner` (the same where None)."""
    w, h = inner or (width, height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {number(w, 3)} {number(h, 3)}"'
        + ("" if abs(w * height - h * width) < 1e-6 * w * h else ' preserveAspectRatio="none"')
        + f">{body}</svg>"
    )


def number(value: float, decimals: int = 2) -> str:
    """The shortest text of a number at so many decimals: ``0.50 → .5``, ``-0.0 → 0``."""
    text = f"{value:.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if text in ("-0", ""):
        return "0"
    if text.startswith("0."):
        return text[1:]
    if text.startswith("-0."):
        return "-" + text[2:]
    return text


def numbers(values, decimals: int = 2) -> str:
    """Numbers with a separator only where one is needed."""
    out: list[str] = []
    dotted = False
    for value in values:
        text = number(value, decimals)
        if out and not (text[0] == "-" or (text[0] == "." and dotted)):
            out.append(" ")
        out.append(text)
        dotted = "." in text
    return "".join(out)


def hex_colour(rgb) -> str:
    """``#rgb`` or ``#rrggbb`` of three integers, 0–255."""
    r, g, b = (int(x) for x in rgb)
    if r % 17 == g % 17 == b % 17 == 0:
        return f"#{r // 17:x}{g // 17:x}{b // 17:x}"
    return f"#{r:02x}{g:02x}{b:02x}"


class PathData:
    """Builds the ``d`` of a path in relative commands on a fixed-point grid, so that rounding errors do not add up."""

    def __init__(self, decimals: int, scale: float = 1.0) -> None:
        self.decimals = decimals
        self.unit = 10**decimals * scale
        self.parts: list[str] = []
        self.at = self.start = (0, 0)
        self.last = ""

    def _grid(self, x: float, y: float) -> tuple[int, int]:
        return round(x * self.unit), round(y * self.unit)

    def _write(self, letter: str, values: list[int]) -> None:
        text = numbers([v / 10**self.decimals for v in values], self.decimals)
        if letter == self.last and letter != "m":
            self.parts.append(text if text[0] == "-" else " " + text)
        else:
            self.parts.append(letter + text)
        self.last = letter

    def move(self, x: float, y: float) -> None:
        """Start a subpath."""
        x, y = self._grid(x, y)
        if self.parts:
            self._write("m", [x - self.at[0], y - self.at[1]])
        else:
            self._write("M", [x, y])
        self.at = self.start = (x, y)

    def line(self, x: float, y: float) -> None:
        """A straight line."""
        x, y = self._grid(x, y)
        dx, dy = x - self.at[0], y - self.at[1]
        if not dx and not dy:
            return
        if not dy:
            self._write("h", [dx])
        elif not dx:
            self._write("v", [dy])
        else:
            self._write("l", [dx, dy])
        self.at = (x, y)

    def cubic(self, x1: float, y1: float, x2: float, y2: float, x: float, y: float) -> None:
        """A cubic Bézier curve."""
        p1, p2, p3 = self._grid(x1, y1), self._grid(x2, y2), self._grid(x, y)
        ax, ay = self.at
        self._write("c", [p1[0] - ax, p1[1] - ay, p2[0] - ax, p2[1] - ay, p3[0] - ax, p3[1] - ay])
        self.at = p3

    def arc(self, radius: float, large: bool, sweep: bool, x: float, y: float) -> None:
        """A circular arc."""
        self.elliptic(radius, radius, 0, large, sweep, x, y)

    def elliptic(self, rx: float, ry: float, angle: float, large: bool, sweep: bool, x: float, y: float) -> None:
        """An elliptical arc; the flags are written against what follows, as the grammar allows."""
        x, y = self._grid(x, y)
        if (x, y) == self.at:
            return
        d = self.decimals
        step = numbers([(x - self.at[0]) / 10**d, (y - self.at[1]) / 10**d], d)
        size = numbers([rx * self.unit / 10**d, ry * self.unit / 10**d], d)
        self.parts.append(f"a{size} {number(angle, 1)} {large:d}{sweep:d}{step}")
        self.last = "a"
        self.at = (x, y)

    def close(self) -> None:
        """Close the subpath; a last straight line back to its start is left to it."""
        self.parts.append("z")
        self.at = self.start
        self.last = "z"

    def text(self) -> str:
        """The path data."""
        return "".join(self.parts)


def write(
    regions: Regions, shapes: list[list[Shape]], inks: Inks, picture: Picture, *, decimals: int, finish: Finish
) -> str:
    """Regions and their shapes → SVG, bottom to top."""
    height, width = regions.ids.shape
    scale = picture.scale
    fills, defs = _fills(inks, np.unique(regions.ink), scale, decimals)
    body: list[str] = []
    sequence = np.argsort(regions.order, kind="stable")
    drop = _background(regions) if finish.background == "drop" else -1
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
