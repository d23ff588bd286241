"""Shapes → SVG text: viewBox, short numbers, relative commands, nothing that is the default anyway."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from ..picture import Picture
from ..plan import Finish
from .gradients import LINEAR, PROFILE, Inks, Shading
from .outline import Outline, Shape
from .planar import Regions
from .shapes import Circle, Ellipse, Rect
from .strokes import Stroke


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
    """The shortest text of a colour of three integers, 0–255: ``#rgb``, ``#rrggbb``, or a name that is shorter."""
    r, g, b = (int(x) for x in rgb)
    if name := NAMES.get((r, g, b)):
        return name
    if r % 17 == g % 17 == b % 17 == 0:
        return f"#{r // 17:x}{g // 17:x}{b // 17:x}"
    return f"#{r:02x}{g:02x}{b:02x}"


NAMES = {
    tuple(bytes.fromhex(code)): name
    for name, code in (
        ("red", "ff0000"), ("tan", "d2b48c"), ("gold", "ffd700"), ("gray", "808080"), ("navy", "000080"),
        ("peru", "cd853f"), ("pink", "ffc0cb"), ("plum", "dda0dd"), ("snow", "fffafa"), ("teal", "008080"),
        ("azure", "f0ffff"), ("beige", "f5f5dc"), ("brown", "a52a2a"), ("coral", "ff7f50"), ("green", "008000"),
        ("ivory", "fffff0"), ("khaki", "f0e68c"), ("linen", "faf0e6"), ("olive", "808000"), ("wheat", "f5deb3"),
        ("bisque", "ffe4c4"), ("indigo", "4b0082"), ("maroon", "800000"), ("orange", "ffa500"), ("orchid", "da70d6"),
        ("purple", "800080"), ("salmon", "fa8072"), ("sienna", "a0522d"), ("silver", "c0c0c0"), ("tomato", "ff6347"),
        ("violet", "ee82ee"),
    )
}  # fmt: skip
"""Names of colours that are shorter than their hexadecimal digits."""


@lru_cache(maxsize=1 << 16)
def _fixed(value: int, decimals: int) -> str:
    """The shortest text of a fixed-point number."""
    return number(value / 10**decimals, decimals)


class PathData:
    """Builds the ``d`` of a path on a fixed-point grid, so that rounding errors do not add up.

    Every command is written relative or absolute, whichever is shorter; horizontal, vertical and mirrored ones by their
    short forms; a letter that repeats is left out.
    """

    def __init__(self, decimals: int, scale: float = 1.0) -> None:
        self.decimals = decimals
        self.unit = 10**decimals * scale
        self.parts: list[str] = []
        self.at = self.start = (0, 0)
        self.last = ""
        self.dotted = False
        self.handle: tuple[int, int] | None = None

    def _grid(self, x: float, y: float) -> tuple[int, int]:
        return round(x * self.unit), round(y * self.unit)

    def _text(self, letter: str, values: list[int]) -> tuple[str, bool]:
        """The command's text where it stands now, and whether its last number has a point."""
        implied = {"m": "l", "M": "L"}.get(self.last, self.last)
        out: list[str] = [] if letter == implied else [letter]
        dotted = self.dotted
        for value in values:
            text = _fixed(value, self.decimals)
            if not (out and out[-1] == letter) and text[0] != "-" and not (text[0] == "." and dotted):
                out.append(" ")
            out.append(text)
            dotted = "." in text
        return "".join(out), dotted

    def _write(self, letter: str, steps: list[int], places: list[int]) -> None:
        if (
            letter == "l" and len(self.parts) == 1
        ):  # a path that begins by m is at home there, and its lines need no letter
            self.last = "m"
            text, dotted = self._text(letter, steps)
            self.last = "M"
        else:
            text, dotted = self._text(letter, steps)
        absolute, absolute_dotted = self._text(letter.upper(), places)
        if len(absolute) < len(text):
            letter, text, dotted = letter.upper(), absolute, absolute_dotted
        elif letter == "l" and len(self.parts) == 1:
            self.parts[0] = "m" + self.parts[0][1:]
        self.parts.append(text)
        self.last, self.dotted = letter, dotted
        self.handle = None

    def move(self, x: float, y: float) -> None:
        """Start a subpath."""
        x, y = self._grid(x, y)
        if self.parts:
            self._write("m", [x - self.at[0], y - self.at[1]], [x, y])
        else:
            self._write("M", [x, y], [x, y])
        self.at = self.start = (x, y)

    def line(self, x: float, y: float) -> None:
        """A straight line."""
        x, y = self._grid(x, y)
        dx, dy = x - self.at[0], y - self.at[1]
        if not dx and not dy:
            return
        if not dy:
            self._write("h", [dx], [x])
        elif not dx:
            self._write("v", [dy], [y])
        else:
            self._write("l", [dx, dy], [x, y])
        self.at = (x, y)

    def cubic(self, x1: float, y1: float, x2: float, y2: float, x: float, y: float) -> None:
        """A cubic Bézier curve."""
        p1, p2, p3 = self._grid(x1, y1), self._grid(x2, y2), self._grid(x, y)
        ax, ay = self.at
        rest = [*p2, *p3]
        steps = [p2[0] - ax, p2[1] - ay, p3[0] - ax, p3[1] - ay]
        if self.handle and p1 == (2 * ax - self.handle[0], 2 * ay - self.handle[1]):
            self._write("s", steps, rest)
        else:
            self._write("c", [p1[0] - ax, p1[1] - ay, *steps], [*p1, *rest])
        self.at, self.handle = p3, p2

    def arc(self, radius: float, large: bool, sweep: bool, x: float, y: float) -> None:
        """A circular arc."""
        self.elliptic(radius, radius, 0, large, sweep, x, y)

    def elliptic(self, rx: float, ry: float, angle: float, large: bool, sweep: bool, x: float, y: float) -> None:
        """An elliptic arc; `angle` in degrees."""
        x, y = self._grid(x, y)
        if (x, y) == self.at:
            return
        d = self.decimals
        step, there = [x - self.at[0], y - self.at[1]], [x, y]
        texts = [numbers([v / 10**d for v in end], d) for end in (step, there)]
        letter, end = ("a", texts[0]) if len(texts[0]) <= len(texts[1]) else ("A", texts[1])
        size = numbers([rx * self.unit / 10**d, ry * self.unit / 10**d], d)
        self.parts.append(f"{letter}{size} {number(angle, 1)} {large:d}{sweep:d}{end}")
        self.last, self.dotted, self.handle = letter, True, None
        self.dotted = "." in end[max(end.rfind(" "), end.rfind("-"), 0) :]
        self.last = "arc"  # a letter less would save nothing: a space would stand in its place
        self.at = (x, y)

    def closes(self, x: float, y: float) -> bool:
        """Whether a point is where the subpath began."""
        return self._grid(x, y) == self.start

    def close(self) -> None:
        """Close the subpath; a last straight line back to its start is left to it."""
        self.parts.append("z")
        self.at = self.start
        self.last, self.handle = "z", None

    def text(self) -> str:
        """The path data."""
        return "".join(self.parts)


