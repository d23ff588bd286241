"""How good a conversion is: SSIM, ΔE00, J, bytes and complexity."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import cv2
import numpy as np

from .picture import Picture, composite
from .render import render

LAMBDA = 0.001
"""SSIM that halving the file is worth, in J."""

_WINDOW = (7, 7)
_UNBIASED = 49 / 48
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Mean structural similarity of two (H, W, C) uint8 pictures, 1 for equal ones.

    Wang et al. 2004 as scikit-image's default computes it: per channel, 7 × 7 uniform window, data range 255, sample
    covariance. Sides under 7 px are padded by repeating the border.
    """
    if a.shape != b.shape:
        raise ValueError(f"pictures differ in shape: {a.shape} and {b.shape}")
    height, width = a.shape[:2]
    if min(height, width) < 7:
        pad = (0, max(0, 7 - height), 0, max(0, 7 - width))
        a, b = (cv2.copyMakeBorder(x, *pad, cv2.BORDER_REPLICATE) for x in (a, b))
    return float(ssim_map(a, b)[3:-3, 3:-3].mean())


def ssim_map(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(H, W, C) float32: the structural similarity of the windows around each pixel, of which `ssim` is the mean.

    Within 3 px of the border the windows are mirrored, and `ssim` leaves them out.
    """
    a, b = a.astype(np.float32), b.astype(np.float32)
    mean_a, mean_b = cv2.blur(a, _WINDOW), cv2.blur(b, _WINDOW)
    var_a = _UNBIASED * (cv2.blur(a * a, _WINDOW) - mean_a * mean_a)
    var_b = _UNBIASED * (cv2.blur(b * b, _WINDOW) - mean_b * mean_b)
    cov = _UNBIASED * (cv2.blur(a * b, _WINDOW) - mean_a * mean_b)
    top = (2 * mean_a * mean_b + _C1) * (2 * cov + _C2)
    bottom = (mean_a * mean_a + mean_b * mean_b + _C1) * (var_a + var_b + _C2)
    return np.asarray(top / bottom)


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    """SSIM of two (H, W, 4) uint8 pictures over white; where `a` has transparency also over black, the worse counts."""
    grounds = (255, 0) if (a[..., 3] < 255).any() else (255,)
    return min(ssim(composite(a, ground), composite(b, ground)) for ground in grounds)


def delta_e(a: np.ndarray, b: np.ndarray) -> float:
    """Mean CIEDE2000 of two (H, W, 3) uint8 sRGB pictures; 0 for equal ones, about 1 is just visible."""
    from skimage.color import deltaE_ciede2000, rgb2lab  # slow to import, and seldom needed

    differ = np.any(a != b, axis=2)
    if not differ.any():
        return 0.0
    lab_a, lab_b = (rgb2lab(x[differ][None] / 255.0) for x in (a, b))
    return float(deltaE_ciede2000(lab_a, lab_b).sum() / differ.size)


def j_score(quality: float, size: int, default_size: int, *, price: float = LAMBDA) -> float:
    """What candidates are chosen by: SSIM − λ·log2(bytes / bytes of vtracer's default); `price` is λ."""
    return quality - price * math.log2(max(size, 1) / max(default_size, 1))


def quality(picture: Picture, svg: str) -> float:
    """SSIM of the SVG, rendered at the picture's working size, to the picture."""
    height, width = picture.pixels.shape[:2]
    return similarity(picture.pixels, render(svg, width, height))


_SHAPE = re.compile(r"<(path|circle|rect|ellipse|polygon|polyline|line)\b")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_GEOMETRY = re.compile(r'\s(?:d|points|transform|gradientTransform)="([^"]*)"')
_ATTRIBUTE = re.compile(r'\s(?:cx|cy|r|rx|ry|x|y|x1|y1|x2|y2|fx|fy|width|height|stroke-width)="')


@dataclass(frozen=True)
class Complexity:
    """How much an SVG has in it: bytes of UTF-8, shape elements, numbers in the geometry."""

    bytes: int
    paths: int
    parameters: int


def complexity(svg: str) -> Complexity:
    """Count bytes, shapes and the numbers written in the geometry (the root's own attributes left out)."""
    body = re.sub(r"<svg[^>]*>", "", svg, count=1)
    numbers = sum(len(_NUMBER.findall(text)) for text in _GEOMETRY.findall(body))
    return Complexity(len(svg.encode()), len(_SHAPE.findall(body)), numbers + len(_ATTRIBUTE.findall(body)))
