"""Which plans a tier tries: one for tier 1, a few to be measured against each other for tiers 2 and 3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache

from .classify import LABELS, Classification
from .errors import BadSetting, ModelUnavailable
from .models import read_card
from .plan import RECIPES, VTRACER_DEFAULT, Finish, Plan

FALLBACK = Plan("vtracer", {"path_precision": 2})
"""vtracer's defaults without the decimals that nobody sees: what is drawn with where nothing was learned."""

LAST_RESORT = Plan("vtracer", {"filter_speckle": 8, "layer_difference": 48, "color_precision": 5, "path_precision": 2})
"""Coarse and safe, for a picture on which nothing else worked."""
LAST_RESORT_SIDE = 192
"""Long side, px, that it is traced at: pure noise of that size takes a fifth of a second."""
BUSYNESS = 150_000
"""`Picture.busyness` above which a picture is reduced before it is traced: about 1 s of vtracer, a photo of 700 × 500."""

COMPILED = frozenset(RECIPES) - {"vtracer"}
"""Recipes of which loops are compiled on a machine's first use."""
STILL_COMPILING = "Our own drawing is still being compiled, for about a minute on a machine's first start."


@lru_cache(maxsize=1)
def class_plans() -> dict[str, Plan]:
    """The plan of each label from the newest card, loaded once. Raises `ModelUnavailable`."""
    card = read_card("class-plans", ("plans",))
    try:
        return {label: Plan.from_json(card["plans"][label]) for label in LABELS}
    except (KeyError, TypeError, BadSetting) as error:
        raise ModelUnavailable(f"The class plans do not fit this version ({error}).") from error


def class_plan(label: str, finish: Finish) -> Plan:
    """The plan that measured best for a class on the training families. Raises `ModelUnavailable`."""
    plan = class_plans()[label]
    return Plan(plan.recipe, plan.knobs, finish)


def candidates(tier: int, kind: Classification, finish: Finish, degraded: list[str]) -> Iterator[Plan]:
    """Plans in the order in which they are tried; what is missing for choosing them is noted in `degraded`.

    Our own drawing comes first. Tier 1 takes the first plan that works: a plan of vtracer's is the one for photos and textures,
    which the drawing refuses. Tiers 2 and 3 measure each, vtracer's default among them.
    """
    yield Plan("planar", {}, finish)
    if tier >= 2:
        with suppress(ModelUnavailable):
            if (plan := class_plan(kind.label, finish)).recipe in COMPILED:
                yield plan
    yield shades(kind, finish, degraded)
    if tier >= 2:
        yield Plan("vtracer", {**VTRACER_DEFAULT.knobs, "path_precision": 2}, finish)


def shades(kind: Classification, finish: Finish, degraded: list[str]) -> Plan:
    """The plan that draws any picture, shade by shade: that of its class, or of complex pictures, or vtracer's own."""
    try:
        for label in (kind.label, "complex"):
            if (plan := class_plan(label, finish)).recipe not in COMPILED:
                return plan
    except ModelUnavailable as error:
        degraded.append(f"Drawn by vtracer's own settings: {error.message}")
    return Plan(FALLBACK.recipe, FALLBACK.knobs, finish)
