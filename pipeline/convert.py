"""The flow: bytes → picture → features → class → plans → traces → measured → result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from . import compiled, config, measure, tiers
from .cache import Cache, content
from .classify import UNKNOWN, Classification, classify, load_rules
from .errors import BadSetting, ModelUnavailable, NotADrawing, TraceFailed
from .features import Features, extract
from .picture import Picture, Source, load
from .plan import Finish, Plan
from .trace import trace
from .trace.vtracer import raw_default

Tier = Literal["auto", 1, 2, 3]
TIERS: tuple[Tier, ...] = ("auto", 1, 2, 3)


@dataclass(frozen=True)
class Request:
    """What the user asks for.

    `target_quality` is SSIM, 0–1; `time_budget` seconds; `validate` measures the result and vtracer's default beside it;
    `plan` overrides every choice of ours.
    """

    tier: Tier = "auto"
    target_quality: float = config.DEFAULT_TARGET_QUALITY
    time_budget: float = config.DEFAULT_TIME_BUDGET
    validate: bool = False
    finish: Finish = Finish()
    plan: Plan | None = None

    def __post_init__(self) -> None:
        if self.tier not in TIERS or isinstance(self.tier, bool):
            raise BadSetting(f"tier must be auto, 1, 2 or 3, not {self.tier!r}.")
        if not 0 <= self.target_quality <= 1:
            raise BadSetting(f"target_quality must lie between 0 and 1, not {self.target_quality!r}.")
        if not 0 < self.time_budget <= 60:
            raise BadSetting(f"time_budget must lie between 0 and 60 seconds, not {self.time_budget!r}.")


@dataclass(frozen=True)
class Analysis:
    """What is known of a picture before it is converted."""

    width: int
    height: int
    features: Features
    logo_type: str
    confidence: float
    seconds: float
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """An SVG and the record of how it came about. Qualities are SSIM, 0–1; times are seconds.

    `actual_quality` and the `default_*` fields are None unless measured (`validate`, or tier 2 and 3); `degraded` names what
    was missing or broken, and why.
    """

    svg: str
    width: int
    height: int
    logo_type: str
    confidence: float
    features: Features
    selected_tier: int
    reason: str
    plan: Plan
    svg_bytes: int
    paths: int
    parameters: int
    processing_time: float
    stages: dict[str, float] = field(default_factory=dict)
    predicted_quality: float | None = None
    actual_quality: float | None = None
    default_quality: float | None = None
    default_bytes: int | None = None
    candidates: int = 1
    model_versions: dict[str, str] = field(default_factory=dict)
    degraded: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """The JSON record: everything but the SVG."""
        data = asdict(replace(self, plan=Plan()))
        del data["svg"], data["plan"]
        return {**data, "parameters_used": self.plan.to_json(), "degraded": list(self.degraded)}


_FEATURES, _DEFAULTS = Cache(), Cache()


@dataclass(frozen=True)
class _Default:
    """What everything is compared with: vtracer's default on the same picture."""

    quality: float
    bytes: int


@dataclass
class _Candidate:
    plan: Plan
    svg: str
    quality: float | None = None


