"""A pool of worker processes that can be killed: what runs in one may panic, abort, hang or eat memory without harm.

The tracers hold the interpreter's lock for a whole call and may take the process with them, so neither threads nor a
`concurrent.futures` pool can end a conversion that has gone wrong. Here every worker has a socket of its own, watched by
the thread that waits for its answer; when the time is over, the memory limit is passed or the socket closes, that one
worker is killed and a fresh one forked from a *nursery*: a process that has the imports done and one thread only, so that
a worker is back within milliseconds.

The nursery is started with `subprocess` and not by `multiprocessing`, whose fork server imports the caller's main module
once more in every child: a plain script without an ``if __name__ == "__main__"`` guard may use the pool too. What is
called must therefore live in an importable module, not in ``__main__``. Linux and macOS.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import math
import os
import pickle
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

import psutil

from . import config
from .errors import Busy, Cancelled, OverTime, TraceFailed, VectorizeError

POLL = 0.05
"""Seconds between two looks at a worker's memory and at whether its call was cancelled."""
START_TIMEOUT = 180.0
"""Seconds that the nursery may take for its imports (the very first start compiles and caches machine code)."""
SEND_TIMEOUT = 10.0
"""Seconds that handing the arguments over may take."""
QUEUE_SIZE = 200
QUEUE_TIMEOUT = 60.0
"""Seconds that a call waits for a free worker before it gives up with `Busy`."""
QUIET = 10.0
"""Seconds since the last call of somebody who waits, after which background calls may have the last worker too."""

PRELOAD = ("pipeline.warm",)
REST = 1.0
"""Seconds without work after which nursery and workers call the `catch_up` of the modules they preloaded."""

_HEADER = struct.Struct("!Q")
_VALUE, _REPORT, _NOTE, _ERROR, _CRASH = b"V", b"R", b"N", b"E", b"C"


@dataclass(frozen=True)
class Outcome:
    """What a call gave. Where `complete` is False the time was over, and `value` is its last report."""

    value: Any
    complete: bool = True


