"""The compare tab: one picture by vtracer's default and by every tier, beside one another, and what is worth its price."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, cast

import gradio as gr

from .. import config
from ..convert import Result, Tier
from ..converter import Converter
from ..errors import VectorizeError
from ..measure import complexity
from ..plan import VTRACER_DEFAULT, Plan
from . import picker, plots
from . import texts as words
from .exports import SHELF
from .intake import CONVERT_QUEUE, read
from .markup import markup
from .result import data_url, duration, size
from .shared import Shared, Source
from .texts import compare as t

log = logging.getLogger("truecurve.web")

WAYS = tuple(t.NAMES)
"""What is compared, in the order in which it is drawn: ``default``, and each tier."""
BUDGET = 0.8 * config.HARD_TIMEOUT
"""Seconds that each tier may take."""
COMPARING = ("reference", "measure", "default")
"""Stages of a conversion that serve the comparison alone, where the tier does not choose by what it measures."""
LEAST_ERROR = 1e-5
"""Where the axis of 1 − SSIM ends."""
WIDE = 500
"""Width of a plot, of which there are two in a row."""


@dataclass(frozen=True)
class Entry:
    """One way of drawing the picture: what a card shows of it.

    `seconds` are those until the drawing was chosen. `way` is one of `WAYS`; `tier` what was drawn by, which is 2 where tier 3
    has no agent. `note` says what did not go as it should.
    """

    way: str
    svg: str
    token: str
    quality: float | None
    predicted: float | None
    bytes: int
    paths: int
    seconds: float
    plan: Plan
    tier: int = 0
    tried: int = 1
    note: str = ""


@dataclass(frozen=True)
class Failure:
    """One way that drew nothing, and why."""

    way: str
    message: str


Entries = Mapping[str, Entry | Failure]


def build(converter: Converter, shared: Shared, tab: gr.Tab) -> None:
    """Lay out the tab within the current Blocks."""

    def compare(source: Source | None, at: tuple | None, models: dict[str, str], again: bool) -> Iterator[Any]:
        key = (source["path"], sorted(models.items())) if source else None
        if not source or (key == at and not again):
            yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
            return
        done: dict[str, Entry | Failure] = {}
        for way in WAYS:
            yield cards_html(done, source, tracing=way), fronts_html(done), key, {}
            done[way] = drawn(converter, source, way, models)
        plans = {way: entry.plan.to_json() for way, entry in done.items() if isinstance(entry, Entry)}
        yield cards_html(done, source), fronts_html(done), key, plans

    def compare_anew(source: Source | None, at: tuple | None, models: dict[str, str]) -> Iterator[Any]:
        yield from compare(source, at, models, True)

    def compare_once(source: Source | None, at: tuple | None, models: dict[str, str]) -> Iterator[Any]:
        yield from compare(source, at, models, False)

    def take(plans: dict[str, Any], event: gr.EventData) -> Any:
        way = event._data.get("index") if isinstance(event._data, dict) else None
        return plans.get(way) if isinstance(way, str) else None

    def given(file: str | None) -> tuple[Any, Any]:
        return (picker.source_of(file), None) if file else (gr.skip(), gr.skip())

    at, plans = gr.State(None), gr.State({})
    with gr.Column(elem_id="tc-compare"):
        markup(f"<h1>{t.TITLE}</h1><p>{t.LEAD}</p><p class='tc-empty'>{t.EMPTY}</p>", "tc-compare-hero")
        drop = picker.build("compare")
        cards = markup(
            "",
            "tc-compare-cards",
            "element.addEventListener('click', e => { const b = e.target.closest('[data-use], [data-again]'); if (!b) return;"
            " if ('again' in b.dataset) trigger('submit'); else trigger('select', {index: b.dataset.use}); });",
        )
        fronts = markup("", "tc-compare-fronts")

    comparing: dict[str, Any] = {
        "inputs": [shared.source, at, shared.models],
        "outputs": [cards, fronts, at, plans],
        "api_visibility": "private",
        "show_progress": "hidden",
        "trigger_mode": "always_last",
        **CONVERT_QUEUE,
    }
    tab.select(compare_once, **comparing)
    cards.submit(compare_anew, **comparing)
    drop.upload(given, drop, [shared.source, drop], api_visibility="private", show_progress_on=[drop]).then(
        compare_once, **comparing
    )
    cards.select(take, plans, shared.plan, api_visibility="private", show_progress="hidden").then(
        None, js="() => { document.querySelector('#tc-tab-tune-button')?.click(); return []; }"
    )


def drawn(converter: Converter, source: Source, way: str, models: Mapping[str, str] = {}) -> Entry | Failure:
    """Draw a picture one of `WAYS`, with no target that ends it early, and measure it."""
    how: dict[str, Any] = {"plan": VTRACER_DEFAULT} if way == "default" else {"tier": cast(Tier, int(way))}
    try:
        result = converter.convert(
            read(source["path"]), target_quality=1.0, time_budget=BUDGET, validate=True, models=dict(models), **how
        )
    except VectorizeError as error:
        return Failure(way, error.message)
    except Exception:
        log.exception("comparing %s failed", source["name"])
        return Failure(way, words.UNEXPECTED)
    return entry_of(way, result)


def entry_of(way: str, result: Result) -> Entry:
    """What a card shows of a result; of the default it is vtracer's own output, where that was measured."""
    seconds = result.processing_time
    if result.selected_tier < 2:
        seconds -= sum(result.stages.get(stage, 0.0) for stage in COMPARING)
    svg, quality = result.svg, result.actual_quality
    if way == "default" and result.default_svg is not None:
        svg, quality = result.default_svg, result.default_quality
    amount = complexity(svg)
    return Entry(
        way,
        svg,
        SHELF.put(svg),
        quality,
        result.predicted_quality,
        amount.bytes,
        amount.paths,
        max(seconds, 1e-3),
        result.plan,
        tier=0 if way == "default" else result.selected_tier,
        tried=result.candidates,
        note=" ".join(result.degraded),
    )


