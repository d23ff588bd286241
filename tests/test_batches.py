"""Batches through the web: their parts by themselves, and the endpoint as programs use it, hostile zips among them."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import stat
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import numpy as np
import psutil
import pytest
from conftest import Server, png_of
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from pipeline import BadPicture, Converter
from pipeline.config import BatchLimits, ZipLimits
from pipeline.convert import Request
from pipeline.serve.inputs import open_files
from pipeline.web import batches
from pipeline.web.batches import Batch, Batches, pack, time_left, zip_name

WITHIN = 60.0
"""Seconds that a batch of a dozen small pictures may take on a loaded machine."""


def square(colour: int = 0) -> bytes:
    pixels = np.full((24, 24, 3), 255, np.uint8)
    pixels[6:18, 6:18] = (colour, 80, 160)
    return png_of(pixels)


def noise(seed: int) -> bytes:
    """As slow as a picture of its size gets."""
    return png_of(np.random.default_rng(seed).integers(0, 256, (400, 400, 3), np.uint8))


def zip_of(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Write a file, and return where."""

    def write(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return write


# --- loose files ------------------------------------------------------------------------------------------------------


def test_names_stay_as_they_were_sent_but_within_the_folder(put: Callable[[str, bytes], Path]) -> None:
    path = put("a.png", square())
    sent = ["logos/a.png", "../../etc/a.png", "/abs/a.png", "C:\\x\\a.png", "b\n.png", "..", "a.png", "a.png"]
    inputs = open_files([(name, path) for name in sent])
    assert inputs.names == (
        "logos/a.png", "etc/a.png", "abs/a.png", "C_/x/a.png", "b.png", "picture", "a.png", "a~2.png",
    )  # fmt: skip
    assert all(inputs.read(i) == square() for i in range(len(sent)))


def test_what_is_no_picture_by_its_name(put: Callable[[str, bytes], Path]) -> None:
    """In a folder it is passed over; a file that was chosen itself gets a row, and so a reason."""
    path = put("x", b"no picture")
    inputs = open_files([(n, path) for n in ("f/notes.txt", "f/.DS_Store", "__MACOSX/a.png", "notes.txt", "f/a.png")])
    assert inputs.names == ("notes.txt", "f/a.png") and inputs.passed_over == 3


def test_a_zip_alone_keeps_its_names_and_beside_others_gets_a_folder(
    put: Callable[[str, bytes], Path], tmp_path: Path
) -> None:
    packed = zip_of(tmp_path / "set.zip", {"x/a.png": square(1), "b.png": square(2), "readme.md": b""})
    alone = open_files([("set.zip", packed)])
    assert alone.names == ("x/a.png", "b.png") and alone.passed_over == 1
    beside = open_files([("c.png", put("c.png", square(3))), ("in/set.zip", packed)])
    assert beside.names == ("c.png", "in/set/x/a.png", "in/set/b.png")
    assert [beside.read(i) for i in range(3)] == [square(3), square(1), square(2)]
    beside.close()
    alone.close()


def test_a_bad_zip_is_a_row_beside_others_and_an_error_alone(put: Callable[[str, bytes], Path]) -> None:
    bad = put("bad.zip", b"PK\3\4 broken")
    with pytest.raises(BadPicture, match="zip"):
        open_files([("bad.zip", bad)])
    inputs = open_files([("bad.zip", bad), ("a.png", put("a.png", square()))])
    assert inputs.names == ("bad.zip", "a.png")
    with pytest.raises(BadPicture, match="zip"):
        inputs.read(0)
    assert inputs.read(1) == square()


def test_a_file_that_was_too_large_to_send_is_a_row(put: Callable[[str, bytes], Path]) -> None:
    inputs = open_files([("large.png", None), ("a.png", put("a.png", square()))])
    with pytest.raises(BadPicture, match="30 MB") as caught:
        inputs.read(0)
    assert caught.value.code == "too_large"


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (BatchLimits(files=2), "3 files; the limit is 2"),
        (BatchLimits(files=3), "4 pictures; the limit is 3"),
        (BatchLimits(zips=0), "1 zips"),
        (BatchLimits(bytes=100), "0 MB together"),
    ],
)
def test_limits(limits: BatchLimits, message: str, put: Callable[[str, bytes], Path], tmp_path: Path) -> None:
    path = put("a.png", square())
    packed = zip_of(tmp_path / "set.zip", {"a.png": square(), "b.png": square()})
    with pytest.raises(BadPicture, match=message):
        open_files([("a.png", path), ("b.png", path), ("set.zip", packed)], limits)


