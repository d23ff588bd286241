"""Find the plan of each class by measuring: settings drawn at random around the default, the better ones refined.

    python -m training_colab.tune_class_plans [--recipe vtracer …] [--pictures 40] [--jobs 2]

Every picture is drawn at one of the conditions (mixed over the class) from the training families. A setting is scored against
the artwork at 512 px beside vtracer's own default on the same pictures. Of the settings whose files are, in the geometric
mean, no larger than the default's, the one wins that removes the most error, less a price for pictures it draws worse.
Measurements are kept in the cache, so that a run that was broken off goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import measure
from pipeline.classify import LABELS
from pipeline.errors import VectorizeError
from pipeline.models import read_card, write_card
from pipeline.picture import composite
from pipeline.plan import RECIPES, Plan
from pipeline.render import render
from pipeline.trace import trace
from pipeline.trace.vtracer import raw_default

from .data import CACHE, Artwork, artworks, data_hash, digest, seeded

VERSION = "1"
MIX = ("512", "128", "web", "rgba")
SIDE = 512
"""Long side, px, at which a drawing is compared with the artwork."""
WORSE = 0.0005
"""SSIM by which a picture must fall below the default to count as worse."""
PRICE_OF_WORSE = 0.3
"""Improvement that a setting gives up for drawing every picture worse."""
SLOWEST = 250.0
PATIENCE = 6.0
"""Milliseconds that a setting may take, in the geometric mean, or so many times the default's time where that is more."""
STARTS: dict[str, list[dict[str, float]]] = {
    "vtracer": [
        {"path_precision": precision, "color_precision": bits, "layer_difference": step, "filter_speckle": 3}
        for precision in (0, 1)
        for bits, step in ((6, 16), (7, 8), (8, 8), (8, 12))
    ]
}
"""Settings of a recipe that are tried beside its defaults before chance has a say."""


@dataclass(frozen=True)
class Row:
    """One drawing: SSIM to the artwork at 512 px, bytes of the SVG, milliseconds of a core for tracing."""

    ssim: float
    bytes: int
    ms: float


@dataclass(frozen=True)
class Verdict:
    """A setting over its pictures: share of the default's error removed, bytes and time beside the default's, geometric mean
    of the milliseconds, share drawn worse."""

    improvement: float
    bytes: float
    time: float
    ms: float
    worse: float
    pictures: int

    @property
    def score(self) -> float:
        """What settings are ranked by; settings over the limits of size or time come last."""
        over = max(0.0, math.log2(self.bytes)) + max(
            0.0, min(math.log2(self.ms / SLOWEST), math.log2(self.time / PATIENCE))
        )
        return self.improvement - PRICE_OF_WORSE * self.worse - 10 * over


_WORKS: dict[str, Artwork] = {}


def _start(works: dict[str, Artwork]) -> None:
    _WORKS.update(works)


@lru_cache(maxsize=4)
def _input(name: str, condition: str):
    work = _WORKS[name]
    picture, truth = work.picture(condition), work.draw(SIDE)
    if condition != "rgba":
        rgb = composite(truth, 255)
        truth = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    return picture, truth


def measure_case(name: str, condition: str, plans: list[Plan | None]) -> list[Row]:
    """Draw one picture by each plan (None: vtracer's own default) and measure it. What fails scores 0."""
    picture, truth = _input(name, condition)
    rows = []
    for plan in plans:
        begin = time.process_time()
        try:
            svg = raw_default(picture) if plan is None else trace(picture, plan)
            ms = (time.process_time() - begin) * 1000
            drawn = render(svg, truth.shape[1], truth.shape[0])
            rows.append(Row(measure.similarity(truth, drawn), len(svg.encode()), ms))
        except VectorizeError:
            rows.append(Row(0.0, 1, (time.process_time() - begin) * 1000))
    return rows


class Bench:
    """Measures plans on cases, keeping what was measured in a file."""

    def __init__(self, works: list[Artwork], jobs: int, path: Path) -> None:
        self.pool = ProcessPoolExecutor(
            jobs, mp_context=get_context("spawn"), initializer=_start, initargs=({w.name: w for w in works},)
        )
        self.path = path
        self.known: dict[str, Row] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                if line.endswith("}"):  # the last line of a run that was killed may be cut
                    entry = json.loads(line)
                    key = entry.pop("key")
                    self.known[key] = Row(**entry)

    @staticmethod
    def _key(case: tuple[str, str], plan: Plan | None) -> str:
        return digest(*case, "default" if plan is None else json.dumps(plan.to_json(), sort_keys=True))[:24]

    def rows(self, cases: list[tuple[str, str]], plans: list[Plan | None]) -> list[list[Row]]:
        """A row for each plan and each case: ``[plan][case]``."""
        futures = {}
        for case in cases:
            todo = [plan for plan in plans if self._key(case, plan) not in self.known]
            if todo:
                futures[case] = todo, self.pool.submit(measure_case, *case, todo)
        with self.path.open("a") as file:
            for case, (todo, future) in futures.items():
                for plan, row in zip(todo, future.result(), strict=True):
                    key = self._key(case, plan)
                    self.known[key] = row
                    file.write(json.dumps({"key": key, **asdict(row)}) + "\n")
        return [[self.known[self._key(case, plan)] for case in cases] for plan in plans]


