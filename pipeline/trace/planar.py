"""Label map → outlines: which region lies on top of which, and where its edges are to a fraction of a pixel.

Every region is drawn once, bottom to top. Where two regions meet, the upper one draws the edge exactly and the lower one
runs on beneath it, so no gap can open between them; a hole that only holds upper regions is not drawn at all. An edge is
measured by how much of each pixel beside it is covered: summed along the row (or column) that crosses it, coverage is the
position of a straight edge exactly.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numba import njit

from .components import components
from .gradients import Inks, ink_colour
from .prepare import LabelMap

_DX = np.array([1, 0, -1, 0], np.int64)
_DY = np.array([0, 1, 0, -1], np.int64)
FRAME = -1
"""Region id of what lies outside the picture."""


@dataclass(frozen=True, eq=False)
class Regions:
    """The regions of a label map.

    Attributes
    ----------
    ids : (H, W) int32
    ink : (n,) int32
    area : (n,) int64
        Pixels.
    order : (n,) int32
        Place in the painting order, 0 at the bottom; -1 for regions that are not painted (transparent).
    opaque : (n,) bool
    ground : int
        The region at the very bottom that is drawn as the whole frame, or -1: all that shares the ink of the four corners
        and touches the border.
    loops : Loops
    """

    ids: np.ndarray
    ink: np.ndarray
    area: np.ndarray
    order: np.ndarray
    opaque: np.ndarray
    ground: int
    loops: Loops


@dataclass(frozen=True, eq=False)
class Loops:
    """Closed walks along pixel sides with the region on the right, one after another.

    Attributes
    ----------
    start : (m + 1,) int64
        Loop k has the cracks ``start[k]:start[k + 1]``.
    region : (m,) int32
    hole : (m,) bool
    vx, vy : (c,) int32
        Corner where each crack starts, px.
    heading : (c,) int8
        0 east, 1 south, 2 west, 3 north.
    outside : (c,) int32
        Region on the left of each crack, or `FRAME`.
    """

    start: np.ndarray
    region: np.ndarray
    hole: np.ndarray
    vx: np.ndarray
    vy: np.ndarray
    heading: np.ndarray
    outside: np.ndarray


@njit(cache=True)
def _trace_loops(ids, joint):
    h, w = ids.shape
    total = 0
    for y in range(h):
        for x in range(w):
            i = ids[y, x]
            if y == 0 or ids[y - 1, x] != i:
                total += 1
            if y == h - 1 or ids[y + 1, x] != i:
                total += 1
            if x == 0 or ids[y, x - 1] != i:
                total += 1
            if x == w - 1 or ids[y, x + 1] != i:
                total += 1
    vx = np.empty(total, np.int32)
    vy = np.empty(total, np.int32)
    heading = np.empty(total, np.int8)
    outside = np.empty(total, np.int32)
    start = np.empty(total // 4 + 2, np.int64)
    region = np.empty(total // 4 + 2, np.int32)
    hole = np.empty(total // 4 + 2, np.bool_)
    seen = np.zeros((h, w, 4), np.bool_)
    loops = 0
    at = 0
    for sy in range(h):
        for sx in range(w):
            for side in range(0, 4, 2):
                i = ids[sy, sx]
                if side == 0 and sy > 0 and ids[sy - 1, sx] == i:
                    continue
                if side == 2 and sy < h - 1 and ids[sy + 1, sx] == i:
                    continue
                if seen[sy, sx, side]:
                    continue
                start[loops] = at
                region[loops] = i
                twice = 0
                py, px, d = sy, sx, side
                while not seen[py, px, d]:
                    seen[py, px, d] = True
                    if d == 0:
                        ax, ay, oy, ox = px, py, py - 1, px
                    elif d == 1:
                        ax, ay, oy, ox = px + 1, py, py, px + 1
                    elif d == 2:
                        ax, ay, oy, ox = px + 1, py + 1, py + 1, px
                    else:
                        ax, ay, oy, ox = px, py + 1, py, px - 1
                    vx[at], vy[at], heading[at] = ax, ay, d
                    outside[at] = ids[oy, ox] if 0 <= oy < h and 0 <= ox < w else -1
                    at += 1
                    bx, by = ax + _DX[d], ay + _DY[d]
                    twice += ax * by - bx * ay
                    ry, rx = py + _DY[d], px + _DX[d]  # ahead on the right
                    ly, lx = ry + _DY[(d + 3) % 4], rx + _DX[(d + 3) % 4]  # ahead on the left
                    right = 0 <= ry < h and 0 <= rx < w and ids[ry, rx] == i
                    left = 0 <= ly < h and 0 <= lx < w and ids[ly, lx] == i
                    if not right:
                        diagonal = 2 if d % 2 == 0 else 1
                        if left and joint[by, bx] == diagonal:
                            py, px, d = ly, lx, (d + 3) % 4
                        else:
                            d = (d + 1) % 4
                    elif not left:
                        py, px = ry, rx
                    else:
                        py, px, d = ly, lx, (d + 3) % 4
                hole[loops] = twice < 0
                loops += 1
    start[loops] = at
    return (start[: loops + 1].copy(), region[:loops].copy(), hole[:loops].copy(), vx, vy, heading, outside)


@njit(cache=True)
def _coverage(p, y, x, f, b, limit):
    """How much of ink f (the rest b) pixel (y, x) holds, and whether the two explain it."""
    num = 0.0
    den = 0.0
    for k in range(4):
        d = f[k] - b[k]
        num += (p[y, x, k] - b[k]) * d
        den += d * d
    t = num / max(den, 1e-6)
    rest = 0.0
    for k in range(4):
        e = p[y, x, k] - (b[k] + t * (f[k] - b[k]))
        rest += e * e
    return min(1.0, max(0.0, t)), rest <= limit * limit and -0.15 < t < 1.15


@njit(cache=True)
def _measure(
    p, labels, ids, vx, vy, heading, outside, kind, colour, geom, profile, window, pure, limit, noise, sx, sy, sigma
):
    """Sub-pixel positions of the edge at every crack, (c,) each, and their uncertainty in px (negative: not measured)."""
    h, w, _ = p.shape
    f = np.empty(4, np.float32)
    b = np.empty(4, np.float32)
    for c in range(len(vx)):
        d = heading[c]
        mx, my = vx[c] + 0.5 * _DX[d], vy[c] + 0.5 * _DY[d]
        sx[c], sy[c] = mx, my
        if outside[c] == -1:
            sigma[c] = 0.01
            continue
        # towards the outside: left of the heading
        ux, uy = _DX[(d + 3) % 4], _DY[(d + 3) % 4]
        if d == 0:
            iy, ix = vy[c], vx[c]
        elif d == 1:
            iy, ix = vy[c], vx[c] - 1
        elif d == 2:
            iy, ix = vy[c] - 1, vx[c] - 1
        else:
            iy, ix = vy[c] - 1, vx[c]
        oy, ox = iy + uy, ix + ux
        li, lo = labels[iy, ix], labels[oy, ox]
        ink_colour(li, ix, iy, kind, colour, geom, profile, f)
        ink_colour(lo, ox, oy, kind, colour, geom, profile, b)
        contrast = 0.0
        for k in range(4):
            contrast += (f[k] - b[k]) ** 2
        contrast = np.sqrt(contrast)
        sigma[c] = -1.0
        if contrast < 4:
            continue
        # how far each ink runs
        ni = 1
        while ni < 2 * window:
            y, x = iy - ni * uy, ix - ni * ux
            if y < 0 or x < 0 or y >= h or x >= w:
                ni = 2 * window
                break
            if labels[y, x] != li:
                break
            ni += 1
        no = 1
        while no < 2 * window:
            y, x = oy + no * uy, ox + no * ux
            if y < 0 or x < 0 or y >= h or x >= w:
                no = 2 * window
                break
            if labels[y, x] != lo:
                break
            no += 1
        missing = 0.0
        extra = 0.0
        ok = True
        last_in = 1.0
        last_out = 0.0
        first_in = 1.0
        first_out = 0.0
        for k in range(min(window, ni)):
            y, x = iy - k * uy, ix - k * ux
            if y < 0 or x < 0 or y >= h or x >= w:
                break
            t, good = _coverage(p, y, x, f, b, limit)
            ok = ok and good
            missing += 1 - t
            last_in = t
            if k == 0:
                first_in = t
            if t >= 1 - pure * 0.25:
                break
        for k in range(min(window, no)):
            y, x = oy + k * uy, ox + k * ux
            if y < 0 or x < 0 or y >= h or x >= w:
                break
            t, good = _coverage(p, y, x, f, b, limit)
            ok = ok and good
            extra += t
            last_out = t
            if k == 0:
                first_out = t
            if t <= pure * 0.25:
                break
        if ni == 2 and last_in < 1 - pure:
            missing, last_in = 1 - first_in, 1.0  # each side of a thin stroke has the pixel nearer to it
        if no == 2 and last_out > pure:
            extra, last_out = first_out, 0.0
        thin = False
        if ni == 1:
            # one pixel wide: what the pixel lacks belongs to the side that has no ink spilled over
            thin = True
            y, x = iy - uy, ix - ux
            lf = labels[y, x]
            ink_colour(lf, x, y, kind, colour, geom, profile, b)
            spill, good = _coverage(p, y, x, f, b, limit)
            if (extra > 0.06 and spill > 0.06) or extra > 0.06:
                missing = 0.0
            elif spill <= 0.06:
                missing = (1 - first_in) / 2
            last_in = 1.0
        if no == 1:
            thin = True
            y, x = oy + uy, ox + ux
            lf = labels[y, x]
            if lf == li:
                t = extra
                y2, x2 = y, x
                far, good = _coverage(p, y2, x2, f, b, limit)
                if missing > 0.06:
                    extra = 0.0
                elif 1 - far <= 0.06:
                    extra = t / 2
            last_out = 0.0
        if not ok or last_in < 1 - pure or last_out > pure:
            continue
        offset = extra - missing
        if abs(offset) > window:
            continue
        sx[c] = mx + ux * offset
        sy[c] = my + uy * offset
        s = 0.04 + 4.0 * noise / contrast
        if contrast < 40:
            s += 0.5 / contrast
        if thin:
            s += 0.08
        if ni <= 2 or no <= 2:
            s += 0.05
        sigma[c] = s


def regions_of(label_map: LabelMap, *, ground: bool = True) -> Regions:
    """Split a label map into connected regions, order them for painting, and walk their outlines."""
    labels, inks = label_map.labels, label_map.inks
    ids, n, joint = components(labels, label_map.source)
    bottom = _join_ground(labels, ids, inks) if ground else -1
    loops = Loops(*_trace_loops(ids, joint))
    ink = np.zeros(n, np.int32)
    ink[ids.ravel()] = labels.ravel()
    area = np.bincount(ids.ravel(), minlength=n)
    alpha = inks.colours[ink, 3]
    for i, shading in enumerate(inks.shadings):
        if shading is not None and shading.profile[:, 3].min() < 252:
            alpha[ink == i] = np.minimum(alpha[ink == i], 250)
    painted = np.where(alpha >= 6, 0, -1).astype(np.int32)
    regions = Regions(ids, ink, area, painted, alpha >= 252, bottom, loops)
    return replace(regions, order=_paint_order(regions)[0])


def _join_ground(labels: np.ndarray, ids: np.ndarray, inks: Inks) -> int:
    """Make one region of the border regions that share the corners' ink, in place; its id, or -1 where corners differ."""
    corners = {int(labels[y, x]) for y in (0, -1) for x in (0, -1)}
    if len(corners) > 1 or inks.shadings[ink := corners.pop()] is not None or inks.means[ink][3] < 252:
        return -1
    border = np.concatenate(
        [
            a[b == ink]
            for a, b in zip(
                (ids[0], ids[-1], ids[:, 0], ids[:, -1]),
                (labels[0], labels[-1], labels[:, 0], labels[:, -1]),
                strict=True,
            )
        ]
    )
    parts = np.unique(border)
    ground = int(parts[0])
    if len(parts) > 1:
        ids[np.isin(ids, parts[1:])] = ground
    return ground


