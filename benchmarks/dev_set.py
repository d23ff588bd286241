"""The dev set and the referee that scores it: where they are, and the cases as values.

The referee is a folder of scripts (``cases.py``, ``peers.py``, ``run.py``, ``score.py``, ``table.py``) beside this
repository: ``../shared/bench``, or where TRUECURVE_BENCH says. The set it builds lies in ``build/bench``, or where
TRUECURVE_BENCH_OUT says.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
CONDITIONS = ("512", "128", "web", "rgba")
WORSE = 0.002
"""SSIM@1024 below vtracer's default from which a case counts as worse."""


def bench() -> Path:
    """The referee's folder. Exits with a message where there is none."""
    path = Path(os.environ.get("TRUECURVE_BENCH", REPOSITORY.parent / "shared" / "bench")).resolve()
    if not (path / "score.py").exists():
        sys.exit(f"{path} holds no referee; name its folder in TRUECURVE_BENCH.")
    return path


def root() -> Path:
    """The folder of the dev set."""
    return Path(os.environ.get("TRUECURVE_BENCH_OUT", REPOSITORY / "build" / "bench")).resolve()


def script(name: str, *arguments: object, home: Path | None = None) -> None:
    """Run one of the referee's scripts. Raises `CalledProcessError`."""
    command = [sys.executable, str(bench() / name), *map(str, arguments)]
    subprocess.run(command, check=True, cwd=home or REPOSITORY)


def ensure_built() -> None:
    """Build the dev set where it is missing (npm fetches its packages)."""
    if not (root() / "cases.json").exists():
        script("cases.py", root())


def home_of_paths() -> Path:
    """The folder that the paths in cases.json start from."""
    path = Path(json.loads((root() / "cases.json").read_text())[0]["path"])
    return next((up for up in root().parents if (up / path).exists()), REPOSITORY)


def referee(module: str) -> ModuleType:
    """A module of the referee's, ``score`` or ``cases``."""
    if str(bench()) not in sys.path:
        sys.path.insert(0, str(bench()))
    return importlib.import_module(module)


@dataclass(frozen=True)
class Case:
    """An input picture and the artist's SVG that it was rendered from."""

    name: str
    condition: str
    path: Path
    truth: Path
    aspect: float

    def score(self, svg: str) -> dict[str, Any]:
        """The referee's scores of an SVG; a failure, None or what is no trace counts as a blank."""
        judge = referee("score")
        about = {"path": str(self.path), "condition": self.condition, "aspect": self.aspect}
        truth = self.truth.read_text()
        try:
            return judge.score(about, truth, judge.check(svg))
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            return {**judge.score(about, truth, judge.BLANK), "error": f"{type(error).__name__}: {error}"[:200]}


def cases(condition: str, *, sample: int | None = None, seed: str = "sample-1") -> list[Case]:
    """The cases of a condition, or as many of them chosen by a seed (the same ones in every condition)."""
    ensure_built()
    found = []
    for row in json.loads((root() / "cases.json").read_text()):
        if row["condition"] == condition:
            path = root() / "in" / condition / Path(row["path"]).name
            truth = root() / "truth" / f"{row['name']}.svg"
            found.append(Case(row["name"], condition, path, truth, row["aspect"]))
    if sample is None or sample >= len(found):
        return found
    return sorted(found, key=lambda case: hashlib.sha256(f"{seed}:{case.name}".encode()).hexdigest())[:sample]


def scores(engine: str, condition: str) -> dict[str, dict[str, Any]]:
    """What the referee wrote of an engine, by case; empty where it has not run."""
    path = root() / "out" / engine / f"{condition}.jsonl"
    if not path.exists():
        return {}
    return {row["name"]: row for row in map(json.loads, path.read_text().splitlines())}


def run_peer(engine: str, condition: str) -> None:
    """Have the referee run and score a peer on a condition, once."""
    if not scores(engine, condition):
        script("peers.py", root(), engine, condition, home=home_of_paths())
