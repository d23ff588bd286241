"""Picture → `LabelMap`: which ink every pixel mostly is, and what the inks look like.

An anti-aliased pixel between two inks measures how much of it each covers, so it is never an ink of its own: inks come from
*cores*, places where neighbouring pixels agree (flat) or change evenly (smooth shading), and every other pixel is explained
as a mixture of the inks around it. What no mixture explains is a thin stroke: its ink is sought among those of the whole
picture first, and made from its most extreme pixel where none fits.

Colours are premultiplied RGBA, 0–255, so that transparency is one more ink.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

from ..picture import Picture
from .gradients import PROFILE, Inks, fit_shading, ink_colour

_EDGE = 24.0
"""Step between neighbours, in levels, from which a pixel counts as on an edge when noise is measured."""


@dataclass(frozen=True, eq=False)
class LabelMap:
    """What the tracer draws.

    Attributes
    ----------
    labels : (H, W) int32
        Index into `inks` of the ink that covers most of each pixel.
    inks : Inks
    source : (H, W, 4) float32
        Premultiplied RGBA, 0–255: what coverage is measured on.
    noise : float
        Measured damage in levels; 0 for a clean render.
    uneven : float
        Share of the pixels, 0–1, whose shading no gradient explained: near 0 for drawings, most of a photo.
    """

    labels: np.ndarray
    inks: Inks
    source: np.ndarray
    noise: float
    uneven: float


def premultiply(rgba: np.ndarray) -> np.ndarray:
    """(H, W, 4) uint8 straight alpha → float32 premultiplied, 0–255."""
    out = rgba.astype(np.float32)
    if (rgba[..., 3] < 255).any():
        out[..., :3] *= out[..., 3:] / 255
    return out


def measure_noise(source: np.ndarray) -> float:
    """Damage of a picture in levels: how uneven the flat places beside its edges are.

    Compression rings and blurs near edges; a clean render is exactly even one pixel away from them. The mean of the smallest
    second difference over four directions, on pixels 3–5 px from an edge, the largest fifth left out.
    """
    edge = _edges(source, _EDGE)
    band = (cv2.dilate(edge, np.ones((11, 11), np.uint8)) > 0) & (cv2.dilate(edge, np.ones((5, 5), np.uint8)) == 0)
    where = np.flatnonzero(band)
    if len(where) < 50:
        return 0.0
    if len(where) > 20_000:
        where = where[np.linspace(0, len(where) - 1, 20_000).astype(int)]
    uneven = _unevenness(source, where)
    return float(np.sort(uneven)[: int(len(uneven) * 0.8)].mean())


@njit(cache=True)
def _edges(p, least):
    """(H, W) uint8: 1 where a pixel differs by more than `least` from its right or lower neighbour."""
    h, w, c = p.shape
    out = np.zeros((h, w), np.uint8)
    for y in range(h):
        for x in range(w):
            for k in range(c):
                if (x + 1 < w and abs(p[y, x + 1, k] - p[y, x, k]) > least) or (
                    y + 1 < h and abs(p[y + 1, x, k] - p[y, x, k]) > least
                ):
                    out[y, x] = 1
                    break
    return out


@njit(cache=True)
def _unevenness(p, where):
    """Smallest second difference over four directions at flat indices, each the largest over the channels, at most 12."""
    h, w, c = p.shape
    out = np.empty(len(where), np.float32)
    for i in range(len(where)):
        y, x = where[i] // w, where[i] % w
        least = np.float32(12.0)
        for d in range(4):
            dy, dx = (0, 1) if d == 0 else ((1, 0) if d == 1 else ((1, 1) if d == 2 else (1, -1)))
            ya, yb = min(max(y + dy, 0), h - 1), min(max(y - dy, 0), h - 1)
            xa, xb = min(max(x + dx, 0), w - 1), min(max(x - dx, 0), w - 1)
            most = np.float32(0.0)
            for k in range(c):
                most = max(most, abs(p[ya, xa, k] + p[yb, xb, k] - 2 * p[y, x, k]))
            least = min(least, most)
        out[i] = least
    return out


@njit(cache=True)
def _cores(p, flat, bend, slope, out):
    """Mark core pixels: 1 in a flat 2 × 2 block, 2 where shading is even (second differences ≤ bend, first ≤ slope)."""
    h, w, c = p.shape
    for y in range(h - 1):
        for x in range(w - 1):
            ok = True
            for k in range(c):
                a, b, d, e = p[y, x, k], p[y, x + 1, k], p[y + 1, x, k], p[y + 1, x + 1, k]
                if max(max(a, b), max(d, e)) - min(min(a, b), min(d, e)) > flat:
                    ok = False
                    break
            if ok:
                out[y, x] = out[y, x + 1] = out[y + 1, x] = out[y + 1, x + 1] = 1
    for y in range(h):
        for x in range(w):
            y0, y1, x0, x1 = max(y - 1, 0), min(y + 1, h - 1), max(x - 1, 0), min(x + 1, w - 1)
            ok = True
            for k in range(c):
                m = p[y, x, k]
                u, d, left, r = p[y0, x, k], p[y1, x, k], p[y, x0, k], p[y, x1, k]
                if abs(u - m) > slope or abs(d - m) > slope or abs(left - m) > slope or abs(r - m) > slope:
                    ok = False
                    break
                if y0 < y < y1 and abs(u + d - 2 * m) > bend:
                    ok = False
                    break
                if x0 < x < x1 and abs(left + r - 2 * m) > bend:
                    ok = False
                    break
                if (
                    y0 < y < y1
                    and x0 < x < x1
                    and (
                        abs(p[y0, x0, k] + p[y1, x1, k] - 2 * m) > 2 * bend
                        or abs(p[y0, x1, k] + p[y1, x0, k] - 2 * m) > 2 * bend
                    )
                ):
                    ok = False
                    break
            if ok:
                out[y, x] = 2


@njit(cache=True)
def _find(parent, i):
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True)
def _join_cores(p, core, flat, slope, comp):
    """Connected components of core pixels, 4-connected; comp is -1 off the cores. Returns how many there are."""
    h, w, c = p.shape
    parent = np.arange(h * w, dtype=np.int32)
    for y in range(h):
        for x in range(w):
            if core[y, x] == 0:
                continue
            for side in range(2):
                yy, xx = (y, x - 1) if side == 0 else (y - 1, x)
                if yy < 0 or xx < 0 or core[yy, xx] == 0:
                    continue
                limit = slope if core[y, x] == 2 and core[yy, xx] == 2 else flat
                ok = True
                for k in range(c):
                    if abs(p[y, x, k] - p[yy, xx, k]) > limit:
                        ok = False
                        break
                if ok:
                    a, b = _find(parent, y * w + x), _find(parent, yy * w + xx)
                    if a != b:
                        if a < b:
                            parent[b] = a
                        else:
                            parent[a] = b
    n = 0
    for y in range(h):
        for x in range(w):
            if core[y, x] == 0:
                comp[y, x] = -1
                continue
            r = _find(parent, y * w + x)
            if r == y * w + x:
                comp[y, x] = n
                n += 1
            else:
                comp[y, x] = comp[r // w, r % w]
    return n


@njit(cache=True)
def _component_stats(p, comp, n):
    """Of each component: area (n,), mean colour (n, 4), and in levels its range and its standard deviation, (n,) each."""
    h, w, c = p.shape
    area = np.zeros(n, np.int64)
    total = np.zeros((n, c), np.float64)
    square = np.zeros((n, c), np.float64)
    low = np.full((n, c), 1e9, np.float32)
    high = np.full((n, c), -1e9, np.float32)
    for y in range(h):
        for x in range(w):
            i = comp[y, x]
            if i < 0:
                continue
            area[i] += 1
            for k in range(c):
                v = p[y, x, k]
                total[i, k] += v
                square[i, k] += v * v
                low[i, k] = min(low[i, k], v)
                high[i, k] = max(high[i, k], v)
    mean = np.empty((n, c), np.float32)
    spread = np.zeros(n, np.float32)
    deviation = np.zeros(n, np.float32)
    for i in range(n):
        for k in range(c):
            m = total[i, k] / max(area[i], 1)
            mean[i, k] = m
            spread[i] = max(spread[i], high[i, k] - low[i, k])
            deviation[i] += max(0.0, square[i, k] / max(area[i], 1) - m * m)
        deviation[i] = np.sqrt(deviation[i])
    return area, mean, spread, deviation


@njit(cache=True)
def _members(comp, chosen, area):
    """Flat indices of the pixels of every chosen component, one after another, and where each starts."""
    h, w = comp.shape
    start = np.zeros(len(chosen) + 1, np.int64)
    for i in range(len(chosen)):
        start[i + 1] = start[i] + (area[i] if chosen[i] else 0)
    at = start[:-1].copy()
    out = np.empty(start[-1], np.int64)
    for y in range(h):
        for x in range(w):
            i = comp[y, x]
            if i >= 0 and chosen[i]:
                out[at[i]] = y * w + x
                at[i] += 1
    return out, start


@njit(cache=True)
def _mix(p, a, b):
    """How much of a is in p = t·a + (1 - t)·b, clamped to 0–1, and the squared distance left."""
    num = 0.0
    den = 0.0
    for k in range(4):
        d = a[k] - b[k]
        num += (p[k] - b[k]) * d
        den += d * d
    t = 0.0 if den < 1e-6 else min(1.0, max(0.0, num / den))
    rest = 0.0
    for k in range(4):
        e = p[k] - (b[k] + t * (a[k] - b[k]))
        rest += e * e
    return t, rest


@njit(cache=True)
def _explain(p, labels, kind, colour, geom, profile, reach, out, rest):
    """Explain every unlabelled pixel as a mixture of two of the inks within `reach`; out gets the one it mostly is."""
    h, w, _ = p.shape
    most = 6
    ids = np.empty(most, np.int32)
    dist = np.empty(most, np.float32)
    near = np.empty((most, 4), np.float32)
    tmp = np.empty(4, np.float32)
    for y in range(h):
        for x in range(w):
            if labels[y, x] >= 0:
                out[y, x] = labels[y, x]
                rest[y, x] = 0
                continue
            n = 0
            for r in range(1, reach + 1):
                if r > 2 and n >= 2:
                    break
                for dy in range(-r, r + 1):
                    yy = y + dy
                    if yy < 0 or yy >= h:
                        continue
                    step = 1 if abs(dy) == r else 2 * r
                    for dx in range(-r, r + 1, step):
                        xx = x + dx
                        if xx < 0 or xx >= w:
                            continue
                        q = labels[yy, xx]
                        if q < 0:
                            continue
                        d = np.float32(np.sqrt(dx * dx + dy * dy))
                        seen = False
                        for i in range(n):
                            if ids[i] == q:
                                seen = True
                                dist[i] = min(dist[i], d)
                        if not seen and n < most:
                            ids[n] = q
                            dist[n] = d
                            n += 1
            if n == 0:
                out[y, x] = -1
                rest[y, x] = 1e6
                continue
            for i in range(n):
                ink_colour(ids[i], x, y, kind, colour, geom, profile, tmp)
                for k in range(4):
                    near[i, k] = tmp[k]
            best = 1e12
            who = ids[0]
            left = 1e6
            for i in range(n):
                e = 0.0
                for k in range(4):
                    e += (p[y, x, k] - near[i, k]) ** 2
                cost = np.sqrt(e) + 1.5 * dist[i]
                if cost < best:
                    best, who, left = cost, ids[i], e
            for i in range(n):
                for j in range(i):
                    t, e = _mix(p[y, x], near[i], near[j])
                    cost = np.sqrt(e) + 1.5 * max(dist[i], dist[j])
                    if cost < best - 0.5:
                        best, left = cost, e
                        who = ids[i] if t >= 0.5 else ids[j]
            out[y, x] = who
            rest[y, x] = np.sqrt(left)


@njit(cache=True)
def _explain_thin(p, labels, first, rest, limit, kind, colour, geom, profile, inks, out, left):
    """Explain the pixels that the inks around do not, by one ink of the whole picture and one of those around.

    `inks` are candidates; out gets the dominant ink where the residual falls under the limit.
    """
    h, w, _ = p.shape
    tmp = np.empty(4, np.float32)
    most = 6
    ids = np.empty(most, np.int32)
    near = np.empty((most, 4), np.float32)
    for y in range(h):
        for x in range(w):
            out[y, x] = first[y, x]
            left[y, x] = rest[y, x]
            if rest[y, x] <= limit:
                continue
            n = 0
            for r in range(1, 4):
                if r > 2 and n >= 1:
                    break
                for dy in range(-r, r + 1):
                    yy = y + dy
                    if yy < 0 or yy >= h:
                        continue
                    step = 1 if abs(dy) == r else 2 * r
                    for dx in range(-r, r + 1, step):
                        xx = x + dx
                        if xx < 0 or xx >= w:
                            continue
                        q = labels[yy, xx]
                        if q < 0:
                            continue
                        seen = False
                        for i in range(n):
                            if ids[i] == q:
                                seen = True
                        if not seen and n < most:
                            ids[n] = q
                            n += 1
            for i in range(n):
                ink_colour(ids[i], x, y, kind, colour, geom, profile, tmp)
                for k in range(4):
                    near[i, k] = tmp[k]
            best = rest[y, x] - 2.0
            for f in inks:
                ink_colour(f, x, y, kind, colour, geom, profile, tmp)
                e = 0.0
                for k in range(4):
                    e += (p[y, x, k] - tmp[k]) ** 2
                e = np.sqrt(e)
                if e < best:
                    best = e
                    out[y, x] = f
                    left[y, x] = e
                for i in range(n):
                    t, e = _mix(p[y, x], tmp, near[i])
                    e = np.sqrt(e) + 1.0
                    if e < best:
                        best = e
                        out[y, x] = f if t >= 0.5 else ids[i]
                        left[y, x] = e - 1.0


@njit(cache=True)
def _bridge(p, labels, kind, colour, geom, profile, least, contrast, out):
    """Join thin strokes: label a pixel with the ink beside it that covers `least` of it or more, where it is on a ridge.

    A stroke narrower than a pixel and a half covers less than half of many of its pixels. Such a pixel holds more of the
    stroke's ink than the two across from each other, and one along the stroke is labelled already.
    """
    h, w, _ = p.shape
    f = np.empty(4, np.float32)
    b = np.empty(4, np.float32)
    for y in range(1, h - 1):
        for x in range(1, w - 1):
            own = labels[y, x]
            out[y, x] = own
            if (
                labels[y, x - 1] == own
                and labels[y, x + 1] == own
                and labels[y - 1, x] == own
                and labels[y + 1, x] == own
            ):
                continue
            top = least
            for d in range(4):
                dy, dx = (0, 1) if d == 0 else ((1, 0) if d == 1 else ((1, 1) if d == 2 else (1, -1)))
                for way in (-1, 1):
                    ink = labels[y + way * dy, x + way * dx]
                    if ink == own:
                        continue
                    # across: the direction at right angles
                    ay, ax = dx, -dy
                    if labels[y + ay, x + ax] == ink or labels[y - ay, x - ax] == ink:
                        continue
                    ink_colour(ink, x, y, kind, colour, geom, profile, f)
                    ink_colour(own, x, y, kind, colour, geom, profile, b)
                    far = 0.0
                    for k in range(4):
                        far += (f[k] - b[k]) ** 2
                    if far < contrast * contrast:
                        continue
                    t, rest = _mix(p[y, x], f, b)
                    if t < top or rest > 0.02 * far:
                        continue
                    left, _ = _mix(p[y + ay, x + ax], f, b)
                    right, _ = _mix(p[y - ay, x - ax], f, b)
                    on, _ = _mix(p[y - way * dy, x - way * dx], f, b)  # where the stroke goes on; it does not at a tip
                    if t > left + 0.08 and t > right + 0.08 and on > 0.6 * least:
                        top = t
                        out[y, x] = ink


@njit(cache=True)
def _components(labels, p):
    """4-connected components of equal labels, also joined over a corner where the picture says so.

    At a corner where four pixels meet as A B / B A, the ink that the mean of the four is nearer to is the connected one.
    Returns (H, W) int32 ids in raster order, their number, and (H + 1, W + 1) int8 corners: 1 joined by the falling
    diagonal (top left – bottom right), 2 by the rising one.
    """
    h, w = labels.shape
    parent = np.arange(h * w, dtype=np.int32)
    joint = np.zeros((h + 1, w + 1), np.int8)
    for y in range(h):
        for x in range(w):
            here = y * w + x
            left = x > 0 and labels[y, x] == labels[y, x - 1]
            if left:
                parent[here] = parent[here - 1]
            if y > 0 and labels[y, x] == labels[y - 1, x] and not (left and labels[y - 1, x - 1] == labels[y, x]):
                a, b = _find(parent, here), _find(parent, here - w)
                if a != b:
                    parent[max(a, b)] = min(a, b)
            if x > 0 and y > 0:
                nw, ne, sw, se = labels[y - 1, x - 1], labels[y - 1, x], labels[y, x - 1], labels[y, x]
                if nw != ne and nw != sw and se != ne and se != sw and (nw == se or ne == sw):
                    falling = nw == se
                    if nw == se and ne == sw:
                        df = 0.0
                        dr = 0.0
                        for k in range(4):
                            m = (p[y - 1, x - 1, k] + p[y - 1, x, k] + p[y, x - 1, k] + p[y, x, k]) / 4
                            f = max(abs(p[y - 1, x - 1, k] - m), abs(p[y, x, k] - m))
                            r = max(abs(p[y - 1, x, k] - m), abs(p[y, x - 1, k] - m))
                            df += f * f
                            dr += r * r
                        falling = df <= dr
                    if falling:
                        joint[y, x] = 1
                        a, b = _find(parent, here), _find(parent, here - w - 1)
                    else:
                        joint[y, x] = 2
                        a, b = _find(parent, here - 1), _find(parent, here - w)
                    if a != b:
                        parent[max(a, b)] = min(a, b)
    ids = np.empty((h, w), np.int32)
    n = 0
    for y in range(h):
        for x in range(w):
            r = _find(parent, y * w + x)
            if r == y * w + x:
                ids[y, x] = n
                n += 1
            else:
                ids[y, x] = ids[r // w, r % w]
    return ids, n, joint


@njit(cache=True)
def _absorb(labels, ids, n, smallest):
    """Give components of less than `smallest` pixels to the neighbour they touch most. Returns how many were given away."""
    h, w = labels.shape
    mass = np.zeros(n, np.int64)
    for y in range(h):
        for x in range(w):
            mass[ids[y, x]] += 1
    small = 0
    for i in range(n):
        if mass[i] < smallest:
            small += 1
    if small == 0:
        return 0
    slots = 8
    who = np.full((n, slots), -1, np.int32)
    count = np.zeros((n, slots), np.int32)
    for y in range(h):
        for x in range(w):
            for side in range(2):
                yy, xx = (y, x + 1) if side == 0 else (y + 1, x)
                if yy >= h or xx >= w:
                    continue
                a, b = ids[y, x], ids[yy, xx]
                if a == b:
                    continue
                for turn in range(2):
                    i, ink = (a, labels[yy, xx]) if turn == 0 else (b, labels[y, x])
                    if mass[i] >= smallest:
                        continue
                    for s in range(slots):
                        if who[i, s] == ink or who[i, s] < 0:
                            who[i, s] = ink
                            count[i, s] += 1
                            break
    for y in range(h):
        for x in range(w):
            i = ids[y, x]
            if mass[i] < smallest and who[i, 0] >= 0:
                best = 0
                for s in range(1, slots):
                    if count[i, s] > count[i, best]:
                        best = s
                labels[y, x] = who[i, best]
    return small


def segment(
    picture: Picture, *, palette_distance: float, smallest: float, cleaning: float, gradients: bool
) -> LabelMap:
    """Find the inks of a picture and which of them each pixel mostly is.

    Parameters
    ----------
    palette_distance : float
        Levels, 0–255: flat cores nearer than this are one ink.
    smallest : float
        Pixels: regions under this area are given to their neighbours.
    cleaning : float
        Times the measured noise that is smoothed away before the inks are sought.
    gradients : bool
        Whether smooth shading becomes one ink; otherwise it is cut into bands.
    """
    source = premultiply(picture.pixels)
    noise = measure_noise(source) * cleaning
    if picture.format == "JPEG":
        noise = max(noise, 0.3 * cleaning)
    damaged = noise > 0.25
    seen = _smoothed(source, noise) if damaged else source
    flat, bend, slope = (2.0, 2.6, 14.0) if not damaged else (3.0 + 4 * noise, 3.0 + 3 * noise, 14.0)
    core = np.zeros(source.shape[:2], np.uint8)
    colours = seen if picture.has_alpha else np.ascontiguousarray(seen[..., :3])
    _cores(colours, flat, bend, slope, core)
    comp = np.empty(core.shape, np.int32)
    n = _join_cores(colours, core, flat, slope, comp)
    area, mean, spread, deviation = _component_stats(seen, comp, n)
    if damaged:
        palette_distance = max(palette_distance, 8 + 12 * noise)
    labels, inks, banded = _inks(seen, comp, area, mean, spread, deviation, palette_distance, noise, gradients)
    labels = _spread(seen, labels, inks, noise, palette_distance)
    joined = labels.copy()
    _bridge(seen, labels, *inks.arrays(), 0.22 + 0.1 * min(noise, 1.0), 40.0 + 40.0 * noise, joined)
    labels = joined
    _tidy(labels, seen, smallest * (1 + 4 * noise))
    return LabelMap(labels, inks, source, noise, banded / labels.size)


def _smoothed(source: np.ndarray, noise: float) -> np.ndarray:
    """The picture without ringing: an edge-preserving filter whose strength follows the noise."""
    sigma = 12 + 25 * noise
    rgb = cv2.bilateralFilter(np.ascontiguousarray(source[..., :3]), 7, sigma, 2.5)
    rgb = cv2.bilateralFilter(rgb, 5, sigma, 1.5)
    return np.ascontiguousarray(np.dstack([rgb, source[..., 3]]))


def _inks(seen, comp, area, mean, spread, deviation, palette_distance, noise, gradients):
    """Turn components of cores into inks: flat ones by colour, shaded ones by a fitted gradient or in bands.

    Returns the labels, the inks, and how many pixels are in bands.
    """
    labels = np.full(comp.shape, -1, np.int32)
    inks = Inks()
    if len(area) == 0:
        return labels, inks, labels.size
    shaded = (spread > 5.0 + 8 * noise) & (deviation > 0.8 + 2.5 * noise) & (area >= 24)
    ink_of = np.full(len(area), -1, np.int32)

    order = np.argsort(-area, kind="stable")
    colours: list[np.ndarray] = []
    for i in order.tolist():
        if shaded[i]:
            continue
        if colours:
            away = np.abs(np.array(colours) - mean[i]).max(axis=1)
            near = int(away.argmin())
            if away[near] <= palette_distance:
                ink_of[i] = near
                continue
        ink_of[i] = len(colours)
        colours.append(mean[i])
    for colour in colours:
        inks.add_flat(colour)

    banded = 0
    members, start = _members(comp, shaded, area)
    for i in np.flatnonzero(shaded).tolist():
        ys, xs = np.divmod(members[start[i] : start[i + 1]], comp.shape[1])
        values = seen[ys, xs]
        fitted = fit_shading(xs, ys, values, noise) if gradients else None
        if fitted is not None:
            ink_of[i] = inks.add(fitted)
        elif noise > 0.25 and deviation[i] < 6 + 3 * noise:
            ink_of[i] = inks.add_flat(mean[i])  # damage, not shading
        else:
            banded += len(ys)
            _band(labels, inks, ys, xs, values, spread[i], palette_distance)
    inside = comp >= 0
    known = np.where(inside, ink_of[np.maximum(comp, 0)], -1)
    labels = np.where(known >= 0, known, labels).astype(np.int32)
    return labels, inks, banded


def _band(labels, inks, ys, xs, values, spread, palette_distance):
    """Cut shading that no gradient explains into flat bands along its main axis of colour."""
    bands = int(np.clip(round(spread / 14), 2, 14))
    centred = values - values.mean(axis=0)
    _, _, axes = np.linalg.svd(centred[:: max(1, len(centred) // 2000)], full_matrices=False)
    place = centred @ axes[0]
    edges = np.linspace(place.min(), place.max() + 1e-3, bands + 1)
    which = np.clip(np.digitize(place, edges) - 1, 0, bands - 1)
    for b in range(bands):
        chosen = which == b
        if chosen.any():
            labels[ys[chosen], xs[chosen]] = inks.add_flat(values[chosen].mean(axis=0))


def _spread(seen, labels, inks, noise, palette_distance):
    """Label what is not core: mixtures of the inks around, then thin strokes."""
    if len(inks) == 0:
        inks.add_flat(np.median(seen.reshape(-1, 4), axis=0))
        if not (labels >= 0).any():
            labels[:] = -1
    limit = 14.0 + 12 * noise
    out = np.empty_like(labels)
    rest = np.empty(labels.shape, np.float32)
    arrays = inks.arrays()
    _explain(seen, labels, *arrays, 4, out, rest)
    for _ in range(12):
        unexplained = rest > limit
        if not unexplained.any():
            break
        candidates = np.arange(min(len(inks), 48), dtype=np.int32)
        thin, left = np.empty_like(out), np.empty_like(rest)
        _explain_thin(seen, labels, out, rest, limit, *inks.arrays(), candidates, thin, left)
        bad = left > limit
        out, rest = thin, left
        if bad.sum() < 2:
            break
        _, comp, stats, _ = cv2.connectedComponentsWithStats(bad.astype(np.uint8), connectivity=8)
        biggest = 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable")[:24]
        added = False
        for c in biggest.tolist():
            if stats[c, cv2.CC_STAT_AREA] < 2:
                continue
            x, y, w, h = stats[c, :4]
            inside = comp[y : y + h, x : x + w] == c
            residual = np.where(inside, left[y : y + h, x : x + w], -1)
            yy, xx = np.unravel_index(int(residual.argmax()), residual.shape)
            colour = seen[y + yy, x + xx]
            away = np.abs(inks.colours - colour).max(axis=1)
            if away.min() > palette_distance and len(inks) < 250:
                inks.add_flat(colour)
                added = True
        if not added:
            break
    empty = out < 0
    if empty.any():
        away = np.abs(seen[empty][:, None, :] - inks.colours[None, :64]).sum(axis=2)
        out[empty] = away.argmin(axis=1)
    return out


def _tidy(labels, seen, smallest):
    """Give specks to their neighbours, smallest first."""
    for _ in range(2):
        ids, n, _ = _components(labels, seen)
        if not _absorb(labels, ids, n, smallest):
            break


__all__ = ["LabelMap", "PROFILE", "measure_noise", "premultiply", "segment"]
