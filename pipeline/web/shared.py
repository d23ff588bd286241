"""What the tabs of one visitor share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import gradio as gr


class Source(TypedDict):
    """The picture that a visitor is at: where it lies on the server, the link that shows it, the name it is shown by."""

    path: str
    url: str
    name: str


@dataclass(frozen=True)
class Shared:
    """State that is one visitor's, across tabs.

    Attributes
    ----------
    source : gr.State
        A `Source`, or None before there is one. The convert tab sets it; other tabs take it up when they are opened, and
        set it when they are given a picture of their own.
    models : gr.State
        Versions by model that this visitor wants instead of those that are served; mostly empty. The models tab sets it.
    plan : gr.State
        What `Plan.to_json` wrote, for the tune tab to take up when it is opened next; None mostly. The compare tab sets it.
    """

    source: gr.State
    models: gr.State
    plan: gr.State