def verdict(rows: Iterable[Row], defaults: Iterable[Row]) -> Verdict:
    """Compare a setting with the default on the same pictures."""
    pairs = list(zip(rows, defaults, strict=True))
    error, base = (sum(1 - pair[i].ssim for pair in pairs) for i in (0, 1))
    mean = lambda values: math.exp(sum(map(math.log, values)) / len(pairs))  # noqa: E731
    return Verdict(
        improvement=1 - error / base if base else 0.0,
        bytes=mean([a.bytes / b.bytes for a, b in pairs]),
        time=mean([a.ms / b.ms for a, b in pairs]),
        ms=mean([a.ms for a, _ in pairs]),
        worse=sum(a.ssim < b.ssim - WORSE for a, b in pairs) / len(pairs),
        pictures=len(pairs),
    )


def around(recipe: str, centre: np.ndarray, count: int, low: float, high: float, *seed: object) -> list[Plan]:
    """Plans scattered around a point of the cube, at distances from `low` to `high`, a few knobs moved at a time."""
    rng = seeded("plans", recipe, *seed)
    plans = []
    for _ in range(count):
        reach = low * (high / low) ** rng.random()
        moved = rng.random(centre.size) < 0.6
        plans.append(Plan.from_cube(recipe, np.clip(centre + moved * reach * rng.standard_normal(centre.size), 0, 1)))
    return plans


def tune(
    label: str, recipes: list[str], works: list[Artwork], bench: Bench, starts_each: int
) -> tuple[Plan, dict[str, float]]:
    """The winner of a class and its figures."""
    cases = [(work.name, MIX[i % len(MIX)]) for i, work in enumerate(works)]
    few = cases[: max(4, len(cases) * 3 // 10)]
    starts: list[Plan] = []
    for recipe in recipes:
        base = Plan(recipe, {"path_precision": 1} if "path_precision" in RECIPES[recipe].defaults else {})
        starts += [base, *(Plan(recipe, knobs) for knobs in STARTS.get(recipe, ()))]
        starts += around(recipe, base.to_cube(), starts_each, 0.02, 0.4, label)

    def ranked(plans: list[Plan], on: list[tuple[str, str]]) -> list[tuple[Verdict, Plan]]:
        defaults, *rows = bench.rows(on, [None, *plans])
        return sorted(
            ((verdict(row, defaults), plan) for row, plan in zip(rows, plans, strict=True)), key=lambda t: -t[0].score
        )

    first = ranked(starts, few)
    second = ranked([plan for _, plan in first[:6]], cases)
    refined = max(4, starts_each // 4)
    near = [
        p for _, plan in second[:3] for p in around(plan.recipe, plan.to_cube(), refined, 0.01, 0.12, plan.to_json())
    ]
    third = ranked(near, few)
    final = ranked([plan for _, plan in second[:3]] + [plan for _, plan in third[:6]], cases)
    best, plan = final[0]
    print(f"{label:10} {plan.recipe} {json.dumps(plan.to_json()['knobs'])}")
    print(f"{'':10} {json.dumps({k: round(v, 4) for k, v in asdict(best).items()})}", flush=True)
    return plan, {k: round(v, 4) for k, v in asdict(best).items()}


def main() -> None:
    """Tune every class and write the card."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--recipe", action="append", choices=list(RECIPES), help="recipes to choose among (all by default)"
    )
    parser.add_argument("--pictures", type=int, default=40, help="pictures of each class")
    parser.add_argument("--starts", type=int, default=44, help="settings of each recipe to begin with")
    parser.add_argument(
        "--label", action="append", choices=LABELS, help="tune these alone; the card keeps its other plans"
    )
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--version", default=VERSION)
    arguments = parser.parse_args()
    recipes = arguments.recipe or list(RECIPES)

    every = [work for work in artworks() if work.split == "train"]
    chosen = {label: _spread([w for w in every if w.label == label], arguments.pictures) for label in LABELS}
    used = [work for works in chosen.values() for work in works]
    bench = Bench(used, arguments.jobs, CACHE / "class-plans.jsonl")
    card: dict[str, Any] = {"plans": {}, "metrics": {}, "data": {}}
    if arguments.label:
        card = read_card("class-plans", ("plans", "metrics", "data"))
    for label in arguments.label or LABELS:
        plan, card["metrics"][label] = tune(label, recipes, chosen[label], bench, arguments.starts)
        card["plans"][label] = {"recipe": plan.recipe, "knobs": {k: _short(v) for k, v in plan.knobs.items()}}
        card["data"][label] = {"hash": data_hash(chosen[label]), "conditions": list(MIX), "split": "train"}
    card |= {"name": "class-plans", "version": arguments.version}
    print("written:", write_card(card))


def _short(value: float) -> float:
    """Four digits are all that was measured."""
    return value if isinstance(value, int) else float(f"{value:.4g}")


def _spread(works: list[Artwork], count: int) -> list[Artwork]:
    """`count` artworks, the families taken in turn."""
    turn: dict[str, int] = {}
    keyed = []
    for work in sorted(works, key=lambda w: digest("tune", w.name)):
        turn[work.family] = turn.get(work.family, 0) + 1
        keyed.append((turn[work.family], digest("tune", work.name), work))
    return [work for _, _, work in sorted(keyed, key=lambda k: k[:2])[:count]]


if __name__ == "__main__":
    main()