@dataclass(frozen=True)
class Item:
    """One thing to paint: its shapes (or path data that is ready, from an absolute start), fill attributes, and box.

    The box ``(left, top, right, bottom)`` holds all that is painted, px; it may be larger.
    """

    shapes: list[Shape] | str
    fill: str
    box: tuple[float, float, float, float]


def write(
    regions: Regions,
    shapes: list[list[Shape]],
    strokes: Mapping[int, list[Stroke]],
    inks: Inks,
    picture: Picture,
    *,
    decimals: int,
    finish: Finish,
) -> str:
    """Regions, their shapes, and the strokes of those that are drawn by a pen → SVG, bottom to top."""
    height, width = regions.ids.shape
    scale = picture.scale
    fills, defs = paints(inks, np.unique(regions.ink), scale, decimals)
    sequence = np.argsort(regions.order, kind="stable")
    drop = _background(regions) if finish.background == "drop" else -1
    items = []
    for r in sequence.tolist():
        if regions.order[r] < 0 or r == drop:
            continue
        fill = fills[int(regions.ink[r])]
        if strokes.get(r):
            items += _pen(strokes[r], fill, decimals, scale)
        elif shapes[r]:
            items.append(Item(shapes[r], fill, _box(shapes[r])))
    body = arrange(items, finish, decimals, scale)
    return document(definitions(defs) + body, picture.width, picture.height, (width * scale, height * scale))


def _pen(strokes: Sequence[Stroke], fill: str, decimals: int, scale: float) -> list[Item]:
    """Strokes of one region as items: the attributes of its pen stand where another's fill does.

    Those that overlap are one item where they are translucent.
    """
    first = strokes[0]
    paint = fill.replace(" fill", " stroke") or ' stroke="#000"'
    cap = "" if first.cap == "butt" else f' stroke-linecap="{first.cap}"'
    join = "" if first.join == "miter" else f' stroke-linejoin="{first.join}"'
    pen = f' fill="none"{paint} stroke-width="{number(first.width * scale, decimals)}"{cap}{join}'
    lines: list[Shape] = [s.line for s in strokes]
    paths: list[Shape] = [line for line in lines if isinstance(line, Outline)]
    groups = [lines]
    if "opacity" not in fill and len(paths) < len(lines):
        groups = [paths]
        groups += [[line] for line in lines if not isinstance(line, Outline)]
    far = first.width  # a mitred corner reaches farther than half of it
    items = []
    for group in filter(None, groups):
        left, top, right, bottom = _box(group)
        items.append(Item(group, pen, (left - far, top - far, right + far, bottom + far)))
    return items


