"""Centre lines → strokes: paths with a width, caps and joins, as their artist drew them.

Pieces of a centre line that one curve could join are one line, through junctions too; others meet in corners, sharp or round,
or end on the line that they come to. Each line is fitted like any edge. A region is a stroke only if the stroke's own outline
lies on the measured edge.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numba import njit

from .centrelines import CentreLines, End, Node, Piece, Walls, centre_lines
from .fit import ARC, CUBIC, fit_run
from .outline import Outline, Tolerances, _append, _tangent
from .planar import FRAME, Regions, Samples
from .shapes import Circle, Ellipse, Rect, closed_shape

Cap = Literal["butt", "round"]
Join = Literal["miter", "round"]
Line = Outline | Circle | Ellipse | Rect
Corner = tuple[np.ndarray, np.ndarray, np.ndarray]
"""A point, and the directions in which it is come to and left."""

_HAIRPIN = np.radians(115)
"""Turn from which two ends are no corner but a narrow bend."""
_STRAIN = np.radians(10)
"""Radians up to which two ends of a junction are one line that runs through: see `_strain`."""
_LONG = 8
"""Widths from which a straight bar is rather a line than a rectangle."""
_THIN = 2.5
"""Width, px, under which nothing is asked of a stroke's ends."""
_FAR = 2.5
"""Widths, and 3 px, that a corner or a junction may lie beyond the ends that meet there."""


@dataclass(frozen=True)
class Stroke:
    """A line drawn with a pen: its centre line (an open `Outline`, or a closed shape) and width in px, cap and join."""

    line: Line
    width: float
    cap: Cap
    join: Join

    @property
    def closed(self) -> bool:
        """Whether the line has no ends."""
        return not isinstance(self.line, Outline) or self.line.closed


@dataclass
class _Links:
    """How the ends of a region's pieces are joined.

    Attributes
    ----------
    smooth, corner
        For an end, the one that its line goes on from, smoothly or round a corner.
    meet
        Where a corner is, or where an end that joins nothing stops, px.
    known
        For a smooth end, points (3, n) of the centre line on the way to the other: x, y and sigma.
    caps
        For a free end, the cracks around it.
    near
        For any end, the cracks of its node.
    """

    smooth: dict[End, End] = field(default_factory=dict)
    corner: dict[End, End] = field(default_factory=dict)
    meet: dict[End, np.ndarray] = field(default_factory=dict)
    known: dict[End, np.ndarray] = field(default_factory=dict)
    caps: dict[End, np.ndarray] = field(default_factory=dict)
    near: dict[End, np.ndarray] = field(default_factory=dict)

    def join(self, one: End, two: End, known: np.ndarray | None = None) -> None:
        """Let the line run on from one end to another, past points that are known."""
        self.smooth[one], self.smooth[two] = two, one
        if known is not None:
            self.known[one], self.known[two] = known, known[:, ::-1]

    def turn(self, one: End, two: End, point: np.ndarray) -> None:
        """Let the line turn from one end to another at a point."""
        self.corner[one], self.corner[two] = two, one
        self.meet[one] = self.meet[two] = point


@dataclass
class _Draft:
    """A line before its ends are settled: a closed shape, or fitted runs between corners.

    `limits` are how far the ends lie beyond the fit, px, with a round and with a flat cap; `errors` the sums of squares that
    each leaves; `joints` where the runs meet, and the cracks there.
    """

    closed: bool
    fits: list[Any] = field(default_factory=list)
    joints: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    limits: list[tuple[float, float]] = field(default_factory=list)
    capped: list[bool] = field(default_factory=list)
    errors: np.ndarray = field(default_factory=lambda: np.zeros(2))
    shape: Circle | Ellipse | Rect | None = None


def strokes_of(regions: Regions, samples: Samples, noise: float, tol: Tolerances) -> dict[int, list[Stroke]]:
    """The strokes of every region that is made of them, by region id."""
    found: dict[int, list[Stroke]] = {}
    plain: set[int] = (
        set()
    )  # regions that are rather a rectangle, a circle or an ellipse, unless others share their pen
    for centre in centre_lines(regions, samples, noise):
        links = _links(centre)
        drafts = _drafts(centre, links, regions, tol) if links is not None else None
        strokes = _verified(centre, drafts, noise) if drafts else None
        if strokes:
            found[centre.region] = strokes
            if tol.shapes and len(strokes) == 1 and _is_plain(centre, strokes[0]):
                plain.add(centre.region)
    return _one_width({r: found[r] for r in found if r not in plain or _in_company(r, found, plain)})


