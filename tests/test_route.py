"""The router's choice by hand, and times that follow what a machine shows."""

from __future__ import annotations

import math
import time

import pytest

from pipeline.route import PRIOR, SPREAD, Expected, Pace, route

QUICK, GOOD, BEST = Expected(1, 0.97, 900, 0.1), Expected(2, 0.985, 900, 0.4), Expected(3, 0.992, 900, 0.8)
ALL = (QUICK, GOOD, BEST)


@pytest.mark.parametrize(
    ("target", "budget", "tier"),
    [
        (0.96, 1.0, 1),  # all reach it: the quickest
        (0.98, 1.0, 2),
        (0.99, 1.0, 3),
        (0.99, 0.5, 2),  # out of reach within the budget: the best within it
        (0.999, 1.0, 3),
        (0.98, 0.2, 1),
        (0.5, 0.05, 1),  # none ends in time: the quickest
    ],
)
def test_the_choice(target: float, budget: float, tier: int) -> None:
    found = route(ALL, target, budget)
    assert found.tier == tier and found.predictions == ALL
    assert found.reason.startswith(f"Tier {tier}: ") and found.reason.count(". ") == 0 and found.reason.endswith(".")


def test_of_equals_that_fall_short_the_one_that_tries_most() -> None:
    equal = [Expected(tier, 0.97, 900, 0.1 * tier) for tier in (1, 2, 3)]
    assert route(equal, 0.98, 1.0).tier == 3
    assert route(equal, 0.98, 0.25).tier == 2
    assert route(equal, 0.97, 1.0).tier == 1


def test_without_predictions() -> None:
    found = route((), 0.98, 1.0)
    assert (found.tier, found.predictions) == (1, ()) and "no predictor" in found.reason


def test_a_choice_takes_no_time() -> None:
    begin = time.process_time()
    for _ in range(100):
        route(ALL, 0.98, 1.0)
    assert (time.process_time() - begin) / 100 < 0.002


def test_before_anything_was_seen_predictions_stand() -> None:
    pace = Pace()
    assert pace.usual("planar", 80) == 80
    assert pace.at_most("planar", 80) == pytest.approx(80 * math.exp(2 * SPREAD))


def test_times_follow_what_is_shown() -> None:
    pace = Pace()
    pace.saw("planar", 100, 5000)  # the first loads code
    assert pace.usual("planar", 100) == 100
    pace.saw("planar", 100, 200)
    assert pace.usual("planar", 100) == pytest.approx(100 * 2 ** (1 / (PRIOR + 1)))
    for _ in range(200):
        pace.saw("planar", 100, 200)
    assert pace.usual("planar", 100) == pytest.approx(200, rel=0.02)
    assert pace.at_most("planar", 100) < 240, "a machine that is always twice as slow is no surprise"
    assert pace.usual("vtracer", 100) == 100


def test_one_outlier_does_not_rule() -> None:
    pace = Pace()
    for _ in range(50):
        pace.saw("measure", 30, 30)
    pace.saw("measure", 30, 30_000)
    assert pace.usual("measure", 30) < 33


def test_scatter_is_given_room() -> None:
    steady, scattered = Pace(), Pace()
    for k in range(100):
        steady.saw("x", 100, 100)
        scattered.saw("x", 100, 50 if k % 2 else 200)
    assert scattered.usual("x", 100) == pytest.approx(100, rel=0.1)
    assert scattered.at_most("x", 100) > 300 > 120 > steady.at_most("x", 100)
