"""The agent's world: a gymnasium environment in which a step moves the plan of one picture and is paid by what that gains.

An episode is a picture and a recipe. It begins with the plan that would be drawn anyway, already scored; each step proposes one
more point of the recipe's cube (`pipeline.agent.move`), up to `TRACES` points in all. What scores is given: the predictor in
training, the tracer itself where real drawings are to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import gymnasium
import numpy as np

from pipeline.agent import FAILED, OBSERVATION, TRACES, Progress, about, move, observe
from pipeline.errors import ModelUnavailable
from pipeline.measure import LAMBDA
from pipeline.plan import CUBE, Plan
from pipeline.predict import NOTHING, OUTPUTS, Predictor
from pipeline.tiers import class_plans

PAY = 100.0
"""Reward of a J higher by 1: a step that gains 0.01 is paid 1."""
WASTE = 0.1
"""Share of what a point is worse than the best that it costs: little, as trying is the way to find; it keeps from collapse."""
COLLAPSED = 1.0
"""What a point costs that draws nothing."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and a recipe.

    Attributes
    ----------
    features : (26,) float32
    embedding : (D,) float32
        D may be 0.
    start : (8,) float32
        The point that would be drawn anyway.
    default_log2_bytes : float
        Of vtracer's default on this picture: J counts bytes relative to it.
    seen : (SEEN,) float32
        What the predictor is told of what was measured: see `pipeline.predict.Seen`.
    """

    name: str
    recipe: str
    features: np.ndarray
    embedding: np.ndarray
    start: np.ndarray
    default_log2_bytes: float
    seen: np.ndarray = field(default_factory=lambda: NOTHING.vector())


def start_of(recipe: str, label: str) -> np.ndarray:
    """(8,) float32: the point of the plan that would be drawn anyway, by recipe and class."""
    try:
        plan = class_plans()[label]
    except ModelUnavailable:
        plan = Plan(recipe)
    return (plan if plan.recipe == recipe == "vtracer" else Plan(recipe)).to_cube()


class Scorer(Protocol):
    """What pays."""

    def __call__(self, scene: Scene, points: np.ndarray) -> np.ndarray:
        """J of each of (N, 8) points, (N,); NaN where nothing would be drawn."""


class PredictedScorer:
    """J as the predictor has it. Likeness is cut at 1: what is predicted beyond is no likeness."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self._scene: Scene | None = None
        self._head = np.zeros(0, np.float32)

    def __call__(self, scene: Scene, points: np.ndarray) -> np.ndarray:
        """See `Scorer`; a call takes a tenth of a millisecond, most of it the graph's."""
        if scene is not self._scene:
            one_hot = np.eye(len(self._recipes()), dtype=np.float32)[self._recipes().index(scene.recipe)]
            self._head = np.concatenate([scene.embedding, scene.features, scene.seen, one_hot]).astype(np.float32)
            self._scene = scene
        rows = np.empty((len(points), len(self._head) + CUBE), np.float32)
        rows[:, :-CUBE] = self._head
        rows[:, -CUBE:] = points
        found = self.predictor.model.session.run(None, {self.predictor.slot: rows})[0]
        likeness = np.minimum(found[:, 0], 1.0)
        j = likeness - LAMBDA * (found[:, 2] - scene.default_log2_bytes)
        return np.where(found[:, len(OUTPUTS)] > 0.5, np.nan, j).astype(np.float64)

    def _recipes(self) -> list[str]:
        return list(self.predictor.model.card["recipes"])


class PlanEnv(gymnasium.Env):
    """See the module.

    Parameters
    ----------
    scenes
        What episodes are drawn from, each as likely.
    scorer
        What pays.
    traces
        Points of an episode, the start among them.
    doubt
        Standard deviation, in J across the cube, of a smooth error added to every score, drawn anew for each episode. A
        predictor is wrong by about so much; an agent that never meets an error learns to ignore what it measures.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    def __init__(self, scenes: Sequence[Scene], scorer: Scorer, *, traces: int = TRACES, doubt: float = 0.0) -> None:
        if not scenes or traces < 2:
            raise ValueError("there must be a scene, and a trace beside the start")
        self.scenes, self.scorer, self.traces, self.doubt = scenes, scorer, traces, doubt
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (OBSERVATION,), np.float32)
        self.action_space = gymnasium.spaces.Box(0.0, 1.0, (CUBE,), np.float32)
        self._about = [about(scene.embedding, scene.features, scene.recipe) for scene in scenes]
        self._index = 0
        self._slope = self._bend = np.zeros(CUBE)
        self._progress: Progress | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin with a scene drawn at random, or that of ``options["scene"]``."""
        super().reset(seed=seed)
        wanted = (options or {}).get("scene")
        self._index = int(self.np_random.integers(len(self.scenes))) if wanted is None else int(wanted)
        if self.doubt:
            self._slope, self._bend = self.doubt * self.np_random.standard_normal((2, CUBE)) / CUBE**0.5
        scene = self.scenes[self._index]
        self._progress = Progress.begin(scene.start, self._score(scene.start))
        return self._seen(), {"name": scene.name, "recipe": scene.recipe}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Move, score, pay: `PAY` for what the best gains, less `WASTE` of what the point lacks to the best."""
        before = self._progress
        if before is None:
            raise RuntimeError("reset the environment before its first step")
        point = move(before.best, action)
        j = self._score(point)
        self._progress = after = before.after(point, j)
        reward = PAY * (after.best_j - before.best_j)
        if j is None:
            reward -= COLLAPSED
        elif j < before.best_j:
            reward -= min(PAY * WASTE * (before.best_j - j), COLLAPSED)
        done = after.traces >= self.traces
        info = {"gain": after.gain, "failed": j is None}
        return self._seen(), float(reward), done, False, info

    def _seen(self) -> np.ndarray:
        assert self._progress is not None
        return observe(self._about[self._index], self._progress, self.traces)

    def _score(self, point: np.ndarray) -> float | None:
        scene = self.scenes[self._index]
        j = float(self.scorer(scene, point[None])[0])
        if not np.isfinite(j):
            return None
        away = point - scene.start
        return max(j + float(self._slope @ away + 2 * (self._bend @ (away * away))), j + FAILED)
