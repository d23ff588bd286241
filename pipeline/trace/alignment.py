"""What is meant to be equal made equal: radii, sizes, centres and sides of circles, ellipses and rectangles.

Measured values that differ by less than their own uncertainty are one value, their mean: so equal dots have one radius, rings
one centre, and a row of boxes one top.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from .outline import Shape
from .shapes import Circle, Ellipse, Rect
from .strokes import Stroke

_PLACE = 0.1
"""Pixels within which centres and sides are on one line."""
_SIZE = 0.1
"""Pixels within which radii and lengths are the same."""


def aligned(
    shapes: list[list[Shape]], strokes: Mapping[int, list[Stroke]], *, noise: float
) -> tuple[list[list[Shape]], dict[int, list[Stroke]]]:
    """Shapes and strokes by region, with what nearly agrees made to agree."""
    loose = 1 + min(noise, 1.0)
    figures = [s for group in shapes for s in group if not _free(s)]
    figures += [stroke.line for lines in strokes.values() for stroke in lines if not _free(stroke.line)]
    if len(figures) < 2:
        return shapes, dict(strokes)
    xs, ys, sizes = _Values(_PLACE * loose), _Values(_PLACE * loose), _Values(_SIZE * loose)
    for s in figures:
        _places(s, xs, ys, sizes)
    for values in (xs, ys, sizes):
        values.settle()
    return (
        [[s if _free(s) else _moved(s, xs, ys, sizes) for s in group] for group in shapes],
        {
            r: [replace(k, line=k.line if _free(k.line) else _moved(k.line, xs, ys, sizes)) for k in lines]
            for r, lines in strokes.items()
        },
    )


class _Values:
    """Numbers, of which those that follow each other within a distance are one."""

    def __init__(self, near: float) -> None:
        self.near = near
        self.given: list[float] = []
        self.mean: dict[float, float] = {}

    def settle(self) -> None:
        """Group what was given: neighbours whose whole span is within the distance."""
        values = sorted(set(self.given))
        while values:
            group = [v for v in values if v - values[0] <= self.near]
            self.mean.update(dict.fromkeys(group, float(np.mean([v for v in self.given if v in group]))))
            values = values[len(group) :]


def _free(shape: Shape) -> bool:
    """Whether a shape has neither centre nor size."""
    return not isinstance(shape, Circle | Ellipse | Rect)


def _places(s: Shape, xs: _Values, ys: _Values, sizes: _Values) -> None:
    if isinstance(s, Rect):
        xs.given.append(s.x + s.width / 2)
        ys.given.append(s.y + s.height / 2)
        sizes.given += [s.width, s.height, s.radius]
    elif isinstance(s, Circle | Ellipse):
        xs.given.append(s.x)
        ys.given.append(s.y)
        sizes.given += [2 * s.r] if isinstance(s, Circle) else [2 * s.rx, 2 * s.ry]


def _moved(s: Shape, xs: _Values, ys: _Values, sizes: _Values) -> Shape:
    if isinstance(s, Circle):
        return replace(s, x=xs.mean[s.x], y=ys.mean[s.y], r=sizes.mean[2 * s.r] / 2)
    if isinstance(s, Ellipse):
        return replace(s, x=xs.mean[s.x], y=ys.mean[s.y], rx=sizes.mean[2 * s.rx] / 2, ry=sizes.mean[2 * s.ry] / 2)
    assert isinstance(s, Rect)
    width, height = sizes.mean[s.width], sizes.mean[s.height]
    x, y = xs.mean[s.x + s.width / 2] - width / 2, ys.mean[s.y + s.height / 2] - height / 2
    return replace(s, x=x, y=y, width=width, height=height, radius=sizes.mean[s.radius])