def test_limits_of_a_zip_hold(tmp_path: Path) -> None:
    packed = zip_of(tmp_path / "set.zip", {f"{i}.png": square() for i in range(5)})
    with pytest.raises(BadPicture, match="more than 4 entries"):
        open_files([("set.zip", packed)], zips=ZipLimits(entries=4))


def test_nothing_to_convert(put: Callable[[str, bytes], Path]) -> None:
    with pytest.raises(BadPicture, match="no picture"):
        open_files([("f/notes.txt", put("notes.txt", b""))])
    with pytest.raises(BadPicture, match="no picture"):
        open_files([])


# --- a batch by itself ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["logos.zip"], "logos-svg"),
        (["brand/a.png", "brand/x/b.png"], "brand-svg"),
        (["a.png", "b.png"], "truecurve-svg"),
        (["a.png"], "truecurve-svg"),
        (["x/a.png", "y/b.png"], "truecurve-svg"),
        (['<a"b>/c.png'], "ab-svg"),
        (["…/c.png"], "truecurve-svg"),
    ],
)
def test_the_zip_is_called_after_what_was_sent(names: list[str], expected: str) -> None:
    assert zip_name(names) == expected


def test_time_left() -> None:
    assert time_left([0.0], 10, 5.0) is None
    assert time_left([0.0, 1.0, 2.0], 10, 2.0) == pytest.approx(10.0)
    assert time_left([0.0, 1.0, 2.0], 10, 9.0) == pytest.approx(30.0)  # the next is late: three in nine seconds
    paces = [0.0, *(100.0 + i for i in range(batches.PACE_OF))]
    assert time_left(paces, 10, paces[-1]) == pytest.approx(10.0)  # the slow start is forgotten


@pytest.fixture(scope="module")
def converter() -> Iterator[Converter]:
    with Converter(2) as shared:
        yield shared


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    return tmp_path / "uploads"


def begin(files: list[tuple[str, Path]], converter: Converter, swept: set[str]) -> Batch:
    return Batch(open_files(files), Request(tier=1, validate=True), converter, name="set-svg", swept=swept)


def test_a_batch_from_beginning_to_sweep(
    put: Callable[[str, bytes], Path], converter: Converter, uploads: Path
) -> None:
    swept: set[str] = set()
    files = [(f"d{i % 3}/{i}.png", put(f"{i}.png", square(20 * i))) for i in range(6)]
    files.append(("bad.png", put("bad.png", b"\x89PNG broken")))
    batch = begin(files, converter, swept)
    assert batch.svg(0) is None or batch.rows[0].state == "done"
    assert batch.wait(WITHIN)
    assert [row.state for row in batch.rows] == ["done"] * 6 + ["failed"]
    assert batch.rows[6].error and not batch.error and batch.seconds_left in (0, None)
    summary = batch.summary()
    assert (summary["total"], summary["converted"], summary["failed"]) == (7, 6, 1)
    assert summary["failures"] == [{"file": "bad.png", "error": batch.rows[6].error, "code": "unreadable"}]
    assert summary["mean_quality"] > 0.9 and summary["mean_default_quality"] > 0.5
    assert batch.zip and swept == {str(batch.zip)} and batch.zip.is_relative_to(uploads)
    assert stat.S_IMODE(batch.folder.stat().st_mode) == 0o700
    assert list(batch.folder.iterdir()) == [batch.zip], "the SVGs lie in the zip alone"
    with zipfile.ZipFile(batch.zip) as archive:
        assert set(archive.namelist()) == {"report.jsonl", "report.csv"} | {f"d{i % 3}/{i}.svg" for i in range(6)}
        assert archive.read("d0/0.svg") == batch.svg(0)
    batch.zip.unlink()
    assert batch.svg(0) is None


def test_stopping_keeps_what_is_done(put: Callable[[str, bytes], Path], converter: Converter, uploads: Path) -> None:
    path = put("a.png", square())
    batch = begin([(f"{i}.png", path) for i in range(200)], converter, set())
    limit = time.monotonic() + WITHIN
    while not batch.counts["done"]:
        assert time.monotonic() < limit
        time.sleep(0.01)
    batch.cancel()
    assert batch.wait(10)
    counts = batch.counts
    assert batch.cancelled and counts["done"] >= 1 and counts["stopped"] >= 100 and counts["waiting"] == 0
    assert batch.zip
    with zipfile.ZipFile(batch.zip) as archive:
        assert sum(name.endswith(".svg") for name in archive.namelist()) == counts["done"]


