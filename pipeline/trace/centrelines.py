"""Regions of nearly constant width → their centre lines, and how these meet.

From every edge sample a ray runs across the region. Where it meets the other side head on, at the width that most rays of the
region agree on, the point half way is a point of the centre line. Runs of such points are *pieces*. Walking round the region's
outline tells which ends of pieces meet where: one end alone is a cap, two are a corner, three and more a junction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit

from .cores import find
from .planar import FRAME, Regions, Samples

_WIDEST = 8
"""Times that the widest stroke goes into the picture's long side."""
_LEAST_GOOD = 0.3
"""Share of a region's samples that must lie across from another at the stroke's width."""
_EVEN = 0.1
"""Half of a pen's widths, as measured, are within so many px of the most common."""
_SMALLEST = 12
"""Area, px², under which a region is a speck and no stroke."""

End = tuple[int, int]
"""An end of a piece: the piece's index, and 0 for where it begins or 1 for where it stops."""


@dataclass
class Piece:
    """A run of centre points in order, (n,) each, and whether it closes on itself."""

    x: np.ndarray
    y: np.ndarray
    sigma: np.ndarray
    closed: bool

    def trimmed(self, far: float) -> Piece:
        """Without the points that are within `far` px of an end: rays there may start from a cap or a corner."""
        keep = np.hypot(self.x - self.x[0], self.y - self.y[0]) > far
        keep &= np.hypot(self.x - self.x[-1], self.y - self.y[-1]) > far
        inner = np.flatnonzero(keep)
        if len(inner) < 4:
            return self
        part = slice(int(inner[0]), int(inner[-1]) + 1)
        return Piece(self.x[part], self.y[part], self.sigma[part], False)

    def end(self, which: int, span: float) -> tuple[np.ndarray, np.ndarray, float]:
        """An end, 0 or 1: its point, the unit direction that leads out of it, and the curvature there in 1/px.

        By a parabola through the points within `span` px of it, or fewer where these are no parabola.
        """
        x, y = (self.x, self.y) if which else (self.x[::-1], self.y[::-1])
        step = np.hypot(np.diff(x), np.diff(y))
        s = np.concatenate([[0.0], np.cumsum(step)])
        s -= s[-1]
        for part in (1.0, 0.7, 0.5, 0.35, 0.2):
            lo = min(int(np.searchsorted(s, -span * part)), len(x) - 3)
            t = s[lo:]
            quadratic = len(t) >= 6
            basis = np.stack([np.ones_like(t), t, t * t], 1) if quadratic else np.stack([np.ones_like(t), t], 1)
            fitted, *_ = np.linalg.lstsq(basis, np.stack([x[lo:], y[lo:]], 1), rcond=None)
            off = basis @ fitted - np.stack([x[lo:], y[lo:]], 1)
            if np.sqrt((off**2).sum(axis=1).mean()) < 0.08:
                break
        size = max(float(np.hypot(*fitted[1])), 1e-9)
        d = fitted[1] / size
        bend = 2 * (d[0] * fitted[2, 1] - d[1] * fitted[2, 0]) / size**2 if quadratic else 0.0
        return fitted[0], d, float(bend)


@dataclass(frozen=True, eq=False)
class Node:
    """Where ends of pieces meet, in the order in which walking round the region passes them.

    `walls[i]` are the cracks passed on the way from ``ends[i]`` to ``ends[i + 1]``, the last from the last to the first.
    """

    ends: list[End]
    walls: list[np.ndarray]


@dataclass(frozen=True, eq=False)
class CentreLines:
    """The centre lines of one region.

    Attributes
    ----------
    region : int
    width : float
        What most rays agree on, px.
    cracks : (n,) int64
        The region's cracks that are not on the frame.
    pieces, nodes
        See `Piece` and `Node`.
    walls : Walls
    """

    region: int
    width: float
    cracks: np.ndarray
    pieces: list[Piece]
    nodes: list[Node]
    walls: Walls

    def beside(self, wall: np.ndarray) -> np.ndarray:
        """(3, n): x, y and sigma, px, of points half a width inside of a wall's cracks."""
        walls, far = self.walls, self.width / 2
        wall = wall[walls.sigma[wall] > 0]
        return np.stack(
            [walls.x[wall] - walls.ty[wall] * far, walls.y[wall] + walls.tx[wall] * far, walls.sigma[wall] + 0.03]
        )


