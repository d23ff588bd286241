"""What choosing the knobs of our own drawing could gain at best: for a whole picture, and for each place of it.

    .venv-train/bin/python -m benchmarks.local_choice --pictures 40

Every picture is drawn by the plain plan and by `PLANS` that differ from it in a knob or two. Beside the plain drawing stand the
best of them by likeness to the reference, which is what a tier could choose, and by likeness to the artwork, which nobody can;
and the same chosen anew in every tile of `TILE` px. Tiles are judged in the maps of likeness, as if their drawings joined
without a seam: so it is a bound of what redrawing regions with other knobs can give.
"""

from __future__ import annotations

import argparse

import cv2
import numpy as np
from tqdm import tqdm

from pipeline import warm
from pipeline.errors import VectorizeError
from pipeline.measure import ssim_map
from pipeline.picture import composite
from pipeline.plan import Plan
from pipeline.render import render
from pipeline.trace import trace
from training_colab.data import kept_artworks
from training_colab.rows import SIZES, Ruler, Set

TILE = 32
PLANS = (
    {}, {"price": 4}, {"price": 40}, {"cleaning": 0.5}, {"cleaning": 1.6}, {"palette_distance": 8},
    {"palette_distance": 1.5}, {"smallest_region": 1}, {"smallest_region": 16}, {"corner_angle": 40}, {"corner_angle": 15},
    {"tolerance": 0.4}, {"cleaning": 0.5, "smallest_region": 16}, {"gradients": 0},
)  # fmt: skip
COLUMNS = (
    "plain",
    "best by reference",
    "best by artwork",
    "tiles by reference",
    "tiles by artwork",
)


def errors(ruler: Ruler) -> list[float] | None:
    """1 − SSIM to the artwork of each of `COLUMNS`; None where the plain plan draws nothing."""
    judge, truth = composite(ruler.judge.pixels), composite(ruler.truth)
    (height, width), (tall, wide) = judge.shape[:2], truth.shape[:2]
    near, far = [], []
    for knobs in PLANS:
        try:
            svg = trace(ruler.picture, Plan("planar", knobs))
        except VectorizeError:
            if not knobs:
                return None
            continue
        map_ = ssim_map(judge, composite(render(svg, width, height))).mean(axis=2)
        near.append(cv2.resize(map_, (wide, tall), interpolation=cv2.INTER_LINEAR))
        far.append(ssim_map(truth, composite(render(svg, wide, tall))).mean(axis=2))
    whole = [np.array([map_.mean() for map_ in maps]) for maps in (near, far)]
    size = (max(1, wide // TILE), max(1, tall // TILE))
    tiles = [np.stack([cv2.resize(m, size, interpolation=cv2.INTER_AREA) for m in maps]) for maps in (near, far)]
    picked = np.take_along_axis(tiles[1], tiles[0].argmax(0)[None], 0)
    likeness = (whole[1][0], whole[1][whole[0].argmax()], whole[1].max(), picked.mean(), tiles[1].max(0).mean())
    return [1 - float(value) for value in likeness]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pictures", type=int, default=40, help="of clean and of damaged ones each (%(default)s)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    warm.compile_all()
    pictures = Set(kept_artworks(**SIZES), "rows-1")
    print(f"{'1 − SSIM to the artwork, mean':32}" + "".join(f"{name:>20}" for name in COLUMNS))
    for damaged in (False, True):
        found: list[list[float]] = []
        index = 0
        with tqdm(total=options.pictures, mininterval=5) as bar:
            while len(found) < options.pictures:
                case = pictures.case(index)
                index += 1
                opaque = case.wear.ground is not None and case.work.pixels is None
                if case.split != "train" or not opaque or bool(case.wear.damage) != damaged:
                    continue
                if (row := errors(Ruler.of(case))) is not None:
                    found.append(row)
                    bar.update()
        mean = np.mean(found, axis=0)
        print(f"{'damaged' if damaged else 'clean':32}" + "".join(f"{value:20.5f}" for value in mean))


if __name__ == "__main__":
    main()
