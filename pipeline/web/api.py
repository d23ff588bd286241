"""The REST routes: ``POST /api/convert-ai``, ``POST /api/analyze-image``, ``GET /api/ai-health``."""

from __future__ import annotations

import base64
import logging
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any, Literal, TypeVar, cast

import anyio
import anyio.to_thread
from fastapi import APIRouter, FastAPI, File, Form, Query, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import config
from ..convert import Tier
from ..converter import Converter
from ..errors import BadPicture, Busy, VectorizeError
from ..plan import MOST_COLOURS, Background, Detail, Finish, Grouping, read_palette
from ..render import MEDIA_TYPES, Format
from ..serve import samples
from .colours import MOST_SWATCHES, read_changes, recoloured
from .exports import SHELF

log = logging.getLogger("truecurve.web")

CONCURRENCY = 2 * (os.cpu_count() or 2)
"""Conversions that are handed to the converter at once; the others wait their turn."""
WAITING = 128
"""Requests that may wait. One more is told at once to come back later."""
KEEP = "private, max-age=3600"
"""How long a browser keeps an export: what a token names never changes."""
RETRY_AFTER = 5
"""Seconds, where an error does not know better."""
ENVELOPE = 1_000_000
"""Bytes that a multipart body may have beside the picture."""

_STATUS = {
    "unreadable": 400,
    "too_large": 413,
    "not_an_image": 415,
    "out_of_limits": 422,
    "bad_setting": 422,
    "busy": 503,
    "export_failed": 501,
    "model_unavailable": 503,
    "over_time": 504,
}

TierName = Literal["auto", "1", "2", "3"]
"""A tier as forms send it."""
DEFAULT_TIER = cast(TierName, config.DEFAULT_TIER)

T = TypeVar("T")


def tier_of(name: TierName) -> Tier:
    """The tier that a form's text names."""
    return "auto" if name == "auto" else cast(Tier, int(name))


class Problem(BaseModel):
    """What went wrong: a code for programs, a sentence for people."""

    code: str = Field(examples=["not_an_image"])
    message: str = Field(
        examples=["This is not a picture in a supported format; PNG, JPEG, WEBP, GIF and BMP are read."]
    )


class ErrorAnswer(BaseModel):
    """Every error of this API looks like this."""

    success: Literal[False] = False
    error: Problem
    fallback_used: bool = Field(False, description="Whether the plain tracer had been tried too before giving up.")


class AiMetadata(BaseModel):
    """How the SVG came about. Qualities are SSIM, 0–1; times are seconds."""

    model_config = ConfigDict(extra="allow")

    logo_type: Literal["simple", "text", "gradient", "complex"]
    confidence: float = Field(description="Probability, 0–1, that logo_type is right.")
    selected_tier: int
    reason: str = Field(description="Why it was converted this way.")
    predicted_quality: float | None = Field(description="Null while there is no model to predict it.")
    actual_quality: float | None = Field(description="Null unless measured.")
    default_quality: float | None = Field(description="vtracer's default on the same picture; null unless measured.")
    processing_time: float
    stages: dict[str, float] = Field(description="Seconds by stage.")
    parameters_used: dict[str, Any]
    svg_bytes: int
    model_versions: dict[str, str]
    degraded: list[str] = Field(description="What was missing or broken, and why. Empty if all is well.")
    sample: str | None = Field(
        None, description="What `/api/rate` rates it by; null where its numbers are not kept. The picture never is."
    )


class ModelInfo(BaseModel):
    """Which models took part."""

    model_config = ConfigDict(protected_namespaces=())

    versions: dict[str, str]
    inference_engine: Literal["onnxruntime", "none"]


class ExportedFile(BaseModel):
    """The SVG in the format asked for."""

    format: Format
    media_type: str
    content_base64: str


class ConvertAnswer(BaseModel):
    """An SVG and its record."""

    model_config = ConfigDict(protected_namespaces=())

    success: Literal[True] = True
    svg_content: str
    ai_metadata: AiMetadata
    processing_time: float = Field(description="Seconds from the end of the upload to the answer.")
    model_info: ModelInfo
    file: ExportedFile | None = Field(None, description="The export; null where the format is svg.")


class AnalyzeAnswer(BaseModel):
    """What is known of a picture before it is converted."""

    success: Literal[True] = True
    features: dict[str, float]
    logo_type: Literal["simple", "text", "gradient", "complex"]
    confidence: float
    route: dict[str, Any] | None = Field(None, description="The tier that would be chosen; null while nothing routes.")
    width: int
    height: int