def _is_plain(centre: CentreLines, stroke: Stroke) -> bool:
    """Whether a stroke's outline is one circle or ellipse, or one rectangle that is upright or short."""
    line = stroke.line
    if not isinstance(line, Outline) or line.closed:
        return False
    straight = len(line.segments) == 1 and line.segments[0][0] == "l"
    if (
        straight
        and stroke.cap == "butt"
        and np.hypot(*np.subtract(line.start, line.segments[0][1:])) < _LONG * stroke.width
    ):
        return True
    walls = centre.walls
    return closed_shape(*(a[centre.cracks] for a in (walls.x, walls.y, walls.sigma))) is not None


def _alike(one: float, two: float) -> bool:
    """Whether two widths, px, are meant to be one."""
    return abs(one - two) < 0.2 + 0.015 * min(one, two)


def _in_company(region: int, found: dict[int, list[Stroke]], plain: set[int]) -> bool:
    """Whether other strokes have the width of a region's."""
    return any(_alike(found[region][0].width, found[r][0].width) for r in found if r not in plain)


def _one_width(found: dict[int, list[Stroke]]) -> dict[int, list[Stroke]]:
    """Strokes with widths that are nearly the same made one: the median of those from the thinnest on."""
    regions = sorted(found, key=lambda r: found[r][0].width)
    while regions:
        group = [r for r in regions if _alike(found[r][0].width, found[regions[0]][0].width)]
        width = float(np.median([found[r][0].width for r in group]))
        for r in group:
            found[r] = [replace(stroke, width=width) for stroke in found[r]]
        regions = regions[len(group) :]
    return found


def joined(strokes: dict[int, list[Stroke]], regions: Regions) -> dict[int, list[Stroke]]:
    """Strokes of different regions that are one line cut in two, as a thin one may be, made one; the first region has it."""
    strokes = {r: list(lines) for r, lines in strokes.items()}
    tips = [
        (r, stroke, line, end, *_tip(line, end))
        for r, lines in strokes.items()
        for stroke in lines
        if isinstance(line := stroke.line, Outline) and not line.closed
        for end in (0, 1)
    ]
    pairs = [
        (float(np.hypot(*(p - q))), i, j)
        for i, (r, one, _, _, p, d) in enumerate(tips)
        for j, (s, two, _, _, q, e) in enumerate(tips[:i])
        if regions.ink[r] == regions.ink[s]
        and _alike(one.width, two.width)
        and np.hypot(*(p - q)) < 1.5 + one.width
        and d @ e < -0.97
        and abs((q - p) @ np.array([-d[1], d[0]])) < 0.5
    ]
    for _, i, j in sorted(pairs):
        r, one, before, end, _, _ = tips[i]
        s, two, after, begin, _, _ = tips[j]
        if one is two or one not in strokes[r] or two not in strokes[s]:
            continue
        first = before if end else _reversed(before)
        second = _reversed(after) if begin else after
        skip = first.segments[-1][0] == "l" and second.segments[0][0] == "l"
        line = Outline(first.start, [*first.segments[: -1 if skip else None]], closed=False)
        line.segments += second.segments if skip else [("l", *second.start), *second.segments]
        strokes[r].remove(one)
        strokes[s].remove(two)
        strokes[min(r, s)].append(replace(one, line=line))
    return strokes


def _tip(line: Outline, end: int) -> tuple[np.ndarray, np.ndarray]:
    """An end of an open line, 0 or 1, and the unit direction that leads out of it."""
    path = line if end else _reversed(line)
    points = [path.start, *(segment[-2:] for segment in path.segments)]
    last = path.segments[-1]
    p = np.array(points[-1], float)
    if last[0] == "a":
        before = np.array(_arc_points(*points[-2], *last[1:])[-2])
    else:
        before = np.array(last[3:5] if last[0] == "c" else points[-2], float)
    d = p - before
    return p, d / max(float(np.hypot(*d)), 1e-9)


def _reversed(line: Outline) -> Outline:
    """The same line from its end to its start."""
    points = [line.start, *(segment[-2:] for segment in line.segments)]
    back: list[tuple] = []
    for segment, point in zip(line.segments[::-1], points[-2::-1], strict=True):
        if segment[0] == "c":
            back.append(("c", *segment[3:5], *segment[1:3], *point))
        elif segment[0] == "a":
            back.append(("a", segment[1], segment[2], not segment[3], *point))
        else:
            back.append(("l", *point))
    return Outline(points[-1], back, closed=line.closed)