def with_strokes(regions: Regions, strokes: Collection[int], *, merge: bool) -> tuple[Regions, set[int]]:
    """Regions in the order in which they are painted where some are strokes, and which of the strokes are left.

    A stroke encloses nothing, and lies above all that it touches. With `merge`, what it fences off of the ground is left to
    the ground, be it of constant width or not.
    """
    if not strokes:
        return regions, set()
    left = frozenset(strokes)
    order, depth = _paint_order(regions, left)
    if not merge or (g := regions.ground) < 0:
        return replace(regions, order=order), set(left)
    same = (regions.ink == regions.ink[g]) & regions.opaque
    if same[list(left)].any():
        left = frozenset(r for r in left if not same[r])
        if not left:
            return regions, set()
        order, depth = _paint_order(regions, left)
    fenced = same & (depth <= 1)
    fenced[g] = False
    order[fenced] = -1
    left |= {r for r in strokes if same[r] and not fenced[r]}
    return replace(regions, order=order), set(left)


def _paint_order(regions: Regions, strokes: frozenset[int] = frozenset()) -> tuple[np.ndarray, np.ndarray]:
    """Place of each region from the bottom, and how many regions enclose it.

    Translucent regions come first, then those that fewer enclose, then the larger; strokes right after all that they touch.
    """
    loops, area, ground, n = regions.loops, regions.area, regions.ground, len(regions.area)
    depth = np.zeros(n, np.int32)
    owner = np.repeat(loops.region, np.diff(loops.start))
    touching = loops.outside >= 0
    pairs = np.unique(owner[touching].astype(np.int64) * n + loops.outside[touching])
    first = np.searchsorted(pairs, np.arange(n + 1) * np.int64(n))
    beside = pairs % n
    # the regions of a hole of one pixel-sized ring are found by walking from the hole's rim without crossing its owner
    for k in np.flatnonzero(loops.hole).tolist():
        own = int(loops.region[k])
        if own in strokes:
            continue
        todo = np.unique(loops.outside[loops.start[k] : loops.start[k + 1]]).tolist()
        inside = set(todo)
        while todo:
            r = todo.pop()
            for q in beside[first[r] : first[r + 1]].tolist():
                if q != own and q not in inside:
                    inside.add(q)
                    todo.append(q)
        depth[list(inside)] += 1
    bottom = np.ones(n, np.int8)
    if ground >= 0:
        bottom[ground] = 0
    rank = np.lexsort((-area, depth, regions.opaque, bottom))
    height = np.empty(n)
    height[rank] = np.arange(n)
    for r in sorted(strokes, key=lambda r: height[r]):
        touched = [q for q in beside[first[r] : first[r + 1]].tolist() if q not in strokes and regions.order[q] >= 0]
        height[r] = max((height[q] for q in touched), default=height[r] - 0.5) + 0.5
    painted = regions.order >= 0
    order = np.full(n, -1, np.int32)
    order[np.argsort(np.where(painted, height, np.inf), kind="stable")[: painted.sum()]] = np.arange(painted.sum())
    return order, depth


@dataclass(frozen=True, eq=False)
class Samples:
    """Edge positions at every crack of `Loops`: x, y in px, and sigma in px, negative where nothing could be measured."""

    x: np.ndarray
    y: np.ndarray
    sigma: np.ndarray


def measure_edges(label_map: LabelMap, regions: Regions, *, unmixing: bool = True) -> Samples:
    """Find where every edge lies to a fraction of a pixel; without unmixing, at the pixels' sides."""
    loops = regions.loops
    c = len(loops.vx)
    if not unmixing:
        step = loops.heading.astype(int)
        return Samples(loops.vx + _DX[step] / 2, loops.vy + _DY[step] / 2, np.full(c, 0.3))
    x, y, sigma = np.empty(c), np.empty(c), np.empty(c)
    noise = label_map.noise
    window, pure, limit = (3, 0.03, 10.0) if noise <= 0.25 else (3, 0.2, 30.0 + 40 * noise)
    _measure(
        label_map.source, label_map.labels, regions.ids, loops.vx, loops.vy, loops.heading, loops.outside,
        *label_map.inks.arrays(), window, pure, limit, noise, x, y, sigma,
    )  # fmt: skip
    return Samples(x, y, sigma)
