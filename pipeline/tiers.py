"""Which plans a tier tries: one for tier 1, a few to be measured against each other for tiers 2 and 3."""

from __future__ import annotations

from collections.abc import Iterator

from .classify import Classification
from .plan import VTRACER_DEFAULT, Finish, Plan


def class_plan(label: str, finish: Finish) -> Plan:
    """The plan that measured best for a class on the training families."""
    return Plan("vtracer", {"path_precision": 2}, finish)


def candidates(tier: int, kind: Classification, finish: Finish) -> Iterator[Plan]:
    """Plans in the order in which they are tried."""
    yield class_plan(kind.label, finish)
    if tier >= 2:
        yield Plan("vtracer", {**VTRACER_DEFAULT.knobs, "path_precision": 2}, finish)
