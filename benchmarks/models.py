"""What serving the models takes: loading them all, and each kind of call, on one thread.

    python -m benchmarks.models

*Together* is a call for the plans of `PICTURES` pictures at once, a picture's share of it: less than a call for each would be
what scoring many pictures in one call gains.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil

from pipeline import config
from pipeline.agent import OBSERVATION, Agent
from pipeline.classify import classify
from pipeline.features import extract
from pipeline.models import store
from pipeline.picture import load
from pipeline.predict import Correlation, Outcome, Predictor, Seen, plan_input
from pipeline.tiers import POINTS, scattered

from .figures import aligned

PICTURES = 8
RUNS = 50
SEEN = Seen(plain=Outcome(0.97, 3000), default=Outcome(0.95, 20_000))


def milliseconds(call: Callable[[], Any]) -> tuple[float, float]:
    """Median and 95th percentile of `RUNS` calls, after three that do not count."""
    for _ in range(3):
        call()
    taken = np.empty(RUNS)
    for i in range(RUNS):
        begin = time.perf_counter()
        call()
        taken[i] = (time.perf_counter() - begin) * 1000
    return float(np.median(taken)), float(np.percentile(taken, 95))


def main() -> None:
    """Measure and print."""
    process = psutil.Process()
    before = process.memory_info().rss
    begin = time.perf_counter()
    for name in config.MODELS:
        store().load(name)
    took, grown = time.perf_counter() - begin, process.memory_info().rss - before
    on_disk = sum(path.stat().st_size for path in (config.ASSETS / "models").rglob("*") if path.is_file())
    print(
        f"{len(config.MODELS)} models, {on_disk / 1e6:.1f} MB: loaded, checked in {took:.2f} s; memory +{grown / 1e6:.0f} MB"
    )

    predictor, correlation, agent = Predictor(store()), Correlation(store()), Agent(store())
    picture = load(next(iter(sorted((config.ASSETS / "examples").glob("*.png")))))
    features = extract(picture)
    embedding = predictor.encode(picture, features)
    points = scattered([np.full(8, 0.5, np.float32)])
    many = np.concatenate([plan_input(embedding, features, "planar", points, SEEN)] * PICTURES)
    observation = np.zeros(OBSERVATION, np.float32)
    calls: dict[str, Callable[[], Any]] = {
        "features → class": lambda: classify(features),
        "features → a plan of each recipe": lambda: correlation.suggest(features),
        f"{POINTS} plans, blind": lambda: predictor.score(embedding, features, "planar", points),
        f"{POINTS} plans, seeing": lambda: predictor.score(embedding, features, "planar", points, SEEN),
        "the agent's next point": lambda: agent(observation),
    }
    lines = [[name, *(f"{ms:.2f}" for ms in milliseconds(call))] for name, call in calls.items()]
    together = milliseconds(lambda: predictor.model.run({predictor.slot: many}))
    lines.append([f"{POINTS} plans, {PICTURES} pictures together, each", *(f"{ms / PICTURES:.2f}" for ms in together)])
    print(aligned(("milliseconds", "p50", "p95"), lines))


if __name__ == "__main__":
    main()
