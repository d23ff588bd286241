"""The label map that a plan asks of a picture, kept while the picture is: further plans for it begin where it ends."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from ..picture import Picture
from ..plan import Plan
from .palette import limit
from .prepare import LabelMap, segment

_MOST = 4
"""Label maps kept of one picture."""

_kept: WeakKeyDictionary[Picture, dict[tuple, LabelMap]] = WeakKeyDictionary()


def label_map_of(picture: Picture, plan: Plan) -> LabelMap:
    """The label map of a picture, its colours limited as the plan's finish says; the same object for plans that agree on it."""
    knobs, off, finish = plan.knobs, plan.without, plan.finish
    palette_distance, smallest = knobs["palette_distance"], knobs["smallest_region"]
    cleaning = 0.0 if "cleaning" in off else knobs["cleaning"]
    gradients = knobs["gradients"] >= 0.5 and "gradients" not in off
    key = (palette_distance, smallest, cleaning, gradients, finish.colours, finish.palette)
    kept = _kept.setdefault(picture, {})
    found = kept.get(key)
    if found is None:
        found = segment(
            picture, palette_distance=palette_distance, smallest=smallest, cleaning=cleaning, gradients=gradients
        )
        found = limit(found, finish, smallest=smallest)
        while len(kept) >= _MOST:
            kept.pop(next(iter(kept)))
        kept[key] = found
    return found