def _links(centre: CentreLines) -> _Links | None:
    """Decide at every node which ends go on where; None where lines meet nowhere near."""
    links = _Links()
    span = max(6.0, 1.2 * centre.width)
    for node in centre.nodes:
        cracks = np.concatenate(node.walls)
        links.near.update((e, cracks) for e in node.ends)
        if len(node.ends) == 1:
            links.caps[node.ends[0]] = cracks
            continue
        where = {e: centre.pieces[e[0]].end(e[1], span) for e in node.ends}
        through = _straight_on(centre, node, where, links)
        rest = [e for e in node.ends if e not in links.smooth]
        if not rest:
            continue
        if through:
            known = np.concatenate([_through(where[a], where[b], links.known.get(a)) for a, b in through])
            fine = all(_end_on(known, where[e], e, centre.width, links) for e in rest)
        elif len(rest) == 2:
            fine = _turn(centre, node, where, links)
        else:
            fine = _star(rest, where, centre.width, links)
        if not fine:
            return None
    return links


def _straight_on(centre: CentreLines, node: Node, where, links: _Links) -> list[tuple[End, End]]:
    """Join the pairs of a node's ends that one curve could run through, the least strained first."""
    ends, walls = node.ends, node.walls
    pairs = [(_strain(where[a], where[b]), a, b) for i, a in enumerate(ends) for b in ends[:i]]
    through = []
    for strain, a, b in sorted(pairs):
        if strain > _STRAIN or a in links.smooth or b in links.smooth:
            continue
        links.join(a, b)
        for one, two in ((a, b), (b, a)):
            i = ends.index(one)
            if ends[(i + 1) % len(ends)] == two and len(walls[i]):
                # the wall between them runs on: half a width from it is the centre line
                links.join(one, two, centre.beside(walls[i]))
        through.append((a, b))
    return through


def _turn(centre: CentreLines, node: Node, where, links: _Links) -> bool:
    """Join two ends by a corner, or by a narrow bend half a width from its outer wall."""
    one, two = node.ends
    if abs(_angle(where[one][1], -where[two][1])) > _HAIRPIN:
        outer = int(np.argmax([len(wall) for wall in node.walls]))
        links.join(node.ends[outer], node.ends[1 - outer], centre.beside(node.walls[outer]))
        return True
    point = _crossing(where[one], where[two])
    if point is None or max(np.hypot(*(point - where[e][0])) for e in node.ends) > _FAR * centre.width + 3:
        return False
    links.turn(one, two, point)
    return True


def _end_on(line: np.ndarray, where, end: End, width: float, links: _Links) -> bool:
    """Let an end stop on a line, (n, 2) points, that runs through."""
    p, d, _ = where
    ahead = (line - p) @ d
    beside = np.abs((line - p) @ np.array([-d[1], d[0]]))
    near = (ahead > -1) & (ahead < _FAR * width + 3)
    if not near.any():
        return False
    links.meet[end] = line[near][int(beside[near].argmin())]
    return True


def _star(ends: list[End], where, width: float, links: _Links) -> bool:
    """Let three ends or more meet in the point nearest to all their lines, the straightest two of them as one line."""
    a, b = np.zeros((2, 2)), np.zeros(2)
    for e in ends:
        p, d, _ = where[e]
        m = np.eye(2) - np.outer(d, d)
        a += m
        b += m @ p
    if np.linalg.det(a) < 1e-3:
        return False
    point = np.linalg.solve(a, b)
    if max(np.hypot(*(point - where[e][0])) for e in ends) > _FAR * width + 3:
        return False
    links.meet.update((e, point) for e in ends)
    for _, e, f in sorted((float(where[e][1] @ where[f][1]), e, f) for i, e in enumerate(ends) for f in ends[:i]):
        vertex = _crossing(where[e], where[f])
        if vertex is not None and np.hypot(*(vertex - point)) < 0.3 * width + 1:
            links.turn(e, f, vertex)
            break
    return True


