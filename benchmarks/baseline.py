"""How we stand beside vtracer's default on a small fixed sample, held against what was written down before.

    python -m benchmarks.baseline               # prints both, and what fell; exit status 1 where something did
    python -m benchmarks.baseline --write       # writes benchmarks/baseline.json anew

The sample needs no network: the example pictures, and generated ones whose truth is known. For each tier three ratios to
vtracer's default, medians over the pictures: the *error*, 1 − SSIM to the reference picture, or to the truth where that is
known; the *bytes*; and the *time*, of a processor, in runs that alternate with the default's. A ratio that is more than 10 %
above the stored one has fallen behind (time: twice, since it is a machine's). Error and bytes are the same in each run on a
machine. The models are a part of what is measured: baseline.json says which ones they were.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipeline import convert, tiers
from pipeline.config import ASSETS
from pipeline.convert import Request
from pipeline.measure import similarity
from pipeline.picture import Picture, load
from pipeline.reference import reference
from pipeline.render import render
from pipeline.trace.vtracer import raw_default
from pipeline.warm import warm

from . import drawn
from .figures import aligned
from .trials import ENDLESS, UNREACHED, forget

STORED = Path(__file__).with_suffix(".json")
TIERS = (1, 2)
SLACK = {"error": 1.10, "bytes": 1.10, "time": 2.0}
"""Times a stored ratio beyond which one has fallen."""
LEAST_ERROR = 1e-4
"""Added to both errors of a picture: what is nobody's to see must not decide a ratio."""
TIMED = ("blender.png", "pacifico.png", "weather.png", "disc", "ramp")
"""Pictures whose time is taken, `ROUNDS` times each."""
ROUNDS = 3
TRIES = 3
"""How often times are taken before they count as fallen: other programs may have been running."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture, and what drawings of it are measured against."""

    name: str
    picture: Picture
    judge: Picture

    def error(self, svg: str) -> float:
        """1 − SSIM to the judge."""
        height, width = self.judge.pixels.shape[:2]
        return 1 - similarity(self.judge.pixels, render(svg, width, height))


def samples() -> list[Sample]:
    """The examples, each at most 512 px, then the generated pictures with what they show at twice the size as the judge."""
    found = []
    for path in sorted((ASSETS / "examples").iterdir()):
        if path.suffix in (".png", ".jpg"):
            picture = load(path).reduced(512)
            found.append(Sample(path.name, picture, reference(picture)))
    for name, make in GENERATED.items():
        small, large = (drawn.picture(make(side)) for side in (160, 320))
        found.append(Sample(name, small, large))
    return found


WHITE, RED, BLUE, GOLD = (255, 255, 255), (214, 40, 57), (29, 78, 216), (245, 158, 11)


def _disc(side: int) -> np.ndarray:
    s = side / 160
    return drawn.pixels(
        side, side, WHITE, (drawn.disc(80 * s, 80 * s, 55 * s), RED), (drawn.disc(95 * s, 70 * s, 22 * s), GOLD)
    )


def _boxes(side: int) -> np.ndarray:
    s = side / 160
    tilted = drawn.box(60 * s, 66 * s, 70 * s, 44 * s, 20.0)
    rounded = drawn.box(104 * s, 108 * s, 80 * s, 56 * s, 0.0, 12 * s)
    return drawn.pixels(side, side, WHITE, (tilted, BLUE), (rounded, GOLD))


def _star(side: int) -> np.ndarray:
    s = side / 160
    turns = np.arange(10) * np.pi / 5
    radii = np.where(np.arange(10) % 2 == 0, 66, 28) * s
    corners = [
        (80 * s + float(r * np.sin(t)), 80 * s - float(r * np.cos(t))) for t, r in zip(turns, radii, strict=True)
    ]
    return drawn.pixels(side, side, BLUE, (drawn.polygon(*corners), GOLD))


def _strokes(side: int) -> np.ndarray:
    s = side / 160
    lines = [drawn.stroke(20 * s, (30 + 25 * i) * s, 140 * s, (20 + 30 * i) * s, (2 + i) * s) for i in range(5)]
    return drawn.pixels(side, side, WHITE, *((line, (20, 20, 20)) for line in lines))


def _ramp(side: int) -> np.ndarray:
    s = side / 160
    across = np.linspace(0, 1, side)[None, :, None]
    shading = np.broadcast_to(np.array(RED) * (1 - across) + np.array(GOLD) * across, (side, side, 3))
    return drawn.pixels(side, side, WHITE, (drawn.box(80 * s, 80 * s, 120 * s, 90 * s, 0.0, 10 * s), shading))


def _clear(side: int) -> np.ndarray:
    s = side / 160
    return drawn.pixels(side, side, None, (drawn.oval(80 * s, 80 * s, 60 * s, 36 * s, 30.0), BLUE))


