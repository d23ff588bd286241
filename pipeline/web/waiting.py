"""Where a visitor stands in the queue. Gradio tells the browser; ``assets/style/waiting.js`` puts it in these words."""

from __future__ import annotations

from html import escape

from .texts import waiting as t


def waiting_html() -> str:
    """An empty line that the script fills while the visitor waits, and the words for it."""
    words = {"next": t.NEXT, "one": t.AHEAD_ONE, "ahead": t.AHEAD, "soon": t.SOON, "full": t.FULL}
    data = "".join(f' data-{name}="{escape(text)}"' for name, text in words.items())
    return f'<p role="status"{data}></p>'
