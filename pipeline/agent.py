"""The agent that refines a plan by what its traces gave: what it sees, how it moves, and the search it does.

Training and use share this module. The recipe is given; the agent moves the point of the recipe's cube. A move starts from the
best point so far and is bounded, and the first point is the plan that would be drawn anyway: so an agent that knows nothing
stays near a good plan, and nothing it does can return less than that plan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from . import models
from .errors import ModelUnavailable
from .features import Features
from .plan import CUBE, RECIPES, Plan
from .predict import MOST_EMBEDDING

OBSERVATION = 512
TRACES = 8
"""Most traces of a picture, the first of them the plan it starts from."""
REACH = 0.5
"""How far an action of 0 or 1 moves a coordinate; 0.5 leaves it where it is."""
FAILED = -0.2
"""J, relative to the start's, that a point counts as which draws nothing; where the start is one, relative to 1."""

_FEATURES, _RECIPES, _NUMBERS = 26, 8, 6
_GAIN, _LEVEL = 50.0, 5.0
"""By what a gain of J and what J lacks to 1 are multiplied, so that usual ones lie within −1 and 1."""
PICTURE = MOST_EMBEDDING + _FEATURES
"""How many of the first numbers describe the picture: embedding and features."""
_SLOTS = np.cumsum([0, MOST_EMBEDDING, _FEATURES, _RECIPES, CUBE, CUBE, CUBE, _NUMBERS])
assert _SLOTS[-1] == OBSERVATION
assert len(RECIPES) <= _RECIPES
assert len(Features.names()) <= _FEATURES


@dataclass(frozen=True, eq=False)
class Progress:
    """Where a search is.

    Attributes
    ----------
    start, last, best : (8,) float32
        Points of the recipe's cube: the first, the one traced last, the best.
    start_j, last_j, best_j : float
        Their J.
    traces : int
        Traces done, the start's among them.
    failed : bool
        Whether the last one drew nothing.
    """

    start: np.ndarray
    last: np.ndarray
    best: np.ndarray
    start_j: float
    last_j: float
    best_j: float
    traces: int = 1
    failed: bool = False

    @classmethod
    def begin(cls, start: np.ndarray, j: float | None) -> Progress:
        """After the first trace; J is None where it failed."""
        level = 1 + FAILED if j is None else j
        return cls(start, start, start, level, level, level, failed=j is None)

    def after(self, point: np.ndarray, j: float | None) -> Progress:
        """After one more trace; J is None where it failed."""
        level = self.start_j + FAILED if j is None else j
        seen = replace(self, last=point, last_j=level, traces=self.traces + 1, failed=j is None)
        return replace(seen, best=point, best_j=level) if level > self.best_j else seen

    @property
    def gain(self) -> float:
        """How much more J the best has than the start."""
        return self.best_j - self.start_j


def about(embedding: np.ndarray, features: np.ndarray, recipe: str) -> np.ndarray:
    """What the agent sees of a picture and a recipe all along, (482,) float32.

    The embedding, (D ≤ 448,), and the features' vector are followed by zeros up to their slots' ends. Features are
    compressed to sign · log(1 + |x|), as some are counts and others shares; what else they need of scaling the policy holds.
    """
    seen = np.zeros(_SLOTS[3], np.float32)
    seen[: len(embedding)] = embedding
    seen[_SLOTS[1] : _SLOTS[1] + len(features)] = np.sign(features) * np.log1p(np.abs(features))
    seen[_SLOTS[2] + list(RECIPES).index(recipe)] = 1
    return seen


