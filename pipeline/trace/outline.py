"""Regions and edge samples → outlines: closed sequences of lines, arcs and cubics, or a circle or an ellipse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numba import njit

from .fit import fit_run
from .planar import FRAME, Regions, Samples
from .shapes import Circle, Ellipse, Rect, closed_shape

EXACT, HIDDEN, BORDER = 0, 1, 2
_GRAZING = 14
"""Pixels that an edge within about a pixel of the frame may run on before it meets it."""
_STEP_X, _STEP_Y = (1, 0, -1, 0), (0, 1, 0, -1)
"""A pixel's step in each heading."""


@dataclass(frozen=True)
class Tolerances:
    """How closely edges are followed: see `fit.fit_run`."""

    price: float = 8.0
    candidates: float = 0.12
    reach: float = 5.0
    corner: float = 0.45
    blunt: float = 0.35
    arcs: bool = True
    shapes: bool = True
    stacking: bool = True


@dataclass
class Outline:
    """One subpath: where it starts, its segments, and whether it is closed.

    A segment is ``("l", x, y)``, ``("c", x1, y1, x2, y2, x, y)`` or ``("a", r, large, sweep, x, y)``. The centre line of a
    stroke may be open.
    """

    start: tuple[float, float]
    segments: list[tuple] = field(default_factory=list)
    closed: bool = True


Shape = Outline | Circle | Ellipse | Rect


@njit(cache=True)
def _allowed(ids, order, own, x0, y0, x1, y1):
    """Whether the straight line between two points stays over regions above `own`."""
    h, w = ids.shape
    n = max(1, int(np.hypot(x1 - x0, y1 - y0) * 2))
    for i in range(n + 1):
        x = x0 + (x1 - x0) * i / n
        y = y0 + (y1 - y0) * i / n
        px, py = min(max(int(x), 0), w - 1), min(max(int(y), 0), h - 1)
        if order[ids[py, px]] <= own:
            return False
    return True


@njit(cache=True)
def _offset(ids, order, own, vx, vy, heading, lo, count, n, depth, px, py):
    """Midpoints of a hidden edge's cracks, pushed up to `depth` px beneath the regions above."""
    h, w = ids.shape
    for j in range(count):
        i = (lo + j) % n
        d = heading[i]
        dx = 1 if d == 0 else (-1 if d == 2 else 0)
        dy = 1 if d == 1 else (-1 if d == 3 else 0)
        ux, uy = dy, -dx  # left of the heading
        mx, my = vx[i] + 0.5 * dx, vy[i] + 0.5 * dy
        reach = 0.0
        while reach < depth * 1.6:
            qx, qy = int(np.floor(mx + ux * (reach + 0.5))), int(np.floor(my + uy * (reach + 0.5)))
            if qx < 0 or qy < 0 or qx >= w or qy >= h or order[ids[qy, qx]] <= own:
                break
            reach += 0.5
        step = min(depth, reach * 0.6)
        px[j], py[j] = mx + ux * step, my + uy * step


@njit(cache=True)
def _beneath(ids, order, own, vx, vy, heading, lo, hi, n, ax, ay, bx, by):
    """Points of a hidden edge from (ax, ay) to (bx, by) beneath the regions above: the fewest of a few depths."""
    count = (hi - lo) % n if hi != lo else n
    px, py = np.empty(count), np.empty(count)
    best = np.empty((0, 2))
    fewest = 1 << 30
    for depth in (1.5, 5.0, 16.0, 48.0):
        _offset(ids, order, own, vx, vy, heading, lo, count, n, depth, px, py)
        out = np.empty((count, 2))
        k = 0
        cx, cy = ax, ay
        i = 0
        while i < count and k < fewest:
            if _allowed(ids, order, own, cx, cy, bx, by):
                break
            # gallop ahead while the straight way stays hidden, then close in
            good = i
            step = 1
            while good + step < count and _allowed(ids, order, own, cx, cy, px[good + step], py[good + step]):
                good += step
                step *= 2
            while step > 0:
                if good + step < count and _allowed(ids, order, own, cx, cy, px[good + step], py[good + step]):
                    good += step
                step //= 2
            cx, cy = px[good], py[good]
            out[k, 0], out[k, 1] = cx, cy
            k += 1
            i = good + 1
        if k < fewest:
            fewest = k
            best = out[:k].copy()
        if fewest <= 2 or count < 8:
            break
    return best


