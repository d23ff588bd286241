"""Measured points along an edge → the fewest lines, circular arcs and cubics that explain them.

The description with the least ``½ Σ (d / σ)² + λ · numbers`` is found by dynamic programming over candidate breakpoints, d
being a point's distance to the curve and σ its uncertainty (Rissanen's minimum description length; the cubics by least
squares after Schneider, Graphics Gems 1990). Corners are found first; see `corners`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .corners import corners

LINE, ARC, CUBIC = 0, 1, 2
LOOSE = 1 / 0.2**2
"""Weight of a corner's place, px⁻², where lines are fitted to its sides: it moves to where they meet."""
STRAIGHT = 0.25
"""½ (d / σ)² a sample up to which a side is straight enough for that: a shallow curve is not."""
STUMP = 2.5
"""Length, px, up to which a segment between two lines may be a corner's rounding by its pixels."""
NUMBERS = (2.0, 5.0, 6.0)
"""Numbers that each kind of segment writes."""


@njit(cache=True)
def _cubic(x, y, w, lo, hi, rounds, most, out):
    """Free cubic through samples lo and hi, least squares on those between. Returns ½ Σ (d / σ)²; out (4,) gets P1, P2."""
    n = hi - lo - 1
    x0, y0, x3, y3 = x[lo], y[lo], x[hi], y[hi]
    if n < 2:
        out[0], out[1] = x0 + (x3 - x0) / 3, y0 + (y3 - y0) / 3
        out[2], out[3] = x0 + 2 * (x3 - x0) / 3, y0 + 2 * (y3 - y0) / 3
        if n == 1:
            return 0.5 * w[lo + 1] * 0.0
        return 0.0
    step = max(1, n // most)
    m = (n + step - 1) // step
    u = np.empty(m)
    length = 0.0
    k = 0
    for i in range(lo + 1, hi + 1):
        length += np.hypot(x[i] - x[i - 1], y[i] - y[i - 1])
        if i < hi and (i - lo - 1) % step == 0:
            u[k] = length
            k += 1
    for k in range(m):
        u[k] /= max(length, 1e-9)
    chi = 0.0
    for _ in range(rounds):
        a11 = a12 = a22 = bx1 = bx2 = by1 = by2 = 0.0
        for k in range(m):
            i = lo + 1 + k * step
            t = u[k]
            v = 1 - t
            b0, b1, b2, b3 = v * v * v, 3 * t * v * v, 3 * t * t * v, t * t * t
            dx = x[i] - b0 * x0 - b3 * x3
            dy = y[i] - b0 * y0 - b3 * y3
            q = w[i]
            a11 += q * b1 * b1
            a12 += q * b1 * b2
            a22 += q * b2 * b2
            bx1 += q * b1 * dx
            bx2 += q * b2 * dx
            by1 += q * b1 * dy
            by2 += q * b2 * dy
        # a whisper of a pull towards thirds of the chord keeps short spans tame
        ridge = 1e-3 * (a11 + a22)
        gx1, gy1 = x0 + (x3 - x0) / 3, y0 + (y3 - y0) / 3
        gx2, gy2 = x0 + 2 * (x3 - x0) / 3, y0 + 2 * (y3 - y0) / 3
        a11 += ridge
        a22 += ridge
        bx1 += ridge * gx1
        by1 += ridge * gy1
        bx2 += ridge * gx2
        by2 += ridge * gy2
        det = a11 * a22 - a12 * a12
        if abs(det) < 1e-12:
            return 1e12
        p1x, p1y = (bx1 * a22 - bx2 * a12) / det, (by1 * a22 - by2 * a12) / det
        p2x, p2y = (a11 * bx2 - a12 * bx1) / det, (a11 * by2 - a12 * by1) / det
        out[0], out[1], out[2], out[3] = p1x, p1y, p2x, p2y
        chi = _newton(x, y, w, lo, step, m, u, x0, y0, p1x, p1y, p2x, p2y, x3, y3)
    return 0.5 * chi * n / m


@njit(cache=True)
def _newton(x, y, w, lo, step, m, u, x0, y0, x1, y1, x2, y2, x3, y3):
    """One Newton step of each parameter towards the foot of its point; Σ w d² at the new feet."""
    chi = 0.0
    for k in range(m):
        i = lo + 1 + k * step
        t = u[k]
        v = 1 - t
        qx = v * v * v * x0 + 3 * t * v * v * x1 + 3 * t * t * v * x2 + t * t * t * x3 - x[i]
        qy = v * v * v * y0 + 3 * t * v * v * y1 + 3 * t * t * v * y2 + t * t * t * y3 - y[i]
        dx = 3 * (v * v * (x1 - x0) + 2 * t * v * (x2 - x1) + t * t * (x3 - x2))
        dy = 3 * (v * v * (y1 - y0) + 2 * t * v * (y2 - y1) + t * t * (y3 - y2))
        ex = 6 * (v * (x2 - 2 * x1 + x0) + t * (x3 - 2 * x2 + x1))
        ey = 6 * (v * (y2 - 2 * y1 + y0) + t * (y3 - 2 * y2 + y1))
        den = dx * dx + dy * dy + qx * ex + qy * ey
        if den > 1e-9:
            t = min(1.0, max(0.0, t - (qx * dx + qy * dy) / den))
            u[k] = t
        speed = dx * dx + dy * dy
        if speed > 1e-9:
            d = (qx * dy - qy * dx) ** 2 / speed
        else:
            d = qx * qx + qy * qy
        along = qx * qx + qy * qy
        if along > 4 * d + 0.25:  # the foot is far away: the tangent's distance is no distance
            d = along
        chi += w[i] * d
    return chi


@njit(cache=True)
def _arc(x, y, w, lo, hi, out):
    """Circular arc through samples lo and hi. Returns ½ Σ (d / σ)²; out gets centre x, y, radius, and ±1 for the turn."""
    x0, y0, x3, y3 = x[lo], y[lo], x[hi], y[hi]
    cx, cy = x3 - x0, y3 - y0
    length = np.hypot(cx, cy)
    if length < 1e-6 or hi - lo < 3:
        return 1e12
    cx, cy = cx / length, cy / length
    top = bottom = total = high = 0.0
    for i in range(lo + 1, hi):
        u = (x[i] - x0) * cx + (y[i] - y0) * cy
        v = (y[i] - y0) * cx - (x[i] - x0) * cy
        top += w[i] * (u * u - u * length + v * v) * v
        bottom += w[i] * v * v
        total += v
        high = max(high, abs(v))
    if bottom < 1e-9:
        return 1e12
    k = top / (2 * bottom)
    r = np.hypot(length / 2, k)
    if r > 20 * length or r < 0.3:
        return 1e12
    rise = r + (k if total > 0 else -k)  # of the arc above its chord, on the points' side
    if abs(rise - high) > 0.5 + 0.1 * high:  # they lie on the circle, but not on this arc of it
        return 1e12
    mx, my = x0 + cx * length / 2 - cy * k, y0 + cy * length / 2 + cx * k
    chi = 0.0
    for i in range(lo + 1, hi):
        d = np.hypot(x[i] - mx, y[i] - my) - r
        chi += w[i] * d * d
    # points must run along the arc, not around the other way
    out[0], out[1], out[2], out[3] = mx, my, r, (1.0 if total < 0 else -1.0)
    return 0.5 * chi


@njit(cache=True)
def _line(x, y, w, lo, hi):
    """½ Σ (d / σ)² of the samples between lo and hi to their chord."""
    cx, cy = x[hi] - x[lo], y[hi] - y[lo]
    length = np.hypot(cx, cy)
    if length < 1e-9:
        return 1e12
    cx, cy = cx / length, cy / length
    chi = 0.0
    for i in range(lo + 1, hi):
        d = (y[i] - y[lo]) * cx - (x[i] - x[lo]) * cy
        chi += w[i] * d * d
    return 0.5 * chi


@njit(cache=True)
def _free_line(x, y, w, lo, hi, first, last):
    """½ Σ (d / σ)² of the samples between lo and hi to their own best line, the two ends held with the weights given."""
    sw = sx = sy = 0.0
    for i in range(lo, hi + 1):
        q = first if i == lo else (last if i == hi else w[i])
        sw += q
        sx += q * x[i]
        sy += q * y[i]
    sx /= sw
    sy /= sw
    cxx = cxy = cyy = 0.0
    for i in range(lo, hi + 1):
        q = first if i == lo else (last if i == hi else w[i])
        dx, dy = x[i] - sx, y[i] - sy
        cxx += q * dx * dx
        cxy += q * dx * dy
        cyy += q * dy * dy
    return 0.25 * (cxx + cyy - np.hypot(cxx - cyy, 2 * cxy))


@njit(cache=True)
def _candidates(x, y, lo, hi, tolerance, keep):
    """Douglas–Peucker: mark the samples between lo and hi where a breakpoint may lie."""
    stack = [(lo, hi)]
    keep[lo] = keep[hi] = True
    while len(stack) > 0:
        a, b = stack.pop()
        if b - a < 2:
            continue
        cx, cy = x[b] - x[a], y[b] - y[a]
        length = np.hypot(cx, cy)
        far = -1.0
        who = -1
        for i in range(a + 1, b):
            if length < 1e-9:
                d = np.hypot(x[i] - x[a], y[i] - y[a])
            else:
                d = abs((y[i] - y[a]) * cx - (x[i] - x[a]) * cy) / length
            if d > far:
                far, who = d, i
        if far > tolerance:
            keep[who] = True
            stack.append((a, who))
            stack.append((who, b))


@njit(cache=True)
def _program(x, y, w, lo, hi, price, tolerance, arcs, begins, finishes, kinds, ends, data, at):
    """Best segmentation of samples lo..hi into lines, arcs and cubics. Appends from `at`; returns new length and cost.

    Where it begins or finishes at a corner, that is only known to a fraction of a pixel: a line need not go through it.
    """
    n = hi - lo + 1
    keep = np.zeros(n, np.bool_)
    t = tolerance
    xs, ys, ws = x[lo : hi + 1], y[lo : hi + 1], w[lo : hi + 1]
    while True:
        keep[:] = False
        _candidates(xs, ys, 0, n - 1, t, keep)
        m = keep.sum()
        if m <= 72 or t > 8:
            break
        t *= 1.5
    c = np.flatnonzero(keep)
    m = len(c)
    best = np.full(m, 1e18)
    came = np.zeros(m, np.int32)
    kind = np.zeros(m, np.int8)
    found = np.zeros((m, 4))
    best[0] = 0.0
    tmp = np.empty(4)
    for j in range(1, m):
        worse = 0
        for i in range(j - 1, -1, -1):
            a, b = c[i], c[j]
            base = best[i]
            line = _line(xs, ys, ws, a, b)
            loose_a, loose_b = begins and i == 0, finishes and j == m - 1
            if (loose_a or loose_b) and line > 0.5 * price and b - a > 4:
                first = LOOSE if loose_a else 4 * ws[a]
                last = LOOSE if loose_b else 4 * ws[b]
                free = _free_line(xs, ys, ws, a, b, first, last)
                if free < STRAIGHT * (b - a):
                    line = min(line, free)
            cost = base + line + price * 2.0
            low = line
            if cost < best[j]:
                best[j], came[j], kind[j] = cost, i, 0
            if line > price * 1.5:
                if arcs and base + price * 5.0 < best[j]:
                    arc = _arc(xs, ys, ws, a, b, tmp)
                    low = min(low, arc)
                    cost = base + arc + price * 5.0
                    if cost < best[j]:
                        best[j], came[j], kind[j] = cost, i, 1
                        found[j] = tmp
                if base + price * 6.0 < best[j] or worse == 0:
                    cubic = _cubic(xs, ys, ws, a, b, 3, 20, tmp)
                    low = min(low, cubic)
                    cost = base + cubic + price * 6.0
                    if cost < best[j]:
                        best[j], came[j], kind[j] = cost, i, 2
                        found[j] = tmp
            if low > 30 * price:
                worse += 1
                if worse >= 5:
                    break
            else:
                worse = 0
    # read back
    count = 0
    j = m - 1
    while j > 0:
        count += 1
        j = came[j]
    j = m - 1
    k = at + count - 1
    while j > 0:
        i = came[j]
        kinds[k] = kind[j]
        ends[k, 0], ends[k, 1] = lo + c[i], lo + c[j]
        data[k] = found[j]
        if kind[j] == 2:
            _cubic(xs, ys, ws, c[i], c[j], 5, 60, data[k])
        k -= 1
        j = i
    return at + count, best[m - 1]


@njit(cache=True)
def _prune(x, y, sigma, n, closed, ox, oy, ow):
    """Samples in order with close ones merged and unmeasured ones left out where measured ones are near. Returns how many."""
    m = 0
    for i in range(n):
        good = sigma[i] > 0
        px, py, q = x[i], y[i], sigma[i]
        if not good:
            near = False
            for j in range(-3, 4):
                k = i + j
                if closed:
                    k %= n
                elif k < 0 or k >= n:
                    continue
                if sigma[k] > 0:
                    near = True
            if near:
                continue
            a, b = i - 1, i + 1
            if closed:
                a, b = a % n, b % n
            else:
                a, b = max(a, 0), min(b, n - 1)
            px, py, q = (x[a] + 2 * x[i] + x[b]) / 4, (y[a] + 2 * y[i] + y[b]) / 4, 0.3
        wi = 1 / (q * q)
        if m > 0:
            d = np.hypot(px - ox[m - 1], py - oy[m - 1])
            if d < 0.45:
                t = ow[m - 1] + wi
                ox[m - 1] = (ox[m - 1] * ow[m - 1] + px * wi) / t
                oy[m - 1] = (oy[m - 1] * ow[m - 1] + py * wi) / t
                ow[m - 1] = max(ow[m - 1], wi)
                continue
        ox[m], oy[m], ow[m] = px, py, wi
        m += 1
    if closed and m > 3 and np.hypot(ox[m - 1] - ox[0], oy[m - 1] - oy[0]) < 0.45:
        m -= 1
    return m


@njit(cache=True)
def fit_run(x, y, sigma, closed, price, tolerance, reach, least, blunt, arcs):
    """Fit one run of edge samples.

    Parameters
    ----------
    x, y, sigma : (n,) float64
        px; sigma negative where nothing was measured.
    closed : bool
        Whether the run is a loop.
    price : float
        Cost of one number of the description, in nats.
    tolerance : float
        px; breakpoints are sought where a polyline of this tolerance has its vertices.
    reach : float
        px; length of the one-sided windows in which corners are sought.
    least : float
        Radians; the smallest turn that is a corner.
    blunt : float
        px; how far the samples beside a corner may lie from its sides.
    arcs : bool
        Whether circular arcs are used.

    Returns
    -------
    kinds : (k,) int8
    points : (k + 1, 2) float64
        Vertices; for a closed run the last equals the first.
    data : (k, 4) float64
        Cubic: P1, P2; arc: centre, radius, turn.
    sharp : (k + 1,) bool
        Whether each vertex is a corner.
    fine : bool
        False where there was nothing to fit.
    """
    n = len(x)
    px, py, pw = np.empty(n + 2), np.empty(n + 2), np.empty(n + 2)
    m = _prune(x, y, sigma, n, closed, px, py, pw)
    empty = (np.zeros(0, np.int8), np.zeros((0, 2)), np.zeros((0, 4)), np.zeros(0, np.bool_), False)
    if m < 2 or (closed and m < 3):
        return empty
    # corners, on a padded copy where closed
    pad = min(m, 40) if closed else 0
    q = m + 2 * pad
    ex, ey, ew = np.empty(q), np.empty(q), np.empty(q)
    for i in range(q):
        k = (i - pad) % m
        ex[i], ey[i], ew[i] = px[k], py[k], pw[k]
    s = np.zeros(q)
    for i in range(1, q):
        s[i] = s[i - 1] + np.hypot(ex[i] - ex[i - 1], ey[i] - ey[i - 1])
    turn, kx, ky = np.zeros(q), np.zeros(q), np.zeros(q)
    corners(ex, ey, s, ew, q, reach, least, blunt, turn, kx, ky)
    first = -1
    for i in range(pad, pad + m):
        if turn[i] != 0:
            first = i - pad
            break
    # the sequence to fit: from a corner round to it again where closed, samples beside corners left out
    fx, fy, fw = np.empty(m + 2), np.empty(m + 2), np.empty(m + 2)
    hard = np.zeros(m + 2, np.bool_)
    f = 0
    begin = max(first, 0) if closed else 0
    count = m + 1 if closed else m
    for j in range(count):
        k = (begin + j) % m
        i = k + pad
        if turn[i] != 0:
            fx[f], fy[f], fw[f] = kx[i], ky[i], pw[k]
            hard[f] = True
            f += 1
            continue
        beside = False
        if 0 < j < count - 1:
            for d in (-1, 1):
                g = i + d
                while 0 <= g < q and abs(s[g] - s[i]) < 2.5:
                    near = np.hypot(kx[g] - ex[i], ky[g] - ey[i]) < 1.25
                    if turn[g] != 0 and (near or abs(s[g] - s[i]) < 1.1):
                        beside = True
                    g += d
        if beside:
            continue
        fx[f], fy[f], fw[f] = px[k], py[k], pw[k]
        f += 1
    if closed:
        fx[f - 1], fy[f - 1] = fx[0], fy[0]
        hard[f - 1] = hard[0]
    if f < 2:
        return empty
    kinds = np.zeros(f, np.int8)
    ends = np.zeros((f, 2), np.int64)
    data = np.zeros((f, 4))
    at = 0
    lo = 0
    if closed and not hard[0] and f > 8:
        # smooth loop: once from anywhere, then from a breakpoint of that
        at, cost = _program(fx, fy, fw, 0, f - 1, price, tolerance, arcs, False, False, kinds, ends, data, 0)
        turn_at = ends[at // 2, 0]
        if at > 1 and turn_at > 0:
            rx, ry, rw = np.empty(f), np.empty(f), np.empty(f)
            for i in range(f):
                k = (turn_at + i) % (f - 1)
                rx[i], ry[i], rw[i] = fx[k], fy[k], fw[k]
            kinds2, ends2, data2 = np.zeros(f, np.int8), np.zeros((f, 2), np.int64), np.zeros((f, 4))
            at2, cost2 = _program(rx, ry, rw, 0, f - 1, price, tolerance, arcs, False, False, kinds2, ends2, data2, 0)
            if cost2 < cost:
                fx[:f], fy[:f], fw[:f] = rx, ry, rw
                kinds, ends, data, at = kinds2, ends2, data2, at2
    else:
        for i in range(1, f):
            if hard[i] or i == f - 1:
                at, _ = _program(fx, fy, fw, lo, i, price, tolerance, arcs, hard[lo], hard[i], kinds, ends, data, at)
                lo = i
    points = np.empty((at + 1, 2))
    sharp = np.zeros(at + 1, np.bool_)
    for k in range(at):
        points[k, 0], points[k, 1] = fx[ends[k, 0]], fy[ends[k, 0]]
        sharp[k] = hard[ends[k, 0]]
    points[at, 0], points[at, 1] = fx[ends[at - 1, 1]], fy[ends[at - 1, 1]]
    sharp[at] = hard[ends[at - 1, 1]]
    at = _polish(fx, fy, fw, kinds, ends, data, points, sharp, at, closed, price, blunt)
    return kinds[:at].copy(), points[: at + 1].copy(), data[:at].copy(), sharp[: at + 1].copy(), True


@njit(cache=True)
def _direction(kind, data, points, k, start):
    """Unit tangent at the start or end of segment k, in walking direction."""
    ax, ay, bx, by = points[k, 0], points[k, 1], points[k + 1, 0], points[k + 1, 1]
    if kind == 0:
        dx, dy = bx - ax, by - ay
    elif kind == 1:
        x, y = (ax, ay) if start else (bx, by)
        dx, dy = -(y - data[1]) * data[3], (x - data[0]) * data[3]
    elif start:
        dx, dy = data[0] - ax, data[1] - ay
        if dx * dx + dy * dy < 1e-8:
            dx, dy = data[2] - ax, data[3] - ay
    else:
        dx, dy = bx - data[2], by - data[3]
        if dx * dx + dy * dy < 1e-8:
            dx, dy = bx - data[0], by - data[1]
    n = max(np.hypot(dx, dy), 1e-12)
    return dx / n, dy / n


@njit(cache=True)
def _own_lines(x, y, w, kinds, ends, points, n, nx, ny, nc, okay):
    """Total least squares lines ``nx·x + ny·y = nc`` through each straight segment's samples; upright ones exactly so."""
    for k in range(n):
        okay[k] = False
        if kinds[k] != 0 or ends[k, 1] - ends[k, 0] < 4:
            continue
        sw = sx = sy = 0.0
        for i in range(ends[k, 0] + 1, ends[k, 1]):
            sw += w[i]
            sx += w[i] * x[i]
            sy += w[i] * y[i]
        sx /= sw
        sy /= sw
        cxx = cxy = cyy = 0.0
        for i in range(ends[k, 0] + 1, ends[k, 1]):
            cxx += w[i] * (x[i] - sx) ** 2
            cxy += w[i] * (x[i] - sx) * (y[i] - sy)
            cyy += w[i] * (y[i] - sy) ** 2
        angle = 0.5 * np.arctan2(2 * cxy, cxx - cyy)
        length = np.hypot(points[k + 1, 0] - points[k, 0], points[k + 1, 1] - points[k, 1])
        snap = np.round(angle / (np.pi / 2)) * (np.pi / 2)
        if abs(angle - snap) * length < 0.12 + 0.25 / np.sqrt(sw / (ends[k, 1] - ends[k, 0])):
            angle = snap
        nx[k], ny[k] = -np.sin(angle), np.cos(angle)
        nc[k] = nx[k] * sx + ny[k] * sy
        okay[k] = True


@njit(cache=True)
def _drop_stump(x, y, kinds, ends, data, points, sharp, n, closed, blunt, nx, ny, nc, okay):
    """Drop the first short segment between two lines that meet near it, where no sample says that it is there.

    Returns how many segments are left.
    """
    for k in range(n):
        if n < 4 or (not closed and (k == 0 or k == n - 1)):
            continue
        a, b = (k - 1) % n, (k + 1) % n
        if not okay[a] or not okay[b]:
            continue
        if np.hypot(points[k + 1, 0] - points[k, 0], points[k + 1, 1] - points[k, 1]) > STUMP:
            continue
        det = nx[a] * ny[b] - nx[b] * ny[a]
        if abs(det) < 0.2:
            continue
        qx = (nc[a] * ny[b] - nc[b] * ny[a]) / det
        qy = (nx[a] * nc[b] - nx[b] * nc[a]) / det
        if (
            max(np.hypot(qx - points[k, 0], qy - points[k, 1]), np.hypot(qx - points[k + 1, 0], qy - points[k + 1, 1]))
            > STUMP
        ):
            continue
        off = 0.0
        for i in range(ends[k, 0] + 1, ends[k, 1]):
            off = max(off, min(abs(nx[a] * x[i] + ny[a] * y[i] - nc[a]), abs(nx[b] * x[i] + ny[b] * y[i] - nc[b])))
        if off > blunt:
            continue
        points[k, 0] = points[k + 1, 0] = qx
        points[k, 1] = points[k + 1, 1] = qy
        sharp[k] = sharp[k + 1] = True
        for j in range(k, n - 1):
            kinds[j], ends[j], data[j] = kinds[j + 1], ends[j + 1], data[j + 1]
        for j in range(k, n):
            points[j] = points[j + 1]
            sharp[j] = sharp[j + 1]
        if closed:
            if k == n - 1:
                points[0], sharp[0] = points[n - 1], True
            points[n - 1], sharp[n - 1] = points[0], sharp[0]
        return n - 1
    return n


@njit(cache=True)
def _polish(x, y, w, kinds, ends, data, points, sharp, n, closed, price, blunt):
    """Make joints smooth where they nearly are: lines refitted to all their samples, cubics given the neighbours' tangents.

    Returns how many segments are left.
    """
    nx, ny, nc = np.zeros(n), np.zeros(n), np.zeros(n)
    okay = np.zeros(n, np.bool_)
    while True:
        _own_lines(x, y, w, kinds, ends, points, n, nx, ny, nc, okay)
        left = _drop_stump(x, y, kinds, ends, data, points, sharp, n, closed, blunt, nx, ny, nc, okay)
        if left == n:
            break
        n = left
    last = n if closed else n - 1
    for j in range(1, last + 1):
        a, b = j - 1, j % n
        if a == b:
            break
        va, vb = (j, 0) if j == n else (j, j)
        if okay[a] and okay[b]:
            det = nx[a] * ny[b] - nx[b] * ny[a]
            if abs(det) > 0.05:
                qx = (nc[a] * ny[b] - nc[b] * ny[a]) / det
                qy = (nx[a] * nc[b] - nx[b] * nc[a]) / det
                if np.hypot(qx - points[va, 0], qy - points[va, 1]) < 1.5:
                    points[va, 0] = points[vb, 0] = qx
                    points[va, 1] = points[vb, 1] = qy
        elif okay[a] or okay[b]:
            k = a if okay[a] else b
            d = nx[k] * points[va, 0] + ny[k] * points[va, 1] - nc[k]
            if abs(d) < 0.5:
                points[va, 0] -= d * nx[k]
                points[va, 1] -= d * ny[k]
                points[vb, 0], points[vb, 1] = points[va, 0], points[va, 1]
    if not closed:
        for k, v in ((0, 0), (n - 1, n)):
            if okay[k]:
                d = nx[k] * points[v, 0] + ny[k] * points[v, 1] - nc[k]
                if abs(d) < 0.5:
                    points[v, 0] -= d * nx[k]
                    points[v, 1] -= d * ny[k]
    # tangents at smooth joints
    tangent = np.zeros((n + 1, 2))
    smooth = np.zeros(n + 1, np.bool_)
    for j in range(0 if closed else 1, n):
        a, b = (j - 1) % n, j
        if sharp[j] or (closed and j == 0 and sharp[n]):
            continue
        ax, ay = _direction(kinds[a], data[a], points, a, False)
        bx, by = _direction(kinds[b], data[b], points, b, True)
        if ax * bx + ay * by < 0.9:
            continue
        wa = float(ends[a, 1] - ends[a, 0])
        wb = float(ends[b, 1] - ends[b, 0])
        if kinds[a] != 2 and kinds[b] != 2:
            continue
        if kinds[a] != 2:
            tx, ty = ax, ay
        elif kinds[b] != 2:
            tx, ty = bx, by
        else:
            tx, ty = ax * wa + bx * wb, ay * wa + by * wb
        size = max(np.hypot(tx, ty), 1e-12)
        tangent[j, 0], tangent[j, 1] = tx / size, ty / size
        smooth[j] = True
        if closed and j == 0:
            tangent[n] = tangent[0]
            smooth[n] = True
    for k in range(n):
        if kinds[k] == 2:
            _tangent_cubic(x, y, w, ends[k, 0], ends[k, 1], points, k, tangent, smooth, price, data[k])
    return n


@njit(cache=True)
def _tangent_cubic(x, y, w, lo, hi, points, k, tangent, smooth, price, out):
    """Refit a cubic's handles with given end tangents (its own where the joint is a corner): two lengths by least squares."""
    x0, y0, x3, y3 = points[k, 0], points[k, 1], points[k + 1, 0], points[k + 1, 1]
    n = hi - lo - 1
    chord = np.hypot(x3 - x0, y3 - y0)
    d0x, d0y = out[0] - x0, out[1] - y0
    d3x, d3y = out[2] - x3, out[3] - y3
    l0, l3 = np.hypot(d0x, d0y), np.hypot(d3x, d3y)
    if l0 < 1e-6 or l3 < 1e-6 or n < 3:
        return
    d0x, d0y, d3x, d3y = d0x / l0, d0y / l0, d3x / l3, d3y / l3
    if smooth[k]:
        d0x, d0y = tangent[k, 0], tangent[k, 1]
    if smooth[k + 1]:
        d3x, d3y = -tangent[k + 1, 0], -tangent[k + 1, 1]
    u = np.empty(n)
    length = 0.0
    for i in range(lo + 1, hi + 1):
        length += np.hypot(x[i] - x[i - 1], y[i] - y[i - 1])
        if i < hi:
            u[i - lo - 1] = length
    u /= max(length, 1e-9)
    free = u.copy()
    before = 0.0
    for _ in range(3):
        before = _newton(x, y, w, lo, 1, n, free, x0, y0, out[0], out[1], out[2], out[3], x3, y3)
    a, b = l0, l3
    for _ in range(4):
        _newton(x, y, w, lo, 1, n, u, x0, y0, x0 + a * d0x, y0 + a * d0y, x3 + b * d3x, y3 + b * d3y, x3, y3)
        c11 = c12 = c22 = r1 = r2 = 0.0
        for i in range(n):
            t = u[i]
            v = 1 - t
            b0, b1, b2, b3 = v * v * v, 3 * t * v * v, 3 * t * t * v, t * t * t
            ex = x[lo + 1 + i] - (b0 + b1) * x0 - (b2 + b3) * x3
            ey = y[lo + 1 + i] - (b0 + b1) * y0 - (b2 + b3) * y3
            q = w[lo + 1 + i]
            c11 += q * b1 * b1
            c12 += q * b1 * b2 * (d0x * d3x + d0y * d3y)
            c22 += q * b2 * b2
            r1 += q * b1 * (ex * d0x + ey * d0y)
            r2 += q * b2 * (ex * d3x + ey * d3y)
        det = c11 * c22 - c12 * c12
        if abs(det) < 1e-9:
            break
        a, b = (r1 * c22 - r2 * c12) / det, (c11 * r2 - c12 * r1) / det
        low, high = 0.02 * chord, 1.5 * length
        a, b = min(max(a, low), high), min(max(b, low), high)
    after = 0.0
    for _ in range(3):
        after = _newton(x, y, w, lo, 1, n, u, x0, y0, x0 + a * d0x, y0 + a * d0y, x3 + b * d3x, y3 + b * d3y, x3, y3)
    if 0.5 * (after - before) > 2 * price:  # the neighbour's tangent is not this one's
        return
    out[0], out[1], out[2], out[3] = x0 + a * d0x, y0 + a * d0y, x3 + b * d3x, y3 + b * d3y
