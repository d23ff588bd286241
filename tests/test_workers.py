"""Workers are really killed here: by abort, exit, segfault, a hang and hunger, and the others go on."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import misbehaving as bad
import psutil
import pytest

from pipeline.errors import BadPicture, Busy, Cancelled, OverTime, TraceFailed
from pipeline.workers import Workers

ROOT = Path(__file__).resolve().parent.parent
BACK_WITHIN = 1.0
"""Seconds that the pool may take until it answers again after a worker died."""


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(2, memory_limit=600_000_000) as pool:
        pool.start()
        yield pool


def answers_again(workers: Workers) -> None:
    begin = time.monotonic()
    assert workers.call(bad.echo, "here", timeout=10).value == "here"
    assert time.monotonic() - begin < BACK_WITHIN


def test_returns_what_the_function_returns(workers: Workers) -> None:
    outcome = workers.call(bad.echo, {"a": b"\x00" * 5_000_000})
    assert outcome.value == {"a": b"\x00" * 5_000_000} and outcome.complete


def test_runs_in_another_process_with_one_thread(workers: Workers) -> None:
    assert workers.call(bad.pid).value != os.getpid()
    found = workers.call(bad.environment).value
    assert found["cv2"] == 1
    assert found["nursery_threads"] == 1, "a process with threads must not be forked"


@pytest.mark.parametrize("function", [bad.abort, bad.leave, bad.segfault, bad.close_the_pipe])
def test_a_crash_fails_that_call_alone(workers: Workers, function: Callable[..., None]) -> None:
    before = workers.restarts
    with pytest.raises(TraceFailed, match="crashed"):
        workers.call(function)
    assert workers.restarts == before + 1
    answers_again(workers)


def test_a_panic_is_a_plain_error(workers: Workers) -> None:
    with pytest.raises(TraceFailed, match="index out of bounds"):
        workers.call(bad.panic)
    answers_again(workers)


def test_a_bug_says_where_it_is(workers: Workers) -> None:
    with pytest.raises(TraceFailed, match="KeyError") as caught:
        workers.call(bad.bug)
    assert "misbehaving.py" in str(caught.value.__cause__)


def test_our_errors_come_as_they_are_and_cost_no_worker(workers: Workers) -> None:
    before = workers.restarts
    with pytest.raises(BadPicture, match="Too large") as caught:
        workers.call(bad.refuse)
    assert caught.value.code == "too_large"
    assert workers.restarts == before


def test_a_result_that_cannot_be_sent_is_an_error(workers: Workers) -> None:
    with pytest.raises(TraceFailed):
        workers.call(bad.unpicklable)
    answers_again(workers)


@pytest.mark.parametrize("function", [bad.hang, bad.hold_the_lock])
def test_a_hang_ends_at_the_deadline(workers: Workers, function: Callable[..., None]) -> None:
    begin = time.monotonic()
    with pytest.raises(OverTime, match=r"0\.4 s"):
        workers.call(function, timeout=0.4)
    assert time.monotonic() - begin < 1.0
    answers_again(workers)


def test_at_the_deadline_the_last_report_is_returned(workers: Workers) -> None:
    seen: list[str] = []
    outcome = workers.call(bad.hang, "first", "better", timeout=0.4, on_report=seen.append)
    assert outcome.value == "better" and not outcome.complete
    assert seen == ["first", "better"]
    answers_again(workers)


def test_a_note_is_told_and_is_no_result(workers: Workers) -> None:
    reports: list[str] = []
    notes: list[str] = []
    outcome = workers.call(bad.note_and_hang, "a", "b", timeout=0.4, on_report=reports.append, on_note=notes.append)
    assert (reports, notes) == (["first"], ["a", "b"])
    assert outcome.value == "first" and not outcome.complete
    assert workers.call(bad.echo, 1, timeout=5, on_note=notes.append).value == 1


def test_a_report_does_not_save_a_crash_from_being_one(workers: Workers) -> None:
    with pytest.raises(RuntimeError, match="no thanks"):
        workers.call(bad.hang, 1, on_report=_refuse, timeout=5)
    answers_again(workers)


def _refuse(value: object) -> None:
    raise RuntimeError("no thanks")


def test_hunger_is_stopped(workers: Workers) -> None:
    with pytest.raises(TraceFailed, match="600 MB"):
        workers.call(bad.eat_memory, timeout=20)
    answers_again(workers)


@pytest.mark.parametrize("how", ["event", "function"])
def test_a_call_can_be_cancelled(workers: Workers, how: str) -> None:
    event = threading.Event()
    threading.Timer(0.2, event.set).start()
    begin = time.monotonic()
    with pytest.raises(Cancelled):
        workers.call(bad.hang, timeout=10, cancel=event if how == "event" else event.is_set)
    assert time.monotonic() - begin < 1.0
    answers_again(workers)


def test_an_idle_worker_killed_from_outside_is_replaced(workers: Workers) -> None:
    psutil.Process(workers.call(bad.pid).value).kill()
    time.sleep(0.1)
    answers_again(workers)


def test_a_killed_nursery_is_started_again(workers: Workers) -> None:
    process = workers._nursery._process
    assert process is not None
    process.kill()
    process.wait()
    time.sleep(0.2)
    assert [workers.call(bad.echo, i, timeout=10).value for i in range(3)] == [0, 1, 2]


def test_eight_threads_get_each_their_own_answers(workers: Workers) -> None:
    troubles = [bad.abort, bad.panic, bad.refuse, bad.leave]

    def hammer(thread: int) -> int:
        wrong = 0
        for i in range(12):
            if i % 6 == thread % 6:
                with pytest.raises((TraceFailed, BadPicture)):
                    workers.call(troubles[thread % 4], timeout=20)
            else:
                wrong += workers.call(bad.echo, (thread, i), 0.002, timeout=20).value != (thread, i)
        return wrong

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(hammer, range(8))) == 0
    health = workers.health()
    assert health["busy"] == health["waiting"] == 0


def test_a_full_queue_says_when_to_come_back() -> None:
    with Workers(1, queue_size=1) as pool, ThreadPoolExecutor(2) as threads:
        running = [threads.submit(pool.call, bad.echo, i, 0.8) for i in range(2)]
        _wait(lambda: pool.health()["waiting"] == 1)
        with pytest.raises(Busy) as caught:
            pool.call(bad.echo, 3)
        assert caught.value.retry_after >= 1
        assert sorted(call.result().value for call in running) == [0, 1]


def test_nobody_waits_for_ever_in_the_queue() -> None:
    with Workers(1, queue_timeout=0.3) as pool, ThreadPoolExecutor(1) as threads:
        running = threads.submit(pool.call, bad.echo, 1, 1.5)
        _wait(lambda: pool.health()["busy"] == 1)
        with pytest.raises(Busy, match=r"0\.3 s"):
            pool.call(bad.echo, 2)
        assert running.result().value == 1
        assert pool.health()["waiting"] == 0


def test_first_come_first_served() -> None:
    order: list[int] = []
    with Workers(1) as pool:
        pool.start()
        threads = []
        for i in range(6):
            threads.append(threading.Thread(target=lambda i=i: order.append(pool.call(bad.echo, i, 0.1).value)))
            threads[-1].start()
            _wait(lambda n=i: pool.health()["waiting"] == n)
        for thread in threads:
            thread.join()
    assert order == list(range(6))


def test_closing_ends_everything_at_once() -> None:
    pool = Workers(1)
    process = psutil.Process(pool.call(bad.pid).value)
    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(pool.call, bad.hang, timeout=30) for _ in range(2)]
        _wait(lambda: pool.health()["waiting"] == 1)
        pool.close()
        for call in running:
            with pytest.raises(TraceFailed, match="closed"):
                call.result(timeout=5)
    _wait(lambda: not process.is_running())
    with pytest.raises(TraceFailed, match="closed"):
        pool.call(bad.echo, 1)
    pool.close()


def test_workers_go_with_their_parent(tmp_path: Path) -> None:
    """A plain script with no main guard uses the pool, is killed, and leaves nothing behind."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        import os, sys, threading
        from pipeline.workers import Workers
        import misbehaving as bad
        pool = Workers(2)
        pids = {pool.call(bad.pid).value}
        threading.Thread(target=pool.call, args=(bad.hold_the_lock,), daemon=True).start()
        print(*pids, pool._nursery._process.pid, flush=True)
        sys.stdin.read()
        """)
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    with subprocess.Popen(
        [sys.executable, script], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        children = [psutil.Process(int(number)) for number in parent.stdout.readline().split()]
        assert len(children) == 2
        parent.kill()
    _wait(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children))


def _wait(ready: Callable[[], bool], seconds: float = 20.0) -> None:
    limit = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < limit, "it never came to that"
        time.sleep(0.01)
