"""The training set's labels and damage, on drawings made by hand; nothing is fetched."""

from __future__ import annotations

import numpy as np
import pytest

from training_colab.data import FAMILIES, Artwork, label_of, render, size, truth, view_box
from training_colab.degrade import CONDITIONS, DAMAGE, condition
from training_colab.tune_class_plans import Row, verdict

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'
DISC = f'{HEAD}<circle cx="50" cy="50" r="40" fill="#c00"/></svg>'
STOPS = '<linearGradient id="a"><stop offset="0" stop-color="{}"/><stop offset="1" stop-color="{}"/></linearGradient>'
SHADED = (
    f"{HEAD}{STOPS.format('#f00', '#00f')}"
    '<rect width="50" height="100" fill="url(#a)"/><rect x="50" width="50" height="100"/></svg>'
)
STRIPES = (
    HEAD + "".join(f'<rect x="{i}" width="1" height="100" fill="#{i % 3 * 7 + 1:x}00"/>' for i in range(100)) + "</svg>"
)


def test_a_disc_is_one_flat_region_on_its_ground():
    facts = truth(DISC)
    assert (facts.gradient_share, facts.regions, facts.colours) == (0, 2, 2)
    assert facts.drawn == pytest.approx(np.pi * 0.16, abs=0.01)
    assert label_of(facts) == "simple" and label_of(facts, wordmark=True) == "text"


def test_the_share_of_a_gradient_is_its_area():
    facts = truth(SHADED)
    assert facts.gradient_share == pytest.approx(0.5, abs=0.03)
    assert label_of(facts) == label_of(facts, wordmark=True) == "gradient"


def test_a_gradient_nobody_sees_is_none():
    assert truth(SHADED.replace("#00f", "#fe0000")).gradient_share == 0


def test_many_regions_are_complex_unless_they_are_letters():
    facts = truth(STRIPES)
    assert facts.regions > 60 and facts.colours <= 8
    assert label_of(facts) == "complex" and label_of(facts, wordmark=True) == "text"


def test_sizes_and_boxes():
    assert view_box('<svg viewBox="1,2 30 40">') == (1, 2, 30, 40)
    assert view_box('<svg width="30px" height="40">') == (0, 0, 30, 40)
    assert size(2, 512) == (512, 256) and size(0.5, 512) == (256, 512) and size(1000, 10) == (10, 1)
    assert render(DISC, 33, 17).shape == (17, 33, 4)


@pytest.mark.parametrize("name", CONDITIONS)
def test_conditions_are_the_same_each_time(name):
    work = Artwork("disc", "none", "train", "simple", svg=DISC)
    first, second = work.picture(name), work.picture(name)
    assert np.array_equal(first.pixels, second.pixels)
    assert first.has_alpha == (name == "rgba")
    assert max(first.pixels.shape) == {"512": 512, "128": 128, "web": 400, "rgba": 512}.get(
        name, max(first.pixels.shape)
    )


@pytest.mark.parametrize("name", sorted(DAMAGE))
def test_damage_changes_a_picture_a_little(name):
    rgb = Artwork("disc", "none", "train", "simple", svg=DISC).picture("512").over(255)
    harmed = DAMAGE[name](rgb, np.random.default_rng(4))
    assert harmed.shape == rgb.shape and harmed.dtype == np.uint8
    difference = np.abs(harmed.astype(int) - rgb).mean()
    assert difference < 10 and (difference > 0 or name == "palette")


def test_unknown_conditions_are_refused():
    with pytest.raises(ValueError, match="condition must be"):
        condition("fax", lambda side: np.zeros((side, side, 4), np.uint8), np.random.default_rng(0))


def test_a_family_is_pinned_licensed_and_in_one_split():
    names = [*FAMILIES["npm"], *FAMILIES["fonts"]]
    assert len(names) == len(set(names))
    for row in (*FAMILIES["npm"].values(), *FAMILIES["fonts"].values()):
        assert row["version"][0].isdigit() and row["licence"] and row["split"] in ("train", "test")


def test_a_verdict_by_hand():
    found = verdict([Row(0.98, 50, 20), Row(0.90, 200, 20)], [Row(0.96, 100, 10), Row(0.92, 100, 10)])
    assert found.improvement == pytest.approx(1 - 0.12 / 0.12)
    assert found.bytes == pytest.approx(1) and found.time == pytest.approx(2) and found.worse == 0.5
    assert found.score == pytest.approx(found.improvement - 0.3 * 0.5)
