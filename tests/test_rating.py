"""Rating: through REST, Gradio and MCP, to the folder of samples; and the form below a result."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from conftest import Server, png_of
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from PIL import Image, PngImagePlugin

from pipeline.serve.samples import LONGEST_REASON, Samples
from pipeline.web.rating import LONGEST_WORDS, rating_html
from pipeline.web.texts import rating as t


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return Client(server.url, verbose=False)


@pytest.fixture
def kept(server: Server) -> Samples:
    """What the app keeps, read as another process would."""
    return Samples(server.log.parent / "samples")


def convert(server: Server, picture: bytes, **fields: str) -> dict:
    answer = httpx.post(server.url + "/api/convert-ai", files={"image": picture}, data=fields, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()["ai_metadata"]


def rate(server: Server, picture: bytes | None = None, **fields: str) -> httpx.Response:
    files = {"picture": picture} if picture else None
    return httpx.post(server.url + "/api/rate", data=fields, files=files, timeout=60)


def told(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.json()["success"] is False
    return answer.json()["error"]["message"]


def with_place(colour: tuple[int, int, int]) -> bytes:
    """A PNG of 1300 × 650 px that says in its file who took it, and where."""
    image = Image.open(io.BytesIO(png_of(np.full((650, 1300, 3), colour, np.uint8))))
    said = PngImagePlugin.PngInfo()
    said.add_text("Author", "Ann Somebody")
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    out = io.BytesIO()
    image.save(out, "PNG", pnginfo=said, exif=exif)
    return out.getvalue()


def test_every_conversion_has_a_sample(server: Server, client: Client, kept: Samples, logo: Path) -> None:
    record = convert(server, logo.read_bytes(), tier="1", validate="true")
    _, other = client.predict(image=handle_file(logo), tier="1", api_name="/convert")
    rest, gradio = kept.find(record["sample"]), kept.find(other["sample"])
    assert rest and gradio and (rest.door, gradio.door) == ("api", "gradio")
    assert rest.image == gradio.image and rest.features == record["features"]
    assert rest.actual == record["actual_quality"] and rest.logo_type == record["logo_type"]
    assert rest.plan == record["parameters_used"] and rest.thumb is None and not rest.has_picture


def test_rate_by_rest(server: Server, kept: Samples, logo: Path) -> None:
    sample = convert(server, logo.read_bytes(), tier="1")["sample"]
    answer = rate(server, sample=sample, thumb="down", reason=" the  red is off ")
    assert answer.json() == {
        "success": True, "sample": sample, "thumb": "down", "reason": "the red is off", "picture_kept": False,
    }  # fmt: skip
    found = kept.find(sample)
    assert (found.thumb, found.reason, found.has_picture) == ("down", "the red is off", False)
    rate(server, sample=sample, thumb="up")
    assert kept.find(sample).thumb == "up"


def test_a_picture_is_kept_where_it_is_given_and_nothing_else_of_its_file(server: Server, kept: Samples) -> None:
    data = with_place((200, 30, 60))
    sample = convert(server, data, tier="1")["sample"]
    assert kept.picture(sample) is None
    assert rate(server, data, sample=sample, thumb="up").json()["picture_kept"] is True
    picture = kept.picture(sample)
    for word in (b"Ann", b"Author", b"home", b"eXIf", b"tEXt"):
        assert word in data and word not in picture
    image = Image.open(io.BytesIO(picture))
    assert image.size == (1024, 512) and image.convert("RGB").getpixel((500, 250)) == (200, 30, 60)
    assert rate(server, sample=sample, thumb="up").json()["picture_kept"] is False
    assert kept.picture(sample) is None


def test_another_picture_is_not_kept(server: Server, kept: Samples, logo: Path, examples: Path) -> None:
    sample = convert(server, logo.read_bytes(), tier="1")["sample"]
    other = (examples / "panda.png").read_bytes()
    assert told(rate(server, other, sample=sample, thumb="up"), 422) == t.OTHER_PICTURE
    assert kept.find(sample).thumb is None


def test_bad_ratings(server: Server, logo: Path) -> None:
    sample = convert(server, logo.read_bytes(), tier="1")["sample"]
    assert "No conversion of that id" in told(rate(server, sample="guess", thumb="up"), 422)
    assert "No conversion of that id" in told(rate(server, logo.read_bytes(), sample="guess", thumb="up"), 422)
    assert "thumb" in told(rate(server, sample=sample, thumb="sideways"), 422)
    assert "sample is missing" in told(rate(server, thumb="up"), 422)
    assert "limit" in told(rate(server, sample=sample, thumb="up", reason="x" * (LONGEST_REASON + 1)), 422)
    assert "MB" in told(rate(server, b"x" * 31_500_000, sample=sample, thumb="up"), 413)


def test_rate_by_gradio(client: Client, kept: Samples, logo: Path) -> None:
    _, record = client.predict(image=handle_file(logo), tier="1", api_name="/convert")
    answer = client.predict(sample=record["sample"], thumb="up", reason="crisp", api_name="/rate")
    assert answer["thumb"] == "up" and kept.find(record["sample"]).reason == "crisp"
    with pytest.raises(AppError, match="No conversion of that id"):
        client.predict(sample="guess", thumb="up", api_name="/rate")


def test_rate_by_mcp(server: Server, kept: Samples, logo: Path) -> None:
    sample = convert(server, logo.read_bytes(), tier="1")["sample"]

    async def call() -> None:
        async with (
            streamable_http_client(server.url + "/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tool = next(tool for tool in (await session.list_tools()).tools if tool.name == "rate")
            assert "Rate a conversion" in tool.description
            assert tool.inputSchema["properties"]["thumb"]["enum"] == ["up", "down"]
            answer = await session.call_tool("rate", {"sample": sample, "thumb": "down", "reason": "by a tool"})
            assert not answer.isError, answer
            assert "by a tool" in answer.content[0].text

    asyncio.run(call())
    assert kept.find(sample).reason == "by a tool"


def test_health_says_what_is_kept(server: Server, client: Client, logo: Path) -> None:
    convert(server, logo.read_bytes(), tier="1")
    for health in (httpx.get(server.url + "/api/ai-health").json(), client.predict(api_name="/health")):
        assert health["samples"]["state"] == "kept" and health["samples"]["samples"] >= 1


def test_nothing_is_kept_where_it_cannot_be_or_must_not(
    serve: Callable[..., Server], logo: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    broken = serve(TRUECURVE_SAMPLES=str(tmp_path / "file" / "samples"))
    record = convert(broken, logo.read_bytes(), tier="1")
    assert record["sample"] is None and not record["degraded"]
    health = httpx.get(broken.url + "/api/ai-health").json()
    assert health["available"] and health["samples"]["state"] == "failing" and health["samples"]["lost"] == 1
    assert any("not kept" in note for note in health["degraded"])
    told(rate(broken, sample="any", thumb="up"), 503)


def test_off(serve: Callable[..., Server], logo: Path) -> None:
    off = serve(TRUECURVE_SAMPLES="off")
    assert convert(off, logo.read_bytes(), tier="1")["sample"] is None
    health = httpx.get(off.url + "/api/ai-health").json()
    assert health["samples"]["state"] == "off" and not any("kept" in note for note in health["degraded"])
    assert "never used for anything else" in json.dumps(httpx.get(off.url + "/config").json())
    assert "Nothing is kept" in told(rate(off, sample="any", thumb="up"), 422)


# --- the form ---------------------------------------------------------------------------------------------------------


def test_the_form() -> None:
    html = rating_html('a"><script>', 'b"><script>.png')
    assert "<script" not in html and 'data-sample="a&quot;&gt;&lt;script&gt;" data-url="b&quot;' in html
    assert 'name="consent"' in html and "checked" not in html
    assert rating_html(None, "x.png") == ""


def test_what_the_form_can_say_fits() -> None:
    longest = max(sum(len(words) + 2 for words in reasons) for reasons in t.REASONS.values())
    assert longest + LONGEST_WORDS <= LONGEST_REASON
