"""The rules: what they say of drawn pictures, that they are what was learned, and what happens without them."""

from __future__ import annotations

import json
import time

import cv2
import numpy as np
import pytest

from pipeline import classify as module
from pipeline import config, convert, models, tiers
from pipeline.classify import LABELS, UNKNOWN, Rules, classify, load_rules
from pipeline.errors import ModelUnavailable
from pipeline.features import Features, extract
from pipeline.picture import Picture, load
from pipeline.plan import Finish, Plan


@pytest.fixture(autouse=True)
def fresh():
    """Cards are read anew in each test, and again after it."""
    load_rules.cache_clear()
    tiers.class_plans.cache_clear()
    yield
    load_rules.cache_clear()
    tiers.class_plans.cache_clear()


def of(rgb: np.ndarray) -> Features:
    height, width = rgb.shape[:2]
    return extract(Picture(np.dstack([rgb, np.full((height, width), 255, np.uint8)]), width, height, "PNG"))


def vector(**values: float) -> np.ndarray:
    return np.array([values.get(name, 0.0) for name in Features.names()], np.float32)


def leaf(label: str, share: float = 0.7) -> dict:
    rest = (1 - share) / (len(LABELS) - 1)
    return {"leaf": [share if name == label else rest for name in LABELS]}


def card(**changes) -> dict:
    tree = {"feature": "entropy", "at_most": 2.0, "yes": leaf("simple"), "no": leaf("complex")}
    base = {
        "name": "classifier",
        "version": "9",
        "labels": list(LABELS),
        "features": list(Features.names()),
        "power": 1.0,
    }
    return {**base, "trees": [tree], **changes}


# ---- the rules by hand


def test_a_tree_is_walked_down_to_its_leaf():
    rules = Rules.from_trees(card()["trees"], power=1.0)
    assert rules.probabilities(vector(entropy=2.0)) == pytest.approx([0.7, 0.1, 0.1, 0.1])
    assert rules.probabilities(vector(entropy=2.1)) == pytest.approx([0.1, 0.1, 0.1, 0.7])


def test_trees_are_averaged_and_sharpened_by_the_power():
    trees = [leaf("text", 0.7), leaf("simple", 0.4)]
    mean = np.array([0.25, 0.45, 0.15, 0.15])
    assert Rules.from_trees(trees, power=1.0).probabilities(vector()) == pytest.approx(mean)
    assert Rules.from_trees(trees, power=2.0).probabilities(vector()) == pytest.approx(mean**2 / (mean**2).sum())


@pytest.mark.parametrize(
    "trees",
    [
        [],
        [{"feature": "nose", "at_most": 1, "yes": leaf("text"), "no": leaf("text")}],
        [{"feature": "entropy", "yes": leaf("text"), "no": leaf("text")}],
        [{"feature": "entropy", "at_most": "much", "yes": leaf("text"), "no": leaf("text")}],
        [{"leaf": [1.0]}],
        [{"leaf": [0.5, 0.5, 0.5, 0.5]}],
        [{"leaf": [2.0, -1.0, 0.0, 0.0]}],
        "trees",
    ],
)
def test_broken_rules_are_refused(trees):
    with pytest.raises(ModelUnavailable):
        Rules.from_trees(trees, power=1.0)


# ---- the card


def test_the_card_of_the_product_is_loaded_and_has_its_figures():
    installed = models.read_card("classifier")
    held_out = installed["metrics"]["test_families"]
    assert held_out["accuracy"] > 0.85 and held_out["ece"] < 0.1 and held_out["rows"] > 1000
    assert load_rules().version == installed["version"]


def test_a_changed_card_is_not_served(tmp_path):
    path = models.write_card(card(), root=tmp_path)
    assert models.read_card("classifier", root=tmp_path)["version"] == "9"
    content = json.loads(path.read_text())
    content["trees"][0]["at_most"] = 2.5
    path.write_text(json.dumps(content))
    with pytest.raises(ModelUnavailable, match="does not fit its hash"):
        models.read_card("classifier", root=tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '"card"', "{}", "\xff"])
def test_what_is_no_card_is_not_served(text, tmp_path):
    path = models.write_card(card(), root=tmp_path)
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelUnavailable):
        models.read_card("classifier", root=tmp_path)


