"""The planar recipe: our own drawing of flat and shaded artwork, from pixels to SVG."""

from __future__ import annotations

import numpy as np

from ..errors import NotADrawing
from ..picture import Picture
from ..plan import Plan
from .emit import write
from .outline import Tolerances, outlines
from .palette import limit
from .planar import measure_edges, regions_of, with_strokes
from .prepare import segment
from .strokes import strokes_of

_MOST_REGIONS = 1500
"""Regions above which a picture is no drawing; it is for vtracer then."""
_PHOTO_UNEVEN, _PHOTO_REGIONS = 0.5, 120
"""Share of shading that no gradient explains, and regions that come of it, from which a picture is a photo."""

_PRICE_SIDE = 512
"""Long side, px, under which a number of the description costs less: a small picture has fewer samples to outweigh it."""


def trace(picture: Picture, plan: Plan) -> str:
    """Draw a picture as flat and shaded regions. Raises `NotADrawing`."""
    knobs, off = plan.knobs, plan.without
    label_map = segment(
        picture,
        palette_distance=knobs["palette_distance"],
        smallest=knobs["smallest_region"],
        cleaning=0.0 if "cleaning" in off else knobs["cleaning"],
        gradients=knobs["gradients"] >= 0.5 and "gradients" not in off,
    )
    label_map = limit(label_map, plan.finish, smallest=knobs["smallest_region"])
    regions = regions_of(label_map, ground="ground" not in off)
    count = len(regions.order)
    if count > _MOST_REGIONS or (label_map.uneven > _PHOTO_UNEVEN and count > _PHOTO_REGIONS):
        raise NotADrawing(f"The picture has {count} regions, {label_map.uneven:.0%} of it texture: no drawing.")
    samples = measure_edges(label_map, regions, unmixing="unmixing" not in off)
    noise = label_map.noise
    tolerances = Tolerances(
        price=knobs["price"] * min(1.0, max(0.25, max(regions.ids.shape) / _PRICE_SIDE)),
        candidates=knobs["tolerance"] * (1 + 2 * noise),
        reach=5.0 + 4 * min(noise, 1.0),
        corner=np.pi if "corners" in off else np.radians(knobs["corner_angle"]) * (1 + 0.4 * min(noise, 1.0)),
        arcs="arcs" not in off,
        shapes="shapes" not in off,
        stacking="stacking" not in off,
    )
    strokes = {} if "strokes" in off else strokes_of(regions, samples, noise, tolerances)
    regions, kept = with_strokes(regions, strokes, merge=plan.finish.background == "keep")
    strokes = {r: strokes[r] for r in kept}
    shapes = outlines(regions, samples, tolerances, {r: lines[0].width for r, lines in strokes.items()})
    return write(
        regions, shapes, strokes, label_map.inks, picture, decimals=int(knobs["precision"]), finish=plan.finish
    )