@dataclass(frozen=True, eq=False)
class Walls:
    """What rays across the regions find, (c,) each, by crack.

    Attributes
    ----------
    x, y, sigma
        The edge, px: as measured, or between its neighbours where it was not.
    tx, ty
        Its tangent.
    across
        The crack on the other side that the ray meets head on, or -1.
    length
        The way there, px.
    mx, my
        The point half way.
    """

    x: np.ndarray
    y: np.ndarray
    sigma: np.ndarray
    tx: np.ndarray
    ty: np.ndarray
    across: np.ndarray
    length: np.ndarray
    mx: np.ndarray
    my: np.ndarray


def centre_lines(regions: Regions, samples: Samples, noise: float) -> Iterator[CentreLines]:
    """The centre lines of every region that is mostly of one width."""
    loops = regions.loops
    count = np.diff(loops.start)
    edge = np.bincount(loops.region, count, len(regions.order))
    widest = max(regions.ids.shape) / _WIDEST
    # a stroke's area is half its outline times its width; pixel sides overstate the outline by up to 4/π
    slim = (regions.area < 0.5 * edge * widest) & (regions.area * 6 < edge * edge) & (regions.area >= _SMALLEST)
    slim &= regions.order >= 0
    if regions.ground >= 0:
        slim[regions.ground] = False
    wanted = slim[loops.region]
    if not wanted.any():
        return
    walls = _walls(regions, samples, wanted, widest)
    owner = np.repeat(loops.region, count)
    real = loops.outside != FRAME
    usable = (walls.across >= 0) & real
    usable &= real[walls.across]
    inside = np.bincount(owner[real], minlength=len(slim))
    slim &= np.bincount(owner[usable], minlength=len(slim)) >= np.maximum(6, _LEAST_GOOD * inside)
    good, parent = np.zeros(len(owner), bool), np.arange(len(owner))
    place = np.full(len(owner), -1.0)
    of_region = np.argsort(loops.region, kind="stable")
    first = np.searchsorted(loops.region[of_region], np.arange(len(slim) + 1))
    for r in np.flatnonzero(slim).tolist():
        mine = of_region[first[r] : first[r + 1]]
        cracks = np.concatenate([np.arange(loops.start[k], loops.start[k + 1]) for k in mine])
        cracks = cracks[real[cracks]]
        hit = cracks[usable[cracks]]
        width = _mode(walls.length[hit])
        off = np.abs(walls.length[hit] - width)
        near = off < 0.25 + 0.05 * width + 0.3 * noise
        close, off = hit[near], off[near]
        if len(close) < max(6, _LEAST_GOOD * len(cracks), 1.2 * width):
            continue
        if np.median(off) > _EVEN + 0.3 * noise:
            continue
        width = float(walls.length[close].mean())
        good[close] = True
        for k in mine.tolist():
            _join(loops.start[k], loops.start[k + 1], walls.across, good, walls.mx, walls.my, parent)
        network = _network(loops.start, mine, walls, good, parent, place, width)
        if network is not None and len(network[0]):
            pieces, nodes = network
            x, y = np.concatenate([p.x for p in pieces]), np.concatenate([p.y for p in pieces])
            if np.hypot(np.ptp(x), np.ptp(y)) > 0.5 * width:  # else a disc: its rays all cross at one point
                yield CentreLines(r, width, cracks, pieces, nodes, walls)


