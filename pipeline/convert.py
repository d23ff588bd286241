"""The flow: bytes → picture → features → class → plans → traces → measured → result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from . import agent, config, measure, tiers
from .attempts import PACE, Attempts, Clock
from .cache import Cache, content
from .classify import UNKNOWN, Classification, classify, load_rules
from .errors import BadSetting, ModelUnavailable
from .features import Features, extract
from .models import asked, asked_version, store
from .picture import Picture, Source, load
from .plan import Finish, Plan
from .predict import Prediction
from .reference import reference
from .route import Expected, Route, route
from .tiers import Adviser, Option

Tier = Literal["auto", 1, 2, 3]
TIERS: tuple[Tier, ...] = ("auto", 1, 2, 3)


@dataclass(frozen=True)
class Request:
    """What the user asks for.

    `target_quality` is SSIM, 0–1; `time_budget` seconds; `validate` measures the result and vtracer's default beside it;
    `plan` overrides every choice of ours. `models` are versions by name to use instead of those that are served.
    """

    tier: Tier = "auto"
    target_quality: float = config.DEFAULT_TARGET_QUALITY
    time_budget: float = config.DEFAULT_TIME_BUDGET
    validate: bool = False
    finish: Finish = Finish()
    plan: Plan | None = None
    models: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.tier not in TIERS or isinstance(self.tier, bool):
            raise BadSetting(f"tier must be auto, 1, 2 or 3, not {self.tier!r}.")
        if not 0 <= self.target_quality <= 1:
            raise BadSetting(f"target_quality must lie between 0 and 1, not {self.target_quality!r}.")
        if not 0 < self.time_budget <= 60:
            raise BadSetting(f"time_budget must lie between 0 and 60 seconds, not {self.time_budget!r}.")


@dataclass(frozen=True)
class Analysis:
    """What is known of a picture before it is converted, and the way it would go at the default target and budget."""

    width: int
    height: int
    features: Features
    logo_type: str
    confidence: float
    seconds: float
    degraded: tuple[str, ...] = ()
    route: Route | None = None


@dataclass(frozen=True)
class Result:
    """An SVG and the record of how it came about. Qualities are SSIM, 0–1; times are seconds.

    Qualities are to the reference picture, which is the input where that is clean; `ssim_to_input` and
    `default_ssim_to_input` are to the input as it came. What is measured is None unless it was (`validate`, or tier 2 and 3),
    what is predicted unless there is a predictor; `route` is None unless the tier was left to it. `default_svg` is vtracer's
    own output where that was measured. `degraded` names what was missing or broken, and why.
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
    predicted_artwork: float | None = None
    actual_quality: float | None = None
    ssim_to_input: float | None = None
    default_quality: float | None = None
    default_ssim_to_input: float | None = None
    default_bytes: int | None = None
    default_svg: str | None = None
    route: Route | None = None
    candidates: int = 1
    model_versions: dict[str, str] = field(default_factory=dict)
    degraded: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """The JSON record: everything but the SVGs."""
        data = asdict(replace(self, plan=Plan()))
        del data["svg"], data["default_svg"], data["plan"]
        return {**data, "parameters_used": self.plan.to_json(), "degraded": list(self.degraded)}


@dataclass(frozen=True)
class Outlook:
    """What plans would give for a picture, before anything is drawn.

    `predictions` has one for each of `plans`, in order; None where nothing predicts, and `degraded` says why.
    """

    plans: tuple[Plan, ...]
    predictions: tuple[Prediction | None, ...]
    model_versions: dict[str, str] = field(default_factory=dict)
    degraded: tuple[str, ...] = ()


_FEATURES, _REFERENCES = Cache(), Cache(4)


