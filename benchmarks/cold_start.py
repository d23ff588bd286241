"""How long it takes from starting the app to its first answers, in seconds.

    python -m benchmarks.cold_start [--runs 5] [--folder build/space] [--uncompiled]

Each run starts a process of its own. `page` and `conversion` are asked as soon as it says that it is available. With
`--uncompiled` nothing compiled is found, as on a machine's very first start.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np

from pipeline.config import ASSETS

from .serving import ROOT, app

TARGET = 10.0
"""Seconds from the start to the first conversion that are promised."""


def start(folder: Path, picture: bytes, environment: dict[str, str]) -> dict[str, float]:
    """Seconds from the start of one process until each answer was there."""
    begin = time.perf_counter()
    with app(folder, **environment) as running:
        taken = {"available": running.started_in}
        httpx.get(running.url, timeout=60).raise_for_status()
        taken["page"] = time.perf_counter() - begin
        answer = httpx.post(running.url + "/api/convert-ai", files={"image": picture}, timeout=60)
        answer.raise_for_status()
        taken["conversion"] = time.perf_counter() - begin
    return taken


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="(%(default)s)")
    parser.add_argument("--folder", type=Path, default=ROOT, help="with app.py in it (%(default)s)")
    parser.add_argument("--uncompiled", action="store_true", help="with an empty cache of machine code")
    options = parser.parse_args()
    picture = (ASSETS / "examples" / "blender.png").read_bytes()
    rows = []
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory(prefix="truecurve-cold-") as scratch:
            environment = {"TRUECURVE_CACHE": scratch} if options.uncompiled else {}
            rows.append(start(options.folder, picture, environment))
            print("  ".join(f"{name} {seconds:.2f}" for name, seconds in rows[-1].items()), flush=True)
    print(f"\n{'seconds until':<16}{'median':>8}{'worst':>8}")
    for name in rows[0]:
        column = [row[name] for row in rows]
        print(f"{name:<16}{np.median(column):>8.2f}{max(column):>8.2f}")
    worst = max(row["conversion"] for row in rows)
    print(f"first conversion within {TARGET:g} s: {'yes' if worst < TARGET else 'no'}")


if __name__ == "__main__":
    main()