# --- the cards ------------------------------------------------------------------------------------------------------


def cards_html(done: Entries, source: Source, tracing: str = "") -> str:
    """A card for each of `WAYS`: drawn, being drawn, or waiting."""
    best = unbeaten(done)
    cards = "".join(_card_html(way, done.get(way), source, way == tracing, way in best) for way in WAYS)
    again = "" if tracing else f'<button type="button" class="tc-button" data-again>{t.AGAIN}</button>'
    return (
        f'<section class="tc-comparison" aria-busy="{str(bool(tracing)).lower()}"><header><h2>{escape(source["name"])}</h2>'
        f'{again}</header><div class="tc-cards">{cards}</div><p class="tc-note">{t.TIME_NOTE}</p></section>'
    )


def unbeaten(done: Entries) -> set[str]:
    """The ways that no other is better than in error and time, or in error and bytes."""
    entries = [e for e in done.values() if isinstance(e, Entry) and e.quality is not None]
    found: set[str] = set()
    for costs in ([e.seconds for e in entries], [float(e.bytes) for e in entries]):
        points = [(cost, 1 - cast(float, e.quality)) for cost, e in zip(costs, entries, strict=True)]
        found |= {entries[i].way for i in plots.front(points)}
    return found


def _card_html(way: str, entry: Entry | Failure | None, source: Source, tracing: bool, best: bool) -> str:
    name = t.NAMES[way]
    head = f"<header><h3>{name}</h3>" + (f'<span class="best" title="{t.BEST_HOW}">{t.BEST}</span>' if best else "")
    if entry is None:
        state = t.TRACING if tracing else t.WAITING
        classes = "tc-card tracing" if tracing else "tc-card waiting"
        return (
            f'<article class="{classes}" data-way="{way}">{head}</header>'
            f'<div class="tc-shot"><p role="status">{state}</p></div>'
            f'<p class="about">{t.ABOUT[way]}</p></article>'
        )
    if isinstance(entry, Failure):
        return (
            f'<article class="tc-card failed" data-way="{way}">{head}</header><div class="tc-shot"></div>'
            f'<p class="about" role="alert">{escape(entry.message)}</p></article>'
        )
    predicted = f"{entry.predicted:.4f}" if entry.predicted is not None else t.NO_MODEL
    rows = (
        ("quality", t.QUALITY, f"{entry.quality:.4f}" if entry.quality is not None else t.NOT_MEASURED),
        ("predicted", t.PREDICTED, t.NOT_PREDICTED if way == "default" and entry.predicted is None else predicted),
        ("bytes", t.BYTES, size(entry.bytes)),
        ("paths", t.PATHS, f"{entry.paths:,}"),
        ("time", t.TIME, duration(entry.seconds)),
        ("tried", t.TRIED, str(entry.tried)),
    )
    table = "".join(f'<div data-row="{key}"><dt>{label}</dt><dd>{value}</dd></div>' for key, label, value in rows)
    note = entry.note
    if way.isdigit() and int(way) != entry.tier:
        note = f"{t.SAME.format(tier=entry.tier)} {note}"
    stem = escape(f"{Path(source['name']).stem or 'picture'}-{way if way == 'default' else 'tier-' + way}")
    return f"""<article class="tc-card" data-way="{way}">{head}</header>
<div class="tc-shot"><img src="{data_url(entry.svg)}" alt="{escape(t.ALT.format(name=name))}" decoding="async"></div>
<p class="about">{t.ABOUT[way]}</p><dl>{table}</dl>{f'<p class="note">{escape(note)}</p>' if note else ""}
<footer><a class="tc-button" download="{stem}.svg" href="api/exports/{entry.token}.svg"
 aria-label="{escape(t.DOWNLOAD_LABEL.format(name=name))}">{t.DOWNLOAD}</a>
<button type="button" class="tc-button" data-use="{way}" aria-label="{escape(t.USE_LABEL.format(name=name))}">{t.USE}</button>
</footer></article>"""