class HealthAnswer(BaseModel):
    """Whether conversions are answered, and what is missing."""

    model_config = ConfigDict(extra="allow")

    available: bool
    models: list[dict[str, Any]]
    degraded: list[str]
    version: str
    samples: dict[str, Any] = Field(description="How many conversions' numbers, ratings and given pictures are kept.")


_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer, "description": text}
    for status, text in {
        400: "The picture is damaged.",
        413: "The file has too many bytes.",
        415: "Not a picture in a supported format.",
        422: "The picture has too many pixels, or a setting is outside its range.",
        429: "Too many are waiting; see Retry-After.",
        500: "The picture could not be drawn.",
        501: "A library that the format takes is not installed.",
        503: "Busy; see Retry-After.",
        504: "Nothing was ready when the time was over.",
    }.items()
}

Upload = Annotated[UploadFile, File(description="PNG, JPEG, WebP, GIF (first frame) or BMP.")]


def answer(error: VectorizeError) -> JSONResponse:
    """The response to an error of ours."""
    status = _STATUS.get(error.code, 500)
    headers = {}
    if status in (429, 503):
        headers["Retry-After"] = str(math.ceil(getattr(error, "retry_after", RETRY_AFTER)))
    return _problem(status, error.code, error.message, headers, error.code == "trace_failed")


def gone(message: str) -> JSONResponse:
    """The answer where a token names nothing that is still kept."""
    return _problem(404, "gone", message)


def _problem(
    status: int, code: str, message: str, headers: dict[str, str] | None = None, fallback: bool = False
) -> JSONResponse:
    body = ErrorAnswer(error=Problem(code=code, message=message), fallback_used=fallback)
    return JSONResponse(body.model_dump(), status, headers)


class TooManyWaiting(Busy):
    """So many requests wait already that this one would not be answered in good time."""