def _through(one, two, rounds: np.ndarray | None) -> np.ndarray:
    """(n, 2): points about a pixel apart from one end to another, along what is known to lie between."""
    (p, q) = one[0], two[0]
    if rounds is not None and rounds.shape[1] > 1:
        return np.concatenate([p[None], rounds[:2].T, q[None]])
    t = np.linspace(0, 1, max(2, int(np.hypot(*(q - p))) + 1))[:, None]
    return p + t * (q - p)


def _strain(one, two) -> float:
    """How far, in radians, two ends are from being one curve: 0 where an arc of their own curvatures bridges the gap."""
    (p, d, bend_one), (q, e, bend_two) = one, two
    gap = q - p
    size = float(np.hypot(*gap))
    if size < 2:
        return float(np.arccos(np.clip(-(d @ e), -1, 1)))
    ahead = _angle(d, gap)
    after = _angle(gap, -e)
    if abs(ahead) > 1.2 or abs(after) > 1.2:
        return np.inf
    expected = (bend_one - bend_two) / 2 * size
    turn = ahead + after
    # the curve may end anywhere in the gap, and a line begin
    beyond = max(min(0.0, expected) - turn, turn - max(0.0, expected), 0.0)
    return max(abs(ahead - after) / 2, beyond / 2)


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    """The turn from one direction to another, radians, -π–π."""
    return float(np.arctan2(a[0] * b[1] - a[1] * b[0], a @ b))


def _crossing(one, two) -> np.ndarray | None:
    """Where two lines, each a point and a direction, cross."""
    (p, d), (q, e) = one[:2], two[:2]
    cross = d[0] * e[1] - d[1] * e[0]
    if abs(cross) < 0.08:
        return None
    t = ((q[0] - p[0]) * e[1] - (q[1] - p[1]) * e[0]) / cross
    return p + t * d


def _drafts(centre: CentreLines, links: _Links, regions: Regions, tol: Tolerances) -> list[_Draft] | None:
    """Follow the links from free ends, then round what is closed, and fit every line; None where one cannot be."""
    drafts: list[_Draft] = []
    used: set[int] = set()
    for begin in [*links.caps, *(e for e in links.meet if e not in links.corner)]:
        if begin[0] not in used:
            draft = _open_line(centre, begin, links, used, regions, tol)
            if draft is None:
                return None
            drafts.append(draft)
    for p in range(len(centre.pieces)):
        if p not in used:
            draft = _closed_line(centre, p, links, used, tol)
            if draft is None:
                return None
            drafts.append(draft)
    return drafts


def _walk(centre: CentreLines, begin: End, links: _Links, used: set[int]):
    """Runs of points from an end on, each as far as it is smooth; the first and last end of each; and where the walk stops.

    That is None where it comes to a piece that was used.
    """
    runs: list[list[np.ndarray]] = [[]]
    ends: list[tuple[End, End]] = []
    here = first = begin
    while True:
        p, e = here
        if p in used:
            return runs, ends, None
        used.add(p)
        piece = centre.pieces[p]
        block = np.stack([piece.x, piece.y, piece.sigma])
        runs[-1].append(block if e == 0 else block[:, ::-1])
        out = (p, 1 - e)
        if out in links.smooth:
            here = links.smooth[out]
            known = links.known.get(out)
            runs[-1].append(_bridge(runs[-1][-1], centre.pieces[here[0]], here[1]) if known is None else known)
        else:
            ends.append((first, out))
            if out not in links.corner:
                return runs, ends, out
            here = first = links.corner[out]
            if here != begin:
                runs.append([])
        if here == begin:
            if out in links.smooth:
                ends.append((first, out))
            return runs, ends, begin


def _bridge(block: np.ndarray, piece: Piece, end: int) -> np.ndarray:
    """(3, k): points that lead from the end of a block to an end of a piece, a pixel apart, of little weight."""
    following = np.stack([piece.x, piece.y])
    following = following if end == 0 else following[:, ::-1]
    p, q = block[:2, -1], following[:, 0]
    size = float(np.hypot(*(q - p)))
    count = int(size)
    if count < 2:
        return np.empty((3, 0))
    k = min(6, block.shape[1], following.shape[1]) - 1
    d, e = p - block[:2, -1 - k], following[:, k] - q
    d, e = d / max(np.hypot(*d), 1e-9) * size, e / max(np.hypot(*e), 1e-9) * size
    t = np.arange(1, count) / count
    # cubic Hermite
    curve = (
        np.outer(p, 2 * t**3 - 3 * t**2 + 1)
        + np.outer(d, t**3 - 2 * t**2 + t)
        + np.outer(q, 3 * t**2 - 2 * t**3)
        + np.outer(e, t**3 - t**2)
    )
    return np.vstack([curve, np.full(len(t), 0.5 + 0.05 * size)])


