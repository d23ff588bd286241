"""What is not core: pixels that are mixtures of the inks around them, and thin strokes."""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit

from .damage import settled
from .gradients import ink_colour

_MOST_NEAR = 6
"""Inks around a pixel that may explain it."""


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
def _around(labels, y, x, reach, enough, ids, dist):
    """The labels within `reach` px of a pixel, nearest rings first, into ids and how far they are into dist.

    Rings beyond the second are looked at only while fewer than `enough` are known. Returns how many there are, at most
    len(ids).
    """
    h, w = labels.shape
    n = 0
    for r in range(1, reach + 1):
        if r > 2 and n >= enough:
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
                if not seen and n < len(ids):
                    ids[n] = q
                    dist[n] = d
                    n += 1
    return n


@njit(cache=True)
def _explain(p, labels, kind, colour, geom, profile, reach, out, rest):
    """Explain every unlabelled pixel as a mixture of two of the inks within `reach`; out gets the one it mostly is."""
    h, w, _ = p.shape
    ids = np.empty(_MOST_NEAR, np.int32)
    dist = np.empty(_MOST_NEAR, np.float32)
    near = np.empty((_MOST_NEAR, 4), np.float32)
    tmp = np.empty(4, np.float32)
    for y in range(h):
        for x in range(w):
            if labels[y, x] >= 0:
                out[y, x] = labels[y, x]
                rest[y, x] = 0
                continue
            n = _around(labels, y, x, reach, 2, ids, dist)
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
    ids = np.empty(_MOST_NEAR, np.int32)
    dist = np.empty(_MOST_NEAR, np.float32)
    near = np.empty((_MOST_NEAR, 4), np.float32)
    for y in range(h):
        for x in range(w):
            out[y, x] = first[y, x]
            left[y, x] = rest[y, x]
            if rest[y, x] <= limit:
                continue
            n = _around(labels, y, x, 3, 1, ids, dist)
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
def bridge(p, labels, kind, colour, geom, profile, least, contrast, out):
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


def spread_inks(seen, labels, inks, noise, palette_distance):
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
                inks.add_flat(settled(colour, noise, 1.0))
                added = True
        if not added:
            break
    empty = out < 0
    if empty.any():
        away = np.abs(seen[empty][:, None, :] - inks.colours[None, :64]).sum(axis=2)
        out[empty] = away.argmin(axis=1)
    return out
