"""`Converter`: what a program holds on to in order to convert pictures, safe from whatever they do to the tracers."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from PIL import Image

from . import compiled, config, tiers
from .convert import Analysis, Outlook, Request, Result, analyze, convert, predict
from .errors import (
    BadPicture,
    BadSetting,
    Busy,
    Cancelled,
    OverTime,
    TraceFailed,
    VectorizeError,
)
from .models import Health, store
from .picture import Source, check_size
from .plan import Finish, Plan
from .render import Format, export
from .workers import Report, Workers

Cancel = threading.Event | Callable[[], bool]

COMPILING_SECONDS = 300.0
"""What compiling our own drawing may take on a busy machine."""
LAST_RESORT_SECONDS = 2.5
"""Kept back, of the time of a conversion, for drawing the picture the safest way if everything else fails."""


class Converter:
    """Converts pictures in worker processes; safe to use from many threads.

    A picture is decoded, traced and measured in a worker, so that nothing it does there harms this process or another
    conversion. Close it, or use it in a ``with`` block; at exit the workers are ended anyway.

    Parameters
    ----------
    workers
        How many processes, or a pool to use; as many as there are cores where None.
    """

    def __init__(self, workers: int | Workers | None = None) -> None:
        self.workers = workers if isinstance(workers, Workers) else Workers(workers)
        threading.Thread(target=self._start, name="truecurve-start", daemon=True).start()

    def _start(self) -> None:
        with contextlib.suppress(TraceFailed):  # then the first call tries again, and is told
            self.workers.start()

    def prepare(self, *, timeout: float = COMPILING_SECONDS, cancel: Cancel | None = None) -> bool:
        """Wait until our own drawing is compiled: about a minute on a machine's first use, later nothing.

        Conversions before that are vtracer's, and say so. Returns False where it took longer than `timeout` seconds or was
        cancelled.
        """
        cancelled = cancel.is_set if isinstance(cancel, threading.Event) else cancel
        deadline = time.monotonic() + timeout
        with contextlib.suppress(TraceFailed, Busy, OverTime, Cancelled):
            while not self.workers.call(_draws, timeout=timeout, cancel=cancel).value:
                if time.monotonic() > deadline or (cancelled and cancelled()):
                    return False
                time.sleep(0.2)
            return True
        return False

    def convert(
        self,
        source: Source,
        *,
        timeout: float | None = None,
        cancel: Cancel | None = None,
        on_report: Callable[[Result], None] | None = None,
        on_stage: Callable[[str], None] | None = None,
        background: bool = False,
        **options: Any,
    ) -> Result:
        """Convert one picture: bytes, a path or a PIL image.

        Parameters
        ----------
        timeout
            Seconds after which the conversion is ended; `config.HARD_TIMEOUT` where None. What is there by then is returned,
            and its `degraded` says so.
        cancel
            An event, or something to call, that ends the conversion once it is set or returns True.
        on_report
            Called in this thread with the first result as soon as there is one, and with each better one.
        on_stage
            Called in this thread with the name of each stage that begins: the names of `Result.stages`.
        background
            One of many that nobody waits for one by one: all other calls go first, and it waits for a worker as long as it
            takes.
        **options
            The fields of `Request`.

        Raises
        ------
        VectorizeError
            `BadPicture`, `BadSetting`, `TraceFailed`, `Busy`, `OverTime` or `Cancelled`.
        """
        try:
            request = Request(**options)
        except TypeError as error:
            raise BadSetting(f"No such option: {error}.") from error
        seconds = config.HARD_TIMEOUT if timeout is None else timeout
        portable = _portable(source)
        first = seconds - min(LAST_RESORT_SECONDS, seconds / 4)
        begin = time.monotonic()
        try:
            outcome = self.workers.call(
                _convert,
                portable,
                request,
                timeout=first,
                on_report=on_report,
                on_note=on_stage,
                cancel=cancel,
                background=background,
            )
        except (TraceFailed, OverTime) as error:  # it crashed, hung or ate memory: once more, by the safest way
            return self._last_resort(portable, request, begin + seconds, cancel, on_stage, background, error)
        result: Result = outcome.value
        if outcome.complete:
            return result
        note = f"The time was over after {first:g} s: this is the best of what was ready by then."
        return replace(result, degraded=(*result.degraded, note), processing_time=time.monotonic() - begin)

    def _last_resort(
        self,
        source: Source,
        request: Request,
        deadline: float,
        cancel: Cancel | None,
        on_stage: Callable[[str], None] | None,
        background: bool,
        error: VectorizeError,
    ) -> Result:
        left = deadline - time.monotonic()
        if background:  # the time in the queue is not the conversion's
            left = max(left, LAST_RESORT_SECONDS)
        if left <= 0 or self.workers.closed:
            raise error
        try:
            outcome = self.workers.call(
                _convert,
                source,
                request,
                error.message,
                timeout=left,
                on_note=on_stage,
                cancel=cancel,
                background=background,
            )
        except (TraceFailed, OverTime):
            raise error from None
        result: Result = outcome.value
        return result

    def analyze(self, source: Source, *, timeout: float | None = None) -> Analysis:
        """Features and class of one picture. Raises `BadPicture`, `Busy`, `OverTime` or `TraceFailed`."""
        seconds = config.HARD_TIMEOUT if timeout is None else timeout
        analysis: Analysis = self.workers.call(_analyze, _portable(source), timeout=seconds).value
        return analysis

    def predict(
        self,
        source: Source,
        plans: Sequence[Plan] = (),
        *,
        finish: Finish = Finish(),
        models: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Outlook:
        """What plans would give, before anything is drawn; without plans, the one to begin with is found and predicted.

        `models` are versions by name to use instead of those that are served. Raises `BadPicture`, `Busy`, `OverTime` or
        `TraceFailed`; a missing predictor is no error, see `Outlook`.
        """
        seconds = config.HARD_TIMEOUT if timeout is None else timeout
        asked = dict(models or {})
        found = self.workers.call(_predict, _portable(source), tuple(plans), finish, asked, timeout=seconds)
        outlook: Outlook = found.value
        return outlook

    def export(self, svg: str, format: Format, *, width: int | None = None, timeout: float | None = None) -> bytes:
        """An SVG that was converted here as another format: see `render.export`, which says what is raised."""
        seconds = config.HARD_TIMEOUT if timeout is None else timeout
        data: bytes = self.workers.call(_export, svg, format, width, timeout=seconds).value
        return data

    def health(self) -> dict[str, Any]:
        """What is there and what is missing: `available`, `models`, `degraded`, `version`, `workers`."""
        workers = self.workers.health()
        models, broken = _models()
        compiling = [] if compiled.complete() else [tiers.STILL_COMPILING]
        return {
            "available": workers["alive"] > 0 or workers["restarts"] == 0,
            "models": models,
            "degraded": [*compiling, *broken, *_missing()],
            "version": config.VERSION,
            "workers": workers,
        }

    def models(self) -> list[Health]:
        """How each model does in a worker, where they are loaded; empty where no worker has time for it at the moment."""
        workers = self.workers.health()
        if not workers["busy"] < workers["alive"] or workers["waiting"]:
            return []
        try:
            found: list[Health] = self.workers.call(_loaded).value
            return found
        except VectorizeError:
            return []

    def close(self) -> None:
        """End the workers. May be called twice."""
        self.workers.close()

    def __enter__(self) -> Converter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _convert(source: Source, request: Request, failed: str | None = None, *, report: Report) -> Result:
    return convert(source, request, report, stage=report.note, failed=failed)


def _draws(*, report: Report) -> bool:
    """Whether this worker has our own drawing."""
    return not compiled.pending


def _analyze(source: Source, *, report: Report) -> Analysis:
    return analyze(source)


def _predict(
    source: Source, plans: tuple[Plan, ...], finish: Finish, models: dict[str, str], *, report: Report
) -> Outlook:
    return predict(source, plans, finish, models)


def _export(svg: str, format: Format, width: int | None, *, report: Report) -> bytes:
    return export(svg, format, width=width)


def _loaded(*, report: Report) -> list[Health]:
    here = store()
    here.warm()
    return here.health()


def _portable(source: Source) -> Source:
    """The source as it can be sent to a worker that has a working directory of its own."""
    if isinstance(source, Image.Image):
        check_size(source.size)  # an image that was opened but not decoded yet is decoded by being sent
        try:
            source.load()
        except Exception as error:  # Pillow's decoders raise nearly anything on broken files
            raise BadPicture(f"The picture is damaged and cannot be decoded ({error}).") from error
        return source
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    if isinstance(source, (str, os.PathLike)):
        return os.path.abspath(source)
    raise BadPicture(f"A picture must be bytes, a path or a PIL image, not {type(source).__name__}.", "not_an_image")


def _models() -> tuple[list[dict[str, Any]], list[str]]:
    """How each model does that can be loaded, and in words what cannot or is not the version wanted."""
    found = store().health()
    notes = [model.why for model in found if model.why]
    if note := store().note:
        notes.append(note)
    return [asdict(model) for model in found if model.state != "missing"], notes


def _missing() -> list[str]:
    """What of the system is not there, in words."""
    try:
        import cairosvg  # noqa: F401
    except OSError:
        return ["The cairo library is not installed: no PDF and EPS."]
    return []
