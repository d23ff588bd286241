"""A batch beside somebody who waits: the pool is real, the calls sleep."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import misbehaving as bad
import pytest

from pipeline import workers as module
from pipeline.errors import Cancelled, TraceFailed
from pipeline.workers import Workers


@pytest.fixture
def one() -> Iterator[Workers]:
    with Workers(1, preload=()) as pool:
        pool.start()
        yield pool


@pytest.fixture
def two() -> Iterator[Workers]:
    with Workers(2, preload=()) as pool:
        pool.start()
        yield pool


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as executor:
        yield executor


def wait_for(ready: Callable[[], bool], seconds: float = 20.0) -> None:
    limit = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < limit, "it never came to that"
        time.sleep(0.005)


class Log:
    """Runs calls in threads and keeps the order in which they end."""

    def __init__(self, pool: Workers, threads: ThreadPoolExecutor) -> None:
        self.pool, self.threads, self.ended = pool, threads, list[str]()

    def call(self, name: str, seconds: float, background: bool = False) -> Future[None]:
        """Begin a call, and return once the pool has it."""
        before = self._known()

        def run() -> None:
            self.ended.append(self.pool.call(bad.echo, name, seconds, background=background).value)

        future = self.threads.submit(run)
        wait_for(lambda: self._known() > before)
        return future

    def _known(self) -> int:
        health = self.pool.health()
        return health["busy"] + health["waiting"] + health["background"] + len(self.ended)


def test_who_waits_goes_before_a_batch_that_came_first(one: Workers, threads: ThreadPoolExecutor) -> None:
    log = Log(one, threads)
    calls = [log.call(f"batch {i}", 0.15, background=True) for i in range(4)]
    calls += [log.call(f"single {i}", 0.05) for i in range(3)]
    for call in calls:
        call.result()
    assert log.ended == ["batch 0", "single 0", "single 1", "single 2", "batch 1", "batch 2", "batch 3"]


def test_batches_share_evenly(one: Workers, threads: ThreadPoolExecutor) -> None:
    """A batch of a thousand and one of three, each with one call at a time: they take turns."""
    ended: list[str] = []
    stop = threading.Event()

    def batch(name: str, pictures: int) -> None:
        for _ in range(pictures):
            if not stop.is_set():
                one.call(bad.echo, None, 0.05, background=True)
                ended.append(name)

    large = threads.submit(batch, "large", 1000)
    wait_for(lambda: len(ended) >= 2)
    begin = len(ended)
    threads.submit(batch, "small", 3).result()
    stop.set()
    large.result()
    until = len(ended) - 1 - ended[::-1].index("small")
    assert ended[begin : until + 1].count("large") <= 5


def test_a_single_picture_beside_a_batch_waits_for_none_of_it(two: Workers, threads: ThreadPoolExecutor) -> None:
    """Once somebody has asked, one of the two workers is kept for him."""
    stop = threading.Event()
    done: list[float] = []

    def batch() -> None:
        while not stop.is_set():
            two.call(bad.echo, None, 0.5, background=True)
            done.append(time.monotonic())

    running = [threads.submit(batch) for _ in range(4)]
    wait_for(lambda: two.health()["busy"] == 2)
    two.call(bad.echo, "first", 0.01)  # may wait for a picture of the batch
    wait_for(lambda: two.health()["busy"] == 1)
    took = []
    for _ in range(8):
        begin = time.monotonic()
        two.call(bad.echo, "single", 0.01)
        took.append(time.monotonic() - begin)
        time.sleep(0.1)
    before = len(done)
    wait_for(lambda: len(done) > before)  # and the batch goes on beside it
    stop.set()
    for call in running:
        call.result()
    assert sorted(took)[len(took) // 2] < 0.25, took


def test_a_batch_alone_has_all_workers(two: Workers, threads: ThreadPoolExecutor) -> None:
    calls = [threads.submit(two.call, bad.echo, i, 0.4, background=True) for i in range(2)]
    wait_for(lambda: two.health()["busy"] == 2)
    assert sorted(call.result().value for call in calls) == [0, 1]


def test_when_it_is_quiet_again_a_batch_has_all_workers(
    two: Workers, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUIET", 1.0)
    two.call(bad.echo, "single")
    stop = threading.Event()
    calls = [threads.submit(two.call, bad.hang, timeout=20, background=True, cancel=stop) for _ in range(2)]
    wait_for(lambda: two.health()["background"] == 1)
    assert two.health()["busy"] == 1
    wait_for(lambda: two.health()["busy"] == 2)
    stop.set()
    for call in calls:
        with pytest.raises(Cancelled):
            call.result()


def test_a_batch_does_not_fill_the_queue(threads: ThreadPoolExecutor) -> None:
    """Its calls neither count among those that wait nor lose patience themselves."""
    with Workers(1, queue_size=1, queue_timeout=0.3, preload=()) as pool:
        pool.start()
        log = Log(pool, threads)
        batch = [log.call(f"batch {i}", 0.2, background=True) for i in range(6)]
        log.call("single", 0.01).result()
        for call in batch:
            call.result()
        assert len(log.ended) == 7


def test_cancelling_takes_a_batch_out_of_the_queue(one: Workers, threads: ThreadPoolExecutor) -> None:
    cancel = threading.Event()
    calls = [threads.submit(one.call, bad.hang, timeout=20, background=True, cancel=cancel) for _ in range(3)]
    wait_for(lambda: one.health()["background"] == 2)
    cancel.set()
    for call in calls:
        with pytest.raises(Cancelled):
            call.result(timeout=5)
    assert one.health()["background"] == 0
    assert one.call(bad.echo, "here", timeout=10).value == "here"
    assert one._in_background == 0


def test_a_crash_in_the_background_gives_the_place_back(two: Workers) -> None:
    for _ in range(3):
        with pytest.raises(TraceFailed):
            two.call(bad.abort, background=True)
    assert two._in_background == 0
    assert two.call(bad.echo, "here", background=True, timeout=10).value == "here"


def test_closing_ends_what_waits_in_the_background(threads: ThreadPoolExecutor) -> None:
    pool = Workers(1, preload=())
    pool.start()
    calls = [threads.submit(pool.call, bad.hang, timeout=20, background=True) for _ in range(3)]
    wait_for(lambda: pool.health()["background"] == 2)
    pool.close()
    for call in calls:
        with pytest.raises(TraceFailed, match="closed"):
            call.result(timeout=5)