# --- the fronts -----------------------------------------------------------------------------------------------------


def fronts_html(done: Entries) -> str:
    """Error against time and against bytes, as far as there is anything yet."""
    entries = [e for e in done.values() if isinstance(e, Entry) and e.quality is not None]
    if not entries:
        return ""
    plots_ = (
        (t.PLOT_TIME, plots.Axis(t.TIME_AXIS, duration, 1e-3), [e.seconds for e in entries], duration),
        (t.PLOT_BYTES, plots.Axis(t.BYTES_AXIS, _bytes, 1.0), [float(e.bytes) for e in entries], _bytes),
    )
    figures = "".join(f"<figure>{_front_plot(entries, *plot)}</figure>" for plot in plots_)
    return (
        f'<section class="tc-session"><h2>{t.FRONT}</h2><div class="tc-plots">{figures}</div>'
        f'<p class="tc-note">{t.FRONT_HOW}</p></section>'
    )


def _bytes(value: float) -> str:
    return size(round(value))


def _front_plot(entries: Sequence[Entry], title: str, axis: plots.Axis, costs: Sequence[float], written: Any) -> str:
    points = [(cost, 1 - cast(float, e.quality)) for cost, e in zip(costs, entries, strict=True)]
    front = plots.front(points)
    marks = [
        plots.Mark(
            cost,
            error,
            t.SHORT[entry.way],
            t.POINT.format(name=t.NAMES[entry.way], error=f"{error:.4f}", cost=written(cost)),
            "circle newest" if i in front else "circle",
        )
        for i, (entry, (cost, error)) in enumerate(zip(entries, points, strict=True))
    ]
    error_axis = plots.Axis(t.ERROR_AXIS, lambda value: f"{value:.2g}", LEAST_ERROR)
    return plots.scatter(
        marks, axis, error_axis, title=title.format(points="; ".join(m.about for m in marks)), line=front
    )
