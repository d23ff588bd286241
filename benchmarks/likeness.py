"""What is done in worker processes to judge conversions from outside: drawings measured, and shown beside each other.

It lives in a module of its own since a worker cannot import what a command line was started from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipeline.errors import TraceFailed
from pipeline.measure import j_score, similarity
from pipeline.picture import Picture, composite, load
from pipeline.reference import reference
from pipeline.render import render
from pipeline.trace.vtracer import raw_default

BLANK = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1" viewBox="0 0 1 1"/>'
"""What a failure counts as."""
PATIENCE = 60.0
"""Seconds that measuring one picture may take."""
PANEL = 260
"""Side of a panel, px."""
GROUND = 232
"""Grey that transparency is shown over."""


@dataclass(frozen=True)
class Likeness:
    """What one drawing of a picture is worth.

    Attributes
    ----------
    reference, to_input : float
        SSIM, 0–1, to the reference picture and to the input as it came.
    artwork : float or None
        SSIM to the artwork; None where it is not known.
    bytes : int
    """

    reference: float
    to_input: float
    artwork: float | None
    bytes: int

    def j(self, default: Likeness) -> float:
        """J of `measure.md`, beside vtracer's default."""
        return j_score(self.reference, self.bytes, default.bytes)


def likeness(picture: Picture, judge: Picture, svg: str, truth: np.ndarray | None = None) -> Likeness:
    """Measure an SVG against a picture, its reference and, (H, W, 4) uint8, the artwork. Raises `TraceFailed`."""
    height, width = picture.pixels.shape[:2]
    drawn = render(svg, width, height)
    near = similarity(judge.pixels, drawn)
    own = near if judge is picture else similarity(picture.pixels, drawn)
    far = None if truth is None else similarity(truth, render(svg, truth.shape[1], truth.shape[0]))
    return Likeness(near, own, far, len(svg.encode()))


def measured(
    path: Path, svgs: Sequence[str], truth: Path | None, *, report: Callable[[Any], None]
) -> tuple[Likeness | None, list[Likeness]]:
    """The likeness of vtracer's default for a picture, None where it draws nothing, and those of some SVGs.

    `truth` is a picture of the artwork. What cannot be rendered counts as `BLANK`.
    """
    picture = load(path)
    judge = reference(picture)
    known = load(truth).pixels if truth else None

    def one(svg: str) -> Likeness:
        try:
            return likeness(picture, judge, svg, known)
        except TraceFailed:
            return likeness(picture, judge, BLANK, known)

    found = [one(svg) for svg in svgs]
    report((None, found))  # should the default take too long
    try:
        return likeness(picture, judge, raw_default(picture), known), found
    except TraceFailed:
        return None, found


def panels(path: Path, svg: str, *, report: Callable[[Any], None]) -> bytes:
    """A WebP of the input, an SVG and vtracer's default, side by side."""
    picture = load(path)
    height, width = picture.pixels.shape[:2]
    scale = PANEL / max(height, width)
    w, h = max(1, round(width * scale)), max(1, round(height * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    shown = [cv2.resize(picture.over(GROUND), (w, h), interpolation=way)]
    for make in (lambda: svg, lambda: raw_default(picture)):
        try:
            shown.append(composite(render(make(), w, h), GROUND))
        except TraceFailed:
            shown.append(np.full((h, w, 3), GROUND, np.uint8))
    sheet = np.full((h, 3 * w + 16, 3), GROUND, np.uint8)
    for i, panel in enumerate(shown):
        sheet[:, i * (w + 8) : i * (w + 8) + w] = panel
    return cv2.imencode(".webp", sheet[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, 85])[1].tobytes()
