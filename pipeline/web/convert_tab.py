"""The convert tab: one drop zone, then the result first, with its numbers beside it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from .. import config
from ..converter import Converter
from ..errors import VectorizeError
from . import options as options_panel
from . import texts as t
from .exports import SHELF
from .intake import CONVERT_QUEUE, name_of, picture_input, read
from .markup import markup
from .result import error_html, result_html, working_html
from .shared import Shared

log = logging.getLogger("truecurve.web")

EXAMPLES = config.ASSETS / "examples"


def build(converter: Converter, shared: Shared, tab: gr.Tab) -> None:
    """Lay out the tab within the current Blocks."""
    examples = json.loads((EXAMPLES / "index.json").read_text())

    def run(source: Path, url: str, name: str, *options: Any) -> str:
        try:
            result = converter.convert(read(source), **vars(options_panel.request_of(*options)))
            return result_html(result, name=name, url=url, token=SHELF.put(result.svg))
        except VectorizeError as error:
            return error_html(error.message, t.HINTS.get(error.code, ""))
        except Exception:
            log.exception("converting %s failed", name)
            return error_html(t.UNEXPECTED)

    def on_upload(file: str | None, *options: Any) -> Iterator[tuple[Any, Any, Any]]:
        if not file:
            yield gr.skip(), gr.skip(), gr.skip()
            return
        source = {"path": str(file), "url": "gradio_api/file=" + quote(str(file)), "name": name_of(file)}
        yield working_html(source["name"]), gr.skip(), gr.skip()
        yield run(Path(file), source["url"], source["name"], *options), source, None

    def on_example(event: gr.EventData, *options: Any) -> Iterator[tuple[Any, Any]]:
        index = event._data.get("index") if isinstance(event._data, dict) else None
        if not isinstance(index, int) or not 0 <= index < len(examples):
            yield gr.skip(), gr.skip()
            return
        name = examples[index]["file"]
        source = {"path": str(EXAMPLES / name), "url": f"examples/{name}", "name": name}
        yield working_html(name), gr.skip()
        yield run(EXAMPLES / name, source["url"], name, *options), source

    def on_option(source: dict[str, str] | None, *options: Any) -> Any:
        if not source:
            return gr.skip()
        return run(Path(source["path"]), source["url"], source["name"], *options)

    source = shared.source
    with gr.Column(elem_id="tc-convert"):
        result = markup("", "tc-output")
        with gr.Column(elem_id="tc-intake"):
            markup(hero_html(), "tc-hero")
            with gr.Column(elem_id="tc-drop"):
                markup(drop_html(), "tc-drop-text")
                drop = picture_input(label=t.DROP_LABEL, show_label=False, file_types=["image"], container=False)
            gallery = markup(
                examples_html(examples),
                "tc-examples",
                "element.addEventListener('click', e => { const b = e.target.closest('[data-example]');"
                " if (b) trigger('select', {index: Number(b.dataset.example)}); });",
            )
        chosen = options_panel.build("tc-options", t.OPTIONS_NOTE)

    options = chosen.inputs
    queued: dict[str, Any] = {**CONVERT_QUEUE, "api_visibility": "private"}
    drop.upload(
        on_upload, [drop, *options], [result, source, drop], show_progress="minimal", show_progress_on=[drop], **queued
    )
    gallery.select(on_example, options, [result, source], show_progress="hidden", **queued)
    again: dict[str, Any] = {"show_progress": "minimal", "trigger_mode": "always_last", **queued}
    for change in chosen.changes:
        change(on_option, [source, *options], result, **again)
    chosen.preset_chosen().then(on_option, [source, *options], result, **again)


def hero_html() -> str:
    """The headline of the empty page."""
    return f"<h1>{t.TAGLINE}</h1><p>{t.LEAD}</p>"


def drop_html() -> str:
    """The words on the drop zone."""
    limits = t.DROP_LIMITS.format(megabytes=config.LIMITS.bytes // 1_000_000)
    return (
        '<svg viewBox="0 0 96 56" aria-hidden="true"><path class="px" d="M8 48V32h8V16h16V8h16v40z"/>'
        '<path class="cv" d="M8 48C8 25.9 25.9 8 48 8"/><path class="hd" d="M48 8h40"/>'
        '<circle class="pt" cx="48" cy="8" r="3.5"/>'
        '<circle class="pt" cx="8" cy="48" r="3.5"/><circle class="hn" cx="88" cy="8" r="2.5"/></svg>'
        f'<p class="tc-drop-title"><b class="first">{t.DROP}</b><b class="again">{t.DROP_ANOTHER}</b>, {t.DROP_HOW}</p>'
        f'<p class="tc-drop-limits">{limits}</p>'
    )


def examples_html(examples: list[dict[str, str]]) -> str:
    """The examples as a row of buttons, their picture on each."""
    buttons = "".join(
        f'<button type="button" data-example="{i}" title="{escape(e["title"])}">'
        f'<img src="examples/{e["file"]}" alt="{escape(e["title"])}" loading="lazy"></button>'
        for i, e in enumerate(examples)
    )
    return f'<h2>{t.EXAMPLES}</h2><div class="tc-strip">{buttons}</div>'
