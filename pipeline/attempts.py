"""Drawings of one picture: each traced, timed and measured against the reference picture, and the best kept.

The best is that of the highest J. Of a damaged picture the reference still holds some of the dirt, and choosing by it alone
takes drawings that trace it: there, likeness is the mean of the measured one to the reference and the predicted one to the
artwork, and what is behind vtracer's default by what was measured comes after what is not.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from . import compiled, tiers
from .cache import Cache
from .errors import NotADrawing, TraceFailed
from .measure import similarity
from .picture import Picture
from .plan import VTRACER_DEFAULT, Finish, Plan
from .predict import Outcome, Seen
from .render import render
from .route import Pace
from .tiers import Adviser, Option
from .trace import trace
from .trace.vtracer import raw_default

PACE = Pace()
"""What this process has seen things take."""
AGAIN = 1.6
"""Times what the last plan of a recipe took beside its prediction that the next one may take on the same picture."""
DEFAULTS = 16
"""vtracer's drawings kept, some of which are a megabyte."""

_DEFAULTS = Cache(DEFAULTS)


class Clock:
    """Seconds spent in each stage, added up by name; `told` is called with the name of each that begins."""

    def __init__(self, told: Callable[[str], None] | None = None) -> None:
        self.start = time.perf_counter()
        self.stages: dict[str, float] = {}
        self._told = told

    def __call__(self, name: str, call: Callable[..., Any], *args: Any) -> Any:
        if self._told:
            self._told(name)
        begin = time.perf_counter()
        try:
            return call(*args)
        finally:
            self.stages[name] = self.stages.get(name, 0.0) + time.perf_counter() - begin

    @property
    def elapsed(self) -> float:
        return time.perf_counter() - self.start


@dataclass(frozen=True)
class Measured:
    """SSIM, 0–1, of a drawing to the reference picture and to the input as it came."""

    quality: float
    to_input: float


@dataclass(frozen=True)
class Default:
    """What everything is compared with: vtracer's own output for the same picture."""

    svg: str
    measured: Measured

    @property
    def bytes(self) -> int:
        """Of UTF-8."""
        return len(self.svg.encode())


@dataclass
class Candidate:
    """A drawing, and what it measured; None unless it was."""

    option: Option
    svg: str
    measured: Measured | None = None


