"""One FastAPI app with everything on it: REST routes, static files, and the Gradio page at ``/``."""

from __future__ import annotations

import os

import gradio as gr
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from .. import config
from ..converter import Converter
from . import api, batches, page, rating, theme
from . import texts as t

QUEUE_SIZE = int(os.environ.get("TRUECURVE_QUEUE_SIZE") or 256)
"""Events that may wait in Gradio's queue; one more is refused at once."""

MOST_UPLOADED = max(config.LIMITS.bytes, config.ZIP_LIMITS.bytes)
"""Bytes of a request's files, alone and together; what is no zip is held to its own limit when it is read."""


def create(converter: Converter) -> FastAPI:
    """The app, converting by `converter`, which its owner closes."""
    app = FastAPI(title=t.TITLE, version=config.VERSION, description=t.LEAD)
    api.install(app, converter)
    app.include_router(rating.routes(converter))
    app.include_router(batches.routes())
    app.mount("/style", StaticFiles(directory=theme.STYLE))
    app.mount("/examples", StaticFiles(directory=config.ASSETS / "examples"))
    app.add_middleware(NoRelay)
    app.add_middleware(api.BodyLimit, prefix="/gradio_api/upload", limit=MOST_UPLOADED + api.ENVELOPE)
    blocks = page.build(converter)
    blocks.queue(max_size=QUEUE_SIZE, default_concurrency_limit=api.CONCURRENCY, api_open=False)
    return gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        theme=theme.theme(),
        head=theme.head(),
        show_error=False,
        max_file_size=MOST_UPLOADED,
        allowed_paths=[],
        ssr_mode=False,
        enable_monitoring=False,
        footer_links=["api"],
        run_history=False,
        mcp_server=True,
    )


class NoRelay:
    """ASGI middleware that refuses Gradio's fetching of other sites' files: ``/gradio_api/file=https://…``."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"].lower()
            _, found, target = path.partition("/file=")
            if "/proxy=" in path or (found and target.lstrip("/").startswith(("http:", "https:"))):
                await JSONResponse({"detail": t.NO_LINKS}, 403)(scope, receive, send)
                return
        await self.app(scope, receive, send)