def outlines(
    regions: Regions, samples: Samples, tolerances: Tolerances, widths: Mapping[int, float] | None = None
) -> list[list[Shape]]:
    """The shapes of every region, by region id; an empty list for one that is not painted, or is a stroke.

    `widths` has the width of every region that is a stroke, px.
    """
    widths = widths or {}
    loops, order = regions.loops, regions.order
    result: list[list[Shape]] = [[] for _ in range(len(order))]
    out = np.maximum(loops.outside, 0)
    above = (order[out] > np.repeat(order[loops.region], np.diff(loops.start))) & regions.opaque[out]
    if not tolerances.stacking:
        above[:] = False
    state = np.where(loops.outside == FRAME, BORDER, np.where(above, HIDDEN, EXACT)).astype(np.int8)
    for k in range(len(loops.region)):
        region = int(loops.region[k])
        if order[region] < 0 or region in widths:
            continue
        if region == regions.ground:
            height, width = regions.ids.shape
            result[region] = [Outline((0.0, 0.0), [("l", width, 0.0), ("l", width, height), ("l", 0.0, height)])]
            continue
        a, b = int(loops.start[k]), int(loops.start[k + 1])
        kinds = state[a:b]
        if loops.hole[k] and (kinds == HIDDEN).all():
            continue
        if (kinds == HIDDEN).all():
            shape = _enclosed(loops, samples, a, b, widths, tolerances)
        else:
            shape = _loop(regions, samples, region, a, b, kinds, tolerances)
        if shape is not None:
            result[region].append(shape if isinstance(shape, Outline) else replace(shape, hole=bool(loops.hole[k])))
    return result


def _enclosed(loops, samples: Samples, a: int, b: int, widths: Mapping[int, float], tol: Tolerances) -> Shape | None:
    """A region whose whole edge lies beneath the strokes around it: as far out as half of their width, loosely followed."""
    n = b - a
    outside = loops.outside[a:b].tolist()
    far = min(widths.get(r, 1.0) for r in set(outside)) / 2
    x, y = samples.x[a:b], samples.y[a:b]
    tx, ty = np.roll(x, -3) - np.roll(x, 3), np.roll(y, -3) - np.roll(y, 3)
    size = np.maximum(np.hypot(tx, ty), 1e-9)
    x, y = x + ty / size * far, y - tx / size * far
    loose = np.full(n, max(0.05, 0.15 * far))
    if tol.shapes and (shape := closed_shape(x, y, loose)) is not None:
        return shape
    fitted = fit_run(
        x, y, loose, True, tol.price, max(tol.candidates, 0.2 * far), tol.reach, tol.corner, tol.blunt, tol.arcs
    )
    if not fitted[4]:
        return None
    whole = Outline(tuple(fitted[1][0]))
    _append(whole, fitted)
    return whole


