"""The reference picture: clean pictures are their own, damaged ones come nearer to what they were."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.measure import ssim
from pipeline.picture import Picture
from pipeline.reference import Damage, measure_damage, reference


def _picture(rgb: np.ndarray, alpha: int = 255) -> Picture:
    pixels = np.dstack([rgb, np.full(rgb.shape[:2], alpha, np.uint8)])
    return Picture(pixels, rgb.shape[1], rgb.shape[0], "PNG")


def _drawing(side: int = 160) -> np.ndarray:
    large = np.full((side * 4, side * 4, 3), 255, np.uint8)
    cv2.circle(large, (side * 2, side * 2), side, (200, 30, 40), -1)
    cv2.rectangle(large, (side // 3, side // 3), (side * 2, side), (20, 60, 160), -1)
    return cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA)


def _jpeg(rgb: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def test_a_clean_drawing_is_its_own_reference():
    picture = _picture(_drawing())
    assert measure_damage(picture).ripple == 0 and measure_damage(picture).quiet > 0.8
    assert reference(picture) is picture


def test_even_shading_is_no_damage():
    shade = np.tile(np.linspace(0, 255, 200).astype(np.uint8), (200, 1))
    picture = _picture(np.dstack([shade, shade, 255 - shade]))
    assert reference(picture) is picture


@pytest.mark.parametrize("quality", [40, 60, 80])
def test_a_jpeg_comes_nearer_to_what_it_was(quality):
    truth = _drawing()
    dirty = _jpeg(truth, quality)
    before, after = ssim(truth, dirty), ssim(truth, reference(_picture(dirty)).over(255))
    assert 1 - after < 0.6 * (1 - before)


def test_noise_is_taken_out():
    truth = _drawing()
    dirty = np.clip(truth + np.random.default_rng(1).normal(0, 6, truth.shape), 0, 255).astype(np.uint8)
    assert ssim(truth, reference(_picture(dirty)).over(255)) > 0.95 > 0.8 > ssim(truth, dirty)


def test_a_texture_is_left_as_it_is():
    rng = np.random.default_rng(2)
    texture = cv2.GaussianBlur(rng.integers(0, 256, (128, 128, 3)).astype(np.uint8), (0, 0), 2)
    assert reference(_picture(texture)).over(255) is not None
    assert measure_damage(_picture(texture)).quiet < 0.15
    assert ssim(texture, reference(_picture(texture)).over(255)) > 0.97


def test_alpha_and_size_are_kept():
    dirty = _jpeg(_drawing(), 50)
    pixels = np.dstack([dirty, np.full(dirty.shape[:2], 255, np.uint8)])
    pixels[:30] = 0
    picture = Picture(pixels, 320, 320, "WEBP")
    cleaned = reference(picture)
    assert np.array_equal(cleaned.pixels[..., 3], pixels[..., 3]) and not cleaned.pixels[:30].any()
    assert (cleaned.width, cleaned.height, cleaned.format) == (320, 320, "WEBP")


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (5, 3)])
def test_tiny_pictures(size):
    picture = _picture(np.full((*size, 3), 128, np.uint8))
    assert reference(picture) is picture


def test_strength_by_hand():
    assert Damage(ripple=0.02, grain=0, quiet=1).strength == 0
    assert Damage(ripple=0.04, grain=0, quiet=1).strength == pytest.approx(25)
    assert Damage(ripple=1, grain=0, quiet=0.1).strength == 0
    assert Damage(ripple=1, grain=4, quiet=0).strength == pytest.approx(20)
