"""The pinned requirements: what is installed, free of torch, and resolvable as a Space's builder does it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pins(name: str = "requirements.txt") -> dict[str, str]:
    lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    found = [re.fullmatch(r"([\w.-]+)==([\w.]+)", line) for line in lines if line and not line.startswith("-r")]
    assert all(found), f"{name} has a line that pins nothing"
    return {match[1].lower(): match[2] for match in found if match}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_what_is_tested_is_what_is_pinned(name: str) -> None:
    assert {package: metadata.version(package) for package in pins(name)} == pins(name)


def test_no_torch() -> None:
    assert not {"torch", "torchvision", "transformers", "stable-baselines3"} & set(pins())


def test_the_space_has_the_pinned_gradio() -> None:
    front = (ROOT / "README.md").read_text().split("---")[1]
    assert re.search(r"^sdk_version: (\S+)$", front, re.MULTILINE)[1] == pins()["gradio"]  # type: ignore[index]


def test_no_package_index_is_named() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "pyproject.toml", "Makefile", ".ci/run"):
        assert not re.search(r"index-url|--find-links|https?://[^\s]*/simple", (ROOT / name).read_text()), name


@pytest.mark.slow
@pytest.mark.network
def test_resolves_together_as_in_a_space(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    gradio = f"gradio[oauth,mcp]=={pins()['gradio']}"
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
    command += ["--disable-pip-version-check", "--report", str(report)]
    command += ["-r", str(ROOT / "requirements.txt"), gradio, "pydantic<=2.12.5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    chosen = {item["metadata"]["name"].lower().replace("_", "-"): item["metadata"]["version"]
              for item in json.loads(report.read_text())["install"]}  # fmt: skip
    assert {name: chosen[name.replace("_", "-")] for name in pins()} == pins()
    assert "authlib" in chosen, "the extra for signing in is missing"
    assert "torch" not in chosen
