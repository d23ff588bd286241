"""One summary of several suites: it adds up, and it hides no failure."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from suites import counts, split, summary

SUITES = Path(__file__).resolve().parent / "suites.py"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("= 3 failed, 120 passed, 2 skipped, 1 warning in 12.34s =", {"failed": 3, "passed": 120, "skipped": 2, "warnings": 1}),
        ("12 passed in 0.52s", {"passed": 12}),
        ("============ 1 failed, 11 passed in 76.33s (0:01:16) ============", {"failed": 1, "passed": 11}),
        ("\x1b[32m= \x1b[1m5 passed\x1b[0m, \x1b[33m1 error\x1b[0m in 1.00s =\x1b[0m", {"passed": 5, "errors": 1}),
        ("=== no tests ran in 0.01s ===", {}),
        ("no tests ran in 0.01s", {}),
        ("12 passed in the end", None),
        ("tests/test_a.py ....", None),
    ],
)  # fmt: skip
def test_a_summary_is_read(line, found):
    assert counts(line) == found


def test_a_summary_is_written_as_it_is_read():
    total = Counter(passed=7, failed=1, errors=1, skipped=2)
    line = summary(total, 75.5)
    assert "1 failed, 7 passed, 2 skipped, 1 error in 75.50s (0:01:15)" in line and counts(line) == total
    assert "no tests ran" in summary(Counter(), 0.1)


def test_paths_go_to_their_suite():
    folders = ["tests/training", "tests"]
    assert split(["-k", "batch"], folders) == [["tests/training", "-k", "batch"], ["tests", "-k", "batch"]]
    assert split(["tests/test_plan.py::test_x", "-q"], folders) == [None, ["tests/test_plan.py::test_x", "-q"]]
    assert split(["tests/training"], folders) == [["tests/training"], None]


def suite(folder: Path, name: str, code: str) -> str:
    (folder / name).mkdir()
    (folder / name / f"test_{name}.py").write_text(code)
    return f"{sys.executable}:{folder / name}"


@pytest.mark.parametrize(
    ("codes", "status", "said"),
    [
        (("def test(): pass", "def test(): pass"), 0, "2 passed in"),
        (("def test(): assert 0", "def test(): pass"), 1, "1 failed, 1 passed in"),
        (("import os\ndef test(): os._exit(3)", "def test(): pass"), 3, "1 passed, 1 error in"),
        (("import nothing_of_that_name", "def test(): pass"), 2, "1 passed, 2 errors in"),
        (("", "def test(): pass"), 0, "1 passed in"),
        (("", ""), 5, "no tests ran in"),
    ],
)
def test_a_failure_in_any_suite_is_told(tmp_path, codes, status, said):
    given = [suite(tmp_path, f"part{i}", code) for i, code in enumerate(codes)]
    done = subprocess.run([sys.executable, SUITES, *given, "--", "-q"], capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    assert said in done.stdout.splitlines()[-1]
