"""Cores: the places of a picture where neighbouring pixels agree or change evenly, and what each looks like."""

from __future__ import annotations

import numpy as np
from numba import njit

FLAT, EVEN, FADING = 1, 2, 3
"""Marks of core pixels: in a flat block; evenly shaded; in a steep fade of opacity."""
_STEEPEST = 64.0
"""Alpha per px, 0–255, up to which a slope of opacity is a fade and no edge."""
_CURVED = 0.34
"""Second difference over first up to which a fade counts as straight: a shadow's flank bends."""


@njit(cache=True)
def mark_cores(p, flat, bend, slope, out):
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
def mark_fades(p, bend, out):
    """Mark as `FADING` what is no core yet, in fades of opacity too steep for even shading: four pixels or more in a line.

    p is (H, W, 4). An anti-aliased edge is no such line: its second differences are as large as its first.
    """
    h, w, _ = p.shape
    for y in range(h):
        for x in range(w):
            if out[y, x] != 0:
                continue
            dy, dx = 0, 1
            if 0 < y < h - 1 and (
                x == 0 or x == w - 1 or abs(p[y + 1, x, 3] - p[y - 1, x, 3]) > abs(p[y, x + 1, 3] - p[y, x - 1, 3])
            ):
                dy, dx = 1, 0
            if not (2 * dy <= y < h - 2 * dy and 2 * dx <= x < w - 2 * dx):
                continue
            ok = True
            for i in range(-1, 2):
                yy, xx = y + i * dy, x + i * dx
                a, b = p[yy - dy, xx - dx, 3], p[yy + dy, xx + dx, 3]
                slope = abs(b - a) / 2
                limit = max(bend, _CURVED * slope)
                if slope > _STEEPEST or slope < 2 * bend:
                    ok = False
                for k in range(4):
                    if abs(p[yy - dy, xx - dx, k] + p[yy + dy, xx + dx, k] - 2 * p[yy, xx, k]) > limit:
                        ok = False
                    if (
                        dx <= yy < h - dx
                        and dy <= xx < w - dy
                        and abs(p[yy - dx, xx - dy, k] + p[yy + dx, xx + dy, k] - 2 * p[yy, xx, k]) > limit
                    ):
                        ok = False
                if not ok:
                    break
            if ok:
                for i in range(-1, 2):
                    if out[y + i * dy, x + i * dx] == 0:
                        out[y + i * dy, x + i * dx] = 3


@njit(cache=True)
def find(parent, i):
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True)
def join_cores(p, core, flat, slope, comp):
    """Connected components of core pixels, 4-connected; comp is -1 off the cores. Returns how many there are.

    What is wholly transparent joins nothing else, nor a fade what is none.
    """
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
                ok = (core[y, x] == 3) == (core[yy, xx] == 3)
                limit = flat
                if core[y, x] == 3:
                    limit = _STEEPEST
                elif core[y, x] == 2 and core[yy, xx] == 2:
                    limit = slope
                if c == 4 and (p[y, x, 3] == 0) != (p[yy, xx, 3] == 0):
                    ok = False
                for k in range(c):
                    if abs(p[y, x, k] - p[yy, xx, k]) > limit:
                        ok = False
                        break
                if ok:
                    a, b = find(parent, y * w + x), find(parent, yy * w + xx)
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
            r = find(parent, y * w + x)
            if r == y * w + x:
                comp[y, x] = n
                n += 1
            else:
                comp[y, x] = comp[r // w, r % w]
    return n


@njit(cache=True)
def component_stats(p, comp, n):
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
def members(comp, chosen, area):
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
