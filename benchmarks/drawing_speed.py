"""How long our own drawing takes, over the inputs of the dev set, beside vtracer's default in the same run.

    python -m benchmarks.drawing_speed                 # --condition 512 --sample 100

Drawing at 512 px; the same artwork at 1024 px; a further plan for the same picture; and the process's peak of memory.
Each call's time is its processor time, which other processes on the machine hardly change; the wall's stands beside it.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from pipeline.errors import NotADrawing
from pipeline.picture import Picture, load
from pipeline.plan import Plan
from pipeline.trace import trace
from pipeline.trace.vtracer import raw_default

from . import dev_set

TARGETS = {"median": 0.080, "p95": 0.170, "ratio": 4.0, "memory": 500.0}
"""Seconds at 512 px, times them at 1024 px, MB."""


def seconds(
    call: Callable[[Picture], object], pictures: list[Picture], clock: Callable[[], float] = time.process_time
) -> np.ndarray:
    """(n,) float: seconds of one call each by a clock; NaN where the drawing refuses the picture.

    Each call is given a copy of its picture: what is kept by picture, as label maps are, is not there yet.
    """
    taken = np.empty(len(pictures))
    for i, known in enumerate(pictures):
        picture = replace(known)
        begin = clock()
        try:
            call(picture)
        except NotADrawing:
            taken[i] = np.nan
            continue
        taken[i] = clock() - begin
    return taken


def further(picture: Picture, first: Plan, second: Plan) -> float:
    """Seconds of processor time that a second plan takes after a first; NaN where the drawing refuses the picture."""
    try:
        trace(picture, first)
    except NotADrawing:
        return np.nan
    begin = time.process_time()
    trace(picture, second)
    return time.process_time() - begin


def at(case: dev_set.Case, side: int) -> Picture:
    """The artwork of a case on white, rendered at a size."""
    judge = dev_set.referee("cases")
    bgr = judge.on_white(judge.render(case.truth.read_text(), *judge.size(case.aspect, side)))
    rgba = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGBA)
    return Picture(rgba, rgba.shape[1], rgba.shape[0], "PNG")


def peak() -> float:
    """The most memory the process has had so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--condition", default="512", choices=dev_set.CONDITIONS)
    parser.add_argument("--sample", type=int, help="as many cases, chosen by a seed (all)")
    options = parser.parse_args()
    cv2.setNumThreads(1)  # as in the workers
    cases = dev_set.cases(options.condition, sample=options.sample)
    pictures = [load(case.path) for case in cases]
    plan = Plan("planar")
    draw = lambda picture: trace(picture, plan)  # noqa: E731
    seconds(draw, pictures[:3])
    seconds(raw_default, pictures[:3])
    start = peak()
    default = seconds(raw_default, pictures)
    ours = seconds(draw, pictures)
    drawn = peak()
    refused = int(np.isnan(ours).sum())
    p50, p95 = np.nanpercentile(ours, [50, 95])
    print(
        f"{len(cases)} inputs of {options.condition}, one at a time, OpenCV on one thread; milliseconds of processor time"
    )
    print(f"{'':<28}{'median':>8}{'p95':>8}{'max':>8}{'target':>16}")
    target = f"{TARGETS['median'] * 1000:.0f} / {TARGETS['p95'] * 1000:.0f}"
    print(f"{'our drawing':<28}{p50 * 1000:>8.1f}{p95 * 1000:>8.1f}{np.nanmax(ours) * 1000:>8.1f}{target:>16}")
    wall = np.nanpercentile(seconds(draw, pictures, time.perf_counter), [50, 95]) * 1000
    print(f"{'our drawing, on the wall':<28}{wall[0]:>8.1f}{wall[1]:>8.1f}")
    q50, q95 = np.percentile(default, [50, 95])
    print(f"{'vtracer default':<28}{q50 * 1000:>8.1f}{q95 * 1000:>8.1f}{default.max() * 1000:>8.1f}")
    print(f"{'ours / default':<28}{p50 / q50:>8.2f}{p95 / q95:>8.2f}   refused: {refused}")
    again = np.empty(len(pictures))
    for i, known in enumerate(pictures):
        again[i] = further(replace(known), plan, Plan("planar", {"price": 30.0}))
    a50, a95 = np.nanpercentile(again, [50, 95])
    print(f"{'a further plan':<28}{a50 * 1000:>8.1f}{a95 * 1000:>8.1f}{np.nanmax(again) * 1000:>8.1f}{'60':>16}")
    few = cases[:: max(1, len(cases) // 40)]
    small, large = (np.concatenate([seconds(draw, [at(case, side)]) for case in few]) for side in (512, 1024))
    ratio = float(np.nanmedian(large / small))
    print(f"at 1024 px over 512 px: {ratio:.2f} in the median of {len(few)} artworks (target < {TARGETS['ratio']:.0f})")
    print(f"memory at its peak: {peak():.0f} MB; {start:.0f} MB before drawing, {drawn:.0f} MB after 512 px")
    slowest = np.argsort(np.nan_to_num(ours))[::-1][:5]
    print("slowest: " + ", ".join(f"{cases[i].name} {ours[i] * 1000:.0f}" for i in slowest))


if __name__ == "__main__":
    main()