class Workers:
    """Runs functions in killable processes; safe to use from many threads, first come first served.

    Background calls are for work that nobody waits for picture by picture. They begin only while no other call waits, among
    themselves first come first served, and leave one worker free (of several) for as long as there are others.

    Parameters
    ----------
    count
        Processes; the number of cores where None.
    memory_limit
        Bytes of resident memory above which a worker is killed.
    queue_size
        Calls that may wait for a worker; one more raises `Busy`.
    queue_timeout
        Seconds a call waits for a worker before it raises `Busy`.
    preload
        Modules imported before any worker is forked. One that has a function ``warm()`` has it called there. One that has
        ``catch_up()`` has it called in every worker before a call and while there is none, and ``catch_up(begin=True)`` in
        the process that forks them: it loads what was not there when `warm` was called, and begins whatever makes it.
    """

    def __init__(
        self,
        count: int | None = None,
        *,
        memory_limit: int = config.MEMORY_LIMIT,
        queue_size: int = QUEUE_SIZE,
        queue_timeout: float = QUEUE_TIMEOUT,
        preload: Iterable[str] = PRELOAD,
    ) -> None:
        self.count = count or os.cpu_count() or 1
        if self.count < 1:
            raise ValueError(f"count must be at least 1, not {count}")
        self.memory_limit, self.queue_size, self.queue_timeout = memory_limit, queue_size, queue_timeout
        self.restarts = 0
        self._lock = threading.Lock()
        self._idle: deque[_Worker | None] = deque([None] * self.count)  # None: to be forked when needed
        self._busy: set[_Worker] = set()
        self._waiting: deque[_Ticket] = deque()
        self._behind: deque[_Ticket] = deque()  # background calls that wait
        self._in_background = 0  # workers that background calls have
        self._asked = -math.inf  # when a call that is not in the background last came or ended
        self._seconds = 0.5  # what a call takes, as a running mean: for retry_after
        self._closed = False
        self._nursery = _Nursery(tuple(preload))
        _open_pools.add(self)

    def call(
        self,
        function: Callable[..., Any],
        *args: Any,
        timeout: float = config.HARD_TIMEOUT,
        on_report: Callable[[Any], None] | None = None,
        on_note: Callable[[Any], None] | None = None,
        cancel: threading.Event | Callable[[], bool] | None = None,
        background: bool = False,
    ) -> Outcome:
        """Run ``function(*args, report=Report)`` in a worker and return what it returns.

        What the function gives to `report` goes to `on_report`, called in this thread; the last report is also what is
        returned where the time is over. What it gives to `report.note` goes to `on_note` and no further. Arguments,
        reports, notes and result are pickled.

        A call in the `background` lets all others go first, and waits for a worker as long as it takes.

        Raises
        ------
        VectorizeError
            Whatever the function raised of that tree.
        TraceFailed
            It raised something else, crashed its process or passed the memory limit.
        OverTime
            `timeout` seconds were over, and there was no report to return.
        Busy
            No worker became free; its `retry_after` says when to try again.
        Cancelled
            `cancel` was set, or returned True.
        """
        cancelled = _as_test(cancel)
        work = pickle.dumps((function, args), pickle.HIGHEST_PROTOCOL)
        worker = self._take(cancelled, background)
        begin = time.monotonic()
        fit = False
        try:
            outcome = self._run(worker, work, begin + timeout, timeout, on_report, on_note, cancelled)
            # What was never given back of the memory would count against the next call.
            fit = outcome.complete and worker.memory() < self.memory_limit / 2
            return outcome
        except VectorizeError as error:
            fit = getattr(error, "_worker_is_fit", False)
            raise
        finally:
            self._give_back(worker, fit, background)
            self._seconds += 0.1 * (time.monotonic() - begin - self._seconds)

    def _run(
        self,
        worker: _Worker,
        work: bytes,
        deadline: float,
        timeout: float,
        on_report: Callable[[Any], None] | None,
        on_note: Callable[[Any], None] | None,
        cancelled: Callable[[], bool],
    ) -> Outcome:
        last: Outcome | None = None
        try:
            worker.send(work)
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    if last:
                        return last
                    raise OverTime(f"Nothing was ready after {timeout:g} s.")
                if cancelled():
                    raise Cancelled("The conversion was cancelled.")
                if not worker.readable(min(POLL, left)):
                    if worker.memory() > self.memory_limit:
                        raise TraceFailed(f"The picture took more than {self.memory_limit / 1e6:.0f} MB of memory.")
                    continue
                kind, value = worker.receive(max(left, POLL))
                if kind == _VALUE:
                    return Outcome(value)
                if kind == _ERROR:
                    value._worker_is_fit = True
                    raise value
                if kind == _CRASH:
                    message, trace = value
                    failed = TraceFailed(f"The conversion failed inside: {message}.")
                    raise failed from RuntimeError(trace)
                if kind == _NOTE:
                    if on_note:
                        on_note(value)
                    continue
                last = Outcome(value, complete=False)
                if on_report:
                    on_report(value)
        except TimeoutError:
            if last:
                return last
            raise OverTime(f"Nothing was ready after {timeout:g} s.") from None
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            if self._closed:
                raise TraceFailed("The workers were closed.") from error
            raise TraceFailed("The process that converted the picture crashed.") from error

    # --- who has which worker -------------------------------------------------------------------------------------

    def _take(self, cancelled: Callable[[], bool], background: bool) -> _Worker:
        ticket = _Ticket()
        line = self._behind if background else self._waiting
        with self._lock:
            if self._closed:
                raise TraceFailed("The workers were closed.")
            if not background:
                self._asked = time.monotonic()
                if not self._idle and len(self._waiting) >= self.queue_size:
                    raise self._too_busy("Too many pictures are waiting")
            line.append(ticket)
            self._hand_out()
        limit = math.inf if background else time.monotonic() + self.queue_timeout
        while not ticket.event.wait(POLL):
            reason: VectorizeError | None = None
            if cancelled():
                reason = Cancelled("The conversion was cancelled.")
            elif time.monotonic() > limit:
                reason = self._too_busy(f"No worker became free in {self.queue_timeout:g} s")
            with self._lock:
                if reason and not ticket.granted:
                    line.remove(ticket)
                    raise reason
                if background:
                    self._hand_out()  # it may have become quiet
        if self._closed:
            raise TraceFailed("The workers were closed.")
        worker = ticket.worker
        try:
            if worker is not None and worker.dead():  # killed from outside while it had nothing to do
                worker.kill()
                worker = None
                self.restarts += 1
            worker = worker or self._nursery.fork()
        except BaseException:
            self._leave(background)
            self._free(None)
            raise
        with self._lock:
            self._busy.add(worker)
        return worker

    def _give_back(self, worker: _Worker, fit: bool, background: bool) -> None:
        self._leave(background)
        with self._lock:
            self._busy.discard(worker)
            closed = self._closed
        if fit and not closed:
            self._free(worker)
            return
        worker.kill()
        if closed:
            return
        self.restarts += 1
        threading.Thread(target=self._replace, name="truecurve-worker", daemon=True).start()

    def _replace(self) -> None:
        fresh = None
        with contextlib.suppress(TraceFailed):  # then the next caller tries, and is told
            fresh = self._nursery.fork()
        self._free(fresh)

    def _leave(self, background: bool) -> None:
        """Note that a call has ended, before its worker is free."""
        with self._lock:
            if background:
                self._in_background -= 1
            else:
                self._asked = time.monotonic()

    def _free(self, worker: _Worker | None) -> None:
        with self._lock:
            if self._closed:
                if worker:
                    worker.kill()
                return
            if worker:
                self._idle.append(worker)  # taken first again: what is warm stays warm
            else:
                self._idle.appendleft(None)
            self._hand_out()

    def _hand_out(self) -> None:
        """Give idle workers to those who wait; the lock is held."""
        while self._idle and self._waiting:
            self._waiting.popleft().grant(self._idle.pop())
        while self._idle and self._behind and self._in_background < self._most_in_background():
            self._in_background += 1
            self._behind.popleft().grant(self._idle.pop())

    def _most_in_background(self) -> int:
        quiet = time.monotonic() - self._asked > QUIET
        return self.count if quiet else max(1, self.count - 1)

    def _too_busy(self, message: str) -> Busy:
        error = Busy(f"{message}; please try again in a moment.")
        error.retry_after = round(max(1.0, len(self._waiting) * self._seconds / self.count), 1)
        return error

    # --- life -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Fork all workers and wait until they are there. Raises `TraceFailed` if they cannot be."""
        with self._lock:
            missing = self._idle.count(None)
        fresh = [self._nursery.fork() for _ in range(missing)]
        with self._lock:
            for worker in fresh:
                if not self._closed and None in self._idle:
                    self._idle.remove(None)
                    self._idle.append(worker)
                else:
                    worker.kill()

    def health(self) -> dict[str, int]:
        """Workers there should be, alive and busy; calls waiting, and in the background; workers replaced so far."""
        with self._lock:
            idle = [w for w in self._idle if w is not None]
            return {
                "count": self.count,
                "alive": sum(not w.dead() for w in idle) + len(self._busy),
                "busy": len(self._busy),
                "waiting": len(self._waiting),
                "background": len(self._behind),
                "restarts": self.restarts,
            }

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def close(self) -> None:
        """Kill all workers; calls that are running or waiting raise `TraceFailed`. May be called twice."""
        with self._lock:
            self._closed = True
            workers = [w for w in self._idle if w] + list(self._busy)
            self._idle.clear()
            for line in (self._waiting, self._behind):
                while line:
                    line.popleft().grant(None)
        for worker in workers:
            worker.end()
        self._nursery.close()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_open_pools: weakref.WeakSet[Workers] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for pool in list(_open_pools):
        pool.close()


