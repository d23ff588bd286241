"""Picture → `LabelMap`: which ink every pixel mostly is, and what the inks look like.

An anti-aliased pixel between two inks measures how much of it each covers, so it is never an ink of its own: inks come from
*cores*, places where neighbouring pixels agree (flat) or change evenly (smooth shading), and every other pixel is explained
as a mixture of the inks around it. What no mixture explains is a thin stroke: its ink is sought among those of the whole
picture first, and made from its most extreme pixel where none fits.

Colours are premultiplied RGBA, 0–255, so that transparency is one more ink.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..picture import Picture
from .components import tidy
from .cores import FADING, component_stats, join_cores, mark_cores, mark_fades
from .damage import measure_noise, smoothed
from .gradients import Inks
from .inks import Components, find_inks
from .mixing import bridge, spread_inks

_EDGE = 24.0
"""Step between neighbours, in levels, from which a pixel counts as on an edge when noise is measured."""


@dataclass(frozen=True, eq=False)
class LabelMap:
    """What the tracer draws.

    Attributes
    ----------
    labels : (H, W) int32
        Index into `inks` of the ink that covers most of each pixel.
    inks : Inks
    source : (H, W, 4) float32
        Premultiplied RGBA, 0–255: what coverage is measured on.
    noise : float
        Measured damage in levels; 0 for a clean render.
    uneven : float
        Share of the pixels, 0–1, whose shading no gradient explained: near 0 for drawings, most of a photo.
    """

    labels: np.ndarray
    inks: Inks
    source: np.ndarray
    noise: float
    uneven: float


def premultiply(rgba: np.ndarray) -> np.ndarray:
    """(H, W, 4) uint8 straight alpha → float32 premultiplied, 0–255."""
    out = rgba.astype(np.float32)
    if (rgba[..., 3] < 255).any():
        out[..., :3] *= out[..., 3:] / 255
    return out


def segment(
    picture: Picture, *, palette_distance: float, smallest: float, cleaning: float, gradients: bool
) -> LabelMap:
    """Find the inks of a picture and which of them each pixel mostly is.

    Parameters
    ----------
    palette_distance : float
        Levels, 0–255: flat cores nearer than this are one ink.
    smallest : float
        Pixels: regions under this area are given to their neighbours.
    cleaning : float
        Times the measured noise that is smoothed away before the inks are sought.
    gradients : bool
        Whether smooth shading becomes one ink; otherwise it is cut into bands.
    """
    source = premultiply(picture.pixels)
    noise = measure_noise(source) * cleaning
    if picture.format == "JPEG":
        noise = max(noise, 0.3 * cleaning)
    damaged = noise > 0.25
    seen = smoothed(source, noise) if damaged else source
    flat, bend, slope = (2.0, 2.6, 14.0) if not damaged else (3.0 + 4 * noise, 3.0 + 3 * noise, 14.0)
    core = np.zeros(source.shape[:2], np.uint8)
    colours = seen if picture.has_alpha else np.ascontiguousarray(seen[..., :3])
    mark_cores(colours, flat, bend, slope, core)
    if picture.has_alpha and not damaged:
        mark_fades(colours, bend, core)
    comp = np.empty(core.shape, np.int32)
    n = join_cores(colours, core, flat, slope, comp)
    area, mean, spread, deviation = component_stats(seen, comp, n)
    fading = np.bincount(comp[core == FADING], minlength=n) > 0
    found = Components(comp, area, mean, spread, deviation, fading)
    if damaged:
        palette_distance = max(palette_distance, 8 + 12 * noise)
    labels, inks, banded = find_inks(seen, found, palette_distance, noise, gradients=gradients)
    labels = spread_inks(seen, labels, inks, noise, palette_distance)
    joined = labels.copy()
    bridge(seen, labels, *inks.arrays(), 0.22 + 0.1 * min(noise, 1.0), 40.0 + 40.0 * noise, joined)
    labels = joined
    tidy(labels, seen, smallest * (1 + 4 * noise))
    return LabelMap(labels, inks, source, noise, banded / labels.size)


__all__ = ["LabelMap", "premultiply", "segment"]
