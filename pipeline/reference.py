"""Picture → the reference picture: itself where it is clean, cleaned where it is damaged.

Likeness to a damaged input rewards tracing the dirt. So drawings are judged against this instead. How damaged a picture is, is
measured beside its edges, and it is cleaned by one bilateral filter (Tomasi & Manduchi 1998) whose strength follows. Nothing
here knows how pictures are traced. It is as near to the artwork as two such filters, and nearer than non-local means, a guided
filter and a median (`python -m benchmarks.reference`); photos, whose texture is no damage, are left as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from .picture import Picture

CLEAN, DAMAGED = 0.02, 0.06
"""Share of `Damage.ripple` up to which a picture is left alone, and from which it is cleaned with full strength."""
PHOTO, DRAWING = 0.15, 0.5
"""Share of `Damage.quiet` up to which texture is taken for the picture's own, and from which it is taken for dirt."""
STRONGEST = 50.0
"""Levels that the filter evens out in a damaged drawing: JPEG's ringing at quality 40 reaches that, and inks differ by more."""
GRAIN = (2.0, 3.5)
"""Levels of `Damage.grain` from which it may be noise, and from which it is: a photo's own texture seldom reaches them."""
PER_GRAIN = 5.0
"""Levels that the filter evens out for each level of grain."""
WINDOW, REACH = 9, 2.5
"""Window and standard deviation of the filter, px: ringing dies out within 8 px of an edge, the side of a JPEG block."""

_EDGE = 40
_QUIET = 2
_FEWEST = 50
_SMALL, _WIDE = np.ones((3, 3), np.uint8), np.ones((13, 13), np.uint8)


@dataclass(frozen=True)
class Damage:
    """What is measured, of the picture over white.

    Attributes
    ----------
    ripple : float
        Share, 0–1, of the pixels 2 to 6 px from an edge where the second difference is zero in none of the four directions.
        Anti-aliased flats and even shading have next to none; ringing, blocks and noise have.
    grain : float
        Lower quartile of the smallest of these four second differences, levels: 0 where a quarter of the picture is even.
    quiet : float
        Share of the pixels whose 3 × 3 window varies by at most 2 levels.
    """

    ripple: float
    grain: float
    quiet: float

    @property
    def strength(self) -> float:
        """By how many levels the filter smooths; 0 leaves the picture alone."""
        ringing = STRONGEST * _ramp(self.ripple, CLEAN, DAMAGED) * _ramp(self.quiet, PHOTO, DRAWING)
        return max(ringing, PER_GRAIN * self.grain * _ramp(self.grain, *GRAIN))


def reference(picture: Picture) -> Picture:
    """The picture that drawings of this one are measured against; the same object where it is clean. Alpha is kept."""
    strength = measure_damage(picture).strength
    if strength < 1:
        return picture
    pixels = picture.pixels
    rgb = cv2.bilateralFilter(cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB), WINDOW, strength, REACH)
    cleaned = cv2.merge([*cv2.split(rgb), cv2.extractChannel(pixels, 3)])
    if picture.has_alpha:
        cleaned[pixels[..., 3] == 0] = 0
    return replace(picture, pixels=cleaned)


def measure_damage(picture: Picture) -> Damage:
    """Measure a picture's damage."""
    rgb = picture.over(255)
    height, width = rgb.shape[:2]
    framed = cv2.copyMakeBorder(rgb, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    twice = cv2.addWeighted(rgb, 2, rgb, 0, 0, dtype=cv2.CV_16S)
    uneven = None
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        ahead = framed[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
        behind = framed[1 - dy : 1 - dy + height, 1 - dx : 1 - dx + width]
        bend = _largest(cv2.absdiff(cv2.add(ahead, behind, dtype=cv2.CV_16S), twice))
        uneven = bend if uneven is None else cv2.min(uneven, bend)
    assert uneven is not None
    spread = _largest(cv2.dilate(rgb, _SMALL) - cv2.erode(rgb, _SMALL))
    edge = cv2.inRange(spread, _EDGE + 1, 255)
    beside = cv2.dilate(edge, _WIDE) & ~cv2.dilate(edge, _SMALL)
    count = cv2.countNonZero(beside)
    rippled = cv2.countNonZero(cv2.inRange(uneven, 1, 32767) & beside)
    below = np.bincount(np.minimum(uneven, 63).ravel(), minlength=64).cumsum()
    return Damage(
        ripple=rippled / count if count >= _FEWEST else 0.0,
        grain=float(np.searchsorted(below, 0.25 * below[-1])),
        quiet=cv2.countNonZero(cv2.inRange(spread, 0, _QUIET)) / spread.size,
    )


def _ramp(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low)))


def _largest(channels: np.ndarray) -> np.ndarray:
    red, green, blue = cv2.split(channels)
    return cv2.max(cv2.max(red, green), blue)
