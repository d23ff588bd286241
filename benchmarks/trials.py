"""What is done in worker processes to try the tiers on one picture: whole conversions, routes, and other ways of choosing.

It lives in a module of its own since a worker cannot import what a command line was started from.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline import attempts, convert, tiers
from pipeline.agent import TRACES
from pipeline.attempts import Attempts, draw
from pipeline.cache import content
from pipeline.classify import classify
from pipeline.convert import Request, Result
from pipeline.errors import TraceFailed
from pipeline.features import extract
from pipeline.measure import LAMBDA, j_score
from pipeline.picture import Picture, load
from pipeline.plan import RECIPES, Finish, Plan
from pipeline.predict import NOTHING, Outcome, Seen
from pipeline.reference import reference
from pipeline.route import Route
from pipeline.tiers import FAILS, Adviser
from pipeline.trace.vtracer import raw_default

from .likeness import Likeness, likeness

ENDLESS = 60.0
"""Seconds of a budget that is never at its end."""
UNREACHED = 1.0
"""A target that no drawing reaches, unless it is without any fault."""


def forget() -> None:
    """Forget what is kept of pictures, so that each conversion is as the first of its picture."""
    for kept in (convert._FEATURES, convert._REFERENCES, attempts._DEFAULTS):
        kept.clear()


def forgotten(*, report: Callable[[Any], None]) -> None:
    """`forget`, in a worker."""
    forget()


# ---- conversions, and where they would have stopped


@dataclass(frozen=True)
class Step:
    """How far a conversion was at a moment.

    Attributes
    ----------
    seconds, quality : float
        Since it began; SSIM of the best drawing to the reference picture.
    drawn : int
        Drawings up to then.
    behind : bool
        Whether vtracer's default is the better one by J.
    """

    seconds: float
    quality: float
    drawn: int
    behind: bool


@dataclass(frozen=True)
class Trial:
    """A conversion by a tier: which one it was in the end, its result, the steps towards it, and the quality that was predicted
    of the drawing that was taken, before it was made."""

    tier: int
    quality: float
    seconds: float
    steps: tuple[Step, ...] = ()
    predicted: float | None = None

    def stopped(self, target: float) -> tuple[float, float]:
        """Quality and seconds of the same conversion with a target: it ends with the first drawing that reaches it.

        Only the last step of a drawing counts: until then vtracer's default was not looked at.
        """
        for i, step in enumerate(self.steps):
            last = i + 1 == len(self.steps) or self.steps[i + 1].drawn != step.drawn
            if last and step.quality >= target and not step.behind:
                return step.quality, step.seconds
        return self.quality, self.seconds


def trial(data: bytes, tier: int, budget: float, *, report: Callable[[Any], None]) -> Trial:
    """Convert a picture by a tier within a budget of seconds and without a target, from nothing. Raises `VectorizeError`."""
    forget()
    seen: list[Step] = []

    def look(result: Result) -> None:
        if result.actual_quality is not None:
            seen.append(Step(result.processing_time, result.actual_quality, result.candidates, _behind(result)))

    result = convert.convert(data, Request(tier=tier, target_quality=UNREACHED, time_budget=budget), look)  # type: ignore[arg-type]
    quality = result.actual_quality
    if quality is None:
        picture = load(data)
        quality = likeness(picture, reference(picture), result.svg).reference
    return Trial(result.selected_tier, quality, result.processing_time, tuple(seen), result.predicted_quality)


def _behind(result: Result) -> bool:
    if result.actual_quality is None or result.default_quality is None or result.default_bytes is None:
        return False
    return j_score(result.actual_quality, result.svg_bytes, result.default_bytes) < result.default_quality


@dataclass(frozen=True)
class Choosing:
    """Which tier `auto` picks, and the seconds from having tier 1's drawing to having picked: looking at it, and routing.

    `routing` is the part of them that routing itself takes.
    """

    route: Route
    seconds: float
    routing: float


def routes(
    data: bytes, targets: Sequence[float], budgets: Sequence[float], *, report: Callable[[Any], None]
) -> dict[tuple[float, float], Choosing]:
    """What `auto` picks for every target and budget. Raises `VectorizeError`."""
    forget()
    clock = attempts.Clock()
    picture = load(data)
    adviser = _adviser(picture)
    made = Attempts(
        picture,
        convert._calm(picture, picture.busyness(), []),
        None,
        key=content(picture),
        finish=Finish(),
        budget=ENDLESS,
        target=UNREACHED,
        validate=False,
        clock=clock,
        adviser=adviser,
        degraded=adviser.degraded,
        changed=lambda: None,
    )
    convert._first_that_works(made, adviser.one())
    drawn, found = clock.elapsed, {}
    for target in targets:
        for budget in budgets:
            # as it was when the drawing had just been made
            made.reference, made.budget = None, budget
            if made.best:
                made.best.measured = None
            adviser.saw(NOTHING)
            clock.stages.pop("route", None)
            clock.start = time.perf_counter() - drawn
            request = Request(target_quality=target, time_budget=budget)
            way = convert._looked(made, adviser, request, clock, lambda: reference(picture))
            found[target, budget] = Choosing(way, clock.elapsed - drawn, clock.stages.get("route", 0.0))
    return found


def _adviser(picture: Picture) -> Adviser:
    features = extract(picture)
    return Adviser(picture, features, classify(features), Finish(), [], {}, picture.busyness())


# ---- the tiers beside other ways of choosing, at as many traces

WAYS = ("plain", "tier 1", "random", "random, one recipe", "tier 2", "tier 2, continued", "tier 3")
"""Ways of choosing plans.

