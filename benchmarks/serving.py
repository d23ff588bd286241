"""The app as a process of its own, for benchmarks that ask it over HTTP."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).resolve().parent.parent
STARTS_WITHIN = 120.0
"""Seconds that a busy machine may take."""


@dataclass(frozen=True)
class App:
    """A running app: its address, its process, and seconds from its start until it said that it is available."""

    url: str
    process: subprocess.Popen
    started_in: float

    def memory(self) -> int:
        """Resident bytes of the server and its workers; pages that they share count in each."""
        total = 0
        with contextlib.suppress(psutil.Error):
            me = psutil.Process(self.process.pid)
            for one in [me, *me.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    total += one.memory_info().rss
        return total


@contextlib.contextmanager
def app(folder: Path = ROOT, **environment: str) -> Iterator[App]:
    """Start ``app.py`` of a folder on a free port of this machine, and end it afterwards.

    Raises
    ------
    RuntimeError
        It ended, or did not answer within `STARTS_WITHIN` seconds; the message ends with its log.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="truecurve-bench-") as scratch:
        env = {
            **{key: value for key, value in os.environ.items() if key not in ("SPACE_ID", "PYTHONPATH")},
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_TEMP_DIR": str(Path(scratch) / "uploads"),
            "TRUECURVE_SAMPLES": str(Path(scratch) / "samples"),
            "TRUECURVE_LOG_LEVEL": "warning",
            **environment,
        }
        log = Path(scratch) / "log.txt"
        begin = time.perf_counter()
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=folder, env=env, stdout=out, stderr=out, start_new_session=True
            )
        try:
            url = f"http://127.0.0.1:{port}"
            while not _available(url):
                if process.poll() is not None or time.perf_counter() - begin > STARTS_WITHIN:
                    raise RuntimeError(f"app.py does not answer:\n{log.read_text(errors='replace')[-2000:]}")
                time.sleep(0.02)
            yield App(url, process, time.perf_counter() - begin)
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(5)


def _available(url: str) -> bool:
    try:
        return bool(httpx.get(url + "/api/ai-health", timeout=5).json()["available"])
    except (httpx.HTTPError, ValueError, KeyError):
        return False
