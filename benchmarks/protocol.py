"""The ways of converting a picture over HTTP as their clients go: REST, and Gradio's upload, call and stream of events."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx

BEAT_LIMIT = 30.0
"""Seconds that a stream may go without bytes; it beats every fifteen."""


class Failed(Exception):
    """There was no answer, or it was an error; the message says which in a few words, the same ones each time."""


async def rest(client: httpx.AsyncClient, picture: bytes, tier: str) -> str:
    """The SVG by ``POST /api/convert-ai``. Raises `Failed`."""
    try:
        answer = await client.post(
            "/api/convert-ai", files={"image": ("p.png", picture, "image/png")}, data={"tier": tier, "validate": "true"}
        )
    except httpx.HTTPError as error:
        raise Failed(type(error).__name__) from error
    if answer.status_code != 200:
        raise Failed(f"status {answer.status_code}")
    return str(answer.json()["svg_content"])


async def endpoint(client: httpx.AsyncClient, name: str = "convert") -> int:
    """The number by which Gradio calls an endpoint, as its clients find it."""
    dependencies = (await client.get("/config")).json()["dependencies"]
    return next(int(one["id"]) for one in dependencies if one["api_name"] == name)


async def gradio(client: httpx.AsyncClient, picture: bytes, tier: str, function: int) -> str:
    """The SVG by the endpoint ``convert``, as `gradio_client` goes: upload, join the queue, read events to the end.

    Raises `Failed`, also where the stream ends or goes quiet before the call is complete; a stream that only beats is ended
    by the caller's deadline.
    """
    session = secrets.token_hex(6)
    try:
        uploaded = await client.post("/gradio_api/upload", files={"files": ("p.png", picture, "image/png")})
        if uploaded.status_code != 200:
            raise Failed(f"upload: status {uploaded.status_code}")
        file = {"path": uploaded.json()[0], "orig_name": "p.png", "meta": {"_type": "gradio.FileData"}}
        call = {"data": [file, tier, 0.98, 1.0, "keep", 0, "", "compact", "normal", False]}
        joined = await client.post(
            "/gradio_api/queue/join", json={**call, "fn_index": function, "session_hash": session}
        )
        if joined.status_code != 200:
            raise Failed(f"join: status {joined.status_code}")
        event = joined.json()["event_id"]
        async for message in events(client, session):
            if message.get("event_id") == event and message["msg"] == "process_completed":
                if not message["success"]:
                    raise Failed("the call failed")
                return str(message["output"]["data"][0])
    except httpx.HTTPError as error:
        raise Failed(type(error).__name__) from error
    raise Failed("the stream ended early")


async def events(client: httpx.AsyncClient, session: str) -> AsyncIterator[dict[str, Any]]:
    """The messages of a session's stream."""
    timeout = httpx.Timeout(60, read=BEAT_LIMIT)
    async with client.stream(
        "GET", "/gradio_api/queue/data", params={"session_hash": session}, timeout=timeout
    ) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data:"):
                yield json.loads(line[5:])