def _fit(run: list[np.ndarray], closed: bool, tol: Tolerances):
    """A run of the centre line, fitted without corners: where it has one, it is two runs."""
    x, y, sigma = np.concatenate(run, axis=1)
    return fit_run(x, y, sigma, closed, tol.price, tol.candidates, tol.reach, np.pi, tol.blunt, tol.arcs)


def _carried(fitted, which: int, far: float):
    """A fitted run carried on by `far` px at an end (0 or 1) as its last segment goes on: straight, round, or as its cubic."""
    kinds, points, data, sharp, fine = (a.copy() if isinstance(a, np.ndarray) else a for a in fitted)
    k = 0 if which == 0 else len(kinds) - 1
    v = 0 if which == 0 else len(kinds)
    if kinds[k] == ARC:
        cx, cy, r, way = data[k]
        angle = np.arctan2(points[v, 1] - cy, points[v, 0] - cx) + way * far / r * (1 if which else -1)
        points[v] = cx + r * np.cos(angle), cy + r * np.sin(angle)
    elif kinds[k] == CUBIC:
        p = np.array([points[k], data[k, :2], data[k, 2:], points[k + 1]])
        p = p if which else p[::-1]
        speed = 3 * np.hypot(*(p[3] - p[2]))
        t = 1 + min(max(far / max(speed, 1e-6), -0.2), 0.35)
        a = p[:3] + (p[1:] - p[:3]) * t
        b = a[:2] + (a[1:] - a[:2]) * t
        c = b[0] + (b[1] - b[0]) * t
        p = np.array([p[0], a[0], b[0], c])
        p = p if which else p[::-1]
        points[k], data[k, :2], data[k, 2:], points[k + 1] = p
    else:
        d = points[k + 1] - points[k]
        points[v] += d / max(np.hypot(*d), 1e-9) * far * (1 if which else -1)
    return kinds, points, data, sharp, fine


def _fitted_ends(fitted):
    """Point and outward direction at both ends of a fitted run."""
    kinds, points, data = fitted[0], fitted[1], fitted[2]
    return (
        (points[0], -_tangent(int(kinds[0]), data[0], points[0], points[1], True)),
        (points[-1], _tangent(int(kinds[-1]), data[-1], points[-2], points[-1], False)),
    )


def _open_line(
    centre: CentreLines, begin: End, links: _Links, used: set[int], regions: Regions, tol: Tolerances
) -> _Draft | None:
    runs, ends, last = _walk(centre, begin, links, used)
    if last is None or last == begin:
        return None
    draft = _Draft(closed=False, fits=[_fit(run, False, tol) for run in runs])
    if not all(fit[4] for fit in draft.fits):
        return None
    for which, end in ((0, begin), (1, last)):
        p, d = _fitted_ends(draft.fits[-which])[which]
        draft.capped.append(end in links.caps)
        if end in links.caps:
            far, errors = _cap(links.caps[end], p, d, centre.width, centre.walls, regions)
            draft.errors += errors
        else:
            far = (float((links.meet[end] - p) @ d),) * 2
        draft.limits.append(far)
    draft.joints = [(links.meet[out], links.near[out]) for _, out in ends[:-1]]
    return draft


def _closed_line(centre: CentreLines, p: int, links: _Links, used: set[int], tol: Tolerances) -> _Draft | None:
    piece = centre.pieces[p]
    if piece.closed:
        used.add(p)
        runs: list[list[np.ndarray]] = [[np.stack([piece.x, piece.y, piece.sigma])]]
        ends: list[tuple[End, End]] = []
    else:
        begin, seen = (p, 0), set()
        while begin in links.smooth and begin not in seen:  # start at a corner where there is one
            seen.add(begin)
            q = links.smooth[begin]
            begin = (q[0], 1 - q[1])
        runs, ends, last = _walk(centre, begin, links, used)
        if last != begin:
            return None
        if len(runs) == 1 and ends[0][1] in links.smooth:
            ends = []
    every = np.concatenate([np.concatenate(run, axis=1) for run in runs], axis=1)
    if tol.shapes and (shape := closed_shape(*every)) is not None:
        return _Draft(closed=True, shape=shape)
    draft = _Draft(closed=True, fits=[_fit(run, not ends, tol) for run in runs])
    draft.joints = [(links.meet[out], links.near[out]) for _, out in ends]
    return draft if all(fit[4] for fit in draft.fits) else None


