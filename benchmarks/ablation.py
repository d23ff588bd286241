"""What each step of our own drawing is worth: the dev set with one step off at a time.

    python -m benchmarks.ablation                      # --sample 40 --conditions 512,128,web,rgba

A line for each step left out: improvement over vtracer's default, dE00, numbers and gzipped bytes over the artist's
(geometric means), and the median seconds of a drawing. All in this process, on the same cases in every line; pictures
that the drawing refuses count as a blank.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipeline.attempts import draw
from pipeline.errors import TraceFailed
from pipeline.picture import load
from pipeline.plan import STEPS, Plan

from . import dev_set

BLANK = ""


def rows(cases: Iterable[dev_set.Case], plan: Plan) -> list[dict[str, Any]]:
    """The referee's scores of a plan, and the seconds each drawing took."""
    out = []
    for case in cases:
        picture = load(case.path)
        begin = time.perf_counter()
        try:
            svg = draw(picture, plan)
        except TraceFailed as error:  # a step may be what keeps a picture drawable
            print(f"{case.name}: {error.message}", file=sys.stderr)
            svg = BLANK
        out.append({"name": case.name, "seconds": time.perf_counter() - begin, **case.score(svg)})
    return out


def summary(ours: list[dict[str, Any]], default: dict[str, dict[str, Any]]) -> dict[str, float]:
    """The figures of a line."""

    def mean_ratio(name: str) -> float:
        drawn = [row for row in ours if "error" not in row] or ours
        return float(np.exp(np.mean([np.log(max(row[name], 1) / max(row[f"{name}_truth"], 1)) for row in drawn])))

    error = sum(1 - row["ssim"] for row in ours)
    return {
        "improvement": 1 - error / sum(1 - default[row["name"]]["ssim"] for row in ours),
        "de00": float(np.mean([row["de00"] for row in ours])),
        "params": mean_ratio("params"),
        "gz": mean_ratio("gz"),
        "seconds": float(np.median([row["seconds"] for row in ours])),
        "failed": sum("error" in row for row in ours),
    }


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--conditions", default=",".join(dev_set.CONDITIONS), help="separated by commas (%(default)s)")
    parser.add_argument("--sample", type=int, help="as many cases of each condition, chosen by a seed (all)")
    parser.add_argument("--steps", default=",".join(STEPS), help="separated by commas (%(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for condition in options.conditions.split(","):
        cases = dev_set.cases(condition, sample=options.sample)
        dev_set.run_peer("vtracer", condition)
        default = dev_set.scores("vtracer", condition)
        rows(cases[:2], Plan("planar"))  # compiles what is compiled
        print(f"{condition}: {len(cases)} cases")
        print(
            f"  {'left out':<12}{'improvement':>12}{'dE00':>8}{'params/truth':>14}{'gz/truth':>10}{'seconds':>9}{'failed':>8}"
        )
        for step in ("", *options.steps.split(",")):
            line = summary(rows(cases, Plan("planar", without=frozenset({step} - {""}))), default)
            figures.setdefault(condition, {})[step or "nothing"] = line
            print(
                f"  {step or 'nothing':<12}{line['improvement']:>12.3f}{line['de00']:>8.3f}{line['params']:>14.2f}"
                f"{line['gz']:>10.2f}{line['seconds']:>9.3f}{line['failed']:>8.0f}",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