class _Clock:
    """Seconds spent in each stage, added up by name."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.stages: dict[str, float] = {}

    def __call__(self, name: str, call: Callable[..., Any], *args: Any) -> Any:
        begin = time.perf_counter()
        try:
            return call(*args)
        finally:
            self.stages[name] = self.stages.get(name, 0.0) + time.perf_counter() - begin

    @property
    def elapsed(self) -> float:
        return time.perf_counter() - self.start


def analyze(source: Source) -> Analysis:
    """Features and class of a picture. Raises `BadPicture`."""
    clock = _Clock()
    picture: Picture = clock("decode", load, source)
    features: Features = clock("features", _features, picture, content(picture))
    degraded: list[str] = []
    kind: Classification = clock("classify", _classify, features, degraded, {})
    return Analysis(
        picture.width, picture.height, features, kind.label, kind.confidence, clock.elapsed, tuple(degraded)
    )


def convert(
    source: Source,
    request: Request = Request(),
    report: Callable[[Result], None] | None = None,
    *,
    failed: str | None = None,
) -> Result:
    """Convert one picture in this process.

    `report` is called with a result as soon as there is a first one, and with each better one. `failed` says why an
    earlier try came to nothing: the picture is then drawn by the last resort alone, fast and safe.

    Raises
    ------
    BadPicture, BadSetting
        What was given or asked for breaks a limit.
    TraceFailed
        No recipe could draw it.
    """
    clock = _Clock()
    picture: Picture = clock("decode", load, source)
    key = content(picture)
    features: Features = clock("features", _features, picture, key)
    degraded: list[str] = [failed] if failed else []
    versions: dict[str, str] = {}
    kind: Classification = clock("classify", _classify, features, degraded, versions)
    traced = _calm(picture, degraded)

    tier = 1 if request.tier == "auto" else request.tier
    measured = not failed and (request.validate or tier > 1)
    plans = tiers.candidates(tier, kind, request.finish, degraded)
    if request.plan:
        plans = _with_a_way_out(request.plan, kind, degraded)
    default: _Default | None = None
    best: _Candidate | None = None
    tried = 0
    refused = ""

    def result() -> Result:
        assert best is not None
        size = measure.complexity(best.svg)
        return Result(
            svg=best.svg,
            width=picture.width,
            height=picture.height,
            logo_type=kind.label,
            confidence=kind.confidence,
            features=features,
            selected_tier=tier,
            reason=_reason(request, tier, tried, best.plan, kind, refused),
            plan=best.plan,
            svg_bytes=size.bytes,
            paths=size.paths,
            parameters=size.parameters,
            processing_time=clock.elapsed,
            stages=dict(clock.stages),
            actual_quality=best.quality,
            default_quality=default.quality if default else None,
            default_bytes=default.bytes if default else None,
            candidates=tried,
            model_versions=dict(versions),
            degraded=tuple(degraded),
        )

    for plan in () if failed else plans:
        if best is not None and (tier == 1 or request.plan or clock.elapsed > request.time_budget * 0.6):
            break
        if compiled.pending and plan.recipe in tiers.COMPILED:
            if tiers.STILL_COMPILING not in degraded:
                degraded.append(tiers.STILL_COMPILING)
            continue
        try:
            drawn = _Candidate(plan, clock("trace", _draw, traced, plan))
        except NotADrawing as error:
            refused = error.message
            continue
        except TraceFailed as error:
            degraded.append(f"{plan.recipe}: {error.message}")
            continue
        tried += 1
        if best is None:
            best = drawn
            if report and measured:
                report(result())
        if measured:
            if tried == 1:
                default = _default(picture, traced, key, clock, degraded)
            _measure(drawn, picture, clock, degraded)
            best = max(best, drawn, key=lambda c: _j(c, default))
            if report:
                report(result())
    if best is None:
        plan = replace(tiers.LAST_RESORT, finish=request.finish)
        degraded.append("Drawn coarsely, as the last resort.")
        best = _Candidate(plan, clock("trace", _draw, picture.reduced(tiers.LAST_RESORT_SIDE), plan))
        tried += 1
        if measured:
            _measure(best, picture, clock, degraded)
    return result()


def _with_a_way_out(plan: Plan, kind: Classification, degraded: list[str]) -> Iterator[Plan]:
    """The plan that was asked for and, should it not work, one that draws anything."""
    yield plan
    yield tiers.shades(kind, plan.finish, degraded)


def _draw(picture: Picture, plan: Plan) -> str:
    """Trace; whatever goes wrong in a recipe is a `TraceFailed`."""
    try:
        return trace(picture, plan)
    except TraceFailed:
        raise
    except Exception as error:
        raise TraceFailed(f"{plan.recipe} failed inside ({type(error).__name__}: {error}).") from error


def _calm(picture: Picture, degraded: list[str]) -> Picture:
    """The picture to trace: reduced where it is as busy as noise, on which tracing would take too long."""
    busyness = picture.busyness()
    if busyness <= tiers.BUSYNESS:
        return picture
    side = max(picture.pixels.shape[:2])
    calm = picture.reduced(max(64, int(side * (tiers.BUSYNESS / busyness) ** 0.5)))
    degraded.append(f"The picture is as busy as noise: traced at {max(calm.pixels.shape[:2])} px for its long side.")
    return calm


def _measure(candidate: _Candidate, picture: Picture, clock: _Clock, degraded: list[str]) -> None:
    try:
        candidate.quality = clock("measure", measure.quality, picture, candidate.svg)
    except TraceFailed as error:
        degraded.append(f"Not measured: {error.message}")


def _features(picture: Picture, key: str) -> Features:
    return _FEATURES.get(key, lambda: extract(picture))


def _classify(features: Features, degraded: list[str], versions: dict[str, str]) -> Classification:
    """The class, or without rules the most cautious one, and the reason noted."""
    try:
        kind = classify(features)
        versions["classifier"] = load_rules().version
        return kind
    except ModelUnavailable as error:
        degraded.append(f"The class is a guess: {error.message}")
        return UNKNOWN


def _default(picture: Picture, traced: Picture, key: str, clock: _Clock, degraded: list[str]) -> _Default | None:
    """vtracer's default, measured once for a picture."""

    def make() -> _Default:
        svg = raw_default(traced)
        return _Default(measure.quality(picture, svg), len(svg.encode()))

    try:
        found: _Default = clock("default", _DEFAULTS.get, key, make)
        return found
    except TraceFailed as error:
        degraded.append(f"vtracer's default could not be measured: {error.message}")
        return None


def _j(candidate: _Candidate, default: _Default | None) -> float:
    size = len(candidate.svg.encode())
    return measure.j_score(candidate.quality or 0.0, size, default.bytes if default else size)


def _reason(request: Request, tier: int, tried: int, plan: Plan, kind: Classification, refused: str) -> str:
    if request.plan == plan:
        return "The plan was given."
    if tier > 1:
        return f"The best of {tried} measured ways of drawing it."
    if plan.recipe == "planar":
        return "Drawn as regions with exact edges, which suits logos, icons and drawings."
    why = f"Traced shade by shade with the plan that suits {kind.label} pictures best."
    return f"{refused} {why}" if refused else why
