"""Picture → `Features`: what a picture is like, in a dozen numbers with exact definitions."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

import cv2
import numpy as np

from .picture import Picture


@dataclass(frozen=True)
class Features:
    """What is measured on the working pixels over white."""

    edge_density: float
    unique_colours: float
    entropy: float
    corner_density: float
    gradient_strength: float

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names in the order of the vector."""
        return tuple(f.name for f in fields(cls))

    def vector(self) -> np.ndarray:
        """(n,) float32, in the order of `names`."""
        return np.array(astuple(self), np.float32)


def extract(picture: Picture) -> Features:
    """Measure a picture."""
    rgb = picture.over(255)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    hist = np.bincount(grey.ravel(), minlength=256) / grey.size
    gx, gy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return Features(
        edge_density=float((cv2.Canny(grey, 50, 150) > 0).mean()),
        unique_colours=float(len(np.unique(rgb.reshape(-1, 3) @ np.array([65536, 256, 1])))),
        entropy=float(-(hist[hist > 0] * np.log2(hist[hist > 0])).sum()),
        corner_density=0.0,
        gradient_strength=float(cv2.magnitude(gx, gy).mean()),
    )
