"""The agent against other searches, by real drawings of held-out pictures at equal numbers of traces.

All searches begin with the plan that would be drawn anyway, and that trace counts. Drawings are made in processes that can be
killed. `train_agent evaluate` is the command.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from tqdm import tqdm

from pipeline.agent import TRACES, Agent, about, search
from pipeline.errors import VectorizeError
from pipeline.features import extract
from pipeline.measure import j_score, similarity
from pipeline.picture import Picture
from pipeline.plan import CUBE, Plan
from pipeline.predict import PLAIN, Outcome, Predictor, Seen
from pipeline.reference import reference
from pipeline.render import render
from pipeline.trace import trace
from pipeline.trace.vtracer import raw_default
from pipeline.workers import Workers

from .env import Scene, Scorer, start_of

PATIENCE = 20.0
"""Seconds a trace may take before its process is ended."""
CANDIDATES = 256
"""Points that the predictor alone chooses from."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A picture to compare on: its scene, its pixels, what drawings are judged against, and the J of vtracer's default."""

    scene: Scene
    picture: Picture
    judge: Picture
    default_j: float
    default_bytes: int
    label: str


def measure_default(picture: Picture, judge: Picture, *, report: Callable[[Any], None]) -> tuple[float, int]:
    """Likeness and bytes of vtracer's default; runs in a worker."""
    svg = raw_default(picture)
    return _likeness(judge, svg), len(svg.encode())


def measure_point(
    picture: Picture, judge: Picture, recipe: str, point: np.ndarray, *, report: Callable[[Any], None]
) -> tuple[float, int]:
    """Likeness and bytes of a point's drawing; runs in a worker."""
    svg = trace(picture, Plan.from_cube(recipe, point))
    return _likeness(judge, svg), len(svg.encode())


def _likeness(judge: Picture, svg: str) -> float:
    """At the reference's size, whatever the plan: a size that followed the plan could be played with."""
    height, width = judge.pixels.shape[:2]
    return similarity(judge.pixels, render(svg, width, height))


class Tracer:
    """Measures points of one picture by drawing them; remembers what it drew, and counts."""

    def __init__(self, workers: Workers, subject: Subject) -> None:
        self.workers, self.subject = workers, subject
        self._known: dict[bytes, float | None] = {}

    def __call__(self, point: np.ndarray) -> float | None:
        """J of a point; None where it draws nothing."""
        key = np.asarray(point, np.float32).tobytes()
        if key not in self._known:
            self._known[key] = self._draw(point)
        return self._known[key]

    def _draw(self, point: np.ndarray) -> float | None:
        it = self.subject
        try:
            found = self.workers.call(measure_point, it.picture, it.judge, it.scene.recipe, point, timeout=PATIENCE)
        except VectorizeError:
            return None
        return j_score(*found.value, it.default_bytes)


def scatter(start: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, 8) float32: three in ten from all over the cube, the others around the start, near and far."""
    everywhere = rng.random((count, CUBE))
    reach = 0.03 * (0.45 / 0.03) ** rng.random((count, 1))
    near = start + (rng.random((count, CUBE)) < 0.6) * reach * rng.standard_normal((count, CUBE))
    return np.where(rng.random((count, 1)) < 0.3, everywhere, np.clip(near, 0, 1)).astype(np.float32)


def random_search(subject: Subject, measure: Tracer, rng: np.random.Generator, traces: int) -> float:
    """Best J of the start and of scattered points."""
    return best_of(measure, [subject.scene.start, *scatter(subject.scene.start, traces - 1, rng)])


def cma_search(subject: Subject, measure: Tracer, rng: np.random.Generator, traces: int) -> float:
    """Best J of CMA-ES (Hansen) from the start, with populations of four."""
    import cma

    start = subject.scene.start
    found = [measure(start)]
    options = {"bounds": [0, 1], "popsize": 4, "seed": int(rng.integers(1, 2**31)), "verbose": -9}
    strategy = cma.CMAEvolutionStrategy(np.clip(start, 0.01, 0.99).astype(float), 0.2, options)
    while len(found) < traces:
        asked = strategy.ask()
        told = []
        for point in asked[: traces - len(found)]:
            j = measure(np.asarray(point, np.float32))
            found.append(j)
            told.append(1.0 if j is None else -j)
        if len(told) == len(asked):
            strategy.tell(asked, told)
    return _best(found)


def predictor_search(subject: Subject, measure: Tracer, rng: np.random.Generator, traces: int, scorer: Scorer) -> float:
    """Best J of the start and of the points that the predictor likes best out of `CANDIDATES`."""
    points = scatter(subject.scene.start, CANDIDATES, rng)
    predicted = np.nan_to_num(scorer(subject.scene, points), nan=-np.inf)
    return best_of(measure, [subject.scene.start, *points[np.argsort(-predicted)[: traces - 1]]])


def agent_search(subject: Subject, measure: Tracer, rng: np.random.Generator, traces: int, agent: Agent) -> float:
    """Best J of the agent's search."""
    scene = subject.scene
    seen = about(scene.embedding, scene.features, scene.recipe)
    seed = int(rng.integers(2**31))
    return search(agent, seen, scene.recipe, scene.start, measure, traces=traces, seed=seed).j


def best_of(measure: Tracer, points: Iterable[np.ndarray]) -> float:
    """Best J of points; what draws nothing is as bad as a J of 0."""
    return _best([measure(point) for point in points])


def _best(found: Iterable[float | None]) -> float:
    return max((j for j in found if j is not None), default=0.0)


