"""What compression, blur and scanning did to a picture: how much of it there is, and the picture without it."""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit

_EDGE = 24.0
"""Step between neighbours, in levels, from which a pixel counts as on an edge when noise is measured."""

_OFF = 14.0
"""Levels for each of noise that the colour of a few pixels may be off: chroma is kept for four pixels together."""


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


def smoothed(source: np.ndarray, noise: float) -> np.ndarray:
    """The picture without ringing: an edge-preserving filter whose strength follows the noise."""
    sigma = 12 + 25 * noise
    rgb = cv2.bilateralFilter(np.ascontiguousarray(source[..., :3]), 7, sigma, 2.5)
    rgb = cv2.bilateralFilter(rgb, 5, sigma, 1.5)
    return np.ascontiguousarray(np.dstack([rgb, source[..., 3]]))


def settled(colour: np.ndarray, noise: float, area: float) -> np.ndarray:
    """A flat colour, premultiplied RGBA, without its damage: black, white or a grey where it is as near to that as damage is.

    The mean of many pixels is surer than that of few: the distance falls from `_OFF` times the noise to a level and a half.
    """
    if noise <= 0.25 or colour[3] < 252:
        return colour
    near = 1.5 + _OFF * noise / np.sqrt(1 + area / 40)
    rgb = colour[:3]
    if (rgb <= near).all():
        rgb = np.zeros(3)
    elif (rgb >= 255 - near).all():
        rgb = np.full(3, 255.0)
    elif np.ptp(rgb) <= near:
        rgb = np.full(3, rgb @ np.array([0.299, 0.587, 0.114]))
    return np.append(rgb, colour[3]).astype(np.float32)
