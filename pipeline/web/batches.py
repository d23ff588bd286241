"""`Batch`: many pictures converted in the background, whose rows and files are at hand while it goes and an hour longer.

Everything lies in a folder of its own among Gradio's temporary files, under a name that nobody can guess: the SVGs while the
batch goes, then one zip of them with the reports, which Gradio's sweep deletes after an hour.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
import time
import zipfile
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from gradio.utils import get_upload_folder

from ..convert import Request
from ..converter import Converter
from ..errors import VectorizeError
from ..serve import batch as serve
from ..serve.inputs import Inputs
from . import texts as t
from .api import gone

log = logging.getLogger("truecurve.web")

State = Literal["waiting", "working", "done", "failed", "stopped"]

PACE_OF = 30
"""Pictures, the last ones done, from which the time left is told."""
KEPT = 3600.0
"""Seconds after which a finished batch is forgotten; its zip is swept then."""


@dataclass(frozen=True)
class Row:
    """A picture of a batch. Qualities are SSIM, 0–1; `svg` is its path within the results; `bytes` is the SVG's size."""

    name: str
    state: State = "waiting"
    error: str | None = None
    code: str | None = None
    svg: str | None = None
    kind: str | None = None
    tier: int | None = None
    predicted: float | None = None
    actual: float | None = None
    default: float | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class View:
    """What of a batch its owner looks at: a page of the table, from 0, or None for where the work is; all rows or some."""

    page: int | None = None
    show: Literal["all", "failed"] = "all"


class Batch:
    """Converts pictures in the background from the moment it is made; safe to use from many threads.

    Attributes
    ----------
    token : str
        By it the batch's files are fetched.
    stage : {"preparing", "converting", "packing", "over"}
    rows : list of Row
        One for each picture, in the order of `inputs`.
    error : str or None
        Why it came to nothing.
    zip : Path or None
        The results, once it is over.
    view : View
        For whoever shows it to keep.
    """

    def __init__(self, inputs: Inputs, request: Request, converter: Converter, *, name: str, swept: set[str]) -> None:
        """`name` is the zip's, without its ending; to `swept` the zip is added, for whoever deletes it later."""
        self.token = secrets.token_urlsafe(18)
        self.folder = Path(get_upload_folder()) / f"batch-{self.token}"
        self.rows = [Row(name) for name in inputs.names]
        self.passed_over = inputs.passed_over
        self.stage = "preparing"
        self.error: str | None = None
        self.zip: Path | None = None
        self.view = View()
        self.cancelled = False
        self._inputs, self._request, self._converter = inputs, request, converter
        self._name, self._swept = name, swept
        self._index = {name: i for i, name in enumerate(inputs.names)}
        self._began = time.monotonic()
        self._ended: float | None = None
        self._ends: deque[float] = deque(maxlen=PACE_OF)
        self._cancel = threading.Event()
        self._left = False
        self._news = threading.Condition()
        self.folder.mkdir(parents=True, mode=0o700)
        threading.Thread(target=self._go, name="truecurve-batch", daemon=True).start()

    # --- what is asked of it --------------------------------------------------------------------------------------

    def cancel(self) -> None:
        """Stop converting; what is done by now becomes the results."""
        self.cancelled = self.cancelled or not self.over
        self._cancel.set()

    def leave(self) -> None:
        """Nobody waits any more: stop, and keep nothing unless it is over."""
        with self._news:
            if not self.over:
                self._left = True
        self._cancel.set()

    def wait(self, seconds: float) -> bool:
        """Wait until it is over, `seconds` at most; returns whether it is."""
        with self._news:
            return self._news.wait_for(lambda: self.over, seconds)

    @property
    def over(self) -> bool:
        """Whether it has ended, one way or another."""
        return self.stage == "over"

    @property
    def counts(self) -> Counter[State]:
        """How many pictures there are in each state."""
        return Counter(row.state for row in self.rows)

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return (self._ended or time.monotonic()) - self._began

    @property
    def seconds_left(self) -> float | None:
        """How long it will still take, by the pace of the last pictures; None before there is one."""
        with self._news:
            counts = self.counts
            return time_left([self._began, *self._ends], counts["waiting"] + counts["working"], time.monotonic())

    def summary(self) -> dict[str, Any]:
        """What came of it, as JSON: counts, mean qualities (SSIM), seconds, and each failure with its reason."""
        counts, done = self.counts, [row for row in self.rows if row.state == "done"]
        measured = [(row.actual, row.default) for row in done if row.actual is not None and row.default is not None]
        return {
            "total": len(self.rows),
            "converted": counts["done"],
            "failed": counts["failed"],
            "passed_over": self.passed_over,
            "cancelled": self.cancelled,
            "seconds": round(self.seconds, 2),
            "mean_quality": _mean([actual for actual, _ in measured]),
            "mean_default_quality": _mean([default for _, default in measured]),
            "svg_bytes": sum(row.bytes or 0 for row in done),
            "failures": [
                {"file": row.name, "error": row.error, "code": row.code} for row in self.rows if row.state == "failed"
            ],
        }

    def svg(self, index: int) -> bytes | None:
        """The SVG of a row, or None where there is none or it has been swept."""
        row = self.rows[index] if 0 <= index < len(self.rows) else None
        if row is None or row.svg is None:
            return None
        try:
            return (self.folder / "out" / row.svg).read_bytes()
        except OSError:  # it is in the zip by now
            pass
        try:
            with zipfile.ZipFile(self.folder / f"{self._name}.zip") as archive:
                return archive.read(row.svg)
        except (OSError, KeyError, zipfile.BadZipFile):
            return None

    # --- in its thread --------------------------------------------------------------------------------------------

    def _go(self) -> None:
        out = self.folder / "out"
        try:
            serve.convert_all(
                self._inputs,
                out,
                self._request,
                converter=self._converter,
                cancel=self._cancel,
                on_begin=self._on_begin,
                on_row=self._on_row,
                background=True,
            )
            if not self._left:
                self.stage = "packing"
                self._pack(out)
        except VectorizeError as error:
            self.error = error.message
        except Exception:
            log.exception("a batch failed")
            self.error = t.UNEXPECTED
        finally:
            self._end(out)

    def _pack(self, out: Path) -> None:
        target = self.folder / f"{self._name}.zip"
        self._swept.add(str(target))
        pack(out, target)
        self.zip = target

    def _end(self, out: Path) -> None:
        shutil.rmtree(out, ignore_errors=True)
        self.rows = [replace(row, state="stopped") if row.state in ("waiting", "working") else row for row in self.rows]
        with self._news:
            self.stage, self._ended = "over", time.monotonic()
            self._news.notify_all()
            left = self._left
        if left or self.error:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _on_begin(self, name: str) -> None:
        self._set(self._index[name], state="working")

    def _on_row(self, row: serve.Row, total: int) -> None:
        self._ends.append(time.monotonic())
        if row["ok"]:
            self._set(
                self._index[row["file"]],
                state="done",
                svg=row["svg"],
                kind=row["logo_type"],
                tier=row["selected_tier"],
                predicted=row["predicted_quality"],
                actual=row["actual_quality"],
                default=row["default_quality"],
                bytes=row["svg_bytes"],
            )
        else:
            self._set(self._index[row["file"]], state="failed", error=row["error"], code=row["code"])

    def _set(self, index: int, **fields: Any) -> None:
        self.rows[index] = replace(self.rows[index], **fields)
        self.stage = "converting"