``plain``: the default plan of our own drawing, or where that refuses the picture the plan that draws any. ``random``: that one,
then points by chance out of the very ones that tier 2 chooses from, as many traces as it made; ``one recipe``: of the plain
plan's recipe alone. ``continued``: tier 2, then what the predictor likes best around the best drawing, as many traces as tier 3
made.
"""


@dataclass(frozen=True)
class Choice:
    """What a way of choosing came to: J over that of vtracer's default, SSIM to the reference, traces, and SSIM to the artwork,
    None where that is not known."""

    gain: float
    quality: float
    traces: int
    artwork: float | None = None


class _Bench:
    """One picture, and what plans for it are worth."""

    def __init__(self, data: bytes, truth: np.ndarray | None) -> None:
        self.picture, self.truth = load(data), truth
        self.judge = reference(self.picture)
        self.traced = convert._calm(self.picture, self.picture.busyness(), [])
        self.default = self.of_svg(raw_default(self.traced))
        self._known: dict[tuple[str, bytes], Likeness | None] = {}

    def of_svg(self, svg: str) -> Likeness:
        return likeness(self.picture, self.judge, svg, self.truth)

    def of_plan(self, plan: Plan) -> Likeness | None:
        """None where it draws nothing."""
        key = plan.recipe, plan.to_cube().tobytes()
        if key not in self._known:
            try:
                self._known[key] = self.of_svg(draw(self.traced, plan))
            except TraceFailed:
                self._known[key] = None
        return self._known[key]

    def gain(self, found: Likeness | None) -> float:
        """J over vtracer's default; what draws nothing is far below."""
        return found.j(self.default) - self.default.reference if found else -1.0

    def choice(self, found: Iterable[Likeness | None], traces: int) -> Choice:
        """The best of some drawings and, as all that measure have it, vtracer's default."""
        best = max((*found, self.default), key=self.gain)
        assert best is not None
        return self.came_to(best, traces)

    def came_to(self, found: Likeness | None, traces: int) -> Choice:
        """What draws nothing has a likeness of 0."""
        near, far = (found.reference, found.artwork) if found else (0.0, None if self.truth is None else 0.0)
        return Choice(self.gain(found), near, traces, far)

    def tier(self, data: bytes, tier: int) -> tuple[Choice, Result]:
        """What a tier gives with all the time there is."""
        forget()
        request = Request(tier=tier, target_quality=UNREACHED, time_budget=ENDLESS)  # type: ignore[arg-type]
        result = convert.convert(data, request)
        found = self.of_svg(result.svg)
        return self.came_to(found, result.candidates), result

    def seen(self, plain: Plan) -> Seen:
        """What tiers that measure tell the predictor."""
        drawn = self.of_plan(plain)
        outcome = Outcome(drawn.reference, drawn.bytes) if drawn else None
        return Seen(outcome, drawn is None, Outcome(self.default.reference, self.default.bytes))


def choices(
    data: bytes, seed: int, truth: np.ndarray | None = None, *, report: Callable[[Any], None]
) -> dict[str, Choice]:
    """What each of `WAYS` gives for a picture; those are missing that need a model that is not there.

    `truth` is the artwork, (H, W, 4) uint8. Raises `VectorizeError` where the picture cannot be drawn, not even by
    vtracer's default.
    """
    bench = _Bench(data, truth)
    adviser = _adviser(bench.picture)
    plain = next((p for p in (Plan("planar"), adviser.shades()) if bench.of_plan(p)), adviser.shades())
    found = {"plain": bench.came_to(bench.of_plan(plain), 1)}
    found["tier 1"], _ = bench.tier(data, 1)
    two, measured = bench.tier(data, 2)
    found["tier 2"] = two
    rng = np.random.default_rng(seed)
    for name, recipes in (("random", tuple(RECIPES)), ("random, one recipe", (plain.recipe,))):
        plans = [plain, *(_anything(rng, recipes) for _ in range(two.traces - 1))]
        found[name] = bench.choice((bench.of_plan(plan) for plan in plans), len(plans))
    if adviser.model("predictor") is None:
        return found
    three, came = bench.tier(data, 3)
    if came.selected_tier == 3:
        found["tier 3"] = three
    traces = max(two.traces, three.traces if came.selected_tier == 3 else TRACES)
    further = _further(bench, adviser, measured.plan, traces - two.traces)
    found["tier 2, continued"] = bench.choice(
        (bench.of_svg(measured.svg), *(bench.of_plan(plan) for plan in further)), two.traces + len(further)
    )
    return found


def _anything(rng: np.random.Generator, recipes: Sequence[str]) -> Plan:
    """One of the points that tier 2 chooses from, by chance."""
    recipe = recipes[int(rng.integers(len(recipes)))]
    points = tiers.scattered([Plan(recipe).to_cube()])
    return Plan.from_cube(recipe, points[int(rng.integers(1, len(points)))])


def _further(bench: _Bench, adviser: Adviser, start: Plan, count: int) -> list[Plan]:
    """`count` plans around one: the best by the predictor, which is told what tier 2 measured."""
    adviser.saw(bench.seen(adviser.plain))
    points = tiers.scattered([start.to_cube()])
    embedding = adviser.embedding()
    said = adviser.model("predictor").score(embedding, adviser.features, start.recipe, points, adviser.seen)
    j = np.minimum(said.reference, 1) - LAMBDA * said.log2_bytes - (said.fails > FAILS)
    found: dict[bytes, Plan] = {}
    for i in np.argsort(-j[1:]) + 1:  # but for the start itself
        if len(found) == count:
            break
        plan = Plan.from_cube(start.recipe, points[i])
        found.setdefault(plan.to_cube().tobytes(), plan)
    return list(found.values())
