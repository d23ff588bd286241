"""Picture + Plan → SVG text."""

from __future__ import annotations

from ..picture import Picture
from ..plan import Plan, detailed
from . import drawing, flat, vtracer

_TRACERS = {"vtracer": vtracer.trace, "planar": drawing.trace, "vtracer-flat": flat.trace}


def trace(picture: Picture, plan: Plan) -> str:
    """Draw the picture as the plan says.

    Returns an SVG with the picture's original size and viewBox. Raises `TraceFailed`.
    """
    return _TRACERS[plan.recipe](picture, detailed(plan))