def held_out(count: int, seed: str, predictor: Predictor, workers: Workers, *, small: bool = False) -> list[Subject]:
    """Pictures of families that nothing was learned from, each with the recipe that draws it without being asked for more."""
    from .data import kept_artworks
    from .rows import SIZES, SMALL_SIZES, Set

    pictures = Set(kept_artworks(**(SMALL_SIZES if small else SIZES)), seed)
    found: list[Subject] = []
    index = 1_000_000  # behind every picture that rows were made of
    with tqdm(total=count, desc="pictures", mininterval=5) as bar:
        while len(found) < count and index < 1_000_000 + 40 * count:
            case = pictures.case(index)
            index += 1
            if case.split != "test":
                continue
            subject = subject_of(case.picture(), case.work.name, case.work.label, predictor, workers)
            if subject:
                found.append(subject)
                bar.update()
    if not found:
        raise RuntimeError(f"None of {40 * count} pictures could be drawn.")
    return found


def subject_of(picture: Picture, name: str, label: str, predictor: Predictor, workers: Workers) -> Subject | None:
    """A picture to compare on; None where neither vtracer's default nor any start draws it."""
    judge = reference(picture)
    try:
        likeness, size = workers.call(measure_default, picture, judge, timeout=PATIENCE).value
    except VectorizeError:
        return None
    features = extract(picture)
    vector, seen = features.vector(), predictor.encode(picture, features)
    known = Seen(default=Outcome(likeness, size))
    try:
        plain = workers.call(measure_point, picture, judge, PLAIN, Plan(PLAIN).to_cube(), timeout=PATIENCE).value
        known = replace(known, plain=Outcome(*plain))
    except VectorizeError:
        known = replace(known, refused=True)
    for recipe in ("planar", "vtracer"):
        start = start_of(recipe, label)
        scene = Scene(name, recipe, vector, seen, start, math.log2(max(size, 1)), known.vector())
        subject = Subject(scene, picture, judge, likeness, size, label)
        if Tracer(workers, subject)(scene.start) is not None:
            return subject
    return None


def compare(
    subjects: Sequence[Subject],
    searches: dict[str, Callable[[Subject, Tracer, np.random.Generator, int], float]],
    workers: Workers,
    *,
    traces: int = TRACES,
    oracle: int = 200,
    jobs: int = 1,
    seed: int = 0,
) -> dict[str, Any]:
    """Efficiency of each search: its mean reward over that of the best of `oracle` random settings, on the same pictures.

    A reward is a J minus that of vtracer's default. Beside each stands what it lies ahead of the agent or behind it, with the
    95 % interval of a bootstrap over pictures.
    """

    def one(index: int) -> dict[str, float]:
        subject = subjects[index]
        measure = Tracer(workers, subject)
        got = {"start": best_of(measure, [subject.scene.start])}
        for k, (name, run) in enumerate(searches.items()):
            got[name] = run(subject, measure, np.random.default_rng((seed, index, k)), traces)
        points = scatter(subject.scene.start, oracle, np.random.default_rng((seed, index, 99)))
        got["oracle"] = best_of(measure, points)
        return {name: j - subject.default_j for name, j in got.items()}

    with ThreadPoolExecutor(jobs) as pool:
        rewards = list(tqdm(pool.map(one, range(len(subjects))), total=len(subjects), desc="compared", mininterval=5))
    table = {name: np.array([reward[name] for reward in rewards]) for name in rewards[0]}
    best = table["oracle"]
    rng = np.random.default_rng(seed)
    samples = rng.integers(len(subjects), size=(2000, len(subjects)))
    figures = {}
    for name, reward in table.items():
        figures[name] = {
            "reward": round(float(reward.mean()), 5),
            "efficiency": round(float(reward.mean() / best.mean()), 4),
            "default_or_worse": round(float((reward <= 1e-9).mean()), 4),
        }
        if "agent" in table and name not in ("agent", "oracle"):
            ahead = (table["agent"] - reward)[samples].mean(axis=1)
            figures[name]["agent_ahead_by"] = round(float((table["agent"] - reward).mean()), 5)
            figures[name]["interval"] = [round(float(v), 5) for v in np.quantile(ahead, (0.025, 0.975))]
    kinds = [subject.scene.recipe for subject in subjects]
    by_recipe = {
        recipe: {
            "pictures": kinds.count(recipe),
            **{
                name: round(float(reward[mask].mean() / best[mask].mean()), 4)
                for name, reward in table.items()
                if (mask := np.array([kind == recipe for kind in kinds])).any()
            },
        }
        for recipe in sorted(set(kinds))
    }
    return {
        "pictures": len(subjects),
        "traces": traces,
        "oracle_settings": oracle,
        "searches": figures,
        "efficiency_by_recipe": by_recipe,
    }


def show(result: dict[str, Any]) -> None:
    """Print a comparison for people."""
    print(
        f"{result['pictures']} pictures of held-out families, {result['traces']} traces each; "
        f"the oracle is the best of {result['oracle_settings']} random settings"
    )
    print(f"{'':12}{'reward':>10}{'efficiency':>12}{'≤ vtracer':>11}   agent ahead by (95 %)")
    for name, row in result["searches"].items():
        ahead = ""
        if "agent_ahead_by" in row:
            ahead = f"   {row['agent_ahead_by']:+.5f}  ({row['interval'][0]:+.5f} … {row['interval'][1]:+.5f})"
        print(f"{name:12}{row['reward']:10.5f}{row['efficiency']:12.1%}{row['default_or_worse']:11.1%}{ahead}")
    for recipe, row in result["efficiency_by_recipe"].items():
        each = ", ".join(f"{name} {value:.1%}" for name, value in row.items() if name not in ("pictures", "oracle"))
        print(f"{recipe} ({row['pictures']} pictures): {each}")
