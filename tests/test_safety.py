"""What strangers must not get from the page's own routes: room, listings, other files, insides of errors, running markup."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import ROOT, Server
from fastapi.testclient import TestClient

from pipeline import Converter
from pipeline.web import api, page
from pipeline.web import server as web_server
from pipeline.workers import Workers

EVIL = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def uploads(running: Server) -> list[Path]:
    folder = running.log.parent / "uploads"
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


def upload(url: str, name: str, data: bytes) -> str:
    answer = httpx.post(url + "/gradio_api/upload", files={"files": (name, data)}, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()[0]


def test_an_upload_over_the_limit_is_refused_and_not_kept(server: Server) -> None:
    before = sum(path.stat().st_size for path in uploads(server))
    # in two files, neither of which is too large by itself
    half = b"\0" * (web_server.MOST_UPLOADED // 2 + api.ENVELOPE)
    too_much = [("files", ("one.png", half)), ("files", ("two.png", half))]
    try:
        answer = httpx.post(server.url + "/gradio_api/upload", files=too_much, timeout=60)
        assert answer.status_code == 413, answer.text[:200]
    except httpx.WriteError:
        pass  # the connection was closed before all of it was sent
    assert sum(path.stat().st_size for path in uploads(server)) - before < web_server.MOST_UPLOADED


def test_no_folder_is_listed(server: Server) -> None:
    path = upload(server.url, "mine.png", b"mine")
    folders = ["/style/", "/examples/", "/style", "/examples"]
    folders += [
        f"/gradio_api/file={folder}" for folder in (Path(path).parent, Path(path).parent.parent, ROOT / "assets")
    ]
    for folder in folders:
        answer = httpx.get(server.url + folder, follow_redirects=True)
        assert answer.status_code in (403, 404), folder
        assert "mine.png" not in answer.text


def test_nothing_is_served_but_what_was_uploaded(server: Server) -> None:
    path = upload(server.url, "mine.png", b"mine")
    assert httpx.get(f"{server.url}/gradio_api/file={path}").content == b"mine"
    beside = Path(path).parent / "other.png"
    for other in (
        server.log,
        beside,
        ROOT / "README.md",
        ROOT / "assets" / "models" / "classifier" / "1" / "card.json",
        Path(path).parent / ".." / ".." / server.log.name,
        "/proc/self/environ",
        "pipeline/config.py",
    ):
        answer = httpx.get(f"{server.url}/gradio_api/file={other}")
        assert answer.status_code in (403, 404), other


def test_an_upload_s_place_cannot_be_guessed(server: Server) -> None:
    """Its folder is named by a hash of its content: whoever can tell it has the content already."""
    one, two = upload(server.url, "same.png", b"one"), upload(server.url, "same.png", b"two")
    assert Path(one).parent != Path(two).parent and len(Path(one).parent.name) >= 32


@pytest.mark.parametrize(("name", "data"), [("evil.svg", EVIL), ("evil.html", b"<script>alert(1)</script>")])
def test_an_upload_is_not_run_by_a_browser(server: Server, name: str, data: bytes) -> None:
    answer = httpx.get(f"{server.url}/gradio_api/file={upload(server.url, name, data)}")
    assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("/gradio_api/queue/join", {"data": "x", "fn_index": 10**9, "session_hash": "a"}),
        ("/gradio_api/queue/join", {"fn_index": "x"}),
        ("/gradio_api/call/convert", {"data": [{"path": 7}, None, "x"]}),
        ("/gradio_api/call/nothing", {"data": []}),
        ("/gradio_api/run/convert", {"data": []}),
        ("/gradio_api/component_server", {"data": 1, "component_id": 1, "fn_name": "ls", "session_hash": "a"}),
        ("/gradio_api/upload", {"files": "x"}),
        ("/api/convert-ai", {"image": "x"}),
        ("/api/nothing", {}),
    ],
)
def test_errors_have_no_insides(server: Server, route: str, body: dict[str, Any]) -> None:
    answer = httpx.post(server.url + route, json=body, timeout=30)
    text = answer.text
    if "event_id" in text and answer.status_code == 200:
        text += httpx.get(f"{server.url}{route}/{answer.json()['event_id']}", timeout=30).text
    for inside in ("Traceback", 'File "', "site-packages", str(ROOT)):
        assert inside not in text, text[:500]


# ---- temporary files


@pytest.fixture
def swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The app in this process, sweeping each second what is older than one."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    monkeypatch.setattr(page, "SWEEP", (1, 1))
    with Workers(1, preload=()) as workers, TestClient(web_server.create(Converter(workers))) as client:
        yield client


def test_what_was_uploaded_is_gone_after_a_while(swept: TestClient, tmp_path: Path) -> None:
    path = swept.post("/gradio_api/upload", files={"files": ("mine.png", b"mine")}).json()[0]
    assert Path(path).is_relative_to(tmp_path) and Path(path).read_bytes() == b"mine"
    until = time.monotonic() + 30
    while Path(path).exists():
        assert time.monotonic() < until, "it is still there"
        time.sleep(0.2)
    assert swept.get(f"/gradio_api/file={path}").status_code in (403, 404)


def test_a_while_is_an_hour() -> None:
    every, age = page.SWEEP
    assert every + age <= 2 * 3600, "the footer promises two hours"
