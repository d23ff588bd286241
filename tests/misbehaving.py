"""Functions for a worker to run: what tracers do on a bad day."""

from __future__ import annotations

import ctypes
import os
import time
from typing import Any

from pipeline.errors import BadPicture
from pipeline.workers import Report


class Panic(BaseException):
    """What a Rust panic is to Python: no `Exception`, and refused by pickle."""

    def __reduce__(self):
        raise TypeError("cannot pickle a panic")


def echo(value: Any, seconds: float = 0.0, *, report: Report) -> Any:
    time.sleep(seconds)
    return value


def pid(*, report: Report) -> int:
    return os.getpid()


def environment(*, report: Report) -> dict[str, Any]:
    import cv2
    import psutil

    here = psutil.Process()
    return {"cv2": cv2.getNumThreads(), "threads": here.num_threads(), "nursery_threads": here.parent().num_threads()}


def abort(*, report: Report) -> None:
    os.abort()


def leave(*, report: Report) -> None:
    os._exit(7)


def segfault(*, report: Report) -> None:
    ctypes.string_at(0)


def panic(*, report: Report) -> None:
    raise Panic("index out of bounds")


def bug(*, report: Report) -> None:
    raise KeyError("colour")


def refuse(*, report: Report) -> None:
    raise BadPicture("Too large.", "too_large")


def unpicklable(*, report: Report) -> Any:
    return lambda: None


def hang(*reports: Any, report: Report) -> None:
    for value in reports:
        report(value)
    while True:  # holds on to the interpreter, as a tracer does
        time.sleep(0.01)


def note_and_hang(*notes: Any, report: Report) -> None:
    report("first")
    for value in notes:
        report.note(value)
    hang(report=report)


def hold_the_lock(*, report: Report) -> None:
    """Hang inside C without giving up the interpreter's lock."""
    ctypes.PyDLL(None).sleep(60)


def eat_memory(*, report: Report) -> None:
    hoard = []
    while True:
        hoard.append(bytearray(os.urandom(1)) * 20_000_000)


def close_the_pipe(*, report: Report) -> None:
    """Close the socket, and go on as if nothing were."""
    os.closerange(3, 256)
    time.sleep(60)
