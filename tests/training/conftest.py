"""What holds for all tests of training: its libraries' warnings, which we cannot mend, end none; torch has one thread."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take the libraries' warnings as they are."""
    for item in items:
        for kind in ("UserWarning", "DeprecationWarning", "FutureWarning", "RuntimeWarning"):
            item.add_marker(pytest.mark.filterwarnings(f"ignore::{kind}"))
