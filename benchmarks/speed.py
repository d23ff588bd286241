"""How long analyses and conversions of 512 × 512 logos take: p50 and p95, and over vtracer's default in the same run.

    python -m benchmarks.speed                  # or: make bench
    python -m benchmarks.speed --dev 512        # the dev set's pictures of a condition instead of the examples, each once

Prints a line for each way: in this process, and through `Converter`'s workers as the app and the API do it, one at a time, with
everything loaded, timed from outside of the process that draws.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw

from pipeline import Converter
from pipeline.cache import ENTRIES
from pipeline.config import ASSETS
from pipeline.convert import Request, analyze, convert
from pipeline.picture import load
from pipeline.trace.vtracer import raw_default
from pipeline.warm import warm

from . import dev_set

SIDE = 512
PHOTOS = frozenset(("coffee", "launch"))
"""Examples that are no logos."""
RUNS = 100
"""Calls of each kind."""


def pictures() -> dict[str, bytes]:
    """PNG bytes by name: the example logos on a square of 512 px, or drawn ones where there are none."""
    found = {path.stem: path for path in sorted((ASSETS / "examples").glob("*")) if path.suffix in (".png", ".jpg")}
    logos = {name: _squared(path) for name, path in found.items() if name not in PHOTOS}
    return logos or {f"drawn {i}": _drawn(i) for i in range(10)}


def inputs_of(runs: int | None, *, dev: str | None) -> tuple[list[bytes], int]:
    """Files of pictures to go round, more than the caches hold, no two of the same pixels; and how many calls to make.

    Of the dev set each picture once where `runs` is None, of the others `RUNS` calls.
    """
    if dev:
        data = [case.path.read_bytes() for case in dev_set.cases(dev)]
        return data, runs or len(data)
    logos = list(pictures().values())
    runs = runs or RUNS
    return [_varied(logos[i % len(logos)], i) for i in range(max(runs, 2 * ENTRIES))], runs


def _squared(path: Path) -> bytes:
    image = Image.open(path).convert("RGBA")
    image = image.resize(
        [max(1, round(side * SIDE / max(image.size))) for side in image.size], Image.Resampling.LANCZOS
    )
    square = Image.new("RGBA", (SIDE, SIDE), image.getpixel((0, 0)))
    square.paste(image, ((SIDE - image.width) // 2, (SIDE - image.height) // 2))
    return _png(square)


def _varied(png: bytes, number: int) -> bytes:
    image = Image.open(io.BytesIO(png))
    image.putpixel((0, 0), (number % 256, number // 256, 0, 255))
    return _png(image)


def _drawn(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    image = Image.new("RGBA", (SIDE * 4, SIDE * 4), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(8):
        x, y, r = (int(v) for v in rng.integers(200, 1800, 3))
        draw.ellipse(
            (x - r // 3, y - r // 3, x + r // 3, y + r // 3), fill=tuple(int(v) for v in rng.integers(0, 256, 3))
        )
    return _png(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def seconds(call: Callable[[bytes], Any], inputs: list[bytes], runs: int) -> np.ndarray:
    """(runs,) float: seconds of each call, going round the inputs, after ten calls that do not count."""
    for data in inputs[-10:]:
        call(data)
    taken = np.empty(runs)
    for i in range(runs):
        begin = time.perf_counter()
        call(inputs[i % len(inputs)])
        taken[i] = time.perf_counter() - begin
    return taken


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, help=f"calls of each kind ({RUNS}; of the dev set each picture once)")
    parser.add_argument("--dev", choices=dev_set.CONDITIONS, help="the dev set's pictures of a condition")
    options = parser.parse_args()
    inputs, runs = inputs_of(options.runs, dev=options.dev)
    cv2.setNumThreads(1)  # as in the workers
    warm()
    with Converter(1) as converter:
        ways: dict[str, Callable[[bytes], Any]] = {
            "vtracer's default": lambda data: raw_default(load(data)),
            "analysis, in process": analyze,
            "analysis, in a worker": converter.analyze,
            "tier 1, in process": lambda data: convert(data, Request(tier=1)),
            "tier 1, in a worker": lambda data: converter.convert(data, tier=1),
            "tier 1 measured, in a worker": lambda data: converter.convert(data, tier=1, validate=True),
            "tier 2, in a worker": lambda data: converter.convert(data, tier=2),
            "tier 3, in a worker": lambda data: converter.convert(data, tier=3),
            "auto, in a worker": converter.convert,
        }
        of = f"the dev set's {len(inputs)} pictures ({options.dev})" if options.dev else f"examples of {SIDE} px"
        models = ", ".join(f"{model['name']} {model['version']}" for model in converter.health()["models"])
        print(f"{of}, {runs} calls each; milliseconds; models: {models or 'none'}")
        print(f"{'':<30}{'p50':>8}{'p95':>8}{'p50 / default':>16}")
        default = 0.0
        for name, call in ways.items():
            taken = seconds(call, inputs, runs)
            p50, p95 = np.percentile(taken, [50, 95]) * 1000
            default = default or p50
            print(f"{name:<30}{p50:>8.1f}{p95:>8.1f}{p50 / default:>16.2f}", flush=True)


if __name__ == "__main__":
    main()
