"""The code tab: every way in for programs, as examples to copy, with the address that the page is at."""

from __future__ import annotations

from html import escape

import gradio as gr

from ..converter import Converter
from .markup import markup
from .shared import Shared
from .texts import code as t


def build(converter: Converter, shared: Shared, tab: gr.Tab) -> None:
    """Lay out the tab within the current Blocks."""
    with gr.Column(elem_id="tc-code"):
        markup(page_html(), "tc-code-page")


def page_html() -> str:
    """The whole tab."""
    links = "".join(f'<a href="#tc-code-{name}">{escape(title)}</a>' for name, title, _ in t.GROUPS)
    groups = "".join(
        f'<section id="tc-code-{name}"><h2>{escape(title)}</h2>{"".join(map(example_html, examples))}</section>'
        for name, title, examples in t.GROUPS
    )
    more = "".join(f'<a href="{href}">{escape(text)}</a>' for href, text in t.MORE)
    return (
        f'<header><h1>{t.TITLE}</h1><p>{t.LEAD}</p></header><nav class="tc-jump" aria-label="{t.JUMP}">{links}</nav>'
        f'{groups}<p class="tc-code-errors">{t.ERRORS}</p><p class="tc-code-more">{more}</p>'
    )


def example_html(example: t.Example) -> str:
    """One example, with a button that copies it. The script puts the page's address where `ADDRESS` stands."""
    title = escape(example.title)
    code = escape(example.code).replace(t.ADDRESS, f'<span class="tc-address">{t.ADDRESS}</span>')
    return (
        f'<article class="tc-example" data-example-name="{example.name}"><header><h3>{title}</h3>'
        f'<button type="button" class="tc-button" data-copy-code data-done="{t.COPIED}"'
        f' aria-label="{escape(t.COPY_LABEL.format(title=example.title))}">{t.COPY}</button></header>'
        f'<p>{escape(example.note)}</p><pre tabindex="0" aria-label="{title}"><code'
        f' data-language="{example.language}">{code}</code></pre></article>'
    )
