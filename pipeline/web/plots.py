"""Small plots as inline SVG, on logarithmic axes: points, a line through some of them, and the line of equal values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 340, 250
"""Of the view box, if nothing else is asked for."""
LEFT, RIGHT, TOP, BOTTOM = 66, 14, 12, 44
"""Margins for the numbers and names of the axes, in units of the view box."""
ROOM = 1.25
"""Times that an axis reaches beyond its outermost point."""
APART = 0.15
"""Share of an axis that two of its numbers are apart at least."""
TOUCHING = 14.0
"""Distance within which points share a label."""
LEAST_SPAN = 4.0
"""Times that the upper end of an axis is of its lower one at least, so that what is nearly equal looks nearly equal."""


@dataclass(frozen=True)
class Axis:
    """A logarithmic axis: its name, how a number of it is written, and what its numbers are not drawn below."""

    name: str
    written: Callable[[float], str]
    least: float = 1e-6


@dataclass(frozen=True)
class Mark:
    """A point of a plot, with a short label beside it, words on what it is, and classes for its look.

    Shapes go by class: ``circle``, ``square`` or ``diamond``.
    """

    x: float
    y: float
    label: str
    about: str
    classes: str = "circle"


def scatter(
    marks: Sequence[Mark],
    x: Axis,
    y: Axis,
    *,
    title: str,
    line: Sequence[int] = (),
    equal: bool = False,
    width: int = WIDTH,
) -> str:
    """A plot as ``<svg>``.

    Parameters
    ----------
    title
        What it shows, for those who cannot see it.
    line
        Marks, by index, that a stepped line joins from left to right: a front to the lower left.
    equal
        Both axes are one, and the line on which x = y is drawn.
    width
        Of the view box: a wide plot has its words as small as a narrow one.
    """
    points = [(max(mark.x, x.least), max(mark.y, y.least)) for mark in marks]
    across, up = _span([p[0] for p in points]), _span([p[1] for p in points])
    if equal:
        across = up = (min(across[0], up[0]), max(across[1], up[1]))

    def place(point: tuple[float, float]) -> tuple[float, float]:
        return (
            LEFT + _share(point[0], across) * (width - LEFT - RIGHT),
            HEIGHT - BOTTOM - _share(point[1], up) * (HEIGHT - TOP - BOTTOM),
        )

    parts = [_frame(across, up, x, y, width - RIGHT, place)]
    if equal:
        (x0, y0), (x1, y1) = place((across[0], across[0])), place((across[1], across[1]))
        parts.append(f'<path class="equal" d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"/>')
    if line:
        steps = [place(points[i]) for i in sorted(line, key=lambda i: points[i])]
        path = f"M{steps[0][0]:.1f} {TOP}V{steps[0][1]:.1f}" + "".join(f"H{px:.1f}V{py:.1f}" for px, py in steps[1:])
        parts.append(f'<path class="front" d="{path}H{width - RIGHT}"/>')
    at = [place(point) for point in points]
    parts += [
        _mark(mark, px, py, label, width) for mark, (px, py), label in zip(marks, at, _labels(marks, at), strict=True)
    ]
    return (
        f'<svg class="tc-plot" viewBox="0 0 {width} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Both ends of an axis that holds the values."""
    low, high = min(values) / ROOM, max(values) * ROOM
    more = math.sqrt(max(LEAST_SPAN * low / high, 1.0))
    return low / more, high * more


def _share(value: float, span: tuple[float, float]) -> float:
    return math.log(value / span[0]) / math.log(span[1] / span[0])


def ticks(span: tuple[float, float]) -> list[float]:
    """Round numbers within a span, a few of them and none too near another: powers of ten, or 1, 2, 3 and 5 times those."""
    low, high = span
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: list[float] = []
    for digits in ((1.0,), (3.0,), (2.0, 5.0), (1.5, 4.0, 7.0)):
        for value in (d * 10.0**e for e in exponents for d in digits):
            near = any(abs(_share(value, span) - _share(other, span)) < APART for other in found)
            if low <= value <= high and not near:
                found.append(value)
        if len(found) >= 3:
            break
    return sorted(found)


def _labels(marks: Sequence[Mark], at: Sequence[tuple[float, float]]) -> list[str]:
    """What is written beside each mark: the first of those that touch has the labels of all."""
    groups: dict[int, list[str]] = {}
    for i, mark in enumerate(marks):
        first = next((j for j in groups if math.dist(at[i], at[j]) < TOUCHING), i)
        groups.setdefault(first, []).append(mark.label)
    return [", ".join(filter(None, groups.get(i, ()))) for i in range(len(marks))]


def _frame(
    across: tuple[float, float],
    up: tuple[float, float],
    x: Axis,
    y: Axis,
    right: int,
    place: Callable[[tuple[float, float]], tuple[float, float]],
) -> str:
    """Grid lines, numbers and the names of the axes."""
    bottom = HEIGHT - BOTTOM
    lines, numbers = [], []
    for value in ticks(across):
        px = place((value, up[0]))[0]
        lines.append(f"M{px:.1f} {TOP}V{bottom}")
        numbers.append(f'<text x="{px:.1f}" y="{bottom + 15}" text-anchor="middle">{escape(x.written(value))}</text>')
    for value in ticks(up):
        py = place((across[0], value))[1]
        lines.append(f"M{LEFT} {py:.1f}H{right}")
        numbers.append(f'<text x="{LEFT - 6}" y="{py + 3.5:.1f}" text-anchor="end">{escape(y.written(value))}</text>')
    names = (
        f'<text class="axis" x="{(LEFT + right) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x.name)}</text>'
        f'<text class="axis" transform="translate(11 {(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(y.name)}</text>"
    )
    return f'<path class="grid" d="{"".join(lines)}"/>{"".join(numbers)}{names}'


def _mark(mark: Mark, px: float, py: float, words: str, width: int) -> str:
    shape = f'<circle cx="{px:.1f}" cy="{py:.1f}" r="5"/>'
    if "square" in mark.classes:
        shape = f'<rect x="{px - 4.5:.1f}" y="{py - 4.5:.1f}" width="9" height="9"/>'
    elif "diamond" in mark.classes:
        shape = f'<path d="M{px:.1f} {py - 6:.1f}l6 6l-6 6l-6 -6z"/>'
    label = ""
    if words:
        left = px > width - RIGHT - 6 * len(words) - 12
        at = f'x="{px - 9:.1f}" text-anchor="end"' if left else f'x="{px + 9:.1f}"'
        label = f'<text {at} y="{max(py - 6, TOP + 8):.1f}">{escape(words)}</text>'
    return f'<g class="mark {mark.classes}"><title>{escape(mark.about)}</title>{shape}{label}</g>'


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """The points, by index, that no other one is better than in both numbers, where less is better; equal ones all count."""

    def beaten(a: tuple[float, float]) -> bool:
        return any(b[0] <= a[0] and b[1] <= a[1] and b != a for b in points)

    return [i for i, point in enumerate(points) if not beaten(point)]