def analyze(source: Source) -> Analysis:
    """Features, class and route of a picture. Raises `BadPicture`."""
    clock = Clock()
    picture: Picture = clock("decode", load, source)
    features: Features = clock("features", _features, picture, content(picture))
    degraded: list[str] = []
    kind: Classification = clock("classify", _classify, features, degraded, {})
    adviser = Adviser(picture, features, kind, Finish(), degraded, {}, picture.busyness())
    target, budget = config.DEFAULT_TARGET_QUALITY, config.DEFAULT_TIME_BUDGET
    way: Route = clock("route", lambda: route(adviser.expected(target, budget, clock.elapsed, PACE), target, budget))
    return Analysis(
        picture.width, picture.height, features, kind.label, kind.confidence, clock.elapsed, tuple(degraded), way
    )


def predict(
    source: Source, plans: Sequence[Plan] = (), finish: Finish = Finish(), models: Mapping[str, str] | None = None
) -> Outlook:
    """What each plan would give, without drawing any; without plans, the one to begin with is found, with this finish.

    `models` are versions by name to use instead of those that are served. Raises `BadPicture`.
    """
    picture = load(source)
    features = _features(picture, content(picture))
    degraded: list[str] = []
    versions: dict[str, str] = {}
    with asked(_there(models or {}, degraded)):
        kind = _classify(features, degraded, versions)
        adviser = Adviser(picture, features, kind, finish, degraded, versions, picture.busyness())
        asked_about = tuple(plans) or (adviser.recommended(),)
        predictions = tuple(adviser.predict(plan) for plan in asked_about)
    return Outlook(asked_about, predictions, versions, tuple(degraded))


def convert(
    source: Source,
    request: Request = Request(),
    report: Callable[[Result], None] | None = None,
    *,
    stage: Callable[[str], None] | None = None,
    failed: str | None = None,
) -> Result:
    """Convert one picture in this process.

    `report` is called with a result as soon as there is a first one, and with each better one; `stage` with the name of each
    stage that begins, one of those that the result's `stages` has the times of. `failed` says why an
    earlier try came to nothing: the picture is then drawn by the last resort alone, fast and safe.

    Raises
    ------
    BadPicture, BadSetting
        What was given or asked for breaks a limit.
    TraceFailed
        No recipe could draw it.
    """
    degraded: list[str] = [failed] if failed else []
    with asked(_there(request.models, degraded)):
        return _converted(source, request, report, Clock(stage), degraded, failed)


def _converted(
    source: Source,
    request: Request,
    report: Callable[[Result], None] | None,
    clock: Clock,
    degraded: list[str],
    failed: str | None,
) -> Result:
    picture: Picture = clock("decode", load, source)
    key = content(picture)
    features: Features = clock("features", _features, picture, key)
    versions: dict[str, str] = {}
    kind: Classification = clock("classify", _classify, features, degraded, versions)
    busyness = picture.busyness()
    traced = _calm(picture, busyness, degraded)
    finish = request.plan.finish if request.plan else request.finish
    adviser = Adviser(picture, features, kind, finish, degraded, versions, busyness)
    way: Route | None = None
    tier: int = 1 if request.tier == "auto" else request.tier
    if tier == 3 and not request.plan and not failed:
        tier = _highest(adviser)
    routed = request.tier == "auto" and not request.plan and not failed
    measured = not failed and (request.validate or tier > 1)

    def result() -> Result:
        best, default = attempts.best, attempts.default
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
            reason=_reason(request, way, tier, attempts, kind),
            plan=best.option.plan,
            svg_bytes=size.bytes,
            paths=size.paths,
            parameters=size.parameters,
            processing_time=clock.elapsed,
            stages=dict(clock.stages),
            predicted_quality=best.option.quality,
            predicted_artwork=best.option.artwork,
            actual_quality=best.measured.quality if best.measured else None,
            ssim_to_input=best.measured.to_input if best.measured else None,
            default_quality=default.measured.quality if default else None,
            default_ssim_to_input=default.measured.to_input if default else None,
            default_bytes=default.bytes if default else None,
            default_svg=default.svg if default else None,
            route=way,
            candidates=attempts.tried,
            model_versions=dict(versions),
            degraded=tuple(degraded),
        )

    attempts = Attempts(
        picture,
        traced,
        clock("reference", _reference, picture, key) if measured and not routed else None,
        key=key,
        finish=finish,
        budget=request.time_budget * tiers.SHARE[tier],
        target=request.target_quality,
        validate=request.validate,
        clock=clock,
        adviser=adviser,
        degraded=degraded,
        changed=lambda: report(result()) if report and (measured or routed) else None,
    )
    if not failed:
        if request.plan:
            _first_that_works(attempts, _given(request.plan, adviser))
        elif tier == 1:
            _first_that_works(attempts, adviser.one())
        else:
            _best_of(attempts, adviser, clock, tier)
        if routed:
            way = _looked(attempts, adviser, request, clock, lambda: clock("reference", _reference, picture, key))
            tier = _highest(adviser) if way.tier == 3 else way.tier
            attempts.budget = request.time_budget * tiers.SHARE[tier]
            if attempts.reference and (tier > 1 or request.validate):
                attempts.measure_default()
            if tier > 1:
                _best_of(attempts, adviser, clock, tier)
    if attempts.best is None:
        attempts.last_resort()
    return result()