def _cap(cracks, p, d, width: float, walls: Walls, regions: Regions):
    """How far beyond p, along d, a cap is if it is round and if it is flat, and the sum of squares that each leaves."""
    inside = regions.loops.outside[cracks] != FRAME
    half = width / 2
    if inside.sum() < max(1, 0.5 * len(cracks)):
        return (half + 2,) * 2, (0.0, 0.0)  # it runs out of the picture
    cracks = cracks[inside]
    ux, uy = walls.x[cracks] - p[0], walls.y[cracks] - p[1]
    along, side = ux * d[0] + uy * d[1], np.abs(uy * d[0] - ux * d[1])
    tip = along > along.max() - max(0.4 * half, 0.75)
    central = tip & (side < 0.8 * half)
    flat = float(np.median(along[central if central.any() else tip]))
    arc = along - np.sqrt(np.maximum(half * half - side * side, 0))
    use = side < 0.85 * half
    around = float(np.median(arc[use])) if use.any() else flat - half
    off_round = np.where(along > around, np.hypot(along - around, side) - half, side - half)
    off_flat = np.maximum(along - flat, side - half)
    return (around, flat), (float((off_round**2).sum()), float((off_flat**2).sum()))


def _verified(centre: CentreLines, drafts: list[_Draft], noise: float) -> list[Stroke] | None:
    """The drafts as strokes, if their outline lies on the measured edge."""
    walls, width = centre.walls, centre.width
    cap: Cap = "round" if np.diff(np.sum([d.errors for d in drafts], axis=0))[0] > 0 else "butt"
    ends: list[tuple[np.ndarray, np.ndarray]] = []
    corners: list[Corner] = []
    lines = [_settle(draft, cap, width, walls, corners, ends) for draft in drafts]
    index = centre.cracks[walls.sigma[centre.cracks] > 0]
    if len(index) < max(6, 0.5 * len(centre.cracks)):
        return None
    x, y, sigma = walls.x[index], walls.y[index], walls.sigma[index]
    off = _distance(x, y, np.concatenate([_flattened(line) for line in lines])) - width / 2
    side = np.abs(off) < 0.25 + 0.05 * width
    if side.sum() < 0.5 * len(off):
        return None
    shift = float(np.median(off[side]))  # the width that leaves nothing over
    width += 2 * shift
    off -= shift
    half = width / 2
    if cap == "butt":
        for p, d in ends:
            along = (x - p[0]) * d[0] + (y - p[1]) * d[1]
            lateral = np.abs((y - p[1]) * d[0] - (x - p[0]) * d[1])
            here = (along > -half) & (along < half + 1) & (lateral < half + 1.5)
            off[here] = np.maximum(along, lateral - half)[here]
    mitred = _mitred(off, x, y, corners, half)
    join: Join = "miter" if (mitred**2).sum() < (off**2).sum() else "round"
    if join == "miter":
        off = mitred
    if width < _THIN:  # whether its ends are flat or round is not to be seen
        away = [np.hypot(x - p[0], y - p[1]) > half + 1.2 for p, _ in ends]
        inner = np.logical_and.reduce(away) if away else np.ones(len(x), bool)
        if inner.sum() < 4:
            return None
        off, sigma = off[inner], sigma[inner]
    wrong = float((np.abs(off) > 0.15 + 2.5 * sigma + 0.2 * min(noise, 1.0)).mean())
    most = 1.2 + noise + (0.05 * width if wrong < 0.03 else 0.0)
    if wrong > 0.07 or np.sqrt((off**2).mean()) > 0.15 + 0.15 * min(noise, 1.0) or np.abs(off).max() > most:
        return None
    return [Stroke(line, width, cap, join) for line in lines]


def _mitred(off: np.ndarray, x: np.ndarray, y: np.ndarray, corners: list[Corner], half: float) -> np.ndarray:
    """Distances to an outline of round joins, as they are where its joins are mitred."""
    out = off.copy()
    for v, a, b in corners:
        bend = _angle(a, b)
        reach = half / max(np.cos(bend / 2), 0.25) + 1
        dx, dy = x - v[0], y - v[1]
        outer = np.sign(bend)
        first, second = -(a[0] * dy - a[1] * dx) * outer, -(b[0] * dy - b[1] * dx) * outer
        here = (np.hypot(dx, dy) < reach) & (first > 0) & (second > 0)
        here &= (a[0] * dx + a[1] * dy > -0.5) & (b[0] * dx + b[1] * dy < 0.5)
        out[here] = np.maximum(first, second)[here] - half
    return out