class _Ticket:
    """A place in the queue, and the worker once there is one (None: to be forked)."""

    def __init__(self) -> None:
        self.granted = False
        self.worker: _Worker | None = None
        self.event = threading.Event()

    def grant(self, worker: _Worker | None) -> None:
        self.granted, self.worker = True, worker
        self.event.set()


def _as_test(cancel: threading.Event | Callable[[], bool] | None) -> Callable[[], bool]:
    if cancel is None:
        return lambda: False
    return cancel.is_set if isinstance(cancel, threading.Event) else cancel


class _Worker:
    """The parent's end of one worker."""

    def __init__(self, process: psutil.Process, channel: socket.socket) -> None:
        self.process, self.channel = process, channel

    def send(self, work: bytes) -> None:
        self.channel.settimeout(SEND_TIMEOUT)
        _send(self.channel, work)

    def readable(self, seconds: float) -> bool:
        return _readable(self.channel, seconds)

    def receive(self, seconds: float) -> tuple[bytes, Any]:
        """One message. Raises EOFError, OSError (TimeoutError after `seconds`) or UnpicklingError."""
        data = _receive(self.channel, time.monotonic() + seconds)
        return data[:1], pickle.loads(data[1:])

    def memory(self) -> int:
        """Bytes of resident memory; 0 for a dead one."""
        try:
            return int(self.process.memory_info().rss)
        except psutil.Error:
            return 0

    def dead(self) -> bool:
        """Whether an idle worker's socket is closed: an idle one has nothing to say."""
        return _readable(self.channel, 0)

    def end(self) -> None:
        """Kill the process. A thread that waits for it is told by the socket."""
        with contextlib.suppress(psutil.Error):
            self.process.kill()

    def kill(self) -> None:
        self.end()
        self.channel.close()