def definitions(defs: list[str]) -> str:
    """The ``<defs>`` of gradients, or nothing."""
    return f"<defs>{''.join(defs)}</defs>" if defs else ""


def arrange(items: list[Item], finish: Finish, decimals: int, scale: float = 1.0) -> str:
    """Items, bottom to top, as markup in the groups that the finish asks for."""
    tags = partial(_tags, decimals=decimals, scale=scale)
    if finish.grouping == "shape":
        runs = [[item] for item in items]
        body = "".join(_painted(tags(run), run[0].fill) for run in runs)
    elif finish.grouping == "layer":
        runs = []
        body = ""
        for i, layer in enumerate(_layers(items), 1):
            inside = _runs(layer)
            runs += inside
            body += f'<g id="layer{i}">' + "".join(_painted(tags(run), run[0].fill) for run in inside) + "</g>"
    elif finish.grouping == "colour":
        runs = _runs(items)
        body = "".join(f"<g{run[0].fill}>{''.join(f'{t}/>' for item in run for t in tags([item]))}</g>" for run in runs)
    else:
        runs = _runs(items)
        body = "".join(_painted(tags(run), run[0].fill) for run in runs)
    return (_gap_filler(runs, tags) if finish.gap_filler else "") + body


def _painted(tags: list[str], fill: str) -> str:
    """Elements of one fill: it stands on each, or on a group around them where that is shorter."""
    each = "".join(f"{tag}{fill}/>" for tag in tags)
    group = f"<g{fill}>{''.join(f'{tag}/>' for tag in tags)}</g>"
    return group if fill and len(group) < len(each) else each


GAP = 0.75
"""Width of the gap filler's lines, px."""


def _gap_filler(runs: list[list[Item]], tags: Callable[[list[Item]], list[str]]) -> str:
    """The edges of all opaque items as thin lines of their own colour."""
    lines = "".join(
        f"{tag}{run[0].fill.replace('fill=', 'stroke=') or ' stroke=' + chr(34) + '#000' + chr(34)}/>"
        for run in runs
        if "opacity" not in run[0].fill and "stroke" not in run[0].fill
        for tag in tags(run)
    )
    return f'<g fill="none" stroke-width="{number(GAP)}" stroke-linejoin="round">{lines}</g>' if lines else ""


def _runs(items: list[Item]) -> list[list[Item]]:
    """Items gathered by fill: one joins the last run of its fill where nothing painted since then touches its box."""
    runs: list[list[Item]] = []
    last: dict[str, int] = {}
    boxes = np.empty((len(items), 4))
    place = np.empty(len(items), np.int64)
    for i, item in enumerate(items):
        run = last.get(item.fill, -1)
        if run >= 0 and run < len(runs) - 1 and _touched(boxes[:i][place[:i] > run], item.box):
            run = -1
        if run < 0:
            run = len(runs)
            runs.append([])
        runs[run].append(item)
        last[item.fill] = run
        boxes[i], place[i] = item.box, run
    return runs


def _layers(items: list[Item]) -> list[list[Item]]:
    """Items by layer, bottom to top: each lies just above the highest layer that its box touches."""
    layers: list[list[Item]] = []
    boxes = np.empty((len(items), 4))
    level = np.empty(len(items), np.int64)
    for i, item in enumerate(items):
        under = level[:i][_touching(boxes[:i], item.box)]
        boxes[i], level[i] = item.box, under.max() + 1 if len(under) else 0
        if level[i] == len(layers):
            layers.append([])
        layers[level[i]].append(item)
    return layers


