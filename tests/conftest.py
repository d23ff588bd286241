"""Fixtures that more than one test module needs: the examples, pictures made on the spot, and one running app."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
os.environ["TRUECURVE_SAMPLES"] = "off"  # what tests convert is nothing to learn from
STARTS_WITHIN = 60.0
"""Seconds that a loaded machine may take to start the app; the benchmark, not this, holds it to its target."""


@dataclass(frozen=True)
class Server:
    """A running app."""

    url: str
    log: Path
    started_in: float


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder of example pictures."""
    return ROOT / "assets" / "examples"


@pytest.fixture(scope="session")
def logo(examples: Path) -> Path:
    """A flat logo, 512 × 512, opaque."""
    return examples / "blender.png"


def png_of(pixels: np.ndarray) -> bytes:
    """PNG bytes of an (H, W[, C]) uint8 array."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Start `python app.py`, of this checkout or another folder, with extra environment variables; all end with the tests."""
    running: list[subprocess.Popen] = []

    def start(root: Path = ROOT, **environment: str) -> Server:
        folder = tmp_path_factory.mktemp("app")
        port, log = free_port(), folder / "log.txt"
        env = {
            **{k: v for k, v in os.environ.items() if k != "SPACE_ID"},
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_TEMP_DIR": str(folder / "uploads"),
            "TRUECURVE_SAMPLES": str(folder / "samples"),
            **environment,
        }
        begin = time.monotonic()
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=root, env=env, stdout=out, stderr=out, start_new_session=True
            )
        running.append(process)
        url = f"http://127.0.0.1:{port}"
        while True:
            if process.poll() is not None:
                pytest.fail(f"app.py ended with {process.returncode}:\n{log.read_text()[-3000:]}")
            try:
                with urllib.request.urlopen(url + "/api/ai-health", timeout=5):
                    return Server(url, log, time.monotonic() - begin)
            except urllib.error.HTTPError as error:
                pytest.fail(f"health answered {error.code}:\n{log.read_text()[-3000:]}")
            except OSError:
                if time.monotonic() - begin > STARTS_WITHIN:
                    pytest.fail(f"app.py did not answer within {STARTS_WITHIN:.0f} s:\n{log.read_text()[-3000:]}")
                time.sleep(0.1)

    yield start
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)


@pytest.fixture(scope="session")
def server(serve: Callable[..., Server]) -> Server:
    """The app, shared by all tests of a run."""
    return serve()