def routes(converter: Converter) -> APIRouter:
    """The three routes, converting by `converter`."""
    router = APIRouter(prefix="/api", tags=["conversion"])
    gate = anyio.CapacityLimiter(CONCURRENCY)

    async def run(call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if gate.statistics().tasks_waiting >= WAITING:
            raise TooManyWaiting("Too many pictures are waiting; try again in a few seconds.")
        return await anyio.to_thread.run_sync(partial(call, *args, **kwargs), limiter=gate)

    @router.post("/convert-ai", responses=_ERRORS)
    async def convert_ai(
        image: Upload,
        tier: Annotated[TierName, Form(description="1 fastest, 3 best; auto picks by target and time.")] = DEFAULT_TIER,
        target_quality: Annotated[float, Form(ge=0, le=1, description="SSIM.")] = config.DEFAULT_TARGET_QUALITY,
        time_budget: Annotated[float, Form(gt=0, le=60, description="Seconds.")] = config.DEFAULT_TIME_BUDGET,
        measured: Annotated[
            bool, Form(alias="validate", description="Measure the SVG and vtracer's default beside it.")
        ] = False,
        background: Annotated[Background, Form(description="drop leaves out a plain background.")] = "keep",
        colours: Annotated[
            int | None, Form(ge=1, le=MOST_COLOURS, description="Exactly so many colours; empty for the picture's own.")
        ] = None,
        palette: Annotated[str, Form(description="Only these colours, such as #000,#d1006c.")] = "",
        grouping: Annotated[
            Grouping, Form(description="compact: few elements; shape, colour or layer: one path or group for each.")
        ] = "compact",
        detail: Annotated[Detail, Form(description="low for fewer, simpler shapes.")] = "normal",
        gap_filler: Annotated[bool, Form(description="Thin lines beneath all shapes.")] = False,
        format: Annotated[Format, Form(description="What `file` holds beside the SVG.")] = "svg",
        width: Annotated[int | None, Form(ge=1, description="Of the export, px; the picture's own if empty.")] = None,
    ) -> ConvertAnswer:
        """Convert one picture to SVG, and to another format on request."""
        begin = time.perf_counter()
        data = await _bytes(image)
        result = await run(
            converter.convert,
            data,
            tier=tier_of(tier),
            target_quality=target_quality,
            time_budget=time_budget,
            validate=measured,
            finish=Finish(
                background=background,
                colours=colours,
                palette=read_palette(palette),
                grouping=grouping,
                gap_filler=gap_filler,
                detail=detail,
            ),
        )
        file = None
        if format != "svg":
            made = await run(converter.export, result.svg, format, width=width)
            file = ExportedFile(
                format=format, media_type=MEDIA_TYPES[format], content_base64=base64.b64encode(made).decode()
            )
        sample = await anyio.to_thread.run_sync(partial(samples.store().keep, result, data, door="api"))
        return ConvertAnswer(
            file=file,
            svg_content=result.svg,
            ai_metadata=AiMetadata(**result.record(), sample=sample),
            processing_time=time.perf_counter() - begin,
            model_info=ModelInfo(
                versions=result.model_versions, inference_engine="onnxruntime" if result.model_versions else "none"
            ),
        )

    @router.post("/analyze-image", responses=_ERRORS)
    async def analyze_image(image: Upload) -> AnalyzeAnswer:
        """Measure a picture and tell its class, without converting it."""
        return AnalyzeAnswer(**analysis_record(await run(converter.analyze, await _bytes(image))))

    @router.get("/exports/{token}.{format}", responses={404: {"model": ErrorAnswer}}, include_in_schema=False)
    async def exported(
        token: str,
        format: Format,
        width: Annotated[int | None, Query(ge=1)] = None,
        colours: Annotated[str, Query(max_length=15 * MOST_SWATCHES)] = "",
    ) -> Response:
        """A picture converted on the page, in another format or in other colours, given as ``old:new,…``."""
        svg = SHELF.get(token)
        if svg is None:
            return gone("This picture is no longer kept. Please convert it again.")
        if changes := read_changes(colours):
            svg = await run(recoloured, svg, changes)
        if format == "svg" and width is None:
            data = svg.encode()
        else:
            data = await run(converter.export, svg, format, width=width)
        headers = {"Content-Disposition": "attachment", "Cache-Control": KEEP, "X-Content-Type-Options": "nosniff"}
        return Response(data, media_type=MEDIA_TYPES[format], headers=headers)

    @router.get("/ai-health")
    async def ai_health() -> HealthAnswer:
        """What is loaded, what is missing."""
        return HealthAnswer(**await anyio.to_thread.run_sync(lambda: samples.with_samples(converter.health())))

    return router


def analysis_record(analysis: Any) -> dict[str, Any]:
    """An `Analysis` as the JSON of `AnalyzeAnswer`."""
    names = analysis.features.names()
    return {
        "features": {name: float(getattr(analysis.features, name)) for name in names},
        "logo_type": analysis.logo_type,
        "confidence": analysis.confidence,
        "route": asdict(analysis.route) if analysis.route else None,
        "width": analysis.width,
        "height": analysis.height,
    }


async def _bytes(image: UploadFile) -> bytes:
    if image.size is not None and image.size > config.LIMITS.bytes:
        raise too_large()
    return await image.read()


def too_large() -> BadPicture:
    """The error for a body over the limit."""
    return BadPicture(f"The file is larger than {config.LIMITS.bytes / 1e6:.0f} MB.", "too_large")


def install(app: FastAPI, converter: Converter) -> None:
    """Put the routes and their errors on an app."""
    app.include_router(routes(converter))
    app.add_middleware(BodyLimit, prefix="/api/", limit=config.LIMITS.bytes + ENVELOPE)

    @app.exception_handler(TooManyWaiting)
    async def too_many(request: Request, error: TooManyWaiting) -> JSONResponse:
        return _problem(429, error.code, error.message, {"Retry-After": str(RETRY_AFTER)})

    @app.exception_handler(VectorizeError)
    async def ours(request: Request, error: VectorizeError) -> JSONResponse:
        return answer(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        name = str(first["loc"][-1])
        if first["type"] == "missing":
            return _problem(422, "bad_setting", f"{name} is missing: send it as a field of multipart/form-data.")
        return _problem(422, "bad_setting", f"{name}: {first['msg']}.")

    @app.exception_handler(400)
    async def broken_body(request: Request, error: Exception) -> JSONResponse:
        return _problem(400, "unreadable", "The body is not readable as multipart/form-data.")

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return _problem(500, "internal", "Something broke on our side. The picture may be fine; please try again.")


class BodyLimit:
    """ASGI middleware that answers 413 as soon as a body under `prefix` passes `limit` bytes, declared or read."""

    def __init__(self, app: ASGIApp, prefix: str, limit: int) -> None:
        self.app, self.prefix, self.limit = app, prefix, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(self.prefix):
            await self.app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self.limit:
            await self._refuse(scope, receive, send)
            return
        read, over = 0, False

        async def counted() -> Message:
            nonlocal read, over
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.limit:
                over = True
                return {"type": "http.disconnect"}
            return message

        async def guarded(message: Message) -> None:
            if not over:
                await send(message)

        try:
            await self.app(scope, counted, guarded)
        except Exception:
            if not over:
                raise
        if over:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = answer(too_large())
        response.headers["Connection"] = "close"  # or the server reads the rest of the body for nothing
        await response(scope, receive, send)