def test_who_leaves_leaves_nothing_behind(
    put: Callable[[str, bytes], Path], converter: Converter, uploads: Path
) -> None:
    path = put("a.png", square())
    batch = begin([(f"{i}.png", path) for i in range(200)], converter, set())
    batch.leave()
    assert batch.wait(10)
    limit = time.monotonic() + 5
    while batch.folder.exists():
        assert time.monotonic() < limit
        time.sleep(0.01)
    done = begin([("a.png", path)], converter, set())
    assert done.wait(WITHIN)
    done.leave()
    assert done.zip and done.zip.is_file(), "whoever waited to the end keeps the results"


def test_a_batch_is_forgotten_after_an_hour(
    put: Callable[[str, bytes], Path], converter: Converter, uploads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, path = Batches(), put("a.png", square())
    first = kept.put(begin([("a.png", path)], converter, set()))
    assert first.wait(WITHIN) and kept.get(first.token) is first
    monkeypatch.setattr(batches, "KEPT", 0.0)
    second = kept.put(begin([("a.png", path)], converter, set()))
    assert kept.get(first.token) is None and kept.get(second.token) is second and kept.get(None) is None
    assert not first.folder.exists() and second.wait(WITHIN)


def test_packing_takes_no_memory(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for i in range(10):
        with (folder / f"{i}.svg").open("wb") as file:
            for _ in range(20):
                file.write(np.random.default_rng(i).bytes(1_000_000))
    before, most, stop = psutil.Process().memory_info().rss, 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not stop.wait(0.01):
            most = max(most, psutil.Process().memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    pack(folder, tmp_path / "out.zip")
    stop.set()
    watcher.join()
    assert (tmp_path / "out.zip").stat().st_size > 190_000_000 and most - before < 60_000_000


# --- the endpoint -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return Client(server.url, verbose=False)


def unpacked(path: str) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """The files of a zip of results, and the rows of its report."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    rows = [json.loads(line) for line in files["report.jsonl"].decode().splitlines()]
    return files, rows


def test_twelve_files_one_of_them_bad_and_a_zip(
    client: Client, put: Callable[[str, bytes], Path], tmp_path: Path, examples: Path
) -> None:
    loose = [put(f"{i}.png", square(20 * i)) for i in range(9)]
    loose.append(put("bad.png", (examples / "tiger.png").read_bytes()[:900]))
    loose.append(examples / "blender.png")
    packed = zip_of(tmp_path / "brand.zip", {"a/b/c.png": square(1), "top.png": square(2), "notes.txt": b"hello"})
    path, summary = client.predict(files=[handle_file(file) for file in (*loose, packed)], tier="1", api_name="/batch")
    files, rows = unpacked(path)
    assert Path(path).name == "truecurve-svg.zip"
    svgs = {name for name in files if name.endswith(".svg")}
    assert svgs == {*(f"{i}.svg" for i in range(9)), "blender.svg", "brand/a/b/c.svg", "brand/top.svg"}
    assert all(ElementTree.fromstring(files[name]).get("viewBox") for name in svgs)
    assert len(rows) == 13 and [row["file"] for row in rows if not row["ok"]] == ["bad.png"]
    table = list(csv.DictReader(io.StringIO(files["report.csv"].decode())))
    assert len(table) == 13 and {row["file"] for row in table} == {row["file"] for row in rows}
    assert (summary["total"], summary["converted"], summary["failed"], summary["passed_over"]) == (13, 12, 1, 1)
    assert summary["failures"][0]["file"] == "bad.png" and "damaged" in summary["failures"][0]["error"]
    assert not summary["cancelled"] and summary["mean_quality"] > 0.9


def test_progress_comes_before_the_results(client: Client, put: Callable[[str, bytes], Path]) -> None:
    paths = [put(f"{i}.png", noise(i)) for i in range(8)]
    job = client.submit(files=[handle_file(path) for path in paths], tier="1", api_name="/batch")
    path, _ = job.result(timeout=WITHIN)
    outputs = job.outputs()
    assert path.endswith(".zip") and outputs[0][0] is None
    done = [summary["converted"] for _, summary in outputs]
    assert done == sorted(done) and done[-1] == 8


def test_a_hostile_zip_harms_nobody(client: Client, server: Server, tmp_path: Path) -> None:
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr("good.png", square())
        archive.writestr("../../escape.png", square(2))
        archive.writestr("/abs.png", square(3))
        archive.writestr("bomb.png", bytes(5_000_000), zipfile.ZIP_DEFLATED)
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    path, summary = client.predict(files=[handle_file(bad)], tier="1", api_name="/batch")
    files, _ = unpacked(path)
    assert set(files) == {"good.svg", "report.jsonl", "report.csv"} and summary["converted"] == 1
    reasons = {failure["file"]: failure["error"] for failure in summary["failures"]}
    assert "leads out" in reasons["../../escape.png"] and "leads out" in reasons["/abs.png"]
    assert "link" in reasons["link.png"] and "packed more" in reasons["bomb.png"]
    assert not list(server.log.parent.rglob("escape*")) and b"root:" not in b"".join(files.values())


def test_what_cannot_be_opened_is_a_clear_error(
    client: Client, tmp_path: Path, put: Callable[[str, bytes], Path]
) -> None:
    many = zip_of(tmp_path / "many.zip", {f"{i}.png": b"" for i in range(201)})
    with pytest.raises(AppError, match="more than 200 entries"):
        client.predict(files=[handle_file(many)], api_name="/batch")
    with pytest.raises(AppError, match="zip that can be read"):
        client.predict(files=[handle_file(put("broken.zip", b"PK\3\4"))], api_name="/batch")
    with pytest.raises(AppError, match="no picture"):
        client.predict(files=[], api_name="/batch")
    with pytest.raises(AppError, match=r"between 0 and 1|must be|less than|maximum"):
        client.predict(files=[handle_file(put("a.png", square()))], target_quality=3, api_name="/batch")


def test_links_and_files_of_the_server_are_refused(client: Client, server: Server) -> None:
    for link in ("http://example.com/a.png", server.url + "/gradio_api/file=/etc/passwd"):
        with pytest.raises(AppError, match="Links are not fetched"):
            client.predict(files=[{"path": link, "meta": {"_type": "gradio.FileData"}}], api_name="/batch")
    rest = ["1", 0.98, 1.0, "keep", 0, "", "compact", "normal", False]
    for file in ({"path": "/etc/passwd"}, "/etc/passwd", "file:///etc/passwd", "http://example.com/a.png"):
        call = httpx.post(f"{server.url}/gradio_api/call/batch", json={"data": [[file], *rest]})
        if call.status_code == 200:
            answer = httpx.get(f"{server.url}/gradio_api/call/batch/{call.json()['event_id']}", timeout=30).text
            assert "event: error" in answer and "root:" not in answer


def test_cancelling_a_job_stops_the_work(client: Client, server: Server, put: Callable[[str, bytes], Path]) -> None:
    paths = [put(f"{i}.png", noise(i)) for i in range(60)]
    job = client.submit(files=[handle_file(path) for path in paths], tier="1", api_name="/batch")
    limit = time.monotonic() + WITHIN

    def workers() -> dict[str, int]:
        return httpx.get(server.url + "/api/ai-health", timeout=10).json()["workers"]

    while not job.outputs():
        assert time.monotonic() < limit
        time.sleep(0.1)
    assert workers()["busy"] > 0
    job.cancel()
    while workers()["busy"] or workers()["background"]:
        assert time.monotonic() < limit, "it went on"
        time.sleep(0.2)
    folders = list((server.log.parent / "uploads").glob("batch-*/out"))
    assert not folders


def test_nobody_reaches_another_one_s_results(server: Server) -> None:
    for link in ("x/0.svg", "x/results.zip", "..%2f..%2fapp.py/0.svg", "x/-1.svg"):
        assert httpx.get(f"{server.url}/api/batches/{link}").status_code in (404, 422)


def test_as_a_tool(server: Server, tmp_path: Path) -> None:
    async def call() -> Any:
        packed = zip_of(tmp_path / "brand.zip", {"a/b.png": square(1), "bad.png": b"no"})
        with packed.open("rb") as file:
            path = httpx.post(server.url + "/gradio_api/upload", files={"files": file}).json()[0]
        async with (
            streamable_http_client(server.url + "/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            link = f"{server.url}/gradio_api/file={path}"
            return await session.call_tool("batch", {"files": [link], "tier": "1"})

    answer = asyncio.run(call())
    assert not answer.isError, answer
    text = " ".join(part.text for part in answer.content)
    assert "brand-svg.zip" in text and "converted" in text and "bad.png" in text
