"""Samples: what is kept, what is not, that nothing of it is lost, and that no conversion suffers for it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT

from pipeline import BadSetting, Busy
from pipeline.convert import Request, Result, convert
from pipeline.features import Features
from pipeline.plan import Plan
from pipeline.serve import samples
from pipeline.serve.samples import LONGEST_REASON, Samples

DATA = b"a picture's bytes"


@pytest.fixture(scope="module")
def result() -> Result:
    features = Features(*(float(i) / 7 for i in range(len(Features.names()))))
    return Result(
        svg="<svg>secret</svg>",
        width=40,
        height=30,
        logo_type="text",
        confidence=0.75,
        features=features,
        selected_tier=2,
        reason="why",
        plan=Plan("planar", {"tolerance": 0.3}),
        svg_bytes=900,
        paths=3,
        parameters=40,
        processing_time=0.5,
        predicted_quality=0.97,
        actual_quality=0.99,
        default_quality=0.95,
        default_bytes=1200,
        candidates=4,
        model_versions={"classifier": "1"},
    )


@pytest.fixture
def kept(tmp_path: Path) -> Samples:
    return Samples(tmp_path / "samples")


def test_what_is_kept_is_read_back(kept: Samples, result: Result) -> None:
    before = time.time()
    made = kept.keep(result, DATA, door="api", arm="b")
    (sample,) = kept.samples()
    assert sample.id == made and len(made) >= 24 and before <= sample.time <= time.time()
    assert tuple(sample.features) == Features.names() and sample.features["entropy"] == result.features.entropy
    assert Plan.from_json(sample.plan) == result.plan
    assert (sample.door, sample.logo_type, sample.tier, sample.arm) == ("api", "text", 2, "b")
    assert (sample.predicted, sample.actual, sample.default) == (0.97, 0.99, 0.95)
    assert sample.error == pytest.approx(-0.02)
    assert (sample.svg_bytes, sample.default_bytes, sample.candidates, sample.seconds) == (900, 1200, 4, 0.5)
    assert sample.model_versions == {"classifier": "1"} and sample.degraded is False
    assert (sample.thumb, sample.reason, sample.rated, sample.has_picture) == (None, "", None, False)
    assert kept.find(made) == sample and kept.find("nobody") is None


def test_of_a_real_conversion(kept: Samples, logo: Path) -> None:
    made = kept.keep(convert(logo, Request(tier=1, validate=True)), logo.read_bytes(), door="batch")
    sample = kept.find(made)
    assert sample and sample.actual > 0.95 and 0.8 < sample.predicted <= 1
    assert sample.error == pytest.approx(sample.predicted - sample.actual)


def test_no_personal_data(kept: Samples, result: Result) -> None:
    kept.keep(replace(result, degraded=("/home/ann/face.png failed",)), DATA, door="app")
    kept.close()
    everything = b"".join(f.read_bytes() for f in kept.folder.iterdir())
    for foreign in (DATA, b"secret", b"ann", b"face"):
        assert foreign not in everything
    (sample,) = kept.samples()
    assert sample.degraded is True


def test_equal_pictures_are_known_within_a_folder_alone(kept: Samples, result: Result, tmp_path: Path) -> None:
    for data in (DATA, DATA, b"another"):
        kept.keep(result, data, door="app")
    first, second, third = (s.image for s in kept.samples())
    assert first == second == kept.fingerprint(DATA) != third
    assert Samples(tmp_path / "elsewhere").fingerprint(DATA) != first


def test_only_the_owner_reads_the_folder(kept: Samples, result: Result) -> None:
    kept.keep(result, DATA, door="app")
    assert kept.folder.stat().st_mode & 0o077 == 0
    assert all(f.stat().st_mode & 0o077 == 0 for f in kept.folder.glob("samples-*"))


def test_since(kept: Samples, result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    for now in (100.0, 200.0, 300.0):
        monkeypatch.setattr(samples.time, "time", lambda now=now: now)
        kept.keep(result, DATA, door="app")
    assert [s.time for s in kept.samples(200.0)] == [200.0, 300.0]


def test_pages(kept: Samples, result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "_PAGE", 3)
    made = [kept.keep(result, DATA, door="app") for _ in range(7)]
    assert [s.id for s in kept.samples()] == made


# --- ratings ----------------------------------------------------------------------------------------------------------


def test_the_last_rating_stands(kept: Samples, result: Result) -> None:
    made = kept.keep(result, DATA, door="app")
    kept.rate(made, "up", "  clean\x00 \n edges ", picture=b"PNG")
    sample = kept.find(made)
    assert (sample.thumb, sample.reason, sample.has_picture) == ("up", "clean edges", True)
    assert kept.picture(made) == b"PNG" and sample.rated >= sample.time
    kept.rate(made, "down")
    sample = kept.find(made)
    assert (sample.thumb, sample.reason, sample.has_picture) == ("down", "", False)
    assert kept.picture(made) is None
    assert [kept.health()[name] for name in ("samples", "up", "down", "pictures")] == [1, 0, 1, 0]


def test_a_picture_taken_back_is_gone_from_the_file(kept: Samples, result: Result) -> None:
    made = kept.keep(result, DATA, door="app")
    picture = b"only in this picture" * 1000
    kept.rate(made, "up", picture=picture)
    assert b"only in this picture" in b"".join(f.read_bytes() for f in kept.folder.iterdir())
    kept.rate(made, "up")
    assert b"only in this picture" not in b"".join(f.read_bytes() for f in kept.folder.iterdir())


def test_bad_ratings(kept: Samples, result: Result) -> None:
    made = kept.keep(result, DATA, door="app")
    with pytest.raises(BadSetting, match="No conversion of that id"):
        kept.rate("nobody", "up")
    with pytest.raises(BadSetting, match="up or down"):
        kept.rate(made, "sideways")
    with pytest.raises(BadSetting, match=f"limit is {LONGEST_REASON}"):
        kept.rate(made, "up", "x" * (LONGEST_REASON + 1))
    assert kept.find(made).thumb is None


# --- limits -----------------------------------------------------------------------------------------------------------


def test_the_oldest_go_first(tmp_path: Path, result: Result) -> None:
    kept = Samples(tmp_path, most=5)
    made = [kept.keep(result, DATA, door="app") for _ in range(4)]
    kept.rate(made[0], "up", picture=b"first")
    made += [kept.keep(result, DATA, door="app") for _ in range(4)]
    assert [s.id for s in kept.samples()] == made[3:]
    health = kept.health()
    assert (health["samples"], health["pictures"], health["limits"]["samples"]) == (5, 0, 5)


def test_pictures_go_before_samples(tmp_path: Path, result: Result) -> None:
    kept = Samples(tmp_path, picture_bytes=100)
    made = [kept.keep(result, DATA, door="app") for _ in range(4)]
    for id in made:
        kept.rate(id, "up", picture=id.encode()[:1] * 40)
    assert [kept.picture(id) is not None for id in made] == [False, False, True, True]
    assert [s.thumb for s in kept.samples()] == ["up"] * 4
    assert kept.health()["picture_bytes"] == 80


# --- many at once, and the end of one ---------------------------------------------------------------------------------

WRITER = textwrap.dedent(
    """
    import pickle, sys, threading
    from pathlib import Path
    from pipeline.serve.samples import Samples
    kept, result, count = Samples(Path(sys.argv[1]), wait=20), pickle.load(open(sys.argv[2], "rb")), int(sys.argv[3])
    lock = threading.Lock()

    def write():
        for _ in range(count):
            made = kept.keep(result, b"x", door="batch")
            with lock:
                print(made, flush=True)

    threads = [threading.Thread(target=write) for _ in range(3)]
    [t.start() for t in threads], [t.join() for t in threads]
    """
)


def writer(folder: Path, result: Result, count: int) -> subprocess.Popen:
    import pickle

    given = folder.parent / "result.pickle"
    if not given.exists():
        given.write_bytes(pickle.dumps(result))
    command = [sys.executable, "-c", WRITER, str(folder), str(given), str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_many_processes_and_threads(tmp_path: Path, result: Result) -> None:
    folder = tmp_path / "samples"
    running = [writer(folder, result, 40) for _ in range(3)]
    kept = Samples(folder, wait=20)
    with ThreadPoolExecutor(4) as pool:
        here = set(pool.map(lambda _: kept.keep(result, DATA, door="app"), range(100)))
    told = [set(process.communicate(timeout=120)[0].split()) for process in running]
    assert all(process.returncode == 0 for process in running)
    made = here.union(*told)
    assert len(made) == 100 + 3 * 3 * 40 and "None" not in made and None not in made
    found = [s.id for s in kept.samples()]
    assert set(found) == made and len(found) == len(made)


def test_nothing_is_lost_by_a_kill(tmp_path: Path, result: Result) -> None:
    folder = tmp_path / "samples"
    told: list[str] = []
    for _ in range(3):
        process = writer(folder, result, 1_000_000)
        wanted = len(told) + random.randint(20, 200)
        while len(told) < wanted:
            told.append(process.stdout.readline().strip())
        process.send_signal(signal.SIGKILL)
        rest = process.communicate(timeout=20)[0]
        told += [line for line in rest.split("\n")[:-1] if line]  # said before it died, the last line maybe not whole
        assert process.returncode == -signal.SIGKILL
    found = [s.id for s in Samples(folder).samples()]
    assert set(told) <= set(found) and len(found) == len(set(found)) and len(told) >= 60
    database = sqlite3.connect(next(folder.glob("*.sqlite")))
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


# --- what breaks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["header", "middle", "zeros"])
def test_a_corrupt_file_is_left_and_another_begun(kept: Samples, result: Result, how: str) -> None:
    for _ in range(300):
        kept.keep(result, DATA, door="app")
    kept.close()
    path = kept.folder / "samples-1.sqlite"
    data = bytearray(path.read_bytes())
    if how == "header":
        data[:100] = os.urandom(100)
    elif how == "middle":
        data[4096:] = os.urandom(len(data) - 4096)
    else:
        data[:] = bytes(len(data))
    path.write_bytes(data)
    made = kept.keep(result, DATA, door="app")
    assert made and kept.find(made) and not kept.degraded()
    assert path.read_bytes() == data, "what is left of the old one is still there to be looked at"
    assert [s.id for s in Samples(kept.folder).samples()] == [made]


def test_others_follow_to_the_file_begun_after(kept: Samples, result: Result) -> None:
    other = Samples(kept.folder)
    kept.keep(result, DATA, door="app")
    other.keep(result, DATA, door="app")
    kept.close()
    for file in kept.folder.glob("samples-1.sqlite*"):
        file.write_bytes(os.urandom(20_000))
    first = kept.keep(result, DATA, door="app")
    second = other.keep(result, DATA, door="app")
    other.close()  # closing its connection to the corrupt file takes nothing from the new one
    third = kept.keep(result, DATA, door="app")
    assert [s.id for s in Samples(kept.folder).samples()] == [first, second, third]


def test_no_more_than_one_corrupt_file_stays(kept: Samples, result: Result) -> None:
    for number in range(1, 5):
        assert kept.keep(result, DATA, door="app")
        kept.close()
        (kept.folder / f"samples-{number}.sqlite").write_bytes(os.urandom(20_000))
        (kept.folder / f"samples-{number}.sqlite-wal").unlink(missing_ok=True)
    assert kept.keep(result, DATA, door="app")
    assert sorted(f.name for f in kept.folder.glob("*.sqlite")) == ["samples-4.sqlite", "samples-5.sqlite"]


def test_the_folder_is_removed_while_in_use(kept: Samples, result: Result) -> None:
    kept.keep(result, DATA, door="app")
    shutil.rmtree(kept.folder)
    made = kept.keep(result, DATA, door="app")
    assert made and [s.id for s in Samples(kept.folder).samples()] == [made]


def test_where_nothing_can_be_written_a_conversion_goes_on(tmp_path: Path, result: Result) -> None:
    (tmp_path / "file").write_text("in the way")
    kept = Samples(tmp_path / "file" / "samples")
    assert kept.keep(result, DATA, door="app") is None
    assert kept.health()["state"] == "failing" and kept.health()["lost"] == 1
    (why,) = kept.degraded()
    assert "not kept" in why and str(tmp_path) not in why
    with pytest.raises(Busy, match="at the moment"):
        kept.rate("any", "up")


def test_it_heals(tmp_path: Path, result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "samples"
    place.write_text("in the way")
    kept = Samples(place)
    assert kept.keep(result, DATA, door="app") is None and kept.degraded()
    place.unlink()
    assert kept.keep(result, DATA, door="app") is None, "not tried at each conversion"
    now = time.monotonic() + samples.RETRY + 1
    monkeypatch.setattr(samples.time, "monotonic", lambda: now)
    assert kept.keep(result, DATA, door="app") and not kept.degraded()


def test_nobody_waits_long_for_a_writer(tmp_path: Path, result: Result) -> None:
    kept = Samples(tmp_path, wait=0.2)
    assert kept.keep(result, DATA, door="app")
    blocking = sqlite3.connect(tmp_path / "samples-1.sqlite", isolation_level=None)
    blocking.execute("BEGIN IMMEDIATE")
    begin = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: kept.keep(result, DATA, door="app"), range(4))) == [None] * 4
    assert time.monotonic() - begin < 2
    assert len(list(kept.samples())) == 1, "who reads does not wait"
    blocking.execute("ROLLBACK")
    blocking.close()
    assert kept.keep(result, DATA, door="app") and kept.health()["lost"] == 4


def test_another_program_s_file_is_left_alone(tmp_path: Path, result: Result) -> None:
    database = sqlite3.connect(tmp_path / "samples-1.sqlite")
    database.execute("CREATE TABLE theirs (x)")
    database.commit()
    database.close()
    before = (tmp_path / "samples-1.sqlite").read_bytes()
    kept = Samples(tmp_path)
    assert kept.keep(result, DATA, door="app") is None
    assert "another program" in kept.degraded()[0]
    assert (tmp_path / "samples-1.sqlite").read_bytes() == before


def test_a_later_version_s_file_is_left_alone(kept: Samples, result: Result) -> None:
    kept.keep(result, DATA, door="app")
    kept.close()
    database = sqlite3.connect(kept.folder / "samples-1.sqlite")
    database.execute(f"PRAGMA user_version = {samples.SCHEMA + 1}")
    database.close()
    assert kept.keep(result, DATA, door="app") is None and f"form {samples.SCHEMA + 1}" in kept.degraded()[0]


def test_an_odd_row_does_not_end_the_reading(kept: Samples, result: Result) -> None:
    first, second = (kept.keep(result, DATA, door="app") for _ in range(2))
    database = sqlite3.connect(kept.folder / "samples-1.sqlite")
    database.execute("UPDATE samples SET features = '{' WHERE id = ?", [first])
    database.commit()
    database.close()
    assert [s.id for s in kept.samples()] == [second]


def test_off(result: Result, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRUECURVE_SAMPLES", "off")
    samples.store.cache_clear()
    try:
        here = samples.store()
        assert here.keep(result, DATA, door="app") is None
        assert here.health()["state"] == "off" and not here.degraded() and not list(here.samples())
        with pytest.raises(BadSetting, match="Nothing is kept"):
            here.rate("any", "up")
        monkeypatch.setenv("TRUECURVE_SAMPLES", str(tmp_path))
        samples.store.cache_clear()
        assert samples.store().folder == tmp_path
    finally:
        samples.store.cache_clear()


def test_a_thread_s_death_leaves_nothing_locked(kept: Samples, result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.keep(result, DATA, door="app")
    with monkeypatch.context() as broken:
        broken.setattr(samples, "_cell", lambda name, value: 1 / 0)
        thread = threading.Thread(target=kept.keep, args=(result, DATA), kwargs={"door": "app"})
        thread.start()
        thread.join(5)
    assert kept.keep(result, DATA, door="app") and len(list(kept.samples())) == 2
