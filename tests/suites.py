"""Run suites of tests, each in its own environment, and print one summary of all in pytest's form.

    python tests/suites.py PYTHON:FOLDER [PYTHON:FOLDER …] -- [arguments for pytest]

Paths among the arguments go to the suite whose folder they lie in, the deepest one; a suite that was given none, while another
was, is left out. A suite that ends without a summary counts as an error. The exit status is pytest's: 0 where all passed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ORDER = ("failed", "passed", "skipped", "deselected", "xfailed", "xpassed", "warnings", "errors")
OK, FAILED, NOTHING = 0, 1, 5

_SUMMARY = re.compile(r"(?:=+ )?((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s(?: \([\d:]+\))?(?: =+)?|(?:=+ )?no tests ran in .*")
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


def counts(line: str) -> Counter[str] | None:
    """What a summary line of pytest counts; None where the line is none."""
    found = _SUMMARY.fullmatch(_COLOUR.sub("", line).strip())
    if found is None:
        return None
    plural = {"warning": "warnings", "error": "errors"}
    pairs = re.findall(r"(\d+) ([a-z]+)", found[1] or "")
    return Counter({plural.get(kind, kind): int(number) for number, kind in pairs})


def summary(total: Counter[str], seconds: float) -> str:
    """One line as pytest would print it."""
    single = {"warnings": "warning", "errors": "error"}
    words = ", ".join(
        f"{total[kind]} {single.get(kind, kind) if total[kind] == 1 else kind}" for kind in ORDER if total[kind]
    )
    minutes, rest = divmod(int(seconds), 60)
    clock = f" ({minutes // 60}:{minutes % 60:02}:{rest:02})" if seconds >= 60 else ""
    return f" {words or 'no tests ran'} in {seconds:.2f}s{clock} ".center(80, "=")


def split(arguments: list[str], folders: list[str]) -> list[list[str] | None]:
    """The arguments of each suite; None for one that is left out."""
    options, paths = [], []
    for argument in arguments:
        place = (ROOT / argument.split("::")[0]).resolve()
        inside = [folder for folder in folders if place.is_relative_to((ROOT / folder).resolve())]
        if argument.startswith("-") or not place.exists() or not inside:
            options.append(argument)
        else:
            paths.append((max(inside, key=len), argument))
    chosen = []
    for folder in folders:
        own = [argument for where, argument in paths if where == folder]
        chosen.append(None if paths and not own else [*(own or [folder]), *options])
    return chosen


def run(python: str, arguments: list[str]) -> tuple[int, Counter[str]]:
    """Run one suite, showing what it prints; its exit status, and what its summary counts."""
    colour = ["--color=yes"] if sys.stdout.isatty() else []
    # Not resolved: an environment's python is a link, and is told by where it lies.
    command = [os.path.abspath(python), "-m", "pytest", *colour, *arguments]
    print("$", " ".join(command), flush=True)
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, errors="replace")
    assert process.stdout is not None
    found: Counter[str] | None = None
    for line in process.stdout:
        print(line, end="", flush=True)
        found = counts(line) if counts(line) is not None else found
    status = process.wait()
    if found is None or status not in (OK, FAILED, NOTHING):
        found = (found or Counter()) + Counter(errors=1)
    return status, found


def main(arguments: list[str]) -> int:
    """Run every suite, print the summary, return the exit status."""
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    suites = [suite.rsplit(":", 1) for suite in arguments[:cut]]
    begin = time.monotonic()
    total: Counter[str] = Counter()
    statuses = []
    for (python, _), chosen in zip(suites, split(arguments[cut + 1 :], [folder for _, folder in suites]), strict=True):
        if chosen is not None:
            status, found = run(python, chosen)
            statuses.append(status)
            total += found
    print(summary(total, time.monotonic() - begin), flush=True)
    bad = [status for status in statuses if status not in (OK, NOTHING)]
    return bad[0] if bad else (OK if OK in statuses else NOTHING)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
