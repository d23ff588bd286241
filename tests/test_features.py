"""Features against values worked out by hand on drawn pictures, and what must not change them."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.features import Features, extract
from pipeline.picture import Picture


def of(rgb: np.ndarray, alpha: np.ndarray | None = None) -> Features:
    height, width = rgb.shape[:2]
    alpha = np.full((height, width), 255, np.uint8) if alpha is None else alpha
    return extract(Picture(np.dstack([rgb.astype(np.uint8), alpha]), width, height, "PNG"))


def plain(height: int, width: int, colour=(255, 255, 255)) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def square() -> np.ndarray:
    """100 × 200, white, with a black square of 40 × 40 at (60, 30)."""
    rgb = plain(100, 200)
    rgb[30:70, 60:100] = 0
    return rgb


def test_the_vector_follows_the_names():
    found = of(square())
    assert found.vector().dtype == np.float32
    for name, value in zip(Features.names(), found.vector(), strict=True):
        assert value == pytest.approx(getattr(found, name), rel=1e-6)
    assert Features.names()[:5] == ("edge_density", "unique_colours", "entropy", "corner_density", "gradient_strength")


def test_an_empty_picture():
    found = of(plain(64, 64))
    expected = dict.fromkeys(Features.names(), 0.0)
    expected |= {"unique_colours": 1, "flat_share": 1, "palette_size": 1, "megapixels": 64 * 64 / 1e6}
    assert {name: getattr(found, name) for name in Features.names()} == pytest.approx(expected)


def test_a_black_square_on_white():
    found = of(square())
    black = 1600 / 20_000
    assert found.unique_colours == 2 and found.palette_size == 2
    assert found.entropy == pytest.approx(-black * math.log2(black) - (1 - black) * math.log2(1 - black), abs=1e-6)
    assert found.ink_share == black and found.ink_fill == 1 and found.ink_aspect == 0 and found.aspect == 1
    # windows that touch the edge from either side: the ring of 42 × 42 around the inner 38 × 38
    assert found.flat_share == pytest.approx(1 - (42 * 42 - 38 * 38) / 20_000)
    assert found.texture_share == 0
    assert found.regions == 1 and found.largest_region == pytest.approx(38 * 38 / 20_000)
    assert found.shading == 0 and found.shaded_share == 0 and found.smooth_share == 0
    assert found.parts == 1 and found.alignment == 0
    assert found.noise == 0 and found.blockiness == 0
    assert 150 / 20_000 <= found.edge_density <= 330 / 20_000  # about its outline of 160 px
    assert found.corner_density == pytest.approx(1000 * 4 / 20_000)


def test_a_step_has_the_strength_of_its_share():
    rgb = plain(50, 100)
    rgb[:, 50:] = 0  # two columns see the step in full
    assert of(rgb).gradient_strength == pytest.approx(2 / 100)


def test_entropy_of_four_equal_greys():
    rgb = np.repeat(np.array([0, 80, 160, 240], np.uint8), 16)[None, :, None].repeat(64, 0).repeat(3, 2)
    assert of(rgb).entropy == pytest.approx(2)


@pytest.mark.parametrize("width", [4, 8, 20, 40])
def test_stroke_width_of_a_long_line(width):
    rgb = plain(100, 400)
    rgb[30 : 30 + width, 10:390] = 0
    assert of(rgb).stroke_width == pytest.approx(width / 400, rel=0.12)


def test_strokes_of_one_width_vary_less_than_a_disc_and_a_hair():
    line = plain(200, 400)
    line[90:110, 10:390] = 0
    mixed = plain(200, 400)
    cv2.circle(mixed, (100, 100), 80, (0, 0, 0), -1)
    mixed[98:102, 200:390] = 0
    assert of(line).stroke_variation == pytest.approx(0.58, abs=0.06)
    assert of(mixed).stroke_variation > of(line).stroke_variation


def test_parts_in_a_row_are_aligned_and_in_a_column_not():
    row = plain(100, 400)
    for i in range(6):
        row[40:60, 20 + 60 * i : 50 + 60 * i] = 0
    assert of(row).parts == 6 and of(row).alignment == 1
    column = np.ascontiguousarray(row.transpose(1, 0, 2))
    assert of(column).parts == 6 and of(column).alignment == 0
    two_rows = np.concatenate([row, row])
    assert of(two_rows).alignment == pytest.approx(12 * 5 / (12 * 11))


def test_a_linear_ramp_is_smooth_shading_without_noise():
    rgb = plain(128, 256)
    rgb[20:108, 20:236] = np.linspace(0, 200, 216).astype(np.uint8)[None, :, None]
    found = of(rgb)
    assert found.regions == 1
    assert found.shaded_share > 0.9 and found.smooth_share > 0.9
    assert found.shading == pytest.approx(200 / math.sqrt(12), rel=0.05)
    assert found.noise < 0.4


def test_flat_colours_are_not_shading():
    rgb = plain(90, 90)
    for i, colour in enumerate([(200, 0, 0), (0, 150, 0), (0, 0, 220)]):
        rgb[10:80, 10 + 24 * i : 32 + 24 * i] = colour
    found = of(rgb)
    assert found.regions == 3 and found.shaded_share == 0 and found.palette_size == 4


def test_noise_is_measured_in_levels():
    rng = np.random.default_rng(1)
    grey = np.clip(128 + rng.normal(0, 5, (256, 256)), 0, 255).round()
    assert of(np.dstack([grey] * 3)).noise == pytest.approx(5, rel=0.05)


def test_jpeg_shows_in_its_grid():
    rng = np.random.default_rng(2)
    smooth = (
        cv2.GaussianBlur(rng.normal(128, 400, (256, 256)).astype(np.float32), (0, 0), 12).clip(0, 255).astype(np.uint8)
    )
    rgb = np.dstack([smooth] * 3)
    levels = []
    for quality in (90, 50, 15):
        _, data = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])
        levels.append(of(cv2.imdecode(data, cv2.IMREAD_COLOR)).blockiness)
    assert of(rgb).blockiness < 0.1 < levels[2] and levels[0] < levels[1] < levels[2]


def test_use_of_alpha():
    alpha = np.full((10, 20), 255, np.uint8)
    alpha[:, :5], alpha[:, 5:7] = 0, 128
    found = of(plain(10, 20, (0, 0, 0)), alpha)
    assert found.transparent_share == 7 / 20 and found.soft_alpha_share == 2 / 20


def test_a_white_logo_on_nothing_is_seen():
    alpha = np.zeros((100, 200), np.uint8)
    alpha[30:70, 60:100] = 255
    white, black = of(plain(100, 200), alpha), of(plain(100, 200, (0, 0, 0)), alpha)
    assert white.ink_share == black.ink_share == 1600 / 20_000


def test_colours_of_the_border_are_the_ground():
    rgb = plain(50, 50, (10, 60, 200))
    rgb[20:30, 20:30] = 255
    assert of(rgb).ink_share == 100 / 2500


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 2), (3, 5), (7, 1000)])
def test_tiny_and_thin_pictures(shape):
    rng = np.random.default_rng(0)
    assert np.isfinite(of(rng.integers(0, 256, (*shape, 3))).vector()).all()


SHARES = [
    name for name in Features.names() if name.endswith("_share") or name in ("ink_fill", "largest_region", "alignment")
]

pictures = st.builds(
    lambda seed, height, width, cells: _blocks(seed, height, width, cells),
    st.integers(0, 10_000), st.integers(9, 60), st.integers(9, 60), st.integers(1, 6),
)  # fmt: skip


def _blocks(seed: int, height: int, width: int, cells: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (cells, cells, 3)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST if seed % 3 else cv2.INTER_CUBIC)


UNMOVED = (
    "unique_colours", "entropy", "flat_share", "texture_share", "palette_size", "regions", "largest_region", "smooth_share",
    "ink_share", "ink_fill", "parts", "alignment", "noise", "gradient_strength", "megapixels",
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(pictures)
def test_mirroring_changes_nothing_but_what_it_must(rgb):
    found = of(rgb)
    for turned in (rgb[:, ::-1], rgb[::-1], rgb[::-1, ::-1]):
        other = of(np.ascontiguousarray(turned))
        for name in (*UNMOVED, "aspect", "ink_aspect"):
            assert getattr(other, name) == pytest.approx(getattr(found, name), rel=1e-5, abs=1e-6), name


@settings(max_examples=40, deadline=None)
@given(pictures)
def test_transposing_turns_the_aspects_round(rgb):
    found, other = of(rgb), of(np.ascontiguousarray(rgb.transpose(1, 0, 2)))
    assert other.aspect == pytest.approx(-found.aspect) and other.ink_aspect == pytest.approx(-found.ink_aspect)
    for name in UNMOVED:
        if name != "alignment":
            assert getattr(other, name) == pytest.approx(getattr(found, name), rel=1e-5, abs=1e-6), name


@settings(max_examples=40, deadline=None)
@given(pictures, st.permutations(range(3)))
def test_swapping_channels_keeps_what_knows_no_luma(rgb, order):
    found, other = of(rgb), of(np.ascontiguousarray(rgb[..., order]))
    for name in (
        "unique_colours",
        "flat_share",
        "texture_share",
        "palette_size",
        "regions",
        "largest_region",
        "smooth_share",
        "shading",
    ):
        # channels summed in another order round differently, which may move a pixel or two over a threshold
        assert getattr(other, name) == pytest.approx(getattr(found, name), rel=1e-4, abs=2.5 / rgb[..., 0].size), name


@settings(max_examples=40, deadline=None)
@given(pictures)
def test_doubling_every_pixel_keeps_colours_and_proportions(rgb):
    found, other = of(rgb), of(rgb.repeat(2, 0).repeat(2, 1))
    for name in ("unique_colours", "entropy", "palette_size", "ink_share", "ink_fill", "ink_aspect", "aspect"):
        assert getattr(other, name) == pytest.approx(getattr(found, name), abs=1e-6), name
    assert other.stroke_width == pytest.approx(found.stroke_width, rel=0.35, abs=0.03)


@settings(max_examples=40, deadline=None)
@given(pictures)
def test_ranges(rgb):
    found = of(rgb)
    assert np.isfinite(found.vector()).all()
    for name in SHARES:
        assert 0 <= getattr(found, name) <= 1, name
    assert 0 <= found.entropy <= 8 and found.unique_colours >= found.palette_size >= 1