class Attempts:
    """The drawings of one picture.

    Parameters
    ----------
    picture, traced
        What drawings are measured at, and what is traced.
    reference
        What they are measured against; None where nothing is measured.
    budget
        Seconds of the clock, beyond which nothing but the first drawing is begun.
    target
        SSIM that is good enough, 0–1.
    validate
        Whether vtracer's default is measured even where there is no time for it.
    changed
        Called when the best drawing is another, or is measured.
    """

    def __init__(
        self,
        picture: Picture,
        traced: Picture,
        reference: Picture | None,
        *,
        key: str,
        finish: Finish,
        budget: float,
        target: float,
        validate: bool,
        clock: Clock,
        adviser: Adviser,
        degraded: list[str],
        changed: Callable[[], None],
    ) -> None:
        self.picture, self.traced, self.reference, self.key = picture, traced, reference, key
        self.finish, self.budget, self.target, self.validate = finish, budget, target, validate
        self.clock, self.adviser, self.degraded, self.changed = clock, adviser, degraded, changed
        self.best: Candidate | None = None
        self.default: Default | None = None
        self.tried = 0
        self.plans: list[Plan] = []
        self.refused = ""
        self._shown: dict[str, float] = {}
        self._plain: Outcome | None = None
        self._plain_refused = False

    # --- when to stop -----------------------------------------------------------------------------------------------

    @property
    def reached(self) -> bool:
        """Whether the best drawing reaches the target, and is no worse than vtracer's default."""
        return bool(self.best and self.best.measured and self.best.measured.quality >= self.target) and not self.behind

    @property
    def behind(self) -> bool:
        """Whether vtracer's default is better than the best drawing by J."""
        return self.best is not None and self.best.measured is not None and self._behind(self.best)

    def fits(self, option: Option, name: str | None = None) -> bool:
        """Whether tracing and measuring a plan will be over before the budget is; `name` is what `Pace` knows it by."""
        tracing, most_tracing = self._room(name or option.pace, option.ms)
        measuring, most_measuring = self._room("measure", self.adviser.measuring(option.bytes))
        # both will hardly be late at once
        most = tracing + measuring + math.hypot(most_tracing - tracing, most_measuring - measuring)
        return self.clock.elapsed + most / 1000 <= self.budget

    def _room(self, name: str, predicted: float) -> tuple[float, float]:
        """Milliseconds that a thing usually takes, and takes at most, by what it took on this very picture if it did."""
        if name in self._shown:
            usual = self._shown[name] * predicted
            return usual, AGAIN * usual
        # what made other recipes slow may make this one slow
        others = (ratio for other, ratio in self._shown.items() if other != "measure")
        usual = PACE.usual(name, predicted) * max(others, default=0.0)
        return max(usual, PACE.usual(name, predicted)), max(usual, PACE.at_most(name, predicted))

    def _saw(self, name: str, predicted: float, begin: float) -> None:
        """Learn from a thing that began then and ended now."""
        shown = 1000 * (time.perf_counter() - begin)
        PACE.saw(name, predicted, shown)
        self._shown[name] = shown / predicted

    @property
    def damaged(self) -> bool:
        """Whether the reference is another picture than the input."""
        return self.reference is not None and self.reference is not self.picture

    @property
    def seen(self) -> Seen:
        """What was measured of what the predictor asks for."""
        default = Outcome(self.default.measured.quality, self.default.bytes) if self.default else None
        return Seen(self._plain, self._plain_refused, default)

    # --- drawing ----------------------------------------------------------------------------------------------------

    def draw(self, option: Option) -> Candidate | None:
        """Trace a plan and, where there is a reference, measure it; None where it draws nothing, and the reason is noted."""
        recipe = option.plan.recipe
        self.plans.append(option.plan)
        if compiled.pending and recipe in tiers.COMPILED:
            if tiers.STILL_COMPILING not in self.degraded:
                self.degraded.append(tiers.STILL_COMPILING)
            return None
        begin = time.perf_counter()
        try:
            candidate = Candidate(option, self.clock("trace", draw, self.traced, option.plan))
        except NotADrawing as error:
            self.refused = error.message
            self._plain_refused |= option.plan == self.adviser.plain
            return None
        except TraceFailed as error:
            self.degraded.append(f"{recipe}: {error.message}")
            return None
        self._saw(option.pace, option.ms, begin)
        self.tried += 1
        self._take(candidate)
        if self.tried == 1 and self.reference is not None:
            self.measure_default()
        return candidate

    def look(self, reference: Callable[[], Picture]) -> bool:
        """Measure the drawing that there is, and all further ones, against a reference; False where there is no time for it."""
        if self.best is None:
            return False
        size = len(self.best.svg.encode())
        _, most = self._room("measure", self.adviser.measuring(size))
        most += tiers.REFERENCE_MS * self.adviser.size
        if not self.validate and self.clock.elapsed + most / 1000 > self.budget:
            return False
        self.reference = reference()
        if self._measure(self.best):
            self.changed()
        return self.best.measured is not None

    def last_resort(self) -> None:
        """Draw coarsely and safely. Raises `TraceFailed`."""
        self.degraded.append("Drawn coarsely, as the last resort.")
        option = self.adviser.option(replace(tiers.LAST_RESORT, finish=self.finish))
        small = self.picture.reduced(tiers.LAST_RESORT_SIDE)
        self.tried += 1
        self._take(Candidate(option, self.clock("trace", draw, small, option.plan)))

    def no_worse_than_default(self) -> None:
        """Where vtracer's default is ahead of everything, take it: with fewer decimals if there is time, else as it is."""
        if not self.behind:
            return
        short = self.adviser.option(replace(tiers.FALLBACK, finish=self.finish))
        if self.fits(short):
            self.draw(short)
        plain = self.finish == Finish(detail=self.finish.detail)
        if self.behind and self.default and plain and not self.picture.has_alpha:
            svg = _of_size(self.default.svg, self.picture)
            option = self.adviser.option(VTRACER_DEFAULT)
            self.best = Candidate(option, svg, self.default.measured)
            self.changed()

    def _take(self, candidate: Candidate) -> None:
        """Measure a drawing, and keep it if it is the best."""
        first = self.best is None
        if first:
            self.best = candidate
            self.changed()
        if self.reference is None or not self._measure(candidate):
            return
        assert self.best is not None
        if first or self.best.measured is None or self._rank(candidate) > self._rank(self.best):
            self.best = candidate
            self.changed()

    def _measure(self, candidate: Candidate) -> bool:
        """Measure a drawing, unless it cannot be rendered, and the reason is noted."""
        begin = time.perf_counter()
        try:
            candidate.measured = self.clock("measure", self._measured, candidate.svg)
        except TraceFailed as error:
            self.degraded.append(f"Not measured: {error.message}")
            return False
        size = len(candidate.svg.encode())
        if candidate.option.plan == self.adviser.plain:
            self._plain = Outcome(candidate.measured.quality, size)
        self._saw("measure", self.adviser.measuring(size), begin)
        return True

    def _measured(self, svg: str) -> Measured:
        assert self.reference is not None
        height, width = self.picture.pixels.shape[:2]
        drawn = render(svg, width, height)
        quality = similarity(self.reference.pixels, drawn)
        return Measured(quality, similarity(self.picture.pixels, drawn) if self.damaged else quality)

    def worth(self, candidate: Candidate) -> float | None:
        """What a drawing is chosen by, see above; None unless it was measured."""
        if candidate.measured is None:
            return None
        artwork = self.adviser.artwork(candidate.option.plan) if self.damaged else None
        if artwork is None:
            return self._j(candidate)
        return self._j(candidate, (candidate.measured.quality + artwork) / 2)

    def _rank(self, candidate: Candidate) -> tuple[bool, float]:
        return not self._behind(candidate), self.worth(candidate) or 0.0

    def _behind(self, candidate: Candidate) -> bool:
        """Whether vtracer's default is better than a measured drawing by J."""
        if not self.default:
            return False
        own = self.default.measured.quality
        return self._j(candidate) < tiers.j_of(own, self.default.bytes, self.default.bytes, self.finish.detail)

    def _j(self, candidate: Candidate, likeness: float | None = None) -> float:
        """J of a measured drawing, by its likeness to the reference unless another is given."""
        assert candidate.measured is not None
        quality = candidate.measured.quality if likeness is None else likeness
        size = len(candidate.svg.encode())
        default = self.default.bytes if self.default else None
        return tiers.j_of(quality, size, default, self.finish.detail)

    def measure_default(self) -> None:
        """Draw and measure vtracer's default, once for a picture; only if there is time, or where it was asked for."""
        option = self.adviser.option(VTRACER_DEFAULT)

        def make() -> Default:
            if not self.validate and not self.fits(option, "default"):
                raise TraceFailed("the time is too short for it.")
            begin = time.perf_counter()
            svg = raw_default(self.traced)
            PACE.saw("default", option.ms, 1000 * (time.perf_counter() - begin))
            return Default(svg, self._measured(svg))

        try:
            self.default = self.clock("default", _DEFAULTS.get, self.key, make)
            self.changed()
        except TraceFailed as error:
            self.degraded.append(f"vtracer's default could not be measured: {error.message}")


def draw(picture: Picture, plan: Plan) -> str:
    """Trace; whatever goes wrong in a recipe is a `TraceFailed`."""
    try:
        return trace(picture, plan)
    except TraceFailed:
        raise
    except Exception as error:
        raise TraceFailed(f"{plan.recipe} failed inside ({type(error).__name__}: {error}).") from error


def _of_size(svg: str, picture: Picture) -> str:
    """vtracer's own output with the picture's original size on its root."""
    root = re.compile(r'(<svg[^>]*?) width="\d+" height="\d+"')
    return root.sub(rf'\1 width="{picture.width}" height="{picture.height}"', svg, count=1)
