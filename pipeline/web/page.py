"""The page: header, tabs, footer. A tab is a module with ``build(converter, shared, tab)`` and a row in `TABS`."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from ..converter import Converter
from ..serve import samples
from . import batch_tab, code_tab, compare_tab, convert_tab, endpoints, models_tab, tune_tab
from . import texts as t
from .markup import markup
from .shared import Shared
from .theme import STYLE
from .waiting import waiting_html

TABS: tuple[tuple[str, str, Callable[[Converter, Shared, gr.Tab], None]], ...] = (
    ("convert", t.TABS["convert"], convert_tab.build),
    ("compare", t.TABS["compare"], compare_tab.build),
    ("tune", t.TABS["tune"], tune_tab.build),
    ("batch", t.TABS["batch"], batch_tab.build),
    ("models", t.TABS["models"], models_tab.build),
    ("code", t.TABS["code"], code_tab.build),
)
"""Each tab's id, title and builder."""

SWEEP = (600, 3600)
"""Seconds between two sweeps of the temporary files, and the age at which one goes."""


def build(converter: Converter) -> gr.Blocks:
    """The whole page as Blocks."""
    with gr.Blocks(title=t.TITLE, analytics_enabled=False, delete_cache=SWEEP, fill_width=True) as blocks:
        markup(header_html(), "tc-header")
        shared = Shared(source=gr.State(None), models=gr.State({}), plan=gr.State(None))
        with gr.Tabs(elem_id="tc-tabs"):
            for name, title, tab in TABS:
                with gr.Tab(title, id=name, elem_id=f"tc-tab-{name}") as here:
                    tab(converter, shared, here)
        markup(footer_html(), "tc-footer")
        markup(waiting_html(), "tc-waiting")
        endpoints.build(converter)
    return blocks


def header_html() -> str:
    """Mark, wordmark and links."""
    mark = (STYLE / "mark.svg").read_text()
    links = "".join(f'<a href="{href}">{text}</a>' for text, href in t.LINKS)
    return f'<a class="tc-brand" href="./">{mark}<span>{t.TITLE}</span></a><nav>{links}</nav>'


def footer_html() -> str:
    """What becomes of the pictures."""
    return f"<p>{t.FOOTER_NOTHING_KEPT if samples.store().folder is None else t.FOOTER}</p>"
