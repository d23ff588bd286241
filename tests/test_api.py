"""The REST routes over real HTTP: answers, every error status, bounded bodies, requests that do not mix."""

from __future__ import annotations

import asyncio
import http.client
import re
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import anyio
import httpx
import numpy as np
import pytest
from conftest import Server, png_of
from fastapi import FastAPI
from httpx import ASGITransport

from pipeline import BadPicture, BadSetting, Busy, ModelUnavailable, OverTime, TraceFailed
from pipeline.config import LIMITS, VERSION
from pipeline.web import api

MB = 1_000_000


def square(colour: tuple[int, int, int], side: int = 48) -> bytes:
    """A PNG of a coloured square on white."""
    pixels = np.full((side, side, 3), 255, np.uint8)
    pixels[side // 4 : -side // 4, side // 4 : -side // 4] = colour
    return png_of(pixels)


def header_png(width: int, height: int) -> bytes:
    """A PNG that declares a size and has no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    ihdr = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def post(server: Server, route: str, image: bytes | None, **fields: object) -> httpx.Response:
    files = {} if image is None else {"image": ("picture.png", image, "image/png")}
    data = {name: str(value) for name, value in fields.items()}
    return httpx.post(server.url + route, files=files or None, data=data, timeout=60)


def problem(response: httpx.Response, status: int, code: str) -> str:
    """Check an error's form; return its message."""
    assert response.status_code == status, response.text
    body = response.json()
    assert body["success"] is False and body["fallback_used"] is False
    assert body["error"]["code"] == code
    assert body["error"]["message"].endswith(".")
    assert "Traceback" not in response.text and ".py" not in response.text
    return body["error"]["message"]


def test_convert(server: Server, logo: Path) -> None:
    response = post(server, "/api/convert-ai", logo.read_bytes(), validate="true", tier="1")
    assert response.status_code == 200, response.text
    body = response.json()
    root = ElementTree.fromstring(body["svg_content"])
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert (root.get("width"), root.get("height")) == ("512", "512") and root.get("viewBox")
    meta = body["ai_metadata"]
    assert meta["logo_type"] in ("simple", "text", "gradient", "complex") and 0 <= meta["confidence"] <= 1
    assert meta["selected_tier"] == 1 and meta["reason"]
    assert meta["predicted_quality"] is None or 0 <= meta["predicted_quality"] <= 1
    assert meta["actual_quality"] > 0.95 and meta["default_quality"] > 0.95
    assert meta["svg_bytes"] == len(body["svg_content"].encode())
    assert meta["parameters_used"]["recipe"] and "trace" in meta["stages"]
    assert isinstance(meta["degraded"], list) and isinstance(meta["model_versions"], dict)
    assert 0 < meta["processing_time"] <= body["processing_time"] + 0.001
    assert set(body["model_info"]) == {"versions", "inference_engine"}


def test_not_measured_unless_asked(server: Server) -> None:
    body = post(server, "/api/convert-ai", square((200, 0, 0)), tier="1").json()
    assert body["ai_metadata"]["actual_quality"] is None
    assert body["ai_metadata"]["default_quality"] is None


def test_background_is_dropped(server: Server) -> None:
    picture = square((200, 0, 0))
    kept = post(server, "/api/convert-ai", picture, background="keep").json()["svg_content"]
    dropped = post(server, "/api/convert-ai", picture, background="drop").json()["svg_content"]
    assert len(re.findall("<(?:path|rect)", kept)) == len(re.findall("<(?:path|rect)", dropped)) + 1


def test_analyze(server: Server, logo: Path) -> None:
    response = post(server, "/api/analyze-image", logo.read_bytes())
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["success"] and body["logo_type"] in ("simple", "text", "gradient", "complex")
    assert {"edge_density", "unique_colours", "entropy", "corner_density", "gradient_strength"} <= set(body["features"])
    assert (body["width"], body["height"]) == (512, 512)
    assert "route" in body


def test_health(server: Server) -> None:
    body = httpx.get(server.url + "/api/ai-health").json()
    assert body["available"] is True and body["version"] == VERSION
    assert isinstance(body["models"], list) and isinstance(body["degraded"], list)


@pytest.mark.parametrize("route", ["/api/convert-ai", "/api/analyze-image"])
def test_input_errors(server: Server, logo: Path, route: str) -> None:
    problem(post(server, route, logo.read_bytes()[:2000]), 400, "unreadable")
    problem(post(server, route, b""), 400, "unreadable")
    problem(post(server, route, b"hello, I am a text"), 415, "not_an_image")
    problem(post(server, route, b"<svg xmlns='http://www.w3.org/2000/svg'/>"), 415, "not_an_image")
    assert "20000" in problem(post(server, route, header_png(20000, 20000)), 422, "out_of_limits")
    assert "image" in problem(post(server, route, None, tier="1"), 422, "bad_setting")


@pytest.mark.parametrize(
    ("name", "value"),
    [("tier", "4"), ("tier", "best"), ("target_quality", "1.5"), ("target_quality", "nan"), ("time_budget", "0"),
     ("time_budget", "1e9"), ("validate", "perhaps"), ("background", "blue")],
)  # fmt: skip
def test_bad_settings(server: Server, name: str, value: str) -> None:
    message = problem(post(server, "/api/convert-ai", square((0, 0, 0)), **{name: value}), 422, "bad_setting")
    assert name in message


def test_body_that_is_no_form(server: Server) -> None:
    url = server.url + "/api/convert-ai"
    problem(httpx.post(url, json={"image": "x"}), 422, "bad_setting")
    broken = httpx.post(url, content=b"--x\r\nnonsense", headers={"content-type": "multipart/form-data; boundary=x"})
    assert broken.status_code in (400, 422) and broken.json()["success"] is False


def test_file_over_the_limit(server: Server) -> None:
    image = b"\x89PNG\r\n\x1a\n" + bytes(LIMITS.bytes)
    assert "30 MB" in problem(post(server, "/api/convert-ai", image), 413, "too_large")


def test_declared_length_is_refused_before_the_body_is_sent(server: Server) -> None:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", "/api/convert-ai")
    connection.putheader("Content-Type", "multipart/form-data; boundary=x")
    connection.putheader("Content-Length", str(10_000 * MB))
    connection.endheaders()
    assert connection.getresponse().status == 413


def test_endless_body_is_cut_off(server: Server) -> None:
    sent = 0

    def endless():
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
        while sent < 300 * MB:
            sent += MB
            yield bytes(MB)

    try:
        response = httpx.post(
            server.url + "/api/convert-ai",
            content=endless(),
            headers={"content-type": "multipart/form-data; boundary=x"},
            timeout=30,
        )
        problem(response, 413, "too_large")
    except httpx.TransportError:
        pass  # cut off while sending, which is as good
    assert sent < 150 * MB


def test_concurrent_requests_do_not_mix(server: Server) -> None:
    colours = [(int(r), int(g), int(b)) for r, g, b in np.random.default_rng(7).integers(0, 5, (12, 3)) * 51]

    def convert(colour: tuple[int, int, int]) -> str:
        response = post(server, "/api/convert-ai", square(colour), tier="1")
        assert response.status_code == 200, response.text
        return response.json()["svg_content"]

    alone = {colour: convert(colour) for colour in set(colours)}
    with ThreadPoolExecutor(6) as pool:
        for colour, svg in zip(colours * 2, pool.map(convert, colours * 2), strict=True):
            assert svg == alone[colour]
    assert len(set(alone.values())) == len(alone)


def test_openapi_documents_answers_and_errors(server: Server) -> None:
    spec = httpx.get(server.url + "/openapi.json").json()
    assert set(spec["paths"]) >= {"/api/convert-ai", "/api/analyze-image", "/api/ai-health"}
    convert = spec["paths"]["/api/convert-ai"]["post"]
    assert set(convert["responses"]) >= {"200", "400", "413", "415", "422", "429", "503", "504"}
    body = convert["requestBody"]["content"]["multipart/form-data"]["schema"]
    fields = spec["components"]["schemas"][body["$ref"].rpartition("/")[2]]["properties"]
    choices = {"colours", "palette", "background", "grouping", "detail", "gap_filler", "format", "width"}
    assert set(fields) == {"image", "tier", "target_quality", "time_budget", "validate"} | choices
    answer = spec["components"]["schemas"]["AiMetadata"]["properties"]
    assert {"predicted_quality", "actual_quality", "default_quality", "reason", "degraded"} <= set(answer)
    assert httpx.get(server.url + "/docs").status_code == 200


class Stub:
    """A converter that fails as it is told, or blocks until it is let go."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error, self.go = error, None

    def convert(self, source: bytes, **options: object):
        if self.error:
            raise self.error
        anyio.from_thread.run(self.go.wait)
        raise TraceFailed("Let go.")


def stub_app(stub: Stub) -> httpx.AsyncClient:
    app = FastAPI()
    api.install(app, stub)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://test")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (BadPicture("Broken.", "unreadable"), 400, "unreadable"),
        (BadPicture("Large.", "too_large"), 413, "too_large"),
        (BadPicture("Not one.", "not_an_image"), 415, "not_an_image"),
        (BadPicture("Wide.", "out_of_limits"), 422, "out_of_limits"),
        (BadSetting("Off."), 422, "bad_setting"),
        (TraceFailed("Gave up."), 500, "trace_failed"),
        (Busy("Full."), 503, "busy"),
        (ModelUnavailable("Gone."), 503, "model_unavailable"),
        (OverTime("Late."), 504, "over_time"),
        (RuntimeError("secret insides"), 500, "internal"),
    ],
)
def test_every_error_has_its_status(error: BaseException, status: int, code: str) -> None:
    async def ask() -> httpx.Response:
        async with stub_app(Stub(error)) as client:
            return await client.post("/api/convert-ai", files={"image": b"x"})

    response = asyncio.run(ask())
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.json()["fallback_used"] is (code == "trace_failed")
    assert "secret" not in response.text
    assert ("retry-after" in response.headers) == (status == 503)


def test_full_queue_says_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "WAITING", 2)
    monkeypatch.setattr(api, "CONCURRENCY", 1)

    async def ask() -> list[httpx.Response]:
        stub = Stub()
        stub.go = asyncio.Event()
        async with stub_app(stub) as client:
            waiting = [asyncio.ensure_future(client.post("/api/convert-ai", files={"image": b"x"})) for _ in range(3)]
            await asyncio.sleep(0.5)
            refused = await client.post("/api/convert-ai", files={"image": b"x"})
            stub.go.set()
            return [refused, *await asyncio.gather(*waiting)]

    refused, *answered = asyncio.run(ask())
    assert refused.status_code == 429 and refused.json()["error"]["code"] == "busy"
    assert int(refused.headers["retry-after"]) >= 1
    assert [r.json()["error"]["message"] for r in answered] == ["Let go."] * 3
