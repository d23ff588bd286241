"""Figures of many pictures: improvement, shares within a tolerance, ratios, and how sure a mean is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

SAMPLES = 2000
"""Samples of a bootstrap."""
LATE = 1.05
"""Times a budget from which it counts as exceeded."""


def improvement(ours: Iterable[float], default: Iterable[float]) -> float:
    """The share of the default's error, 1 − SSIM, that is gone over a set; NaN where the default has none."""
    left, had = (float(np.sum(1 - np.asarray(list(values), float))) for values in (ours, default))
    return 1 - left / had if had > 0 else float("nan")


def within(errors: Iterable[float], tolerance: float) -> float:
    """The share of errors that are at most `tolerance` in size; NaN of none."""
    found = np.abs(np.asarray(list(errors), float))
    return float((found <= tolerance).mean()) if found.size else float("nan")


def geometric_mean(ratios: Iterable[float]) -> float:
    """Of positive ratios; NaN of none."""
    found = np.asarray(list(ratios), float)
    return float(np.exp(np.log(found).mean())) if found.size else float("nan")


def median(values: Iterable[float]) -> float:
    """NaN of none."""
    return percentile(values, 50)


def percentile(values: Iterable[float], share: float) -> float:
    """The value below which `share` per cent lie; NaN of none."""
    found = np.asarray(list(values), float)
    return float(np.percentile(found, share)) if found.size else float("nan")


def interval(values: Sequence[float], seed: int = 0) -> tuple[float, float, float]:
    """Mean, and the ends of its 95 % interval by a bootstrap (Efron 1979) over the values, each of another picture."""
    found = np.asarray(values, float)
    if not found.size:
        return (float("nan"),) * 3
    drawn = np.random.default_rng(seed).integers(found.size, size=(SAMPLES, found.size))
    low, high = np.quantile(found[drawn].mean(axis=1), (0.025, 0.975))
    return float(found.mean()), float(low), float(high)


def aligned(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table for a terminal: the first column to the left, the others to the right."""
    lines = [[str(cell) for cell in line] for line in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def markdown(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The same as Markdown; what would end a cell or begin a tag is escaped."""
    escaped = lambda cell: str(cell).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")  # noqa: E731
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(map(escaped, line)) + " |" for line in (*lines, *rows))


def percent(share: float, digits: int = 1) -> str:
    """As people read it; a dash where it is unknown."""
    return "–" if np.isnan(share) else f"{share:.{digits}%}"


def number(value: float, digits: int = 4) -> str:
    """With so many decimals; a dash where it is unknown."""
    return "–" if np.isnan(value) else f"{value:.{digits}f}"