def test_the_newest_version_is_read(tmp_path):
    for version in ("2", "10", "9"):
        models.write_card(card(version=version), root=tmp_path)
    assert models.read_card("classifier", root=tmp_path)["version"] == "10"


@pytest.mark.parametrize(
    "changes", [{"features": ["entropy"]}, {"labels": ["a", "b"]}, {"trees": [{"leaf": []}]}, {"power": -1}]
)
def test_a_card_learned_on_something_else_is_not_served(changes, tmp_path, monkeypatch):
    monkeypatch.setattr(config, "ASSETS", tmp_path)
    models.write_card(card(**changes), root=tmp_path / "models")
    with pytest.raises(ModelUnavailable):
        load_rules()


# ---- without a card


def test_without_cards_a_picture_is_converted_and_the_result_says_so(tmp_path, monkeypatch, logo):
    monkeypatch.setattr(config, "ASSETS", tmp_path)
    analysis = convert.analyze(logo)
    assert (analysis.logo_type, analysis.confidence) == (UNKNOWN.label, UNKNOWN.confidence) == ("complex", 0.25)
    assert any("class" in note for note in analysis.degraded)
    result = convert.convert(logo, convert.Request(tier=2, target_quality=1.0))  # all of tier 2's plans are tried
    assert result.svg.startswith("<svg") and "classifier" not in result.model_versions
    assert any("classifier" in note for note in result.degraded) and any(
        "class-plans" in note for note in result.degraded
    )


def test_with_cards_the_class_is_no_guess(logo):
    result = convert.convert(logo)
    assert (
        not any("class" in note for note in result.degraded)
        and result.model_versions["classifier"] == load_rules().version
    )


# ---- what is said of pictures


def test_drawn_pictures():
    flat = np.full((300, 300, 3), 255, np.uint8)
    cv2.circle(flat, (150, 150), 90, (30, 80, 200), -1, cv2.LINE_AA)
    words = np.full((160, 500, 3), 255, np.uint8)
    cv2.putText(words, "Truecurve", (20, 105), cv2.FONT_HERSHEY_DUPLEX, 2.6, (20, 20, 20), 6, cv2.LINE_AA)
    ramp = np.linspace(20, 235, 300)
    shaded = np.dstack([np.tile(ramp, (300, 1)), np.tile(ramp[::-1, None], (1, 300)), np.full((300, 300), 120)])
    rng = np.random.default_rng(0)
    busy = cv2.resize(rng.integers(0, 256, (40, 40, 3)).astype(np.uint8), (400, 400), interpolation=cv2.INTER_CUBIC)
    expected = {"simple": flat, "text": words, "gradient": shaded.astype(np.uint8), "complex": busy}
    assert {label: classify(of(rgb)).label for label, rgb in expected.items()} == {label: label for label in LABELS}


def test_the_example_photo_and_logo(examples, logo):
    assert classify(extract(load(logo))).label == "simple"
    assert classify(extract(load(examples / "coffee.jpg"))).label == "complex"


def test_it_takes_less_than_a_millisecond(logo):
    features = extract(load(logo))
    classify(features)
    times = []
    for _ in range(50):
        begin = time.perf_counter()
        classify(features)
        times.append(time.perf_counter() - begin)
    assert np.median(times) < 0.001


def test_confidence_is_a_probability():
    rng = np.random.default_rng(0)
    for _ in range(50):
        found = classify(Features(*rng.normal(0, 10, len(Features.names())).tolist()))
        assert 0.25 <= found.confidence <= 1 and found.label in LABELS


# ---- class plans


def test_each_class_has_a_measured_plan():
    installed = models.read_card("class-plans")
    for label in LABELS:
        assert tiers.class_plan(label, Finish("drop")).finish == Finish("drop")
        measured = installed["metrics"][label]
        assert measured["improvement"] > 0 and measured["bytes"] <= 1


def test_class_plans_that_do_not_fit_are_not_served(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "ASSETS", tmp_path)
    plan = Plan().to_json()
    broken = {label: {**plan, "recipe": "watercolour"} for label in LABELS}
    models.write_card({"name": "class-plans", "version": "1", "plans": broken}, root=tmp_path / "models")
    with pytest.raises(ModelUnavailable, match="do not fit"):
        tiers.class_plans()


def test_the_labels_are_those_of_the_type():
    assert LABELS == ("simple", "text", "gradient", "complex") and module.UNKNOWN.label in LABELS