def _settle(draft: _Draft, cap: Cap, width: float, walls: Walls, corners: list[Corner], ends: list) -> Line:
    """The line of a draft with its ends and corners where they belong; adds them to `corners` and, free ones, to `ends`."""
    if draft.shape is not None:
        s = draft.shape
        if isinstance(s, Rect) and s.radius == 0:
            box = np.array([[s.x, s.y], [s.x + s.width, s.y], [s.x + s.width, s.y + s.height], [s.x, s.y + s.height]])
            for i in range(4):
                a, b = box[i] - box[i - 1], box[(i + 1) % 4] - box[i]
                corners.append((box[i], a / np.hypot(*a), b / np.hypot(*b)))
        return s
    fits = list(draft.fits)
    n = len(fits)
    radii = [0.0] * n  # of the round corner after each run
    for i, (meet, cracks) in enumerate(draft.joints):
        j = (i + 1) % n
        for _ in range(2):
            one, two = _fitted_ends(fits[i])[1], _fitted_ends(fits[j])[0]
            crossing = _crossing(one, two)
            point = meet if crossing is None or np.hypot(*(crossing - meet)) > 0.3 * width + 1 else crossing
            fits[i] = _carried(fits[i], 1, float((point - one[0]) @ one[1]))
            fits[j] = _carried(fits[j], 0, float((point - two[0]) @ two[1]))
        a, b = _fitted_ends(fits[i])[1][1], -_fitted_ends(fits[j])[0][1]
        radii[i] = _fillet(point, a, b, width, walls, cracks)
        if radii[i] > 0:
            cut = radii[i] * np.tan(abs(_angle(a, b)) / 2)
            fits[i], fits[j] = _carried(fits[i], 1, -cut), _carried(fits[j], 0, -cut)
        else:
            corners.append((point, a, b))
            fits[i][1][-1] = fits[j][1][0] = point
    if not draft.closed:
        which = 0 if cap == "round" else 1
        fits[0] = _carried(fits[0], 0, draft.limits[0][which])
        fits[-1] = _carried(fits[-1], 1, draft.limits[1][which])
        ends += [_fitted_ends(fits[-end])[end] for end in (0, 1) if draft.capped[end]]
    path = Outline(tuple(fits[0][1][0]), closed=draft.closed)
    for i, fitted in enumerate(fits):
        _note_corners(fitted, corners, draft.closed and not draft.joints)
        _append(path, fitted)
        if radii[i] > 0:
            bend = _angle(_fitted_ends(fitted)[1][1], -_fitted_ends(fits[(i + 1) % n])[0][1])
            path.segments.append(("a", radii[i], False, bend > 0, *(float(v) for v in fits[(i + 1) % n][1][0])))
    return path


def _fillet(point, a, b, width: float, walls: Walls, cracks) -> float:
    """The radius, px, of the centre line's turn at a corner from direction a to b; 0 where it is sharp."""
    turn = float(np.arccos(np.clip(a @ b, -1, 1)))
    fine = cracks[walls.sigma[cracks] > 0]
    if len(fine) < 4 or turn < 0.3 or turn > 2.9:
        return 0.0
    x, y = walls.x[fine], walls.y[fine]
    side = 1 if a[0] * b[1] - a[1] * b[0] > 0 else -1
    normal = np.array([-a[1], a[0]]) * side
    best, found, sharp = np.inf, 0.0, np.inf
    for radius in np.linspace(0, 1.0, 21) * width:
        cut = radius * np.tan(turn / 2)
        t = np.linspace(0, turn, 9)[:, None]
        arc = point - a * cut + radius * (np.sin(t) * a + (1 - np.cos(t)) * normal)
        line = np.concatenate([[point - a * (cut + 3 * width)], arc, [point + b * (cut + 3 * width)]])
        left = float(((_distance(x, y, np.hstack([line[:-1], line[1:]])) - width / 2) ** 2).sum())
        if radius == 0:
            sharp = left
        if left < best:
            best, found = left, float(radius)
    return found if best < 0.5 * sharp and sharp / len(x) > 0.15**2 else 0.0


