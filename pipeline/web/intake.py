"""How pictures come in through Gradio: uploads only, read from the upload folder alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import gradio as gr
from gradio.data_classes import ListFiles
from gradio.utils import get_upload_folder
from pydantic import model_validator

from .. import config
from ..errors import BadPicture
from . import texts as t
from .api import CONCURRENCY, too_large

CONVERT_QUEUE: dict[str, Any] = {"concurrency_id": "convert", "concurrency_limit": CONCURRENCY}
"""Every event that converts shares this place in the queue."""
BATCH_QUEUE: dict[str, Any] = {"concurrency_id": "batch", "concurrency_limit": 4}
"""Batches have a place of their own, or a few of them would keep single pictures out; so many go on at once."""


def picture_input(**settings: Any) -> gr.File:
    """A file input that takes uploads alone: Gradio would fetch any link for whoever asks, past every size limit."""
    component = gr.File(**settings)
    move = component.async_move_resource_to_block_cache

    async def uploads(path: str | Path | None) -> str | None:
        return await move(None if path is None else _here(path))

    component.async_move_resource_to_block_cache = uploads
    component._process_single_file = lambda file: _here(file.path)  # Gradio's own leaves an empty file at each call
    if component.file_count != "single":
        component.data_model = _Files
        schema = component.api_info()  # Gradio's MCP loses what this refers to
        component.api_info = lambda: {**schema, "items": schema["$defs"]["FileData"]}
    return component


class _Files(ListFiles):
    """A list of files that may be named by their paths or links alone, as Gradio's MCP does in lists."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, files: Any) -> Any:
        if not isinstance(files, list):
            return files
        return [{"path": f, "meta": {"_type": "gradio.FileData"}} if isinstance(f, str) else f for f in files]


def _here(path: str | Path) -> str:
    """The path itself, or that of an upload which an MCP client names by its link here. Any other link is refused."""
    text = str(path)
    if not text.lower().startswith(("http:", "https:", "ftp:", "//")):
        return text
    text = unquote(text.partition("/gradio_api/file=")[2])
    if not text or not _uploaded(text):
        raise gr.Error(t.NO_LINKS, print_exception=False)
    return text


def _uploaded(path: str | Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(get_upload_folder()))


def name_of(path: str | Path) -> str:
    """The name that a picture is shown by."""
    return Path(path).name[:80]


def uploaded(path: str | Path) -> Path:
    """Where an upload really lies. Raises `BadPicture` if it is gone or lies anywhere else: a client may send any path."""
    real = Path(os.path.realpath(path))
    if not _uploaded(real) or not real.is_file():
        raise BadPicture(t.GONE, "unreadable")
    return real


def read(path: str | Path) -> bytes:
    """The bytes of an upload or of an example.

    Raises
    ------
    BadPicture
        It is gone, too large, or lies anywhere else: a client may send any path.
    """
    real = Path(os.path.realpath(path))
    if not _uploaded(real) and not real.is_relative_to(os.path.realpath(config.ASSETS / "examples")):
        raise BadPicture(t.GONE, "unreadable")
    try:
        if real.stat().st_size > config.LIMITS.bytes:
            raise too_large()
        return real.read_bytes()
    except OSError as error:
        raise BadPicture(t.GONE, "unreadable") from error
