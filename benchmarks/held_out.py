"""Pictures of the families that nothing is learned from: those that training keeps for its test."""

from __future__ import annotations

from collections.abc import Iterator

import cv2

from training_colab.data import kept_artworks
from training_colab.rows import SIZES, SMALL_SIZES, Case, Set

KINDS = ("clean", "damaged", "shaded", "photo")
"""What a picture is looked at as; see `kind_of`."""


def cases(count: int, seed: str, *, small: bool = False) -> Iterator[Case]:
    """`count` pictures of the held-out families, in the sizes, on the grounds and with the damage that pictures have.

    With `small`, of few artworks: to see that a thing runs.
    """
    pictures = Set(kept_artworks(**(SMALL_SIZES if small else SIZES)), seed)
    found = index = 0
    while found < count:
        case = pictures.case(index)
        index += 1
        if case.split == "test":
            found += 1
            yield case


def kind_of(case: Case) -> str:
    """One of `KINDS`: a photo, whatever happened to it; else damaged; else shaded, where its label is gradient; else clean."""
    if case.work.pixels is not None:
        return "photo"
    if case.wear.damage:
        return "damaged"
    return "shaded" if case.work.label == "gradient" else "clean"


def png_of(case: Case) -> bytes:
    """The picture as a PNG file."""
    return cv2.imencode(".png", cv2.cvtColor(case.picture().pixels, cv2.COLOR_RGBA2BGRA))[1].tobytes()
