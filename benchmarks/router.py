"""How often the router picks the right tier, beside measuring every tier and beside the best constant tier.

    python -m benchmarks.router                     # --pictures 100

Held-out pictures, a grid of targets × budgets. Each tier is run for each budget, from nothing and one at a time; where it would
have stopped at a target is read from its steps. The router picks as `auto` does, after a look at tier 1's drawing if there is
time for one; looking and routing count as tier 1's time. *Right* is the tier that measuring picks by the router's own rule (the
quickest that reaches the target within the budget, else the best within it, else the quickest), or one that equals it in what
the rule goes by, within 0.0005 of quality and 5 % of time; *the same* is that very tier. Then how near predictions are to what
was measured, and how often the budget is exceeded by more than 5 %, also by conversions as people ask for them, timed from
outside of the process.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from pipeline import Converter, config
from pipeline.errors import VectorizeError
from pipeline.route import SAME, Expected, route

from . import held_out, trials
from .figures import LATE, aligned, number, percent, percentile, within
from .trials import Choosing, Trial

TARGETS = (0.95, 0.97, 0.98, 0.99, 0.995)
BUDGETS = (0.15, 0.3, 0.6, 1.0, 2.0)
"""Seconds."""
TIERS = (1, 2, 3)
SEED = "router-1"
WARMING = 4
"""Pictures before those that count: a process is slow at first, and its pace is learned."""
PATIENCE = 60.0
"""Seconds that a conversion may take."""

Cell = tuple[float, float]
"""A target and a budget."""


def right(picked: Expected, best: Expected, target: float, budget: float) -> bool:
    """Whether a tier, as measured, equals the one that measuring picks in what the router's rule goes by."""
    if best.seconds > budget:  # none was in time: the quickest was picked
        return picked.seconds <= LATE * best.seconds
    if picked.seconds > budget and picked.seconds > LATE * best.seconds:
        return False
    if best.quality >= target:
        return picked.quality >= target - SAME and picked.seconds <= LATE * best.seconds
    return picked.quality >= best.quality - SAME


@dataclass(frozen=True)
class Case:
    """What was measured of a picture.

    Attributes
    ----------
    trials : by tier and budget
        Of tier 1 for every budget the same.
    choices : by cell
        What the router picked, and the seconds that took.
    asked : by budget
        Seconds, from outside, of a conversion with the default target that was left to the router.
    """

    name: str
    trials: Mapping[tuple[int, float], Trial]
    choices: Mapping[Cell, Choosing]
    asked: Mapping[float, float]

    def measured(self, target: float, budget: float) -> dict[int, Expected]:
        """What each tier gave, as the router would be told it; tiers that fell back to another are left out."""
        found = {}
        for tier in TIERS:
            run = self.trials[tier, budget]
            if run.tier == tier:
                quality, seconds = run.stopped(target)
                # the other tiers measure, and choose their plans, in any case: it is in their time already
                choosing = self.choices[target, budget].seconds if tier == 1 else 0.0
                found[tier] = Expected(tier, quality, 0, seconds + choosing)
        return found


@dataclass(frozen=True)
class Judged:
    """A picture at a cell: which tiers were right, which one measuring picks, and which the router."""

    cell: Cell
    best: int
    picked: int
    right: Mapping[int, bool]
    measured: Mapping[int, Expected]
    predicted: Mapping[int, Expected]


def judged(case: Case) -> list[Judged]:
    """A picture at every cell."""
    found = []
    for cell, way in ((cell, choosing.route) for cell, choosing in case.choices.items()):
        measured = case.measured(*cell)
        best = route(tuple(measured.values()), *cell).tier
        fine = {tier: right(given, measured[best], *cell) for tier, given in measured.items()}
        predicted = {said.tier: said for said in way.predictions}
        found.append(Judged(cell, best, way.tier, fine, measured, predicted))
    return found


def measure(data: bytes, name: str, converter: Converter) -> Case:
    """Run every tier for every budget, and the router. Raises `VectorizeError`."""
    call = converter.workers.call
    found: dict[tuple[int, float], Trial] = {}
    first: Trial = call(trials.trial, data, 1, BUDGETS[0], timeout=PATIENCE).value
    for budget in BUDGETS:
        found[1, budget] = first
        for tier in (2, 3):
            found[tier, budget] = call(trials.trial, data, tier, budget, timeout=PATIENCE).value
    choices = call(trials.routes, data, TARGETS, BUDGETS, timeout=PATIENCE).value
    asked = {}
    for budget in BUDGETS:
        call(trials.forgotten)
        begin = time.perf_counter()
        converter.convert(data, time_budget=budget)
        asked[budget] = time.perf_counter() - begin
    return Case(name, found, choices, asked)


def accuracy(rows: Sequence[Judged]) -> dict[str, float]:
    """The share that is right of the router and of each constant tier, and that is the same of the router."""
    shares = {"router": float(np.mean([row.right.get(row.picked, False) for row in rows]))}
    shares["the same"] = float(np.mean([row.picked == row.best for row in rows]))
    for tier in sorted({tier for row in rows for tier in row.right}):
        shares[f"always {tier}"] = float(np.mean([row.right.get(tier, False) for row in rows]))
    return shares