class _Nursery:
    """The process that workers are forked from; started on first use, and again if it dies."""

    def __init__(self, preload: tuple[str, ...]) -> None:
        self._preload = preload
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._closed = False

    def fork(self) -> _Worker:
        """A fresh worker. Raises `TraceFailed` if there is none to be had."""
        with self._lock:
            for attempt in (1, 2):
                if self._closed:
                    raise TraceFailed("The workers were closed.")
                try:
                    return self._fork(self._ready())
                except (OSError, EOFError, psutil.Error) as error:
                    self._stop()
                    if attempt == 2:
                        raise TraceFailed(f"No worker process could be started ({error!r}).") from error
        raise AssertionError

    def _fork(self, control: socket.socket) -> _Worker:
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                socket.send_fds(control, [b"fork"], [theirs.fileno()])
            (pid,) = struct.unpack("!i", _receive(control, time.monotonic() + START_TIMEOUT))
            if pid < 0:
                raise OSError("fork failed")
            return _Worker(psutil.Process(pid), ours)
        except BaseException:
            ours.close()
            raise

    def _ready(self) -> socket.socket:
        if self._control and self._process and self._process.poll() is None:
            return self._control
        self._stop()
        ours, theirs = socket.socketpair()
        with theirs:
            setup = json.dumps(
                {"path": [*map(os.path.abspath, sys.path)], "preload": self._preload, "fd": theirs.fileno()}
            )
            code = f"import sys, json; s = json.loads({setup!r}); sys.path[:] = s['path']; " + (
                f"from {__name__} import nursery; nursery(s['fd'], s['preload'])"
            )
            # One thread each: the workers are what uses the cores, and threads do not survive a fork.
            single = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
            self._process = subprocess.Popen(
                [sys.executable, "-c", code],
                pass_fds=[theirs.fileno()],
                env={**os.environ, **single},
                stdin=subprocess.DEVNULL,
                stdout=None if os.environ.get("TRUECURVE_DEBUG") else subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is the parent's to handle
            )
        self._control = ours
        _receive(ours, time.monotonic() + START_TIMEOUT)
        return ours

    def _stop(self) -> None:
        if self._control:
            self._control.close()
            self._control = None
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self._closed = True
        process = self._process
        if process:  # a thread that holds the lock waits for this process, and is let go by its end
            process.kill()
        with self._lock:
            self._stop()


# --- frames over a socket: 8 bytes of length, then the message --------------------------------------------------------


