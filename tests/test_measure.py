"""Scores against scikit-image, published pairs, and counts made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage.metrics import structural_similarity

from pipeline.measure import LAMBDA, complexity, delta_e, j_score, quality, similarity, ssim
from pipeline.picture import Picture, load


def reference(a: np.ndarray, b: np.ndarray) -> float:
    return structural_similarity(a, b, channel_axis=2, data_range=255)


@pytest.mark.parametrize("seed", range(6))
def test_ssim_equals_scikit_images_on_random_pictures(seed):
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 256, (rng.integers(7, 120), rng.integers(7, 120), 3)).astype(np.uint8)
    b = np.clip(a + rng.normal(0, 4**seed / 4, a.shape), 0, 255).astype(np.uint8)
    assert ssim(a, b) == pytest.approx(reference(a, b), abs=1e-4)


def test_ssim_equals_scikit_images_on_real_pictures(examples):
    for path in sorted(examples.glob("*.[pj][np]*g")):
        a = load(path).over(255)
        small = Image.fromarray(a).resize((a.shape[1] // 3, a.shape[0] // 3)).resize((a.shape[1], a.shape[0]))
        dark = (a * 0.9).astype(np.uint8)
        for b in (np.asarray(small), dark, 255 - a):
            assert ssim(a, b) == pytest.approx(reference(a, b), abs=1e-4), path.name


def test_ssim_of_equal_pictures_is_1_and_of_different_shapes_an_error():
    a = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    assert ssim(a, a) == pytest.approx(1)
    with pytest.raises(ValueError, match="shape"):
        ssim(a, a[:-1])


def test_ssim_of_two_flat_pictures_by_hand():
    a, b = np.full((9, 9, 3), 100, np.uint8), np.full((9, 9, 3), 150, np.uint8)
    c1 = (0.01 * 255) ** 2
    assert ssim(a, b) == pytest.approx((2 * 100 * 150 + c1) / (100**2 + 150**2 + c1), abs=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (6, 6), (3, 100)])
def test_ssim_of_pictures_under_a_window(shape):
    a = np.full((*shape, 3), 200, np.uint8)
    assert ssim(a, a) == pytest.approx(1) and ssim(a, 255 - a) < 0.9


@given(st.integers(0, 2**32 - 1))
def test_ssim_is_symmetric_and_at_most_1(seed):
    rng = np.random.default_rng(seed)
    a, b = (rng.integers(0, 256, (12, 15, 3)).astype(np.uint8) for _ in range(2))
    assert ssim(a, b) == pytest.approx(ssim(b, a), abs=1e-6) and -1 <= ssim(a, b) <= 1


def test_a_white_logo_is_compared_over_black_too():
    white = np.zeros((40, 40, 4), np.uint8)
    white[10:30, 10:30] = 255
    assert similarity(white, np.zeros_like(white)) < 0.8
    assert similarity(white, white) == pytest.approx(1)


def test_quality_of_an_exact_drawing():
    pixels = np.full((40, 60, 4), 255, np.uint8)
    pixels[10:30, 20:50, :3] = (200, 30, 40)
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 40" width="60" height="40">'
    svg = head + '<path fill="#fff" d="M0 0h60v40H0z"/>{}</svg>'
    right = svg.format('<path fill="#c81e28" d="M20 10h30v20H20z"/>')
    assert quality(Picture(pixels, 60, 40, "PNG"), right) == pytest.approx(1)
    assert quality(Picture(pixels, 60, 40, "PNG"), svg.format("")) < 0.9


def _of_greys(a: int, b: int) -> float:
    """CIEDE2000 of two greys by hand: without chroma only ΔL ÷ S_L is left of it."""
    linear = [((v / 255 + 0.055) / 1.055) ** 2.4 if v > 10 else v / 255 / 12.92 for v in (a, b)]
    first, second = (116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y for y in linear)
    middle = ((first + second) / 2 - 50) ** 2
    return abs(first - second) / (1 + 0.015 * middle / math.sqrt(20 + middle))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((255, 255, 255), (0, 0, 0), 100.0),
        ((255, 0, 0), (0, 255, 0), 86.608),  # as Lindbloom's calculator gives it
        ((118, 118, 118), (186, 186, 186), _of_greys(118, 186)),
        ((10, 10, 10), (60, 60, 60), _of_greys(10, 60)),
        ((128, 128, 128), (128, 128, 128), 0.0),
    ],
)
def test_delta_e_of_flat_pictures(a, b, expected):
    first, second = np.full((4, 4, 3), a, np.uint8), np.full((4, 4, 3), b, np.uint8)
    assert delta_e(first, second) == pytest.approx(expected, abs=0.02)
    half = first.copy()
    half[:2] = second[:2]
    assert delta_e(first, half) == pytest.approx(expected / 2, abs=0.02)


def test_j_by_hand():
    assert j_score(0.98, 5000, 5000) == 0.98
    assert j_score(0.98, 2500, 5000) == pytest.approx(0.98 + LAMBDA)
    assert j_score(0.98, 40_000, 5000) == pytest.approx(0.98 - 3 * LAMBDA)
    assert math.isfinite(j_score(0.5, 0, 0))


@pytest.mark.parametrize(
    ("body", "paths", "parameters"),
    [
        ("", 0, 0),
        ('<path d="M0 0h10v10z"/>', 1, 4),
        ('<path d="M1.5-2c.5.5-1e-3 4 5,6"/>', 1, 8),
        ('<path d="M0 0l1 1"/><circle cx="5" cy="6" r="7"/>', 2, 7),
        ('<rect x="1" y="2" width="3" height="4" rx="5" fill="#123456"/>', 1, 5),
        ('<polygon points="0,0 1,1 2,0"/>', 1, 6),
        ('<g transform="translate(3,4)"><ellipse cx="1" cy="1" rx="2" ry="3"/></g>', 1, 6),
        ('<line x1="0" y1="1" x2="2" y2="3" stroke-width="4"/>', 1, 5),
        ('<linearGradient x1="0" y1="0" x2="1" y2="1"/><path fill="url(#a)" d="M0 0"/>', 1, 6),
    ],
)
def test_complexity_by_hand(body, paths, parameters):
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="20" viewBox="0 0 10 20">{body}</svg>'
    found = complexity(svg)
    assert (found.paths, found.parameters, found.bytes) == (paths, parameters, len(svg))


def test_bytes_are_those_of_utf_8():
    assert complexity("<svg><!-- é --></svg>").bytes == 22
