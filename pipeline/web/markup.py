"""HTML of our own on the page, without Gradio's styles for prose and buttons."""

from __future__ import annotations

import gradio as gr


def markup(html: str, name: str, script: str | None = None) -> gr.HTML:
    """A component that shows `html` as it is, under the id `name`; `script` runs once, when it loads."""
    return gr.HTML(html, elem_id=name, js_on_load=script, apply_default_css=False, padding=False)
