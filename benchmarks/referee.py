"""The referee's tables of the dev set, ours beside vtracer's default.

    python -m benchmarks.referee                           # all four conditions
    python -m benchmarks.referee --conditions 512,web --tier 3 --name tier-3
    python -m benchmarks.referee -- --validate             # measured: by J, and beside what was predicted
    python -m benchmarks.referee -- --background drop      # what follows -- goes to `python -m pipeline batch`

Builds the set where it is missing, converts it by the command that people run, has the referee score both, and prints
its tables, each recipe's share of the set, and the cases worse than vtracer's default; where our command measures, as tiers 2
and 3 do and `--validate` asks for, also the cases below it by J, and how near predictions were.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections import Counter
from typing import Any

from pipeline.measure import j_score

from . import dev_set
from .figures import within


def run(name: str, condition: str, arguments: list[str]) -> None:
    """Convert the inputs of a condition by our command and have them scored under a name."""
    pipeline = [sys.executable, "-m", "pipeline", "batch", "{in}", "{out}", *arguments]
    command = f"cd {shlex.quote(str(dev_set.REPOSITORY))} && {' '.join(_quoted(word) for word in pipeline)}"
    dev_set.script("run.py", dev_set.root(), name, condition, "--", "sh", "-c", command)


def _quoted(word: str) -> str:
    return f"'{word}'" if word in ("{in}", "{out}") else shlex.quote(word)


def report(name: str, condition: str) -> list[dict[str, Any]]:
    """The rows that the batch wrote of a condition; none where another command drew it."""
    path = dev_set.root() / "svg" / name / condition / "report.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def recipes(rows: list[dict[str, Any]]) -> Counter[str]:
    """How many of the conversions each recipe drew."""
    return Counter((row.get("parameters_used") or {}).get("recipe", "nothing") for row in rows)


def worse(name: str, condition: str) -> list[tuple[float, str]]:
    """The cases worse than vtracer's default by more than `dev_set.WORSE`: how much worse, and the name; the worst first."""
    ours, theirs = dev_set.scores(name, condition), dev_set.scores("vtracer", condition)
    losses = [(theirs[case]["ssim"] - row["ssim"], case) for case, row in ours.items() if case in theirs]
    return sorted((loss for loss in losses if loss[0] > dev_set.WORSE), reverse=True)


def measured(rows: list[dict[str, Any]]) -> str | None:
    """How many conversions are below vtracer's default by J, and how near predictions were; None where nothing was measured."""
    both = [row for row in rows if row.get("actual_quality") is not None and row.get("default_quality") is not None]
    if not both:
        return None
    below = sum(
        j_score(row["actual_quality"], row["svg_bytes"], row["default_bytes"]) < row["default_quality"] - 1e-9
        for row in both
    )
    off = [row["predicted_quality"] - row["actual_quality"] for row in both if row.get("predicted_quality") is not None]
    near = f"; predicted within ±0.01 {within(off, 0.01):.1%}, ±0.02 {within(off, 0.02):.1%}" if off else ""
    return f"below vtracer's default by J: {below} of {len(both)} cases{near}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--conditions", default=",".join(dev_set.CONDITIONS), help="separated by commas (%(default)s)")
    parser.add_argument("--tier", default="1", help="auto, 1, 2 or 3 (%(default)s)")
    parser.add_argument("--name", help="under which the scores are kept (ours-t and the tier)")
    parser.add_argument("--only-print", action="store_true", help="print what was scored before")
    parser.add_argument("batch", nargs="*", help="further arguments of `python -m pipeline batch`, after --")
    options = parser.parse_args()
    name = options.name or f"ours-t{options.tier}"
    dev_set.ensure_built()
    print(f"dev set in {dev_set.root()}, referee in {dev_set.bench()}", flush=True)
    for condition in options.conditions.split(","):
        if not options.only_print:
            dev_set.run_peer("vtracer", condition)
            run(name, condition, ["--tier", options.tier, *options.batch])
        dev_set.script("table.py", dev_set.root(), condition)
        rows = report(name, condition)
        shares = recipes(rows)
        total = max(sum(shares.values()), 1)
        print("  drawn by " + ", ".join(f"{recipe} {count / total:.1%}" for recipe, count in shares.most_common()))
        for note, count in Counter(note for row in rows for note in row.get("degraded") or ()).most_common():
            print(f"  degraded in {count} cases: {note}")
        if line := measured(rows):
            print(f"  {line}")
        lost = worse(name, condition)
        print(f"  worse than vtracer's default by more than {dev_set.WORSE}: {len(lost)} cases")
        for loss, case in lost:
            print(f"    {case}: {loss:.4f}")
        print(flush=True)


if __name__ == "__main__":
    main()
