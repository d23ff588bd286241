"""How long the features take: ``python benchmarks/features.py [--side 512] [--runs 100]``, on one core, p50 and p95 in ms."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.classify import classify
from pipeline.features import extract
from pipeline.picture import Picture


def pictures(side: int) -> dict[str, Picture]:
    """A flat drawing, one with transparency, a shaded one, words, a photo-like texture and noise, each ``side × side``."""
    rng = np.random.default_rng(1)
    opaque = np.full((side, side), 255, np.uint8)
    flat = np.full((side, side, 3), 255, np.uint8)
    for i in range(12):
        centre = tuple(int(v) for v in rng.integers(0, side, 2))
        cv2.circle(flat, centre, side // (4 + i), tuple(int(v) for v in rng.integers(0, 256, 3)), -1, cv2.LINE_AA)
    ramp = np.linspace(0, 255, side)
    shaded = np.dstack([np.tile(ramp, (side, 1)), np.tile(ramp[:, None], (1, side)), np.full((side, side), 90)])
    words = np.full((side, side, 3), 255, np.uint8)
    for row in range(1, 5):
        cv2.putText(
            words, "Truecurve", (side // 20, row * side // 5), 0, side / 300, (20, 20, 20), side // 60, cv2.LINE_AA
        )
    noise = rng.integers(0, 256, (side, side, 3)).astype(np.uint8)
    texture = cv2.GaussianBlur(noise, (0, 0), 3)
    hole = opaque.copy()
    cv2.circle(hole, (side // 2, side // 2), side // 4, 0, -1, cv2.LINE_AA)
    named = {"flat": flat, "shaded": shaded.astype(np.uint8), "words": words, "texture": texture, "noise": noise}
    made = {name: Picture(np.dstack([rgb, opaque]), side, side, "PNG") for name, rgb in named.items()}
    return {**made, "alpha": Picture(np.dstack([flat, hole]), side, side, "PNG")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--runs", type=int, default=100)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    every = []
    for name, picture in pictures(arguments.side).items():
        extract(picture)
        times = []
        for _ in range(arguments.runs):
            begin = time.perf_counter()
            classify(extract(picture))
            times.append((time.perf_counter() - begin) * 1000)
        every += times
        print(f"{name:10} p50 {np.percentile(times, 50):6.2f} ms   p95 {np.percentile(times, 95):6.2f} ms")
    print(
        f"{'all':10} p50 {np.percentile(every, 50):6.2f} ms   p95 {np.percentile(every, 95):6.2f} ms   at {arguments.side} px"
    )


if __name__ == "__main__":
    main()
