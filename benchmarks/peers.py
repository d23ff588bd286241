"""The dev set by the referee: vtracer's default and presets, imagetracerjs, and our tiers, a table for each condition.

    python -m benchmarks.peers                          # --conditions 512,web --tiers 1,2 --only-print

``vtracer_best`` is, for each picture, the best of vtracer's default and its presets by SSIM@1024: it stands for a person who
tries them all and picks by hand, and takes as long as all of them together. imagetracerjs is fetched by pinned version and hash
into ``build/peers``; PEERS_NODE_MODULES names another folder. Peers are run once, ours every time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import dev_set, referee
from .packages import NotFetched, Package

PRESETS = ("vtracer", "vtracer_bw", "vtracer_poster", "vtracer_photo")
BEST = "vtracer_best"
TRACER = "imagetracerjs"
MODULES = "PEERS_NODE_MODULES"


def node_modules(cache: Path) -> Path:
    """The folder that imagetracerjs and its decoders lie in. Raises `NotFetched`."""
    if given := os.environ.get(MODULES):
        return Path(given)
    if shutil.which("node") is None:
        raise NotFetched("There is no node to run imagetracerjs by.")
    folder = cache / "node_modules"
    folder.mkdir(parents=True, exist_ok=True)
    for row in json.loads(Path(__file__).with_suffix(".json").read_text())["packages"]:
        package = Package(**row)
        link = folder / package.name
        target = package.fetched(cache / "packages").resolve()
        if not link.exists():
            link.symlink_to(target, target_is_directory=True)
    return folder.resolve()


def best_of(presets: Sequence[Mapping[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The best row of each case by SSIM@1024, with the seconds of all together.

    Parameters
    ----------
    presets
        The referee's rows of each preset, by case; all have the same cases.
    """
    found = []
    for name in presets[0]:
        rows = [rows[name] for rows in presets]
        best = max(rows, key=lambda row: row["ssim"])
        found.append({**best, "seconds": sum(row["seconds"] for row in rows)})
    return found


def write_best(condition: str) -> None:
    """Give the referee what a person would pick out of the presets, as one more engine."""
    rows = best_of([dev_set.scores(engine, condition) for engine in PRESETS])
    folder = dev_set.root() / "out" / BEST
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{condition}.jsonl").write_text("\n".join(json.dumps(row) for row in rows))


def main() -> None:
    """Run what is missing and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--conditions", default=",".join(dev_set.CONDITIONS), help="separated by commas (%(default)s)")
    parser.add_argument("--tiers", default="1,2,3", help="of ours, separated by commas (%(default)s)")
    parser.add_argument("--only-print", action="store_true", help="print what was scored before")
    options = parser.parse_args()
    dev_set.ensure_built()
    peers = [*PRESETS]
    try:
        os.environ[MODULES] = str(node_modules(dev_set.REPOSITORY / "build" / "peers"))
        peers.append(TRACER)
    except NotFetched as error:
        print(f"Without imagetracerjs: {error}", file=sys.stderr)
    for condition in options.conditions.split(","):
        if not options.only_print:
            for engine in peers:
                dev_set.run_peer(engine, condition)
            write_best(condition)
            for tier in filter(None, options.tiers.split(",")):
                referee.run(f"ours-t{tier}", condition, ["--tier", tier])
        dev_set.script("table.py", dev_set.root(), condition)
        print(flush=True)


if __name__ == "__main__":
    main()
