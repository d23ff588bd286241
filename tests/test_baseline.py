"""How we stand beside vtracer's default may not fall behind what `benchmarks/baseline.json` holds."""

from __future__ import annotations

import pytest

from benchmarks import baseline

pytestmark = pytest.mark.slow


def test_nothing_has_fallen_behind_the_baseline() -> None:
    """Where this fails on purpose, `python -m benchmarks.baseline --write` renews what is stored."""
    stored = baseline.read()
    now, fallen = baseline.compared(stored)
    assert now["pictures"] == stored["pictures"], "another sample: write the baseline anew"
    assert not fallen, f"{fallen}; models {now['models']}, stored {stored['models']}"


def test_errors_and_bytes_are_the_same_in_each_run() -> None:
    few = [sample for sample in baseline.samples() if sample.name in baseline.TIMED]
    assert len(few) == len(baseline.TIMED)
    assert baseline.ratios(few) == baseline.ratios(few)