def _loop(
    regions: Regions, samples: Samples, region: int, a: int, b: int, kinds: np.ndarray, tol: Tolerances
) -> Shape | None:
    x, y, sigma = samples.x[a:b], samples.y[a:b], samples.sigma[a:b]
    n = b - a
    if (kinds == kinds[0]).all():
        if kinds[0] == BORDER:
            return _border_only(regions, a, b)
        if tol.shapes and (shape := closed_shape(x, y, sigma)) is not None:
            return shape
        fitted = fit_run(x, y, sigma, True, tol.price, tol.candidates, tol.reach, tol.corner, tol.blunt, tol.arcs)
        if not fitted[4]:
            return _staircase(regions, a, b)
        whole = Outline(tuple(fitted[1][0]))
        _append(whole, fitted)
        return whole
    # cyclic runs of one kind
    changes = np.flatnonzero(kinds != np.roll(kinds, 1))
    runs = [(int(changes[i]), int(changes[(i + 1) % len(changes)])) for i in range(len(changes))]
    pieces: list[tuple[int, int, int, Any]] = []
    for lo, hi in runs:
        kind = int(kinds[lo])
        fitted = None
        if kind == EXACT:
            index = np.arange(lo, hi if hi > lo else hi + n) % n
            fitted = fit_run(
                x[index],
                y[index],
                sigma[index],
                False,
                tol.price,
                tol.candidates,
                tol.reach,
                tol.corner,
                tol.blunt,
                tol.arcs,
            )
            if not fitted[4]:
                fitted = _plain(x[index], y[index])
        pieces.append((kind, lo, hi, fitted))
    loops = regions.loops
    ends: list[Any] = []  # of each exact piece, its first and last point
    for i, (kind, _, _, fitted) in enumerate(pieces):
        if kind != EXACT:
            ends.append(None)
            continue
        before, after = pieces[i - 1], pieces[(i + 1) % len(pieces)]
        first = _extend(fitted, True, _frame_line(loops, a, before[2] - 1, n, before[0]), _room(before, n))
        final = _extend(fitted, False, _frame_line(loops, a, after[1], n, after[0]), _room(after, n))
        ends.append((first, final))
    outline: Outline | None = None
    begin = next((i for i, p in enumerate(pieces) if p[0] == EXACT), 0)
    for step in range(len(pieces)):
        i = (begin + step) % len(pieces)
        kind, lo, hi, fitted = pieces[i]
        if kind == EXACT:
            first, final = ends[i]
            if outline is None:
                outline = Outline(tuple(first))
            else:
                outline.segments.append(("l", *first))
            if np.hypot(*(fitted[1][0] - first)) > 1e-9:
                _append_line_or_merge(outline, fitted, first, final)
            else:
                _append(outline, fitted, final)
            continue
        if outline is None:
            outline = Outline(tuple(_join(regions, region, pieces, i, a, n)))
        previous = np.array(outline.segments[-1][-2:] if outline.segments else outline.start)
        following = (i + 1) % len(pieces)
        nxt = ends[following]
        target = nxt[0] if nxt is not None else _join(regions, region, pieces, following, a, n)
        if kind == BORDER:
            count = (hi - lo) % n or n
            index = a + (lo + np.arange(count)) % n
            turn = np.flatnonzero(np.diff(loops.heading[index])) + 1
            for t in turn.tolist():
                outline.segments.append(("l", float(loops.vx[index[t]]), float(loops.vy[index[t]])))
            if nxt is None:
                outline.segments.append(("l", *target))
        else:
            points = _beneath(
                regions.ids, regions.order, regions.order[region], loops.vx[a:b], loops.vy[a:b], loops.heading[a:b],
                lo, hi, n, previous[0], previous[1], target[0], target[1],
            )  # fmt: skip
            for p in points:
                outline.segments.append(("l", float(p[0]), float(p[1])))
            if nxt is None:
                outline.segments.append(("l", *target))
    return outline


def _join(regions: Regions, region: int, pieces: list, i: int, a: int, n: int) -> np.ndarray:
    """Where piece i begins: between the frame and a hidden edge a little farther along the frame, beneath the neighbour."""
    loops = regions.loops
    crack = a + pieces[i][1]
    corner = np.array([float(loops.vx[crack]), float(loops.vy[crack])])
    kinds = (pieces[i - 1][0], pieces[i][0])
    if kinds not in ((BORDER, HIDDEN), (HIDDEN, BORDER)):
        return corner
    forward = kinds[0] == BORDER
    heading = int(loops.heading[a + (pieces[i][1] - 1) % n if forward else crack])
    along = np.array([_STEP_X[heading], _STEP_Y[heading]], float) * (1 if forward else -1)
    inward = np.array([-_STEP_Y[heading], _STEP_X[heading]], float)
    height, width = regions.ids.shape
    for far in (1.5, 1.0, 0.5):
        x, y = corner + along * far + inward * 0.5
        px, py = int(np.floor(x - 1e-6 * along[0])), int(np.floor(y - 1e-6 * along[1]))
        if 0 <= px < width and 0 <= py < height and regions.order[regions.ids[py, px]] > regions.order[region]:
            return corner + along * far
    return corner


def _frame_line(loops, a: int, crack: int, n: int, kind: int) -> tuple[int, float] | None:
    """The axis (0 for x, 1 for y) and value of the frame line that a border crack lies on."""
    if kind != BORDER:
        return None
    i = a + crack % n
    return (1, float(loops.vy[i])) if loops.heading[i] % 2 == 0 else (0, float(loops.vx[i]))


