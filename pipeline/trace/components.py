"""Connected components of a label map, and specks given to their neighbours."""

from __future__ import annotations

import numpy as np
from numba import njit

from .cores import find


@njit(cache=True)
def components(labels, p):
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
                a, b = find(parent, here), find(parent, here - w)
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
                        a, b = find(parent, here), find(parent, here - w - 1)
                    else:
                        joint[y, x] = 2
                        a, b = find(parent, here - 1), find(parent, here - w)
                    if a != b:
                        parent[max(a, b)] = min(a, b)
    ids = np.empty((h, w), np.int32)
    n = 0
    for y in range(h):
        for x in range(w):
            r = find(parent, y * w + x)
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


def tidy(labels, seen, smallest):
    """Give specks to their neighbours, smallest first."""
    for _ in range(2):
        ids, n, _ = components(labels, seen)
        if not _absorb(labels, ids, n, smallest):
            break
