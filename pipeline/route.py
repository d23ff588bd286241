"""Target quality + time budget → which tier, by what each is expected to give; and what this machine takes for things.

Which plans a tier would try, and what they are predicted to give, is `tiers.Adviser`'s to say.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SPREAD = 0.35
"""Standard deviation of the logarithm of shown over predicted time, before anything was shown: the predictor's own."""
SURE = 2.0
"""Standard deviations above what is usual that a thing is given room for where it must not take longer."""
PRIOR = 8
"""How many shown times the spread above counts for, and a ratio of 1."""
MEMORY = 0.05
"""Weight of the newest of the shown times, once there were many."""
LARGEST = math.log(4)
"""Logarithm of a ratio beyond which it counts no more: what is that far off was interrupted, or is one of a kind."""
SAME = 5e-4
"""Qualities nearer than this count as equal."""


@dataclass(frozen=True)
class Expected:
    """What a tier would give: SSIM to the reference picture, bytes, and seconds from the arrival of the picture.

    `measured` says that its drawing was made already, and that the first two are what it gave.
    """

    tier: int
    quality: float
    bytes: int
    seconds: float
    measured: bool = False


@dataclass(frozen=True)
class Route:
    """The tier that was picked, what each tier was expected to give (nothing where nothing predicts), and why this one."""

    tier: int
    predictions: tuple[Expected, ...]
    reason: str


def route(expected: Sequence[Expected], target_quality: float, time_budget: float) -> Route:
    """The quickest tier that is expected to reach the target within the budget, else the best one within it.

    Of tiers that are equally good but fall short of the target the highest is taken: what is measured may surprise, and it
    stops when it does. Where none is expected to end within the budget, the quickest is.

    Parameters
    ----------
    expected
        What each tier would give; empty where there is no predictor, and then tier 1 is taken.
    target_quality
        SSIM, 0–1.
    time_budget
        Seconds.
    """
    if not expected:
        return Route(1, (), "Tier 1, since there is no predictor to compare the tiers by.")
    asked = f"{target_quality:.4g} within {time_budget:g} s"
    within = [e for e in expected if e.seconds <= time_budget]
    if reaching := [e for e in within if e.quality >= target_quality]:
        chosen = min(reaching, key=lambda e: e.seconds)
        why = f"the quickest that is expected to reach {asked}"
        if chosen.measured:
            why = f"its drawing is measured, and reaches {asked}"
    elif within:
        best = max(e.quality for e in within)
        chosen = max((e for e in within if e.quality >= best - SAME), key=lambda e: e.tier)
        why = f"none is expected to reach {asked}, and this one comes nearest"
    else:
        chosen = min(expected, key=lambda e: e.seconds)
        why = f"none is expected to end within {time_budget:g} s, and this one is the quickest"
    what = f"{chosen.quality:.4f} in {chosen.seconds:.2f} s"
    return Route(chosen.tier, tuple(expected), f"Tier {chosen.tier}: {why} ({what}).")


class Pace:
    """How long things take on this machine beside what was predicted: a running mean and spread of the ratio, by name."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, float, float]] = {}

    def saw(self, name: str, predicted: float, shown: float) -> None:
        """Learn from a thing that took `shown` where `predicted` was foretold, both in the same unit.

        The first of a name tells nothing: it loads code.
        """
        if name not in self._seen:
            self._seen[name] = (0, 0.0, SPREAD**2)
            return
        error = math.log(max(shown, 1e-6) / max(predicted, 1e-6))
        count, mean, variance = self._seen[name]
        weight = max(MEMORY, 1 / (PRIOR + count + 1))
        off = min(max(error, -LARGEST), LARGEST) - mean
        self._seen[name] = (count + 1, mean + weight * off, (1 - weight) * (variance + weight * off * off))

    def usual(self, name: str, predicted: float) -> float:
        """What it will usually take, in the unit of `predicted`."""
        return predicted * math.exp(self._seen.get(name, (0, 0.0, 0.0))[1])

    def at_most(self, name: str, predicted: float) -> float:
        """What it will take at most, but for two or three cases in a hundred."""
        variance = self._seen.get(name, (0, 0.0, SPREAD**2))[2]
        return self.usual(name, predicted) * math.exp(SURE * math.sqrt(variance))