def show(cases: Sequence[Case]) -> None:
    """Print the tables."""
    rows = [row for case in cases for row in judged(case)]
    shares = accuracy(rows)
    constant = max((name for name in shares if name.startswith("always")), key=lambda name: shares[name])
    print(f"\nright, over {len(cases)} pictures and {len(TARGETS)} × {len(BUDGETS)} targets and budgets:")
    print(aligned(("", "right"), [(name, percent(share)) for name, share in shares.items()]))
    print(
        f"the best constant tier is {constant.split()[1]}; the router is {shares['router'] - shares[constant]:+.1%} beside it"
    )
    lines = []
    for target in TARGETS:
        cells = [[row for row in rows if row.cell == (target, budget)] for budget in BUDGETS]
        parts = [accuracy(cell) for cell in cells]
        best = [max(share for name, share in part.items() if name.startswith("always")) for part in parts]
        lines.append([f"{target:g}", *(f"{p['router']:.0%} / {b:.0%}" for p, b in zip(parts, best, strict=True))])
    print(
        "\nthe router's share and, behind it, that of the cell's own best constant tier; targets down, budgets across:"
    )
    print(aligned(("", *(f"{budget:g} s" for budget in BUDGETS)), lines))
    picks = [
        [f"tier {tier}", *(percent(np.mean([getattr(row, key) == tier for row in rows])) for key in ("picked", "best"))]
        for tier in TIERS
    ]
    print("\n" + aligned(("", "picked", "by measuring"), picks))
    _show_predictions(cases, rows)
    _show_budgets(cases, rows)


def _show_predictions(cases: Sequence[Case], rows: Sequence[Judged]) -> None:
    blind = [case.trials[1, BUDGETS[0]] for case in cases]
    off = [trial.predicted - trial.quality for trial in blind if trial.predicted is not None]
    print(
        f"\nbefore it is made, tier 1's drawing is predicted within ±0.01 in {percent(within(off, 0.01))}, "
        f"within ±0.02 in {percent(within(off, 0.02))}"
    )
    pairs = {
        f"tier {tier}": [
            (row.predicted[tier], row.measured[tier]) for row in rows if tier in row.predicted and tier in row.measured
        ]
        for tier in TIERS
    }
    pairs["the one picked"] = [
        (row.predicted[row.picked], row.measured[row.picked])
        for row in rows
        if row.picked in row.predicted and row.picked in row.measured
    ]
    lines = []
    for name, found in pairs.items():
        quality = [said.quality - given.quality for said, given in found]
        seconds = [said.seconds / given.seconds - 1 for said, given in found]
        shares = [within(quality, 0.01), within(quality, 0.02), within(seconds, 0.1), within(seconds, 0.25)]
        lines.append(
            [
                name,
                str(len(found)),
                *map(percent, shares),
                number(percentile(np.abs(quality), 50)),
                percent(percentile(seconds, 50)),
            ]
        )
    print("\nwhat the router expected, tier 1 measured where there was time, beside what came:")
    print(aligned(("", "n", "quality ±0.01", "±0.02", "time ±10 %", "±25 %", "median error", "median time off"), lines))


def _show_budgets(cases: Sequence[Case], rows: Sequence[Judged]) -> None:
    lines = []
    for budget in BUDGETS:
        part = [row for row in rows if row.cell[1] == budget]
        late = [row.measured[row.picked].seconds > LATE * budget for row in part if row.picked in row.measured]
        avoidable = [
            row.measured[row.picked].seconds > LATE * budget
            and min(given.seconds for given in row.measured.values()) <= budget
            for row in part
            if row.picked in row.measured
        ]
        asked = [case.asked[budget] for case in cases]
        outside = float(np.mean([seconds > LATE * budget for seconds in asked]))
        lines.append(
            [
                f"{budget:g} s",
                percent(np.mean(late)),
                percent(np.mean(avoidable)),
                percent(outside),
                number(percentile(asked, 95), 3),
            ]
        )
    print(f"\nbudgets exceeded by more than 5 %; from outside with a target of {config.DEFAULT_TARGET_QUALITY:g}:")
    print(aligned(("", "of the tier picked", "though one was in time", "from outside", "p95 s"), lines))
    routing = [1000 * choosing.routing for case in cases for choosing in case.choices.values() if choosing.routing]
    print(f"routing takes {percentile(routing, 50):.0f} ms in the median, {percentile(routing, 95):.0f} ms at p95")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pictures", type=int, default=100, help="(%(default)s)")
    parser.add_argument("--small", action="store_true", help="few artworks to choose from, to see that it runs")
    options = parser.parse_args()
    cases = []
    with Converter(1) as converter:
        converter.prepare()
        pictures = list(held_out.cases(options.pictures + WARMING, SEED, small=options.small))
        for i, picture in enumerate(tqdm(pictures, unit="picture", mininterval=5)):
            try:
                found = measure(held_out.png_of(picture), picture.work.name, converter)
            except VectorizeError as error:
                print(f"{picture.work.name}: {type(error).__name__}: {error.message}", file=sys.stderr)
                continue
            if i >= WARMING:
                cases.append(found)
        models = ", ".join(f"{model['name']} {model['version']}" for model in converter.health()["models"])
    if not cases:
        sys.exit("No picture could be measured.")
    print(f"models: {models or 'none'}")
    show(cases)


if __name__ == "__main__":
    main()
