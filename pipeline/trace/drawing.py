"""The planar recipe: our own drawing of flat and shaded artwork, from pixels to SVG."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from ..errors import NotADrawing
from ..picture import Picture
from ..plan import Plan
from .alignment import aligned
from .emit import write
from .labels import label_map_of
from .outline import Tolerances, outlines
from .planar import Regions, Samples, measure_edges, regions_of, with_strokes
from .prepare import LabelMap
from .strokes import joined, strokes_of

_MOST_REGIONS = 1500
"""Regions above which a picture is no drawing; it is for vtracer then."""
_PHOTO_UNEVEN, _PHOTO_REGIONS = 0.5, 120
"""Share of shading that no gradient explains, and regions that come of it, from which a picture is a photo."""

_PRICE_SIDE = 512
"""Long side, px, under which a number of the description costs less: a small picture has fewer samples to outweigh it."""


_kept: WeakKeyDictionary[LabelMap, dict[tuple[bool, bool], tuple[Regions, Samples]]] = WeakKeyDictionary()


def _edges(label_map: LabelMap, *, ground: bool, unmixing: bool) -> tuple[Regions, Samples]:
    """Regions and where their edges are, kept while the label map is. Raises `NotADrawing`."""
    kept = _kept.setdefault(label_map, {})
    found = kept.get((ground, unmixing))
    if found is None:
        regions = regions_of(label_map, ground=ground)
        count = len(regions.order)
        if count > _MOST_REGIONS or (label_map.uneven > _PHOTO_UNEVEN and count > _PHOTO_REGIONS):
            raise NotADrawing(f"The picture has {count} regions, {label_map.uneven:.0%} of it texture: no drawing.")
        found = kept[ground, unmixing] = (regions, measure_edges(label_map, regions, unmixing=unmixing))
    return found


def trace(picture: Picture, plan: Plan) -> str:
    """Draw a picture as flat and shaded regions. Raises `NotADrawing`."""
    knobs, off = plan.knobs, plan.without
    label_map = label_map_of(picture, plan)
    regions, samples = _edges(label_map, ground="ground" not in off, unmixing="unmixing" not in off)
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
    widths = {r: lines[0].width for r, lines in strokes.items()}
    shapes = outlines(regions, samples, tolerances, widths)
    strokes = joined(strokes, regions)
    if "alignment" not in off:
        shapes, strokes = aligned(shapes, strokes, noise=noise)
    return write(
        regions, shapes, strokes, label_map.inks, picture, decimals=int(knobs["precision"]), finish=plan.finish
    )