def _room(piece: tuple[int, int, int, Any], n: int) -> float:
    """How far along the frame, px, an edge may run on beside a piece of it: half way to the piece's other end."""
    return ((piece[2] - piece[1]) % n or n) / 2


def _extend(fitted, at_start: bool, frame: tuple[int, float] | None, room: float) -> np.ndarray:
    """Where an exact run is taken to: the frame's line, within the room along it, or a little way beneath the neighbour."""
    kinds, points, data = fitted[0], fitted[1], fitted[2]
    k = 0 if at_start else len(kinds) - 1
    p = points[0] if at_start else points[-1]
    d = _tangent(int(kinds[k]), data[k], points[k], points[k + 1], at_start)
    if at_start:
        d = -d
    if frame is not None:
        axis, value = frame
        t = (value - p[axis]) / d[axis] if abs(d[axis]) > 1e-6 else 0.0
        # at a grazing angle the frame is far along the edge, though less than a pixel away
        if 0 <= t < 4 or (0 <= t < _GRAZING and abs(value - p[axis]) < 1.2):
            q = p + d * min(t, room / max(abs(d[1 - axis]), 1e-9))
        else:
            q = p.copy()
        q[axis] = value
        return q
    return p + d * 1.0


def _tangent(kind: int, data, p0, p1, start: bool) -> np.ndarray:
    if kind == 0:
        d = p1 - p0
    elif kind == 1:
        p = p0 if start else p1
        d = np.array([-(p[1] - data[1]), p[0] - data[0]]) * data[3]
    elif start:
        d = data[:2] - p0
    else:
        d = p1 - data[2:]
    size = np.hypot(*d)
    return d / size if size > 1e-9 else np.zeros(2)


def _append_line_or_merge(outline: Outline, fitted, first, final) -> None:
    """Append a run that was extended at its start: a first line simply starts earlier, before a curve comes a short line."""
    if int(fitted[0][0]) != 0:
        outline.segments.append(("l", *fitted[1][0]))
    _append(outline, fitted, final)


def _append(outline: Outline, fitted, final: np.ndarray | None = None) -> None:
    kinds, points, data = fitted[0], fitted[1], fitted[2]
    n = len(kinds)
    for k in range(n):
        x, y = (float(v) for v in points[k + 1])
        if kinds[k] == 0:
            if k == n - 1 and final is not None:
                x, y = (float(v) for v in final)
            outline.segments.append(("l", x, y))
        elif kinds[k] == 1:
            cx, cy, r, way = data[k]
            a0 = np.arctan2(points[k, 1] - cy, points[k, 0] - cx)
            a1 = np.arctan2(y - cy, x - cx)
            sweep = (a1 - a0) * way % (2 * np.pi)
            outline.segments.append(("a", float(r), sweep > np.pi, way > 0, x, y))
        else:
            outline.segments.append(("c", *(float(v) for v in data[k]), x, y))
    if final is not None and int(kinds[-1]) != 0 and np.hypot(*(final - points[-1])) > 1e-9:
        outline.segments.append(("l", float(final[0]), float(final[1])))


def _plain(x: np.ndarray, y: np.ndarray):
    """A run too short to fit: straight through its ends."""
    p = np.array([[x[0], y[0]], [x[-1], y[-1]]])
    return np.zeros(1, np.int8), p, np.zeros((1, 4)), np.zeros(2, bool), True


def _corners_of(loops, a: int, b: int) -> list[int]:
    heading = loops.heading[a:b]
    return (a + np.flatnonzero(heading != np.roll(heading, 1))).tolist()


def _border_only(regions: Regions, a: int, b: int) -> Outline:
    return _staircase(regions, a, b)


def _staircase(regions: Regions, a: int, b: int) -> Outline:
    """The pixel outline itself, for specks that cannot be fitted and for the whole frame."""
    loops = regions.loops
    points = [(float(loops.vx[i]), float(loops.vy[i])) for i in _corners_of(loops, a, b)]
    return Outline(points[0], [("l", *p) for p in points[1:]])