def time_left(ends: Sequence[float], remaining: int, now: float) -> float | None:
    """Seconds that `remaining` pictures will take, from the times at which pictures ended and the one when they began.

    Where the next one is late, the time since the last counts as well. None before a picture has ended.
    """
    if len(ends) < 2:
        return None
    since = ends[-min(len(ends), PACE_OF) :]
    each = (since[-1] - since[0]) / (len(since) - 1)
    return remaining * max(each, (now - since[0]) / len(since))


def pack(folder: Path, target: Path) -> None:
    """Zip a folder, its sub-folders kept, file by file."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())


def zip_name(names: list[str]) -> str:
    """What the zip of results is called, without its ending: after the one zip or folder that was sent."""
    tops = {PurePosixPath(name).parts[0] for name in names if PurePosixPath(name).parts}
    one = next(iter(tops)) if len(tops) == 1 else ""
    of_one = one.lower().endswith(".zip") or all("/" in name for name in names)
    stem = "".join(c for c in PurePosixPath(one).stem if c.isalnum() or c in " -_.").strip(" .")[:60]
    return f"{stem}-svg" if of_one and stem else "truecurve-svg"


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 6) if values else None


class Batches:
    """The batches of this process by their tokens. Safe to use from many threads."""

    def __init__(self) -> None:
        self._batches: dict[str, Batch] = {}
        self._lock = threading.Lock()

    def put(self, batch: Batch) -> Batch:
        """Keep a batch, and forget those that have been over for an hour, with their folders."""
        with self._lock:
            self._batches[batch.token] = batch
            for token, other in list(self._batches.items()):
                if other.over and time.monotonic() - (other._ended or 0) > KEPT:
                    del self._batches[token]
                    shutil.rmtree(other.folder, ignore_errors=True)
        return batch

    def get(self, token: str | None) -> Batch | None:
        """The batch, or None where it is not known any more."""
        with self._lock:
            return self._batches.get(token or "")


BATCHES = Batches()
"""Those of this process."""

_GUARD = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, max-age=3600",
}
"""Headers under which an SVG is a picture and nothing else, even where it is opened by itself."""


def routes() -> APIRouter:
    """The files of batches, by token: an SVG for a row's picture, and the zip."""
    router = APIRouter(prefix="/api/batches", include_in_schema=False)

    @router.get("/{token}/{index}.svg")
    def picture(token: str, index: int) -> Response:
        batch = BATCHES.get(token)
        svg = batch.svg(index) if batch else None
        if svg is None:
            return gone(t.GONE)
        return Response(svg, media_type="image/svg+xml", headers={"Content-Disposition": "attachment", **_GUARD})

    @router.get("/{token}/{name}.zip")
    def results(token: str, name: str) -> Response:
        batch = BATCHES.get(token)
        if batch is None or batch.zip is None or not batch.zip.is_file():
            return gone(t.GONE)
        return FileResponse(batch.zip, media_type="application/zip", filename=batch.zip.name)

    return router