def _walls(regions: Regions, samples: Samples, wanted: np.ndarray, widest: float) -> Walls:
    loops = regions.loops
    heading = loops.heading.astype(np.int64)
    c = len(heading)
    x, y = samples.x.copy(), samples.y.copy()
    _settled(samples.x, samples.y, samples.sigma, loops.start, wanted, x, y)
    # cracks by the pixel inside and its side
    inner_x, inner_y = loops.vx - ((heading == 1) | (heading == 2)), loops.vy - ((heading == 2) | (heading == 3))
    keys = (inner_y.astype(np.int64) * regions.ids.shape[1] + inner_x) * 4 + heading
    order = np.argsort(keys)
    loop = np.repeat(np.arange(len(wanted)), np.diff(loops.start))
    across, length, tx, ty = np.full(c, -1, np.int64), np.zeros(c), np.zeros(c), np.zeros(c)
    _rays(
        regions.ids, x, y, loops.vx, loops.vy, loops.heading, loops.start, loop, wanted, order, keys[order],
        widest, across, length, tx, ty,
    )  # fmt: skip
    return Walls(x, y, samples.sigma, tx, ty, across, length, x - ty * length / 2, y + tx * length / 2)


def _mode(values: np.ndarray) -> float:
    """The middle of the shortest interval that holds two fifths of the values."""
    v = np.sort(values)
    k = max(2, int(0.4 * len(v)))
    i = int((v[k - 1 :] - v[: len(v) - k + 1]).argmin())
    return float(np.median(v[i : i + k]))


@njit(cache=True)
def _settled(x, y, sigma, start, region, px, py):
    """Copy samples; those that were not measured go between the measured ones on both sides where these are near."""
    for k in range(len(start) - 1):
        if not region[k]:
            continue
        a, n = start[k], start[k + 1] - start[k]
        for i in range(a, a + n):
            px[i], py[i] = x[i], y[i]
            if sigma[i] > 0:
                continue
            lo = hi = -1
            for step in range(1, 4):
                b, c = a + (i - a - step) % n, a + (i - a + step) % n
                if lo < 0 and sigma[b] > 0:
                    lo = b
                if hi < 0 and sigma[c] > 0:
                    hi = c
            if lo >= 0 and hi >= 0:
                px[i], py[i] = (x[lo] + x[hi]) / 2, (y[lo] + y[hi]) / 2


@njit(cache=True)
def _rays(ids, px, py, vx, vy, heading, start, loop, region, order, keys, widest, across, length, tx, ty):
    """For every crack of the regions asked for: the crack across (-1 where none), the way there in px, and its tangent."""
    h, w = ids.shape
    for k in range(len(start) - 1):
        if not region[k]:
            continue
        a, b = start[k], start[k + 1]
        n = b - a
        if n < 4:
            continue
        for i in range(a, b):
            before, after = a + (i - a - 3) % n, a + (i - a + 3) % n
            if n < 12:
                before, after = a + (i - a - 1) % n, a + (i - a + 1) % n
            dx, dy = px[after] - px[before], py[after] - py[before]
            size = np.hypot(dx, dy)
            if size > 1e-9:
                tx[i], ty[i] = dx / size, dy / size
    for k in range(len(start) - 1):
        if not region[k]:
            continue
        for i in range(start[k], start[k + 1]):
            nx, ny = -ty[i], tx[i]
            if nx == 0 and ny == 0:
                continue
            d = heading[i]
            dx = 1 if d == 0 else (-1 if d == 2 else 0)
            dy = 1 if d == 1 else (-1 if d == 3 else 0)
            mx, my = vx[i] + 0.5 * dx, vy[i] + 0.5 * dy
            iy, ix = int(np.floor(my + 0.5 * dx)), int(np.floor(mx - 0.5 * dy))
            own = ids[iy, ix]
            # grid walk from the middle of the crack
            x, y = mx - 0.02 * dy, my + 0.02 * dx
            side = -1
            t = 0.0
            while t < widest:
                sx = (ix + 1 - x) / nx if nx > 1e-9 else ((ix - x) / nx if nx < -1e-9 else 1e9)
                sy = (iy + 1 - y) / ny if ny > 1e-9 else ((iy - y) / ny if ny < -1e-9 else 1e9)
                if sx < sy:
                    step, qx, qy, out = sx, ix + (1 if nx > 0 else -1), iy, (1 if nx > 0 else 3)
                else:
                    step, qx, qy, out = sy, ix, iy + (1 if ny > 0 else -1), (2 if ny > 0 else 0)
                x += nx * step
                y += ny * step
                t += step
                if qx < 0 or qy < 0 or qx >= w or qy >= h or ids[qy, qx] != own:
                    side = out
                    break
                ix, iy = qx, qy
            if side < 0:
                continue
            key = (np.int64(iy) * w + ix) * 4 + side
            at = np.searchsorted(keys, key)
            if at >= len(keys) or keys[at] != key:
                continue
            j = order[at]
            kk = loop[j]
            a, n = start[kk], start[kk + 1] - start[kk]
            best = -1.0
            for g in range(-4, 4):
                u, v = a + (j - a + g) % n, a + (j - a + g + 1) % n
                ex, ey = px[v] - px[u], py[v] - py[u]
                den = nx * ey - ny * ex
                if abs(den) < 1e-9:
                    continue
                rx, ry = px[u] - px[i], py[u] - py[i]
                s = (rx * ey - ry * ex) / den
                f = (rx * ny - ry * nx) / den
                if s > 0.1 and -0.01 <= f <= 1.01 and (best < 0 or abs(s - t) < abs(best - t)):
                    best = s
            if best < 0:
                best = (px[j] - px[i]) * nx + (py[j] - py[i]) * ny
            if best <= 0.1 or tx[i] * tx[j] + ty[i] * ty[j] > -0.97:
                continue
            across[i] = j
            length[i] = best