def _send(channel: socket.socket, message: bytes) -> None:
    channel.sendall(_HEADER.pack(len(message)))
    channel.sendall(message)


def _receive(channel: socket.socket, deadline: float | None = None) -> bytes:
    """One message. Raises EOFError at the end, TimeoutError at the deadline (of `time.monotonic`)."""
    (length,) = _HEADER.unpack(_read(channel, _HEADER.size, deadline))
    return bytes(_read(channel, length, deadline))


def _read(channel: socket.socket, length: int, deadline: float | None) -> bytearray:
    data = bytearray()
    while len(data) < length:
        channel.settimeout(None if deadline is None else max(0.001, deadline - time.monotonic()))
        part = channel.recv(min(length - len(data), 1 << 20))
        if not part:
            raise EOFError("the other end is closed")
        data += part
    return data


def _readable(channel: socket.socket, seconds: float) -> bool:
    """Whether there is something to read, or the end. `poll`, since `select` refuses descriptors above 1023."""
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


# --- in the nursery and its workers ----------------------------------------------------------------------------------


def nursery(descriptor: int, preload: Iterable[str]) -> NoReturn:
    """Import, then fork a worker for every socket that comes over the control socket, until that is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies: nobody asks how a worker ended
    control = socket.socket(fileno=descriptor)
    parent = os.getppid()
    import cv2

    cv2.setNumThreads(1)
    modules = [importlib.import_module(name) for name in preload]
    for module in modules:
        if hasattr(module, "warm"):
            module.warm()
    catch_ups = [module.catch_up for module in modules if hasattr(module, "catch_up")]
    gc.freeze()  # the collector does not touch, and so copy, what the workers share
    _send(control, b"ready")
    while True:
        if not _readable(control, REST):
            if os.getppid() != parent:
                os._exit(0)
            for catch_up in catch_ups:
                catch_up(begin=True)
            continue
        message, descriptors, _, _ = socket.recv_fds(control, 16, 1)
        if not message or not descriptors:
            os._exit(0)
        try:
            pid = os.fork()
        except OSError:
            pid = -1
        if pid == 0:
            control.close()
            _work(socket.socket(fileno=descriptors[0]), catch_ups)
        os.close(descriptors[0])
        _send(control, struct.pack("!i", pid))


def _work(channel: socket.socket, catch_ups: list[Callable[[], None]]) -> NoReturn:
    """A worker's life: one call after the other, until the socket is closed."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(
            1, signal.SIGKILL
        )  # PR_SET_PDEATHSIG: gone with the nursery, which goes with its parent
    if not os.environ.get("TRUECURVE_DEBUG"):  # Rust prints its panics
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        while True:
            while catch_ups and not _readable(channel, REST):
                for catch_up in catch_ups:
                    catch_up()
            work = _receive(channel)
            for catch_up in catch_ups:
                catch_up()
            reply = _answer(channel, work)
            _send(channel, reply)
    except (EOFError, OSError):
        os._exit(0)
    except BaseException:
        os._exit(1)


class Report:
    """What a call in a worker tells its caller by: ``report(value)`` a result so far, ``report.note(value)`` how it goes."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def __call__(self, value: Any) -> None:
        _send(self._channel, _REPORT + pickle.dumps(value, pickle.HIGHEST_PROTOCOL))

    def note(self, value: Any) -> None:
        """Tell something that is no result."""
        _send(self._channel, _NOTE + pickle.dumps(value, pickle.HIGHEST_PROTOCOL))


def _answer(channel: socket.socket, work: bytes) -> bytes:
    try:
        function, args = pickle.loads(work)
        del work
        return _VALUE + pickle.dumps(function(*args, report=Report(channel)), pickle.HIGHEST_PROTOCOL)
    except VectorizeError as error:
        return _ERROR + pickle.dumps(error, pickle.HIGHEST_PROTOCOL)
    except BaseException as error:  # a Rust panic is a BaseException, and cannot be pickled
        message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return _CRASH + pickle.dumps((message, traceback.format_exc()), pickle.HIGHEST_PROTOCOL)
