"""What may be chosen for a conversion, as a folded panel: the same on every tab that has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from .. import config
from ..convert import Request
from ..plan import Background, Detail, Grouping
from . import texts as t
from .api import TierName, tier_of
from .endpoints import finish_of
from .markup import markup

PRESETS: dict[str, tuple[Background, int, str, Grouping, Detail, bool]] = {
    "logo": ("keep", 0, "", "compact", "normal", False),
    "icon": ("drop", 0, "", "compact", "normal", False),
    "photo": ("keep", 24, "", "compact", "high", False),
    "plotter": ("drop", 4, "", "colour", "low", False),
}
"""Background, colours, palette, grouping, detail and gap filler of each preset; the first is what nobody chose."""


@dataclass(frozen=True)
class Options:
    """The panel's components."""

    preset: gr.Radio
    tier: gr.Radio
    target: gr.Slider
    budget: gr.Slider
    background: gr.Radio
    colours: gr.Slider
    palette: gr.Textbox
    grouping: gr.Radio
    detail: gr.Radio
    gap_filler: gr.Checkbox
    panel: gr.Accordion

    @property
    def finish(self) -> list[Any]:
        """What a preset sets, in its order."""
        return [self.background, self.colours, self.palette, self.grouping, self.detail, self.gap_filler]

    @property
    def inputs(self) -> list[Any]:
        """All that a conversion takes, in the order of `request_of`."""
        return [self.tier, self.target, self.budget, *self.finish]

    @property
    def changes(self) -> tuple[Any, ...]:
        """The events of a choice that was made, once each; a preset's is `preset_chosen`'s."""
        return (
            self.tier.input, self.target.release, self.budget.release, self.background.input, self.colours.release,
            self.palette.submit, self.palette.blur, self.grouping.input, self.detail.input, self.gap_filler.input,
        )  # fmt: skip

    def preset_chosen(self) -> Any:
        """The event after a preset has set the options that it is made of."""
        return self.preset.input(
            lambda name: PRESETS[name], self.preset, self.finish, api_visibility="private", show_progress="hidden"
        )


def build(name: str, note: str) -> Options:
    """Lay out the panel, folded, under the id `name`, with a note at its foot."""
    with gr.Accordion(t.OPTIONS, open=False, elem_id=name) as panel:
        with gr.Row():
            preset = gr.Radio(t.PRESETS, value="logo", label=t.PRESET, info=t.PRESET_INFO)
            background = gr.Radio(t.BACKGROUNDS, value="keep", label=t.BACKGROUND, info=t.BACKGROUND_INFO)
        with gr.Row():
            colours = gr.Slider(0, 32, 0, step=1, label=t.COLOURS, info=t.COLOURS_INFO)
            palette = gr.Textbox("", label=t.PALETTE, info=t.PALETTE_INFO, placeholder=t.PALETTE_EMPTY, max_lines=1)
        with gr.Row():
            detail = gr.Radio(t.DETAILS, value="normal", label=t.DETAIL, info=t.DETAIL_INFO)
            grouping = gr.Radio(t.GROUPINGS, value="compact", label=t.GROUPING, info=t.GROUPING_INFO)
        with gr.Row():
            tier = gr.Radio(t.TIERS, value=config.DEFAULT_TIER, label=t.TIER, info=t.TIER_INFO)
            gap_filler = gr.Checkbox(False, label=t.GAP_FILLER, info=t.GAP_FILLER_INFO)
        with gr.Row():
            target = gr.Slider(0.9, 1, config.DEFAULT_TARGET_QUALITY, step=0.005, label=t.TARGET, info=t.TARGET_INFO)
            budget = gr.Slider(
                0.1, config.HARD_TIMEOUT, config.DEFAULT_TIME_BUDGET, step=0.1, label=t.BUDGET, info=t.BUDGET_INFO
            )
        markup(f'<p class="tc-note">{note}</p>', f"{name}-note")
    return Options(preset, tier, target, budget, background, colours, palette, grouping, detail, gap_filler, panel)


def preset_of(finish: Sequence[Any]) -> str | None:
    """The preset that sets these values of `Options.finish`; None where none does."""
    return next((name for name, values in PRESETS.items() if values == tuple(finish)), None)


def request_of(
    tier: TierName,
    target: float,
    budget: float,
    background: Background,
    colours: float,
    palette: str,
    grouping: Grouping,
    detail: Detail,
    gap_filler: bool,
    models: Mapping[str, str] | None = None,
) -> Request:
    """The request that the panel's values ask for, measured, by these versions of models. Raises `BadSetting`."""
    return Request(
        tier=tier_of(tier),
        target_quality=target,
        time_budget=budget,
        validate=True,
        finish=finish_of(background, colours, palette, grouping, detail, gap_filler),
        models=models or {},
    )