def _touching(boxes: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    left, top, right, bottom = box
    return (boxes[:, 0] < right) & (boxes[:, 2] > left) & (boxes[:, 1] < bottom) & (boxes[:, 3] > top)


def _touched(boxes: np.ndarray, box: tuple[float, float, float, float]) -> bool:
    return bool(_touching(boxes, box).any())


def _box(shapes: list[Shape]) -> tuple[float, float, float, float]:
    """A box around shapes, px; curves lie within that of their control points."""
    xs: list[float] = []
    ys: list[float] = []
    for s in shapes:
        if isinstance(s, Outline):
            x, y = s.start
            xs.append(x)
            ys.append(y)
            for segment in s.segments:
                if segment[0] == "a":
                    _, radius, large, _, x1, y1 = segment
                    half = min(np.hypot(x1 - x, y1 - y) / 2, radius)
                    rise = radius + (1 if large else -1) * np.sqrt(radius * radius - half * half)
                    reach = max(half, rise) if not large else 2 * radius
                    mx, my = (x + x1) / 2, (y + y1) / 2
                    xs += [mx - reach, mx + reach]
                    ys += [my - reach, my + reach]
                else:
                    xs += segment[1::2]
                    ys += segment[2::2]
                x, y = segment[-2:]
        elif isinstance(s, Rect):
            xs += [s.x, s.x + s.width]
            ys += [s.y, s.y + s.height]
        else:
            r = s.r if isinstance(s, Circle) else max(s.rx, s.ry)
            xs += [s.x - r, s.x + r]
            ys += [s.y - r, s.y + r]
    return min(xs), min(ys), max(xs), max(ys)


def _background(regions: Regions) -> int:
    """The region that covers the whole border, or -1."""
    border = np.concatenate([regions.ids[0], regions.ids[-1], regions.ids[:, 0], regions.ids[:, -1]])
    return int(border[0]) if (border == border[0]).all() else -1


def _tags(items: list[Item], decimals: int, scale: float) -> list[str]:
    """Items of one fill as elements, each without its fill and end.

    A circle, an ellipse or a rectangle is one; all outlines are one compound path.
    """
    tags: list[str] = []
    path = PathData(decimals, scale)
    ready: list[str] = []
    n = lambda v: number(v * scale, decimals)  # noqa: E731
    for item in items:
        if isinstance(item.shapes, str):
            ready.append(item.shapes)
        elif len(item.shapes) == 1 and not isinstance(item.shapes[0], Outline):
            s = item.shapes[0]
            if isinstance(s, Rect):
                corner = f' rx="{n(s.radius)}"' if s.radius else ""
                tags.append(f'<rect x="{n(s.x)}" y="{n(s.y)}" width="{n(s.width)}" height="{n(s.height)}"{corner}')
            elif isinstance(s, Circle):
                tags.append(f'<circle cx="{n(s.x)}" cy="{n(s.y)}" r="{n(s.r)}"')
            else:
                turn = f' transform="rotate({number(s.angle, 1)} {n(s.x)} {n(s.y)})"' if s.angle else ""
                tags.append(f'<ellipse cx="{n(s.x)}" cy="{n(s.y)}" rx="{n(s.rx)}" ry="{n(s.ry)}"{turn}')
        else:
            for shape in item.shapes:
                if isinstance(shape, Outline):
                    _outline(path, shape)
                elif isinstance(shape, Rect):
                    _rectangle(path, shape)
                else:
                    _round(path, shape)
                if not isinstance(shape, Outline) or shape.closed:
                    path.close()
    data = path.text() + "".join(ready)
    return [f'<path d="{data}"', *tags] if data else tags


def _outline(path: PathData, shape: Outline) -> None:
    path.move(*shape.start)
    last = len(shape.segments) - 1
    for i, segment in enumerate(shape.segments):
        if segment[0] == "l":
            if i < last or not shape.closed or not path.closes(segment[1], segment[2]):
                path.line(segment[1], segment[2])
        elif segment[0] == "c":
            path.cubic(*segment[1:])
        else:
            path.arc(*segment[1:])


def _rectangle(path: PathData, s: Rect) -> None:
    """A rectangle as a part of a path, clockwise; a hole turns the other way."""
    r, right, bottom = s.radius, s.x + s.width, s.y + s.height
    corners = [(s.x, s.y, 0, 1), (right, s.y, -1, 0), (right, bottom, 0, -1), (s.x, bottom, 1, 0)]
    if s.hole:
        corners = [
            (x, y, abs(dy) * (1 if x == s.x else -1), abs(dx) * (1 if y == s.y else -1)) for x, y, dx, dy in corners
        ]
        corners = [corners[i] for i in (0, 3, 2, 1)]
    for i, (x, y, dx, dy) in enumerate(corners):
        before = (x + r * dx, y + r * dy)
        (path.line if i else path.move)(*before)
        if r:
            ax, ay = corners[(i + 1) % 4][:2]
            length = np.hypot(ax - x, ay - y)
            path.arc(r, False, not s.hole, x + r * (ax - x) / length, y + r * (ay - y) / length)


def _round(path: PathData, s: Circle | Ellipse) -> None:
    """A circle or ellipse as two arcs of a path; a hole turns the other way."""
    ellipse = s if isinstance(s, Ellipse) else Ellipse(s.x, s.y, s.r, s.r, 0.0, s.hole)
    t = np.radians(ellipse.angle)
    dx, dy = ellipse.rx * np.cos(t), ellipse.rx * np.sin(t)
    path.move(s.x - dx, s.y - dy)
    for way in (1, -1):
        path.elliptic(ellipse.rx, ellipse.ry, ellipse.angle, False, not s.hole, s.x + way * dx, s.y + way * dy)


def paints(inks: Inks, used: np.ndarray, scale: float, decimals: int) -> tuple[dict[int, str], list[str]]:
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
