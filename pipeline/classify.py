"""Features → `Classification`: simple, text, gradient or complex, with a calibrated confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .features import Features

Label = Literal["simple", "text", "gradient", "complex"]
LABELS: tuple[Label, ...] = ("simple", "text", "gradient", "complex")


@dataclass(frozen=True)
class Classification:
    """A label and the probability, 0–1, that it is right."""

    label: Label
    confidence: float


def classify(features: Features) -> Classification:
    """Label a picture by its features."""
    return Classification("simple", 0.25)