@njit(cache=True)
def _join(a, b, across, good, mx, my, parent):
    """Join a loop's good cracks into pieces: neighbours and opposites whose points of the centre line are neighbours."""
    n = b - a
    for i in range(a, b):
        if not good[i]:
            continue
        j = across[i]
        if good[j] and np.hypot(mx[i] - mx[j], my[i] - my[j]) < 1.6:
            p, q = find(parent, i), find(parent, j)
            if p != q:
                parent[max(p, q)] = min(p, q)
        for step in range(1, 4):
            g = a + (i - a + step) % n
            if good[g]:
                if np.hypot(mx[i] - mx[g], my[i] - my[g]) < 0.9 + 0.8 * step:
                    p, q = find(parent, i), find(parent, g)
                    if p != q:
                        parent[max(p, q)] = min(p, q)
                break


@njit(cache=True)
def _roots(parent, index):
    """The piece of every crack."""
    out = np.empty(len(index), np.int64)
    for i in range(len(index)):
        out[i] = find(parent, index[i])
    return out


def _network(start, mine, walls: Walls, good, parent, place, width) -> tuple[list[Piece], list[Node]] | None:
    """Pieces of one region, and the nodes at which their ends meet; None where walking round it makes no sense of them."""
    runs: list[tuple[int, np.ndarray, bool]] = []  # the piece's root, cracks in walking order, whether a closed walk
    around: list[list[int]] = []  # runs of each loop in walking order
    for k in mine.tolist():
        a, b = int(start[k]), int(start[k + 1])
        index = a + np.flatnonzero(good[a:b])
        if len(index) == 0:
            return None
        root = _roots(parent, index)
        gap = (np.roll(index, -1) - index) % (b - a)
        cut = np.flatnonzero((root != np.roll(root, -1)) | (gap > 3)) + 1
        if len(cut) == 0:
            around.append([len(runs)])
            runs.append((int(root[0]), index, True))
            continue
        index, root = np.roll(index, -cut[0]), np.roll(root, -cut[0])
        bounds = [*(cut - cut[0]).tolist(), len(index)]
        around.append(list(range(len(runs), len(runs) + len(bounds) - 1)))
        runs += [(int(root[lo]), index[lo:hi], False) for lo, hi in pairwise(bounds)]
    members: dict[int, list[int]] = {}
    for i, (root_of, _, _) in enumerate(runs):
        members.setdefault(root_of, []).append(i)
    pieces: list[Piece] = []
    piece_of: dict[int, int] = {}
    forward: dict[int, bool] = {}
    for group in members.values():
        main = max(group, key=lambda i: len(runs[i][1]))
        _, index, closed = runs[main]
        far = np.hypot(walls.mx[index[-1]] - walls.mx[index[0]], walls.my[index[-1]] - walls.my[index[0]])
        if not closed and (len(index) < 3 or (far < 0.2 * width + 1 and len(index) < 0.5 * width)):
            continue
        piece_of.update((i, len(pieces)) for i in group)
        line, ways = _piece(runs, group, main, walls, place)
        forward.update(ways)
        pieces.append(line if closed else line.trimmed(0.12 * width + 0.8))
    leads: dict[End, tuple[End, np.ndarray]] = {}
    for own in around:
        own = [i for i in own if i in piece_of]
        for i, j in zip(own, own[1:] + own[:1], strict=True):
            if runs[i][2] or (i == j and pieces[piece_of[i]].closed):
                continue
            if piece_of[i] == piece_of[j] and forward[i] == forward[j] and i != j:
                continue  # a gap in one side of a piece
            leave, enter = (piece_of[i], int(forward[i])), (piece_of[j], int(not forward[j]))
            if leave in leads:
                return None
            lo, hi = int(runs[i][1][-1]), int(runs[j][1][0])
            k = int(np.searchsorted(start, lo, "right")) - 1
            a, n = int(start[k]), int(start[k + 1] - start[k])
            leads[leave] = (enter, a + (lo - a + 1 + np.arange((hi - lo - 1) % n)) % n)
    nodes: list[Node] = []
    seen: set[End] = set()
    for begin in [(p, e) for p in range(len(pieces)) if not pieces[p].closed for e in (0, 1)]:
        if begin in seen:
            continue
        node = Node([], [])
        here = begin
        while here not in seen:
            if here not in leads:
                return None
            seen.add(here)
            node.ends.append(here)
            here, between = leads[here]
            node.walls.append(between)
        if here != begin:
            return None
        nodes.append(node)
    return pieces, nodes


