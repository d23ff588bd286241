"""The cache: by content, bounded, and silent about failures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import png_of
from PIL import Image

import pipeline.attempts as attempts
import pipeline.convert as convert
from pipeline.cache import Cache, content
from pipeline.picture import load


def test_makes_a_value_once() -> None:
    cache, made = Cache(), []
    for _ in range(3):
        assert cache.get("a", lambda: made.append(1) or "value") == "value"
    assert made == [1]


def test_the_longest_unused_leaves_first() -> None:
    cache = Cache(2)
    for key in "abac":  # b is unused for longest when c comes
        cache.get(key, lambda: key)  # noqa: B023
    assert len(cache) == 2
    assert cache.get("a", lambda: "again") == "a"
    assert cache.get("b", lambda: "again") == "again"


def test_a_failure_is_not_kept() -> None:
    cache = Cache()
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 / 0)
    assert cache.get("a", lambda: 1) == 1


def test_needs_room() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Cache(0)


def test_the_key_is_the_pixels_not_the_file(logo: Path) -> None:
    image = Image.open(logo).convert("RGBA")
    pixels = np.array(image)
    one = content(load(logo))
    assert content(load(png_of(pixels))) == one
    pixels[0, 0, 0] ^= 1
    assert content(load(png_of(pixels))) != one
    assert content(load(png_of(np.zeros((4, 8, 3), np.uint8)))) != content(load(png_of(np.zeros((8, 4, 3), np.uint8))))


def test_the_same_picture_is_measured_once(logo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = convert.convert(logo, convert.Request(tier=1, validate=True))
    monkeypatch.setattr(convert, "extract", None)
    monkeypatch.setattr(attempts, "raw_default", None)
    again = convert.convert(Image.open(logo), convert.Request(tier=1, validate=True))
    assert again.features == first.features
    assert (again.default_quality, again.default_bytes) == (first.default_quality, first.default_bytes)
