"""How near the reference picture is to the artwork, beside the raw input and other ways of cleaning.

    python -m benchmarks.reference [--pictures 320]

Artworks of the training families at 128–512 px, each with one kind of damage (an eighth of them with none). A row is the mean
SSIM to the artwork's render at the input's size, over white; below it the milliseconds of a core for 512 × 512.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable

import cv2
import numpy as np

from pipeline.measure import ssim
from pipeline.picture import Picture, composite
from pipeline.reference import measure_damage, reference
from training_colab.data import artworks, digest, seeded
from training_colab.degrade import DAMAGE, jpeg

SIDES = (128, 200, 300, 400, 512)
KINDS = ("none", "web", *DAMAGE)


def _opaque(rgb: np.ndarray) -> Picture:
    return Picture(np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)]), rgb.shape[1], rgb.shape[0], "PNG")


def _bilateral_twice(rgb: np.ndarray, strength: float) -> np.ndarray:
    return cv2.bilateralFilter(cv2.bilateralFilter(rgb, 7, strength, 2.5), 5, strength, 1.5)


def _non_local(rgb: np.ndarray, strength: float) -> np.ndarray:
    return cv2.fastNlMeansDenoisingColored(rgb, None, strength / 4, strength / 4, 3, 9)


def _guided(rgb: np.ndarray, strength: float) -> np.ndarray:
    """Guided by itself (He et al. 2010), windows of 5 px, with one weight for the three channels."""
    image, window = rgb.astype(np.float32), (5, 5)
    mean = cv2.blur(image, window)
    variance = (cv2.blur(image * image, window) - mean * mean).max(axis=2, keepdims=True)
    weight = variance / (variance + (strength / 3) ** 2)
    out = cv2.blur(weight, window)[..., None] * image + cv2.blur(mean - weight * mean, window)
    return np.clip(out + 0.5, 0, 255).astype(np.uint8)


def _median(rgb: np.ndarray, strength: float) -> np.ndarray:
    out = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb)
    out[..., 1:] = cv2.medianBlur(np.ascontiguousarray(out[..., 1:]), 5)
    return cv2.medianBlur(cv2.cvtColor(out, cv2.COLOR_YCrCb2RGB), 3)


def _where_damaged(clean: Callable[[np.ndarray, float], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Another cleaner, told the same strength as the reference's own, and left out where that is 0."""

    def way(rgb: np.ndarray) -> np.ndarray:
        strength = measure_damage(_opaque(rgb)).strength
        return clean(rgb, strength) if strength >= 1 else rgb

    return way


WAYS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "input": lambda rgb: rgb,
    "reference": lambda rgb: reference(_opaque(rgb)).over(255),
    "bilateral ×2": _where_damaged(_bilateral_twice),
    "non-local": _where_damaged(_non_local),
    "guided": _where_damaged(_guided),
    "median": _where_damaged(_median),
}


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pictures", type=int, default=320)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    works = [work for work in artworks(8, 4, 8, 4) if work.split == "train"]
    works = sorted(works, key=lambda work: digest("reference", work.name))[: arguments.pictures]
    found: dict[str, list[list[float]]] = defaultdict(list)
    seconds, pixels = dict.fromkeys(WAYS, 0.0), 0
    for i, work in enumerate(works):
        kind, rng = KINDS[i % len(KINDS)], seeded("reference", work.name)
        truth = composite(work.draw(int(rng.choice(SIDES))), 255)
        seen = truth if kind == "none" else jpeg(truth, 80) if kind == "web" else DAMAGE[kind](truth, rng)
        row = []
        for name, way in WAYS.items():
            begin = time.process_time()
            cleaned = way(seen)
            seconds[name] += time.process_time() - begin
            row.append(ssim(truth, cleaned))
        pixels += truth.shape[0] * truth.shape[1]
        for group in (kind, *(("damaged",) if kind != "none" else ()), f"{kind != 'none':d} {work.label}"):
            found[group].append(row)
    print(f"{'':18}{'n':>4}", *(f"{name:>12}" for name in WAYS))
    groups = {kind: kind for kind in (*KINDS, "damaged")}
    groups |= {f"1 {label}": f"damaged {label}" for label in ("simple", "text", "gradient", "complex")}
    groups["0 complex"] = "none, complex"
    for group, title in groups.items():
        if found[group]:
            means = np.mean(found[group], axis=0)
            print(f"{title:18}{len(found[group]):4}", *(f"{value:12.4f}" for value in means))
    print(f"{'ms':22}", *(f"{1000 * value * 512**2 / pixels:12.1f}" for value in seconds.values()))


if __name__ == "__main__":
    main()
