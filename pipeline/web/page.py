"""The page: header, tabs, footer. A tab is a module with ``build(converter)`` and a row in `TABS`."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from ..converter import Converter
from . import convert_tab, endpoints
from . import texts as t
from .markup import markup
from .theme import STYLE

TABS: tuple[tuple[str, Callable[[Converter], None]], ...] = (("Convert", convert_tab.build),)

SWEEP = (600, 3600)
"""Seconds between two sweeps of the temporary files, and the age at which one goes."""


def build(converter: Converter) -> gr.Blocks:
    """The whole page as Blocks."""
    with gr.Blocks(title=t.TITLE, analytics_enabled=False, delete_cache=SWEEP, fill_width=True) as blocks:
        markup(header_html(), "tc-header")
        if len(TABS) == 1:
            TABS[0][1](converter)
        else:
            with gr.Tabs(elem_id="tc-tabs"):
                for title, tab in TABS:
                    with gr.Tab(title):
                        tab(converter)
        markup(footer_html(), "tc-footer")
        endpoints.build(converter)
    return blocks


def header_html() -> str:
    """Mark, wordmark and links."""
    mark = (STYLE / "mark.svg").read_text()
    links = "".join(f'<a href="{href}">{text}</a>' for text, href in t.LINKS)
    return f'<a class="tc-brand" href="./">{mark}<span>{t.TITLE}</span></a><nav>{links}</nav>'


def footer_html() -> str:
    """What becomes of the pictures."""
    return f"<p>{t.FOOTER}</p>"
