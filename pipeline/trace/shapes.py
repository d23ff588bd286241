"""Circles, ellipses and rectangles, where the residual says that a closed edge is one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Circle:
    """Centre and radius, px; `hole` where the region lies outside it."""

    x: float
    y: float
    r: float
    hole: bool = False


@dataclass(frozen=True)
class Ellipse:
    """Centre and semi-axes, px; `angle` in degrees from x to the first axis, clockwise as SVG turns."""

    x: float
    y: float
    rx: float
    ry: float
    angle: float = 0.0
    hole: bool = False


@dataclass(frozen=True)
class Rect:
    """An upright rectangle: top left corner, size and the radius of its corners, px."""

    x: float
    y: float
    width: float
    height: float
    radius: float = 0.0
    hole: bool = False


def closed_shape(x: np.ndarray, y: np.ndarray, sigma: np.ndarray) -> Circle | Ellipse | Rect | None:
    """The circle, ellipse or upright rectangle that a closed run of edge samples lies on, or None.

    Kåsa's circle, the direct least squares conic, and a rounded rectangle by Gauss–Newton on its signed distance: kept where
    the root mean square residual is near the samples' own uncertainty and no stretch of the edge is far away.
    """
    good = sigma > 0
    if good.sum() < max(8, 0.7 * len(x)):
        return None
    x, y, sigma = x[good], y[good], sigma[good]
    limit = 1.3 * float(np.median(sigma)) + 0.02
    w = 1 / sigma
    basis = np.stack([x, y, np.ones_like(x)], 1) * w[:, None]
    centre, *_ = np.linalg.lstsq(basis, (x * x + y * y) * w, rcond=None)
    cx, cy = centre[0] / 2, centre[1] / 2
    r2 = centre[2] + cx * cx + cy * cy
    if r2 <= 0.2:
        return None
    r = float(np.sqrt(r2))
    d = np.hypot(x - cx, y - cy) - r
    wide, high = np.ptp(x), np.ptp(y)
    if max(abs(wide - 2 * r), abs(high - 2 * r)) < 0.15 * r + 0.6 and _close(d, limit, r):
        return Circle(float(cx), float(cy), r)
    if len(x) < 16:
        return None
    return _rect(x, y, limit) or _ellipse(x, y, limit)


def _rect_distance(p: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Signed distance of points to a rounded rectangle ``(left, top, right, bottom, radius)``."""
    r = p[4]
    qx = np.abs(x - (p[0] + p[2]) / 2) - (p[2] - p[0]) / 2 + r
    qy = np.abs(y - (p[1] + p[3]) / 2) - (p[3] - p[1]) / 2 + r
    return np.hypot(np.maximum(qx, 0), np.maximum(qy, 0)) + np.minimum(np.maximum(qx, qy), 0) - r


def _rect(x: np.ndarray, y: np.ndarray, limit: float) -> Rect | None:
    left, top, right, bottom = x.min(), y.min(), x.max(), y.max()
    if min(right - left, bottom - top) < 2:
        return None
    near = 0.3 + 2 * limit
    beside = (np.abs(x - left) < near) | (np.abs(x - right) < near)
    beyond = (np.abs(y - top) < near) | (np.abs(y - bottom) < near)
    if (beside | beyond).mean() < 0.25:
        return None
    if len(x) > 400:
        x, y = x[:: len(x) // 200], y[:: len(x) // 200]
    most = min(right - left, bottom - top) / 2
    if np.median(np.abs(_rect_distance(np.array([left, top, right, bottom, 0.3 * most]), x, y))) > 1 + 0.06 * most:
        return None
    for start in (0.0, 0.3 * most, 0.8 * most):
        p = np.array([left, top, right, bottom, start])
        for _ in range(8):
            d = _rect_distance(p, x, y)
            step = 1e-3
            slope = np.stack([(_rect_distance(p + step * np.eye(5)[k], x, y) - d) / step for k in range(5)], 1)
            weight = 1 / np.maximum(1.0, np.abs(d) / (2 * limit))  # a sharp corner is rounded by its pixels
            a = slope * weight[:, None]
            p = p - np.linalg.solve(a.T @ a + 1e-6 * np.eye(5), a.T @ (d * weight))
            p[4] = min(max(p[4], 0.0), min(p[2] - p[0], p[3] - p[1]) / 2)
        d = _rect_distance(p, x, y)
        if np.mean(np.abs(d) < 3 * limit) > 0.97 and np.abs(d).max() < max(6 * limit, 0.45 if p[4] < 1 else 0.0):
            radius = float(p[4]) if p[4] > 0.5 else 0.0
            return Rect(float(p[0]), float(p[1]), float(p[2] - p[0]), float(p[3] - p[1]), radius)
    return None


def _close(d: np.ndarray, limit: float, size: float) -> bool:
    limit = min(limit, 0.03 * size + 0.02)
    return bool(np.sqrt(np.mean(d * d)) < limit and np.abs(d).max() < 5 * limit)


def _ellipse(x: np.ndarray, y: np.ndarray, limit: float) -> Ellipse | None:
    mx, my = x.mean(), y.mean()
    s = max(np.ptp(x), np.ptp(y)) / 2
    u, v = (x - mx) / s, (y - my) / s
    a, *_ = np.linalg.lstsq(np.stack([u * u, u * v, v * v, u, v], 1), np.ones_like(u), rcond=None)
    quad = np.array([[a[0], a[1] / 2], [a[1] / 2, a[2]]])
    if np.linalg.det(quad) <= 1e-9:
        return None
    centre = -np.linalg.solve(2 * quad, a[3:])
    level = 1 + centre @ quad @ centre
    values, vectors = np.linalg.eigh(quad / level)
    if values.min() <= 0:
        return None
    rx, ry = s / np.sqrt(values)
    cx, cy = centre[0] * s + mx, centre[1] * s + my
    dx, dy = x - cx, y - cy
    p, q = vectors[0, 0] * dx + vectors[1, 0] * dy, vectors[0, 1] * dx + vectors[1, 1] * dy
    f = (p / rx) ** 2 + (q / ry) ** 2 - 1
    d = f / np.maximum(2 * np.hypot(p / rx**2, q / ry**2), 1e-9)  # Sampson's distance
    box = np.array([np.hypot(rx * vectors[i, 0], ry * vectors[i, 1]) for i in (0, 1)])
    if np.abs(2 * box - [np.ptp(x), np.ptp(y)]).max() > 0.1 * box.max() + 0.6:
        return None
    if min(rx, ry) < 1 or not _close(d, limit, min(rx, ry)):
        return None
    angle = float(np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0])))
    turn = round(angle / 90) * 90
    if abs(np.radians(angle - turn)) * abs(rx - ry) < 0.15:
        return Ellipse(cx, cy, *((rx, ry) if turn % 180 == 0 else (ry, rx)))
    return Ellipse(float(cx), float(cy), float(rx), float(ry), angle)