def observe(about: np.ndarray, progress: Progress, traces: int = TRACES) -> np.ndarray:
    """(512,) float32: the picture and the recipe, the three points, what they gave, and how much of `traces` is used."""
    seen = np.empty(OBSERVATION, np.float32)
    seen[: _SLOTS[3]] = about
    seen[_SLOTS[3] : _SLOTS[4]] = progress.start
    seen[_SLOTS[4] : _SLOTS[5]] = progress.last
    seen[_SLOTS[5] : _SLOTS[6]] = progress.best
    gains = (progress.last_j - progress.start_j, progress.best_j - progress.start_j)
    seen[_SLOTS[6] :] = (
        *(min(max(_GAIN * gain, -2.0), 2.0) for gain in gains),
        *(min(max(_LEVEL * (1 - j), -2.0), 2.0) for j in (progress.start_j, progress.best_j)),
        progress.traces / traces,
        progress.failed,
    )
    return seen


def move(best: np.ndarray, action: np.ndarray) -> np.ndarray:
    """The point (8,) float32 that an action in [0, 1]⁸ leads to from the best so far."""
    return np.clip(best + 2 * REACH * (np.asarray(action, np.float32) - 0.5), 0, 1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Found:
    """What a search came to: the best point and its J, and every point with its J (None where it failed), in order."""

    point: np.ndarray
    j: float
    tried: tuple[tuple[np.ndarray, float | None], ...]


Policy = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Observation (512,) → action (8,) in [0, 1], and the spread (8,) that it was trained with."""


def search(
    policy: Policy,
    about: np.ndarray,
    recipe: str,
    start: np.ndarray,
    measure: Callable[[np.ndarray], float | None],
    *,
    traces: int = TRACES,
    stop: Callable[[], bool] = lambda: False,
    seed: int = 0,
) -> Found:
    """Trace and measure the start, then what the policy proposes, until the traces are used or `stop()` says so.

    The policy's own choice comes first; later ones are drawn around its choices as in training, since a point that was
    measured once tells nothing the second time. The same seed gives the same draws.

    Parameters
    ----------
    measure
        J of a point; None where it draws nothing.
    """
    rng = np.random.default_rng(seed)
    j = measure(start)
    progress = Progress.begin(start, j)
    tried = [(start, j)]
    known = {_drawn(recipe, start)}
    while progress.traces < traces and not stop():
        action, spread = policy(observe(about, progress, traces))
        if progress.traces > 1:
            action = np.clip(action + spread * rng.standard_normal(CUBE), 0, 1)
        point = move(progress.best, action)
        for _ in range(8):  # whole numbers and bounds bring points together
            if _drawn(recipe, point) not in known:
                break
            again = action + np.maximum(spread, 0.05) * rng.standard_normal(CUBE)
            point = move(progress.best, np.clip(again, 0, 1))
        known.add(_drawn(recipe, point))
        j = measure(point)
        tried.append((point, j))
        progress = progress.after(point, j)
    return Found(progress.best, progress.best_j, tuple(tried))


def _drawn(recipe: str, point: np.ndarray) -> bytes:
    """What of a point the drawing depends on."""
    return np.round(Plan.from_cube(recipe, point).to_cube(), 4).tobytes()


class Agent:
    """The trained policy. Raises `ModelUnavailable` where it is missing, broken, or was trained for other features or knobs."""

    def __init__(self, store: models.Store | None = None) -> None:
        self.model = (store or models.store()).load("agent")
        if self.model.card["inputs"][0]["shape"] != [None, OBSERVATION] or len(self.model.card["outputs"]) != 2:
            raise ModelUnavailable(f"The agent does not see {OBSERVATION} numbers, or does not answer with two.")
        if tuple(self.model.card.get("features", ())) != Features.names():
            raise ModelUnavailable("The agent was trained with other features than these.")
        if self.model.card.get("recipes") != knobs():
            raise ModelUnavailable("The agent was trained for other recipes or knobs than these.")
        self.slot = self.model.card["inputs"][0]["name"]

    def __call__(self, observation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A `Policy`. Raises `ModelUnavailable` where the graph cannot be run."""
        action, spread = self.model.run({self.slot: observation[None].astype(np.float32)}).values()
        return action[0], spread[0]


def knobs() -> dict[str, list[str]]:
    """The knobs of each recipe, by name: what a point of the cube means."""
    return {name: [knob.name for knob in recipe.knobs] for name, recipe in RECIPES.items()}
