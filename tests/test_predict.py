"""Predictions before anything is drawn: what the encoder sees, intervals by hand, and cards that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import ModelUnavailable
from pipeline.features import Features
from pipeline.picture import Picture
from pipeline.plan import RECIPES
from pipeline.predict import (
    GROUND,
    OUTPUTS,
    SEEN,
    SIDE,
    Intervals,
    Outcome,
    Seen,
    check_card,
    encoder_input,
    plan_input,
    schema,
)  # fmt: skip


def _picture(height: int, width: int, rgba: tuple[int, int, int, int]) -> Picture:
    return Picture(np.full((height, width, 4), rgba, np.uint8), width, height, "PNG")


def test_a_wide_picture_lies_in_the_middle_of_its_square():
    seen = encoder_input(_picture(64, 256, (255, 0, 51, 255)))
    assert seen.shape == (3, SIDE, SIDE) and seen.dtype == np.float32
    assert np.all(seen[:, 48:80] == np.array([1, 0, 0.2], np.float32)[:, None, None])
    assert np.all(seen[:, :48] == np.float32(GROUND / 255)) and np.all(seen[:, 80:] == np.float32(GROUND / 255))


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (700, 3)])
def test_any_size_can_be_seen(size):
    seen = encoder_input(_picture(*size, (0, 0, 0, 0)))
    assert np.all(seen == np.float32(GROUND / 255))


def test_what_the_graph_takes():
    features = Features(*range(len(Features.names())))
    points = np.linspace(0, 1, 16).reshape(2, 8)
    seen = Seen(plain=Outcome(0.9, 1024), default=Outcome(1.0, 2))
    x = plan_input(np.array([7, 8], np.float32), features, "planar", points, seen)
    assert x.shape == (2, 2 + len(Features.names()) + SEEN + len(RECIPES) + 8)
    assert x[0, :2].tolist() == [7, 8] and x[1, 2:28].tolist() == list(range(26))
    assert np.allclose(x[0, 28 : 28 + SEEN], [1, np.log10(0.1001), 10, 1, -4, 1])
    assert x[0, 28 + SEEN : -8].tolist() == [float(name == "planar") for name in RECIPES]
    assert np.allclose(x[:, -8:], points)


def test_what_was_not_measured_is_told_from_what_was_refused():
    assert Seen().vector().tolist() == [0] * SEEN
    assert Seen(refused=True).vector().tolist() == [-1, 0, 0, 0, 0, 0]


def _intervals() -> Intervals:
    shape = (len(OUTPUTS), len(RECIPES))
    low, high = np.full((*shape, 2), -0.1, np.float32), np.full((*shape, 2), 0.2, np.float32)
    low[0, 1] = [-0.3, -0.01]
    return Intervals(np.full((*shape, 1), 0.5, np.float32), low, high)


def test_an_interval_is_that_of_its_recipe_and_range():
    low, high = _intervals().around(np.array([[0.4, 1, 2, 3], [0.5, 1, 2, 3]], np.float32), 1)
    assert np.allclose(low[:, 0], [0.1, 0.49]) and np.allclose(high[:, 0], [0.6, 0.7])
    assert np.allclose(low[:, 3], 2.9)


def test_intervals_go_through_a_card():
    again = Intervals.from_card(_intervals().to_card())
    assert np.array_equal(again.low, _intervals().low) and np.array_equal(again.edges, _intervals().edges)
    with pytest.raises(ModelUnavailable, match="groups"):
        Intervals.from_card({"edges": [[[0.5]]], "low": [[[0, 0]]], "high": [[[0, 0]]]})
    with pytest.raises(ModelUnavailable, match="read"):
        Intervals.from_card({"edges": []})


@pytest.mark.parametrize("key", ["features", "recipes", "knobs"])
def test_a_model_of_other_knobs_is_refused(key):
    card = {"name": "predictor", **schema()}
    check_card(card, ("features",))
    with pytest.raises(ModelUnavailable, match=key):
        check_card({**card, key: []}, ())
    with pytest.raises(ModelUnavailable, match="lacks"):
        check_card({k: v for k, v in card.items() if k != key}, (key,))