GENERATED: dict[str, Callable[[int], np.ndarray]] = {
    "disc": _disc,
    "boxes": _boxes,
    "star": _star,
    "strokes": _strokes,
    "ramp": _ramp,
    "clear": _clear,
}
"""Pictures by the side, px, that they are drawn at."""


def _png(picture: Picture) -> bytes:
    return cv2.imencode(".png", cv2.cvtColor(picture.pixels, cv2.COLOR_RGBA2BGRA))[1].tobytes()


def _request(tier: int) -> Request:
    return Request(tier=tier, target_quality=UNREACHED, time_budget=ENDLESS)  # type: ignore[arg-type]


def ratios(found: list[Sample]) -> dict[str, dict[str, float]]:
    """``error`` and ``bytes`` of each tier over vtracer's default's: medians over the pictures; the same in each run."""
    of_tier: dict[str, dict[str, list[float]]] = {f"tier {tier}": {"error": [], "bytes": []} for tier in TIERS}
    for sample in found:
        default = raw_default(sample.picture)
        had = sample.error(default)
        for tier in TIERS:
            forget()
            svg = convert.convert(_png(sample.picture), _request(tier)).svg
            row = of_tier[f"tier {tier}"]
            row["error"].append((sample.error(svg) + LEAST_ERROR) / (had + LEAST_ERROR))
            row["bytes"].append(len(svg.encode()) / len(default.encode()))
    return {
        name: {key: round(statistics.median(values), 4) for key, values in row.items()} for name, row in of_tier.items()
    }


def times(found: list[Sample]) -> dict[str, float]:
    """Each tier's time over that of vtracer's default: the median over rounds in which both are run in turn."""
    some = [(sample.picture, _png(sample.picture)) for sample in found if sample.name in TIMED]
    seen: dict[str, list[float]] = {f"tier {tier}": [] for tier in TIERS}
    for picture, data in some:
        for _ in range(ROUNDS):
            default = _seconds(lambda picture=picture: raw_default(picture))
            for tier in TIERS:
                forget()
                ours = _seconds(lambda data=data, tier=tier: convert.convert(data, _request(tier)))
                seen[f"tier {tier}"].append(ours / default)
    return {name: round(statistics.median(values), 2) for name, values in seen.items()}


def _seconds(call: Callable[[], Any]) -> float:
    """Of processor time, which other programs on the machine hardly change; OpenCV on one thread, as in the workers."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        begin = time.process_time()
        call()
        return time.process_time() - begin
    finally:
        cv2.setNumThreads(threads)


def measured(*, timed: bool = True) -> dict[str, Any]:
    """What baseline.json holds: the models, and every tier's ratios."""
    warm()
    found = samples()
    table = ratios(found)
    if timed:
        for name, ratio in times(found).items():
            table[name]["time"] = ratio
    return {"models": models(), "pictures": len(found), "ratios": table}


def models() -> dict[str, str]:
    """The models that tiers choose by, and their versions."""
    return {model.name: model.version for model in tiers.store().health() if model.state != "missing"}


def fallen(stored: Mapping[str, Mapping[str, float]], now: Mapping[str, Mapping[str, float]]) -> list[str]:
    """What is worse than it was by more than `SLACK`, in words."""
    return [
        f"{name}: {key} {now[name][key]:g} of vtracer's default's, where {ratio:g} is stored"
        for name, row in stored.items()
        for key, ratio in row.items()
        if key in now.get(name, {}) and now[name][key] > SLACK[key] * ratio
    ]


def read() -> dict[str, Any]:
    """What was written before."""
    stored: dict[str, Any] = json.loads(STORED.read_text())
    return stored


def compared(stored: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What is measured, and what of it has fallen; times are taken again, up to `TRIES` times in all, before they count."""
    now = measured()
    for _ in range(TRIES - 1):
        if not any(": time " in line for line in fallen(stored["ratios"], now["ratios"])):
            break
        for name, ratio in times(samples()).items():
            now["ratios"][name]["time"] = min(ratio, now["ratios"][name]["time"])
    return now, fallen(stored["ratios"], now["ratios"])


def main() -> int:
    """Compare, or write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help=f"write {STORED.name} anew")
    options = parser.parse_args()
    if options.write:
        STORED.write_text(json.dumps(measured(), indent=1) + "\n")
    stored = read()
    now, worse = (stored, []) if options.write else compared(stored)
    lines = [
        [name, *(f"{now['ratios'][name].get(key, float('nan')):g} ({ratio:g})" for key, ratio in row.items())]
        for name, row in stored["ratios"].items()
    ]
    print(f"{stored['pictures']} pictures, over vtracer's default; behind each what is stored")
    print(aligned(("", "error", "bytes", "time"), lines))
    if now["models"] != stored["models"]:
        print(f"models: {now['models']}, stored {stored['models']}")
    for line in worse:
        print(f"fallen: {line}")
    return int(bool(worse))


if __name__ == "__main__":
    sys.exit(main())
