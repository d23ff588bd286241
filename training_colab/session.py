"""Where a notebook runs, and how it runs the commands of this package: the same on Colab, on a laptop and in a test.

    session = begin(small=True)
    session.run("rows", session.rows, "--pictures", 5000)

What is made goes to ``session.out``: a folder of the checkout, or of Google Drive, where a later session finds it and the
commands go on where they were.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import ROOT

DRIVE = Path("/content/drive")


@dataclass(frozen=True)
class Session:
    """A run of the notebooks.

    Attributes
    ----------
    small : bool
        Minutes on a CPU, to see that everything runs; what is learned then is worth nothing.
    out : Path
        Gets all that is made.
    models : Path
        Gets the exported models, as ``<name>/<version>/``.
    """

    small: bool
    out: Path
    models: Path

    @property
    def rows(self) -> Path:
        """The table that models are learned from."""
        return self.out / "rows.parquet"

    @property
    def agent(self) -> Path:
        """The folder of the agent's checkpoints and curves."""
        return self.out / "agent"

    def full(self, *arguments: object) -> tuple[object, ...]:
        """The arguments in a full run; none in a small one, which has its own."""
        return () if self.small else arguments

    def run(self, module: str, *arguments: object, small: bool = True) -> None:
        """Run ``python -m training_colab.<module>``, showing what it prints.

        In a small run ``--small`` is added, for commands that have it (`small`).

        Raises
        ------
        RuntimeError
            It failed; what it said stands above.
        """
        command = [sys.executable, "-m", f"training_colab.{module}", *map(str, arguments)]
        if self.small and small:
            command.append("--small")
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert process.stdout is not None
        for line in process.stdout:  # a bar that redraws itself comes as one line: its last state
            print(line.rstrip("\n").split("\r")[-1], flush=True)
        if process.wait():
            raise RuntimeError(f"{' '.join(command[2:])} ended with {process.returncode}")


def begin(*, small: bool = False, drive: bool = False, out: str | Path = "build/notebooks") -> Session:
    """Begin or go on. SMALL_RUN=1 and TRUECURVE_OUT in the environment go before what is given.

    Parameters
    ----------
    small
        See `Session`.
    drive
        Keep what is made on Google Drive, in ``MyDrive/truecurve``. On Colab only.
    out
        Where to put what is made otherwise; relative to the checkout.
    """
    small = os.environ.get("SMALL_RUN", "1" if small else "") not in ("", "0")
    folder = Path(os.environ.get("TRUECURVE_OUT") or out)
    if drive and "TRUECURVE_OUT" not in os.environ:
        folder = _drive()
    folder = ROOT / folder / ("small" if small else "")
    folder.mkdir(parents=True, exist_ok=True)
    session = Session(small, folder, folder / "models")
    print(f"{'A small run' if small else 'A full run'}; what it makes goes to {session.out}")
    return session


def _drive() -> Path:
    try:
        from google.colab import drive
    except ImportError as error:
        raise RuntimeError("Google Drive can be mounted on Colab only; set DRIVE = False.") from error
    drive.mount(str(DRIVE))
    return DRIVE / "MyDrive" / "truecurve"


def machine() -> dict[str, str]:
    """What there is to compute with, in words."""
    import torch

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none: the CPU trains, in hours"
    return {
        "Python": platform.python_version(),
        "torch": torch.__version__,
        "GPU": gpu,
        "cores": str(os.cpu_count()),
        "free disk": f"{shutil.disk_usage(ROOT).free / 1e9:.0f} GB",
        "npm": shutil.which("npm") or "missing: the pictures come from npm packages",
    }
