"""Picture + Plan → SVG text."""

from __future__ import annotations

from ..picture import Picture
from ..plan import Plan
from . import drawing, vtracer

_TRACERS = {"vtracer": vtracer.trace, "planar": drawing.trace}


def trace(picture: Picture, plan: Plan) -> str:
    """Draw the picture as the plan says.

    Returns an SVG with the picture's original size and viewBox. Raises `TraceFailed`.
    """
    return _TRACERS[plan.recipe](picture, plan)