def _note_corners(fitted, corners, closed: bool) -> None:
    kinds, points, data = fitted[0], fitted[1], fitted[2]
    n = len(kinds)
    for k in range(0 if closed else 1, n):
        a = _tangent(
            int(kinds[k - 1]), data[k - 1], points[k - 1] if k else points[n - 1], points[k] if k else points[n], False
        )
        b = _tangent(int(kinds[k]), data[k], points[k], points[k + 1], True)
        if a @ b < 0.97:
            corners.append((points[k], a, b))


@njit(cache=True)
def _distance(x, y, segments):
    """(n,): distance, px, of every point to the nearest of straight pieces (k, 4): x0, y0, x1, y1."""
    out = np.empty(len(x))
    for i in range(len(x)):
        best = 1e18
        for k in range(len(segments)):
            ax, ay = segments[k, 0], segments[k, 1]
            dx, dy = segments[k, 2] - ax, segments[k, 3] - ay
            den = dx * dx + dy * dy
            t = 0.0 if den < 1e-12 else min(1.0, max(0.0, ((x[i] - ax) * dx + (y[i] - ay) * dy) / den))
            best = min(best, (x[i] - ax - t * dx) ** 2 + (y[i] - ay - t * dy) ** 2)
        out[i] = np.sqrt(best)
    return out


def _flattened(line: Outline | Circle | Ellipse | Rect) -> np.ndarray:
    """(k, 4): the line as straight pieces, x0, y0, x1, y1."""
    points: list[tuple[float, float]] = []
    if isinstance(line, (Circle, Ellipse)):
        rx, ry, angle = (
            (line.r, line.r, 0.0) if isinstance(line, Circle) else (line.rx, line.ry, np.radians(line.angle))
        )
        t = np.linspace(0, 2 * np.pi, max(24, int(4 * np.sqrt(max(rx, ry)) * 2.2)) + 1)
        u, v = rx * np.cos(t), ry * np.sin(t)
        p = np.stack(
            [line.x + u * np.cos(angle) - v * np.sin(angle), line.y + u * np.sin(angle) + v * np.cos(angle)], 1
        )
        return np.hstack([p[:-1], p[1:]])
    if isinstance(line, Rect):
        r, right, bottom = line.radius, line.x + line.width, line.y + line.height
        middles = [
            (right - r, line.y + r, -90),
            (right - r, bottom - r, 0),
            (line.x + r, bottom - r, 90),
            (line.x + r, line.y + r, 180),
        ]
        for cx, cy, a in middles:
            t = np.radians(np.linspace(a, a + 90, 9 if r else 1))
            points += [(cx + r * np.cos(v), cy + r * np.sin(v)) for v in t] if r else [(cx, cy)]
        points.append(points[0])
    else:
        points = [line.start]
        for s in line.segments:
            x0, y0 = points[-1]
            if s[0] == "l":
                points.append(s[1:])
            elif s[0] == "c":
                t = np.linspace(0, 1, 17)[1:, None]
                p = np.array([(x0, y0), s[1:3], s[3:5], s[5:7]], float)
                v = 1 - t
                points += [tuple(q) for q in v**3 * p[0] + 3 * t * v * v * p[1] + 3 * t * t * v * p[2] + t**3 * p[3]]
            else:
                points += _arc_points(x0, y0, *s[1:])
        if line.closed:
            points.append(line.start)
    p = np.array(points, float)
    return np.hstack([p[:-1], p[1:]])


def _arc_points(x0, y0, r, large, sweep, x1, y1) -> list[tuple[float, float]]:
    """Points along a circular arc of SVG's, the end included."""
    dx, dy = x1 - x0, y1 - y0
    d = np.hypot(dx, dy)
    if d < 1e-9:
        return [(x1, y1)]
    rise = np.sqrt(max(r * r - d * d / 4, 0.0)) * (1 if large != sweep else -1)
    cx, cy = (x0 + x1) / 2 - dy / d * rise, (y0 + y1) / 2 + dx / d * rise
    a0, a1 = np.arctan2(y0 - cy, x0 - cx), np.arctan2(y1 - cy, x1 - cx)
    turn = (a1 - a0) % (2 * np.pi) if sweep else -((a0 - a1) % (2 * np.pi))
    t = a0 + turn * np.linspace(0, 1, 17)[1:]
    return [(cx + r * np.cos(v), cy + r * np.sin(v)) for v in t]