def _looked(
    attempts: Attempts, adviser: Adviser, request: Request, clock: Clock, reference: Callable[[], Picture]
) -> Route:
    """The way to go on from tier 1's drawing, which is measured if there is time: no prediction knows as much."""
    target, budget, first = request.target_quality, request.time_budget, attempts.best
    if first is None:
        return Route(1, (), "Tier 1, since no recipe draws this picture.")
    if not adviser.model("predictor", "Routed without predictions"):
        return route((), target, budget)
    if not attempts.look(reference) or first.measured is None:
        there = Expected(1, first.option.quality or 0.0, len(first.svg.encode()), clock.elapsed)
        return Route(1, (there,), f"Tier 1: {budget:g} s leave no time to measure its drawing, or to make others.")
    drawn = replace(first.option, quality=first.measured.quality, bytes=float(len(first.svg.encode())))
    adviser.saw(attempts.seen)
    found: Route = clock(
        "route", lambda: route(adviser.expected(target, budget, clock.elapsed, PACE, drawn), target, budget)
    )
    return found


def _there(models: Mapping[str, str], degraded: list[str]) -> dict[str, str]:
    """Those of the versions that were asked for that can be served; why not is noted of the others."""
    found = {}
    for name, version in models.items():
        try:
            found[name] = store().load(name, version).version
        except ModelUnavailable as error:
            degraded.append(f"{name} {version} was asked for, and what is served was used: {error.message}")
    return found


def _given(plan: Plan, adviser: Adviser) -> Iterable[Option]:
    """The plan that was asked for and, should it not work, one that draws anything."""
    yield adviser.option(plan)
    yield adviser.option(adviser.shades())


def _first_that_works(attempts: Attempts, options: Iterable[Option]) -> None:
    """Tier 1, and a plan that was given."""
    for option in options:
        if attempts.draw(option):
            break


def _best_of(attempts: Attempts, adviser: Adviser, clock: Clock, tier: int) -> None:
    """Tiers 2 and 3: a few plans traced and measured, vtracer's default beside the first; then the agent's steps.

    What is measured is told to the adviser, which then chooses among what is left: most pictures are done with the first.
    """

    def done() -> bool:
        return attempts.best is not None and (attempts.tried >= tiers.FEW or attempts.reached)

    def late() -> bool:
        return attempts.best is not None and clock.elapsed + tiers.CHOOSING > attempts.budget

    def few() -> list[Option]:
        adviser.saw(attempts.seen)
        return [option for option in clock("choose", adviser.few) if option.plan not in tried]

    known, tried = attempts.seen, list(attempts.plans)
    options = [] if done() or late() else few() if tried else [clock("choose", adviser.first)]
    while options and not done():
        option, *options = options
        tried.append(option.plan)
        if attempts.best is None or attempts.fits(option):
            attempts.draw(option)
        if attempts.seen != known and not done() and not late():
            known, options = attempts.seen, few()
    if tier == 3 and attempts.best and not attempts.reached:
        _searched(attempts, adviser)
    attempts.no_worse_than_default()


