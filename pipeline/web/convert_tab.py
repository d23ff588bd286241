"""The convert tab: one drop zone, then the result first, with its numbers beside it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from functools import partial
from html import escape
from typing import Any
from urllib.parse import quote

import gradio as gr

from .. import config
from ..convert import Result
from ..converter import Converter
from ..errors import VectorizeError
from ..serve import samples
from . import options as options_panel
from . import permalink
from . import texts as t
from .exports import SHELF
from .insights import insights_html
from .intake import CONVERT_QUEUE, name_of, picture_input, read
from .markup import markup
from .progress import Progress, follow
from .rating import rating_html
from .result import error_html, result_html, working_html
from .shared import Shared, Source

log = logging.getLogger("truecurve.web")

EXAMPLES = config.ASSETS / "examples"


def build(converter: Converter, shared: Shared, tab: gr.Tab) -> None:
    """Lay out the tab within the current Blocks."""
    examples = json.loads((EXAMPLES / "index.json").read_text())

    def run(source: Source, *options: Any) -> Iterator[str]:
        """The output's HTML while a picture is converted, and at its end."""
        try:
            asked = vars(options_panel.request_of(*options))
            data = read(source["path"])
            for seen in follow(partial(converter.convert, data, **asked)):
                if isinstance(seen, Progress):
                    yield working_html(seen, name=source["name"], url=source["url"])
                else:
                    sample = samples.store().keep(seen, data, door="app")
                    behind = insights_html(seen, target=asked["target_quality"], budget=asked["time_budget"])
                    yield finished_html(seen, source) + rating_html(sample, source["url"]) + behind
        except VectorizeError as error:
            yield error_html(error.message, t.HINTS.get(error.code, ""))
        except Exception:
            log.exception("converting %s failed", source["name"])
            yield error_html(t.UNEXPECTED)

    def on_upload(file: str | None, *options: Any) -> Iterator[tuple[Any, Any, Any]]:
        if not file:
            yield gr.skip(), gr.skip(), gr.skip()
            return
        source = Source(path=str(file), url="gradio_api/file=" + quote(str(file)), name=name_of(file))
        for html in run(source, *options):
            yield html, gr.skip(), gr.skip()
        yield gr.skip(), source, None

    def on_example(event: gr.EventData, *options: Any) -> Iterator[tuple[Any, Any]]:
        index = event._data.get("index") if isinstance(event._data, dict) else None
        if not isinstance(index, int) or not 0 <= index < len(examples):
            yield gr.skip(), gr.skip()
            return
        name = examples[index]["file"]
        source = Source(path=str(EXAMPLES / name), url=f"examples/{name}", name=name)
        for html in run(source, *options):
            yield html, gr.skip()
        yield gr.skip(), source

    def on_option(source: Source | None, *options: Any) -> Iterator[Any]:
        if not source:
            yield gr.skip()
            return
        yield from run(source, *options)

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
        link_note = markup("", "tc-link-note")
        chosen = options_panel.build("tc-options", t.OPTIONS_NOTE)
        with chosen.panel:
            link = markup(link_html("", permalink.KEYS), "tc-link")

    options = [*chosen.inputs, shared.models]
    queued: dict[str, Any] = {**CONVERT_QUEUE, "show_progress": "hidden", "api_visibility": "private"}
    drop.upload(on_upload, [drop, *options], [result, source, drop], **queued)
    gallery.select(on_example, options, [result, source], **queued)
    again: dict[str, Any] = {"trigger_mode": "always_last", **queued}
    for change in chosen.changes:
        change(on_option, [source, *options], result, **again)
    chosen.preset_chosen().then(on_option, [source, *options], result, **again)

    settings = permalink.settings_of(chosen)

    def on_load(request: gr.Request) -> list[Any]:
        values, notes = permalink.read(request.query_params, settings)
        if not values and not notes:
            return [gr.skip()] * (len(settings) + 2)
        updates = [values.get(setting.key, gr.skip()) for setting in settings]
        return [*updates, gr.Accordion(open=True), link_note_html(bool(values), notes)]

    def on_settings(*values: Any) -> tuple[str, str | None]:
        return link_html(permalink.query(values, settings), permalink.KEYS), options_panel.preset_of(values[3:])

    at_once: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    gr.on(None, on_load, None, [*chosen.inputs, chosen.panel, link_note], **at_once)
    gr.on(
        [component.change for component in chosen.inputs],
        on_settings,
        chosen.inputs,
        [link, chosen.preset],
        trigger_mode="always_last",
        **at_once,
    )


def finished_html(result: Result, source: Source) -> str:
    """A result, its drawings laid on the shelf."""
    default = SHELF.put(result.default_svg) if result.default_svg else None
    return result_html(result, name=source["name"], url=source["url"], token=SHELF.put(result.svg), default=default)


def link_html(query: str, keys: Iterable[str]) -> str:
    """The button that copies a link to the settings; the script keeps the page's address at the same `query`.

    `keys` are the names that the address gives up for it.
    """
    return (
        f'<button type="button" class="tc-link" data-link="{escape(query)}" data-keys="{" ".join(keys)}"'
        f' data-done="{t.COPIED}">{t.LINK_COPY}</button>'
    )


def link_note_html(applied: bool, notes: Iterable[str]) -> str:
    """What became of the settings in the link that was opened."""
    rows = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return (
        '<div class="tc-link-note" role="status">'
        + (f"<p>{t.LINK_APPLIED}</p>" if applied else "")
        + (f"<ul>{rows}</ul>" if rows else "")
        + "</div>"
    )


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
