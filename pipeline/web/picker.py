"""The bar by which a tab beside the convert tab is given a picture of its own."""

from __future__ import annotations

from urllib.parse import quote

import gradio as gr

from . import texts as t
from .intake import name_of, picture_input
from .markup import markup
from .shared import Source


def build(name: str) -> gr.File:
    """Lay out the bar, of the id ``tc-<name>-drop``, within the current Blocks; its file is the input that it holds."""
    with gr.Column(elem_id=f"tc-{name}-drop", elem_classes="tc-pick"):
        markup(
            f'<p><b class="first">{t.DROP}</b><b class="again">{t.DROP_ANOTHER}</b>, {t.DROP_HOW}</p>',
            f"tc-{name}-drop-text",
        )
        return picture_input(label=t.DROP_LABEL, show_label=False, file_types=["image"], container=False)


def source_of(file: str) -> Source:
    """What the tabs share of an upload."""
    return {"path": str(file), "url": "gradio_api/file=" + quote(str(file)), "name": name_of(file)}
