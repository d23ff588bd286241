"""Corners of a run of edge samples: where one-sided quadratics disagree in direction, put where the sides meet."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def _side(x, y, s, lo, hi, at, quadratic):
    """Fit x(s), y(s) on samples lo..hi (inclusive); position and direction extrapolated to arc length `at`."""
    n = hi - lo + 1
    m = 0.0
    for i in range(lo, hi + 1):
        m += s[i]
    m /= n
    s1 = s2 = s3 = s4 = 0.0
    x0 = x1 = x2 = y0 = y1 = y2 = 0.0
    for i in range(lo, hi + 1):
        t = s[i] - m
        t2 = t * t
        s1 += t
        s2 += t2
        s3 += t2 * t
        s4 += t2 * t2
        x0 += x[i]
        x1 += t * x[i]
        x2 += t2 * x[i]
        y0 += y[i]
        y1 += t * y[i]
        y2 += t2 * y[i]
    ax, bx, cx, ay, by, cy = x0 / n, 0.0, 0.0, y0 / n, 0.0, 0.0
    if s2 > 1e-9:
        bx, by = x1 / s2, y1 / s2
        if quadratic:
            # normal equations of [1, t, t²] with Σt = 0
            det = n * (s2 * s4 - s3 * s3) - s2 * s2 * s2
            if abs(det) > 1e-9:
                cx = (n * (s2 * x2 - s3 * x1) - s2 * s2 * x0) / det
                cy = (n * (s2 * y2 - s3 * y1) - s2 * s2 * y0) / det
                bx = (x1 - cx * s3) / s2
                by = (y1 - cy * s3) / s2
                ax = (x0 - cx * s2) / n
                ay = (y0 - cy * s2) / n
    t = at - m
    return ax + t * (bx + t * cx), ay + t * (by + t * cy), bx + 2 * t * cx, by + 2 * t * cy


@njit(cache=True)
def _side_error(x, y, s, lo, hi, quadratic):
    """Root mean square distance, px, of samples lo..hi to their own one-sided fit."""
    total = 0.0
    for i in range(lo, hi + 1):
        px, py, dx, dy = _side(x, y, s, lo, hi, s[i], quadratic)
        n = max(np.hypot(dx, dy), 1e-9)
        total += (((x[i] - px) * dy - (y[i] - py) * dx) / n) ** 2
    return np.sqrt(total / (hi - lo + 1))


@njit(cache=True)
def _smooth_error(x, y, s, lo, hi):
    """Root mean square distance, px, of samples lo..hi to the one cubic polynomial x(s), y(s) that fits them best."""
    n = hi - lo + 1
    half = max((s[hi] - s[lo]) / 2, 1e-9)
    mid = (s[hi] + s[lo]) / 2
    a = np.zeros((4, 4))
    bx, by = np.zeros(4), np.zeros(4)
    row = np.empty(4)
    for i in range(lo, hi + 1):
        t = (s[i] - mid) / half
        row[0], row[1], row[2], row[3] = 1.0, t, t * t, t * t * t
        for k in range(4):
            bx[k] += row[k] * x[i]
            by[k] += row[k] * y[i]
            for m in range(4):
                a[k, m] += row[k] * row[m]
    for k in range(4):
        a[k, k] += 1e-9
    cx, cy = np.linalg.solve(a, bx), np.linalg.solve(a, by)
    total = 0.0
    for i in range(lo, hi + 1):
        t = (s[i] - mid) / half
        px = cx[0] + t * (cx[1] + t * (cx[2] + t * cx[3])) - x[i]
        py = cy[0] + t * (cy[1] + t * (cy[2] + t * cy[3])) - y[i]
        dx = cx[1] + t * (2 * cx[2] + 3 * t * cx[3])
        dy = cy[1] + t * (2 * cy[2] + 3 * t * cy[3])
        total += (px * dy - py * dx) ** 2 / max(dx * dx + dy * dy, 1e-9)
    return np.sqrt(total / n)


@njit(cache=True)
def corners(x, y, s, w, n, reach, least, blunt, turn_of, cornerx, cornery):
    """Fill turn_of (n,) with the turn in radians at corners, 0 elsewhere; cornerx/y with where the sides meet.

    Each side of a sample is explained by the longest window, up to `reach` px, that a line or a quadratic fits. A corner is
    refused where one smooth cubic explains both sides about as well, or where samples beside it lie farther than `blunt` px
    from both of its sides.
    """
    raw = np.zeros(n)
    px = np.zeros(n)
    py = np.zeros(n)
    gap = 0.6
    for i in range(n):
        # a cheap look first: the turn between chords
        a, b = i, i
        while a > 0 and s[i] - s[a] < 2.2:
            a -= 1
        while b < n - 1 and s[b] - s[i] < 2.2:
            b += 1
        if a == i or b == i:
            continue
        ux, uy, vx, vy = x[i] - x[a], y[i] - y[a], x[b] - x[i], y[b] - y[i]
        if abs(np.arctan2(ux * vy - uy * vx, ux * vx + uy * vy)) < 0.5 * least:
            continue
        a = i
        while a > 0 and s[i] - s[a] < gap:
            a -= 1
        b = i
        while b < n - 1 and s[b] - s[i] < gap:
            b += 1
        lo, hi = a, b
        while lo > 0 and s[i] - s[lo - 1] <= reach:
            lo -= 1
        while hi < n - 1 and s[hi + 1] - s[i] <= reach:
            hi += 1
        if a - lo < 1 or hi - b < 1:
            continue
        noise = 1.6 / np.sqrt(max(w[i], 1e-9)) + 0.02
        el = er = 0.0
        while True:
            el = _side_error(x, y, s, lo, a, a - lo >= 4)
            if el <= noise or a - lo <= 2:
                break
            lo += max(1, (a - lo) // 4)
        while True:
            er = _side_error(x, y, s, b, hi, hi - b >= 4)
            if er <= noise or hi - b <= 2:
                break
            hi -= max(1, (hi - b) // 4)
        lx, ly, ldx, ldy = _side(x, y, s, lo, a, s[i], a - lo >= 4)
        rx, ry, rdx, rdy = _side(x, y, s, b, hi, s[i], hi - b >= 4)
        cross = ldx * rdy - ldy * rdx
        dot = ldx * rdx + ldy * rdy
        turn = np.arctan2(cross, dot)
        if abs(turn) < least:
            continue
        # where the sides meet: along straight continuations from the extrapolated points
        ix, iy = (lx + rx) / 2, (ly + ry) / 2
        if abs(cross) > 1e-6:
            u = ((rx - lx) * rdy - (ry - ly) * rdx) / cross
            ix, iy = lx + u * ldx, ly + u * ldy
        inner = np.pi - abs(turn)
        if np.hypot(ix - x[i], iy - y[i]) > 1.0 + 0.5 / np.tan(max(inner, 0.2) / 2):
            continue
        # a sharp corner leaves the samples beside it on one of its sides; a rounded one does not
        nl, nr = max(np.hypot(ldx, ldy), 1e-9), max(np.hypot(rdx, rdy), 1e-9)
        off = 0.0
        for j in range(a + 1, b):
            dl = abs((x[j] - lx) * ldy - (y[j] - ly) * ldx) / nl
            dr = abs((x[j] - rx) * rdy - (y[j] - ry) * rdx) / nr
            off = max(off, min(dl, dr))
        if off > blunt:
            continue
        if hi - lo >= 6:
            near_lo, near_hi = lo, hi
            while s[i] - s[near_lo] > 4.0 and near_hi - near_lo > 7:
                near_lo += 1
            while s[near_hi] - s[i] > 4.0 and near_hi - near_lo > 7:
                near_hi -= 1
            if _smooth_error(x, y, s, near_lo, near_hi) < 1.6 * max(el, er) + 0.02:
                continue
        raw[i] = turn
        px[i] = ix
        py[i] = iy
    for i in range(n):
        if raw[i] == 0.0:
            continue
        top = True
        for j in range(i - 1, -1, -1):
            if s[i] - s[j] > 1.6:
                break
            if abs(raw[j]) > abs(raw[i]):
                top = False
        for j in range(i + 1, n):
            if s[j] - s[i] > 1.6:
                break
            if abs(raw[j]) >= abs(raw[i]):
                top = False
        if top:
            turn_of[i] = raw[i]
            cornerx[i] = px[i]
            cornery[i] = py[i]
