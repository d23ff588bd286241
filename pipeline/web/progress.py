"""A conversion while it runs: which stage it is at, and the best drawing so far."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ..convert import Result

INTERVAL = 0.12
"""Seconds between two pieces of news at least; the end is told at once."""


@dataclass(frozen=True)
class Progress:
    """How far a conversion is.

    Attributes
    ----------
    stages : tuple of str
        The stages so far, in the order in which each first began; empty while it waits for its turn.
    stage : str
        The one that it is at.
    best : Result or None
        The best drawing so far; its qualities are None until it is measured.
    """

    stages: tuple[str, ...] = ()
    stage: str = ""
    best: Result | None = None

    def at(self, stage: str) -> Progress:
        """The same, one stage on."""
        return replace(self, stages=tuple(dict.fromkeys((*self.stages, stage))), stage=stage)


def follow(convert: Callable[..., Result]) -> Iterator[Progress | Result]:
    """Run a conversion in a thread; yields how it goes, and the result as the last.

    Parameters
    ----------
    convert
        `Converter.convert` with its picture and options; it is given ``on_stage``, ``on_report`` and ``cancel``. The
        conversion is cancelled where the iterator is closed before its end.

    Raises whatever the conversion raises.
    """
    news: queue.SimpleQueue[str | Result] = queue.SimpleQueue()
    end: queue.SimpleQueue[Result | BaseException] = queue.SimpleQueue()
    cancel = threading.Event()

    def run() -> None:
        try:
            end.put(convert(on_stage=news.put, on_report=news.put, cancel=cancel))
        except BaseException as error:  # the caller's to handle, in the caller's thread
            end.put(error)

    threading.Thread(target=run, name="truecurve-follow", daemon=True).start()
    progress = Progress()
    try:
        yield progress
        while True:
            told = progress
            try:
                result = end.get(timeout=INTERVAL)
            except queue.Empty:
                while not news.empty():
                    piece = news.get()
                    progress = progress.at(piece) if isinstance(piece, str) else replace(progress, best=piece)
                if progress != told:
                    yield progress
                continue
            if isinstance(result, BaseException):
                raise result
            yield result
            return
    finally:
        cancel.set()
