"""The Gradio endpoints as programs use them, and what they must not do for strangers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from xml.etree import ElementTree

import gradio
import httpx
import pytest
import yaml
from conftest import ROOT, Server
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from pipeline.config import DEFAULT_TARGET_QUALITY, DEFAULT_TIER, DEFAULT_TIME_BUDGET, VERSION


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return Client(server.url, verbose=False)


def test_convert(client: Client, logo: Path) -> None:
    svg, record = client.predict(image=handle_file(logo), tier="1", api_name="/convert")
    assert ElementTree.fromstring(svg).get("viewBox")
    assert record["selected_tier"] == 1 and record["actual_quality"] > 0.95 and record["default_quality"] > 0.95
    assert record["svg_bytes"] == len(svg.encode())


def test_transparency_is_kept(client: Client, examples: Path) -> None:
    svg, record = client.predict(image=handle_file(examples / "panda.png"), api_name="/convert")
    assert "viewBox" in svg and record["actual_quality"] > 0.9


def test_analyze(client: Client, logo: Path) -> None:
    record = client.predict(image=handle_file(logo), api_name="/analyze")
    assert record["logo_type"] in ("simple", "text", "gradient", "complex") and record["width"] == 512


def test_health(client: Client) -> None:
    health = client.predict(api_name="/health")
    assert health["available"] is True and health["version"] == VERSION


def test_defaults_and_docs_are_the_library_s(client: Client) -> None:
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert set(endpoints) == {"/convert", "/analyze", "/tune", "/batch", "/rate", "/health"}
    given = {p["parameter_name"]: p["parameter_default"] for p in endpoints["/convert"]["parameters"]}
    assert given["tier"] == DEFAULT_TIER
    assert given["target_quality"] == DEFAULT_TARGET_QUALITY and given["time_budget"] == DEFAULT_TIME_BUDGET


def test_errors_are_clear(client: Client, tmp_path: Path, logo: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(logo.read_bytes()[:1500])
    with pytest.raises(AppError, match="damaged"):
        client.predict(image=handle_file(broken), api_name="/convert")
    text = tmp_path / "notes.txt"
    text.write_text("not a picture")
    with pytest.raises(AppError, match="not a picture"):
        client.predict(image=handle_file(text), api_name="/analyze")
    with pytest.raises(AppError, match=r"between 0 and 1|must be|less than|maximum"):
        client.predict(image=handle_file(logo), target_quality=3, api_name="/convert")


def test_mcp(server: Server, logo: Path) -> None:
    async def call() -> tuple[set[str], str]:
        with logo.open("rb") as file:
            path = httpx.post(server.url + "/gradio_api/upload", files={"files": file}).json()[0]
        async with (
            streamable_http_client(server.url + "/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = {tool.name for tool in (await session.list_tools()).tools}
            link = f"{server.url}/gradio_api/file={path}"
            answer = await session.call_tool("convert", {"image": link, "tier": "1"})
            assert not answer.isError, answer
            return tools, answer.content[0].text

    tools, svg = asyncio.run(call())
    assert tools == {"convert", "analyze", "tune", "batch", "rate", "health"}
    assert "<svg" in svg and "viewBox" in svg


def test_links_are_not_fetched(server: Server, client: Client) -> None:
    with pytest.raises(AppError, match="Links are not fetched"):
        client.predict(
            image={"path": "http://example.com/a.png", "meta": {"_type": "gradio.FileData"}}, api_name="/convert"
        )
    with pytest.raises(AppError, match="Links are not fetched"):
        client.predict(
            image={"path": server.url + "/gradio_api/file=/etc/passwd", "meta": {"_type": "gradio.FileData"}},
            api_name="/analyze",
        )
    for target in ("https://example.com/", "http://127.0.0.1/", "HTTPS://example.com"):
        assert httpx.get(f"{server.url}/gradio_api/file={target}").status_code == 403


@pytest.mark.parametrize("meta", [True, False])
def test_files_of_the_server_are_out_of_reach(server: Server, meta: bool) -> None:
    image = {"path": "/etc/passwd"} | ({"meta": {"_type": "gradio.FileData"}} if meta else {})
    call = httpx.post(f"{server.url}/gradio_api/call/convert", json={"data": [image, "1", 0.98, 1.0, "keep"]})
    if call.status_code == 200:
        answer = httpx.get(f"{server.url}/gradio_api/call/convert/{call.json()['event_id']}", timeout=30).text
        assert "event: error" in answer and "root:" not in answer
    assert httpx.get(f"{server.url}/gradio_api/file=/etc/passwd").status_code in (403, 404)
    assert httpx.get(f"{server.url}/gradio_api/file=app.py").status_code in (403, 404)
    for escape in ("/examples/../../app.py", "/examples/%2e%2e/%2e%2e/app.py", "/style/..%2f..%2fapp.py"):
        assert httpx.get(server.url + escape).status_code == 404


def test_nothing_is_left_behind(client: Client, logo: Path, server: Server) -> None:
    uploads = server.log.parent / "uploads"
    client.predict(image=handle_file(logo), api_name="/analyze")
    assert not [f for f in uploads.iterdir() if f.is_file()]


def test_nothing_calls_home(server: Server) -> None:
    page = httpx.get(server.url).text
    assert "truecurve.css" in page
    config = httpx.get(server.url + "/config").json()
    assert not config["analytics_enabled"]
    assert httpx.get(server.url + "/monitoring").status_code in (403, 404)


def test_every_example_has_its_credit(examples: Path) -> None:
    index = json.loads((examples / "index.json").read_text())
    pictures = {p.name for p in examples.iterdir() if p.suffix in (".png", ".jpg", ".webp")}
    assert {e["file"] for e in index} == pictures and len(pictures) >= 12
    assert {e["kind"] for e in index} == {"simple", "text", "gradient", "complex"}
    credits = (examples / "CREDITS.md").read_text()
    assert all(f"`{name}`" in credits for name in pictures)
    assert sum(p.stat().st_size for p in examples.iterdir()) < 500_000


def test_front_matter_is_what_a_space_builds_from() -> None:
    head = (ROOT / "README.md").read_text().split("---")[1]
    fields = yaml.safe_load(head)
    assert fields["sdk"] == "gradio" and fields["sdk_version"] == gradio.__version__
    assert fields["app_file"] == "app.py" and fields["python_version"] == "3.11"
    assert len(fields["short_description"]) <= 60


@pytest.mark.bench
def test_answers_within_ten_seconds_of_its_start(server: Server) -> None:
    assert server.started_in < 10