def _piece(runs, group, main, walls: Walls, place) -> tuple[Piece, dict[int, bool]]:
    """The centre line that a group of runs shares, along its main one; and whether each run walks the same way."""
    _, index, closed = runs[main]
    place[index] = np.arange(len(index))
    at, cracks = [np.arange(len(index), dtype=float)], [index]
    forward = {main: True}
    for i in group:
        if i == main:
            continue
        other = runs[i][1]
        where = place[walls.across[other]]
        seen = where >= 0
        if not seen.any():  # on the main run's side, or beyond it
            back = walls.across[other]
            forward[i] = bool(np.median(np.diff(back)) < 0) if len(back) > 2 else True
            continue
        forward[i] = bool(where[seen][-1] > where[seen][0]) and not runs[i][2]
        at.append(where[seen])
        cracks.append(other[seen])
    place[index] = -1
    every = np.concatenate(cracks)
    line = _line_of(np.concatenate(at), walls.mx[every], walls.my[every], walls.sigma[every], closed)
    return line, forward


def _line_of(at, x, y, sigma, closed) -> Piece:
    """Centre points sorted by their place along the main side, those of one crack averaged."""
    sigma = np.where(sigma > 0, sigma, 0.25)
    bin_of = np.rint(at).astype(int)
    weight = 1 / sigma**2
    total = np.bincount(bin_of, weight)
    full = total > 0
    total = total[full]
    px = np.bincount(bin_of, weight * x)[full] / total
    py = np.bincount(bin_of, weight * y)[full] / total
    mean = np.bincount(bin_of, sigma)[full] / np.bincount(bin_of)[full]
    return Piece(px, py, mean, closed)