def _searched(attempts: Attempts, adviser: Adviser) -> None:
    """Tier 3: the agent goes on from the best drawing so far."""
    policy, embedding, start = adviser.model("agent"), adviser.embedding(), attempts.best
    if policy is None or embedding is None or start is None or start.measured is None:
        return
    recipe = start.option.plan.recipe
    first = start.option.plan.to_cube()
    full = False

    def worth(point: Any) -> float | None:
        nonlocal full
        if point is first:
            return attempts.worth(start)
        option = adviser.option(Plan.from_cube(recipe, point, attempts.finish))
        full = not attempts.fits(option)
        drawn = None if full else attempts.draw(option)
        return attempts.worth(drawn) if drawn else None

    about = agent.about(embedding, adviser.features.vector(), recipe)
    try:
        agent.search(
            policy,
            about,
            recipe,
            first,
            worth,
            stop=lambda: full or attempts.reached or attempts.tried >= agent.TRACES or not attempts.fits(start.option),
        )
    except ModelUnavailable as error:
        adviser.lose("agent", error)
        adviser.model("agent", "The search ended early")


def _calm(picture: Picture, busyness: int, degraded: list[str]) -> Picture:
    """The picture to trace: reduced where it is as busy as noise, on which tracing would take too long."""
    if busyness <= tiers.BUSYNESS:
        return picture
    side = max(picture.pixels.shape[:2])
    calm = picture.reduced(max(64, int(side * (tiers.BUSYNESS / busyness) ** 0.5)))
    degraded.append(f"The picture is as busy as noise: traced at {max(calm.pixels.shape[:2])} px for its long side.")
    return calm


def _features(picture: Picture, key: str) -> Features:
    return _FEATURES.get(key, lambda: extract(picture))


def _classify(features: Features, degraded: list[str], versions: dict[str, str]) -> Classification:
    """The class, or without rules the most cautious one, and the reason noted."""
    try:
        kind = classify(features)
        versions["classifier"] = load_rules(asked_version("classifier")).version
        return kind
    except ModelUnavailable as error:
        degraded.append(f"The class is a guess: {error.message}")
        return UNKNOWN


def _reference(picture: Picture, key: str) -> Picture:
    """The reference picture; the picture itself where it is clean."""
    found: Picture | None = _REFERENCES.get(key, lambda: None if (made := reference(picture)) is picture else made)
    return found or picture


def _highest(adviser: Adviser) -> Literal[2, 3]:
    """Tier 3, or 2 where the agent is missing, or what it sees by."""
    lost = "Searched as in tier 2"
    return 3 if adviser.model("agent", lost) and adviser.model("predictor", lost) else 2


_WAYS = {
    "planar": "Drawn as regions with exact edges, which suits logos, icons and drawings.",
    "vtracer-flat": "Traced after each pixel was given its ink, which suits pictures of few colours.",
    "vtracer": "Traced shade by shade, with settings learned from such pictures.",
}
"""Why a plan of a recipe was taken, where it is tier 1's."""


def _reason(request: Request, way: Route | None, tier: int, attempts: Attempts, kind: Classification) -> str:
    assert attempts.best is not None
    plan = attempts.best.option.plan
    if request.plan == plan:
        return "The plan was given."
    if tier > 1:
        why = f"The best of {attempts.tried} measured ways of drawing it."
    else:
        why = _WAYS[plan.recipe]
        if plan.recipe == "vtracer" and "correlation" not in attempts.adviser.versions:
            why = f"Traced shade by shade with the plan that suits {kind.label} pictures best."
    return " ".join(part for part in (way.reason if way else "", attempts.refused if tier == 1 else "", why) if part)
