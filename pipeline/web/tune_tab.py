"""The tune tab: a recipe and its knobs, what they are predicted to give, and the drawing, made again at each move."""

from __future__ import annotations

import json
import logging
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pprint import pformat
from textwrap import indent
from typing import Any

import gradio as gr

from ..convert import Result
from ..converter import Converter
from ..errors import VectorizeError
from ..plan import Finish, Plan
from ..predict import Estimate, Prediction
from . import knobs, picker, plots
from . import texts as words
from .api import CONCURRENCY
from .exports import SHELF
from .intake import CONVERT_QUEUE, read
from .markup import markup
from .result import duration, error_html, percent, result_html, size
from .shared import Shared, Source
from .texts import tune as t
from .texts.code import ADDRESS

log = logging.getLogger("truecurve.web")

PREDICT_QUEUE: dict[str, Any] = {"concurrency_id": "predict", "concurrency_limit": CONCURRENCY}
"""Predictions do not wait for drawings."""
MOST_POINTS = 120
"""Of the plot; the oldest go first."""
LIKELY = 0.02
"""Chance of being refused from which it is told."""
LEAST_ERROR = 1e-5
"""Where the axes of 1 − SSIM end."""


@dataclass(frozen=True)
class Point:
    """A plan that was predicted and measured: what the plot shows of it."""

    picture: str
    recipe: str
    knobs: str
    predicted: dict[str, float] | None
    measured: dict[str, float | None]


def build(converter: Converter, shared: Shared, tab: gr.Tab) -> None:
    """Lay out the tab within the current Blocks."""

    def take_up(source: Source | None, wanted: dict[str, Any] | None, at: str | None, shown: str, models: Any) -> Any:
        """When the tab is opened or given a picture: its knobs, the picture they are for, and the plan wanted no more."""
        if not source or (source["path"] == at and not wanted):
            return gr.skip(), gr.skip(), gr.skip()
        recommended, plan = None, None
        try:
            plan = Plan.from_json(wanted) if wanted else None
            finish = plan.finish if plan else Finish()
            recommended = converter.predict(read(source["path"]), finish=finish, models=models).plans[0]
        except VectorizeError:  # which drawing tells
            pass
        return knobs.value_of(plan or recommended or Plan("planar"), recommended), source["path"], None

    def predict(source: Source | None, value: str, models: dict[str, str]) -> Any:
        if not source:
            return gr.skip()
        try:
            plan = knobs.plan_of(value)
            return predicted_html(converter.predict(read(source["path"]), [plan], models=models).predictions[0])
        except VectorizeError:  # which drawing tells
            return predicted_html(None)

    def draw(source: Source | None, value: str, points: list[Point], models: dict[str, str]) -> Any:
        if not source:
            return [gr.skip()] * 5
        try:
            plan = knobs.plan_of(value)
            picture = read(source["path"])
            prediction = converter.predict(picture, [plan], models=models).predictions[0]
            result = converter.convert(picture, plan=plan, validate=True, models=models)
        except VectorizeError as error:
            return failed(error_html(error.message, words.HINTS.get(error.code, "")))
        except Exception:
            log.exception("tuning %s failed", source["name"])
            return failed(error_html(words.UNEXPECTED))
        token = SHELF.put(result.svg)
        default = SHELF.put(result.default_svg) if result.default_svg else None
        view = result_html(result, name=source["name"], url=source["url"], token=token, default=default)
        points = with_point(points, source["name"], plan, prediction, result)
        return (
            view,
            measured_html(plan, prediction, result, token),
            plots_html(points),
            repeat_html(plan, source["name"]),
            points,
        )

    def failed(message: str) -> Any:
        return message, measured_html(None, None, None, secrets.token_hex(4)), gr.skip(), gr.skip(), gr.skip()

    def given(file: str | None) -> tuple[Any, Any]:
        return (picker.source_of(file), None) if file else (gr.skip(), gr.skip())

    at, points = gr.State(None), gr.State([])
    with gr.Column(elem_id="tc-tune"):
        markup(f"<h1>{t.TITLE}</h1><p>{t.LEAD}</p><p class='tc-empty'>{t.EMPTY}</p>", "tc-tune-hero")
        drop = picker.build("tune")
        sliders = knobs.component("tc-tune-knobs")
        with gr.Column(elem_id="tc-tune-result"):
            with gr.Column(elem_id="tc-tune-figures"):
                predicted = markup(predicted_html(None), "tc-tune-predicted")
                measured = markup(measured_html(None, None, None), "tc-tune-measured")
            view = markup("", "tc-tune-view")
        plot = markup(plots_html([]), "tc-tune-plot")
        repeat = markup("", "tc-tune-repeat")

    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "trigger_mode": "always_last"}
    drawing: dict[str, Any] = {
        "fn": draw,
        "inputs": [shared.source, sliders, points, shared.models],
        "outputs": [view, measured, plot, repeat, points],
        **private,
        **CONVERT_QUEUE,
    }
    predicting: dict[str, Any] = {
        "fn": predict,
        "inputs": [shared.source, sliders, shared.models],
        "outputs": predicted,
        **private,
        **PREDICT_QUEUE,
    }
    sliders.input(**predicting)
    sliders.input(**drawing)
    opening: dict[str, Any] = {
        "fn": take_up,
        "inputs": [shared.source, shared.plan, at, sliders, shared.models],
        "outputs": [sliders, at, shared.plan],
        **private,
        **PREDICT_QUEUE,
    }
    tab.select(**opening).then(**predicting).then(**drawing)
    drop.upload(given, drop, [shared.source, drop], api_visibility="private", show_progress_on=[drop]).then(
        **opening
    ).then(**predicting).then(**drawing)


# --- what was predicted and measured --------------------------------------------------------------------------------


FIGURES = (("quality", t.QUALITY), ("bytes", t.BYTES), ("ms", t.MS))
"""What is predicted of a plan, in the order of the table's columns."""


def written(name: str, value: float) -> str:
    """A figure of `FIGURES` for people."""
    if name == "quality":
        return f"{value:.4f}"
    return size(round(value)) if name == "bytes" else duration(value / 1000)


def figures_of(result: Result) -> dict[str, float | None]:
    """What was measured, by the names of `FIGURES`."""
    return {"quality": result.actual_quality, "bytes": result.svg_bytes, "ms": 1000 * result.stages.get("trace", 0.0)}


def predicted_html(prediction: Prediction | None) -> str:
    """The row of what is predicted, each with its interval, beneath the names of the columns."""
    names = "".join(f'<b role="columnheader">{title}</b>' for _, title in FIGURES)
    if prediction is None:
        cells = f'<span role="cell" class="none" title="{t.NO_MODEL_HOW}">{t.NO_MODEL}</span>' * len(FIGURES)
    else:
        cells = "".join(_predicted_cell(name, getattr(prediction, name)) for name, _ in FIGURES)
        if prediction.fails >= LIKELY:
            cells += f"<em>{t.REFUSAL.format(percent=percent(prediction.fails))}</em>"
    return (
        f'<div class="tc-plan-figures" role="table" aria-label="{t.FIGURES}"><div role="row" class="names"><i></i>{names}</div>'
        f'<div role="row" class="predicted"><b role="rowheader">{t.PREDICTED}</b>{cells}</div></div>'
    )


def _predicted_cell(name: str, estimate: Estimate) -> str:
    interval = t.INTERVAL.format(low=written(name, estimate.low), high=written(name, estimate.high))
    return (
        f'<span role="cell" data-figure="{name}">{written(name, estimate.value)}'
        f'<small title="{t.INTERVAL_HOW}">{interval}</small></span>'
    )


def measured_html(plan: Plan | None, prediction: Prediction | None, result: Result | None, key: str = "") -> str:
    """The row of what was measured, and whether that is within the intervals; by `key` two drawings are told apart."""
    notice = ""
    if result is None or plan is None:
        cells = f'<span role="cell" class="none">–<small>{t.WAITING}</small></span>' * len(FIGURES)
    else:
        as_asked = result.plan == plan
        prediction = prediction if as_asked else None
        measured = figures_of(result)
        cells = "".join(
            _measured_cell(name, measured[name], getattr(prediction, name) if prediction else None)
            for name, _ in FIGURES
        )
        if not as_asked:
            reason = escape(" ".join((result.reason, *result.degraded)))
            notice = f'<p role="status">{t.OTHER_PLAN.format(recipe=result.plan.recipe, reason=reason)}</p>'
    return (
        f'<div class="tc-plan-figures" role="table" aria-label="{t.MEASURED}" data-key="{key}">'
        '<div role="row" class="measured">'
        f'<b role="rowheader">{t.MEASURED}</b>{cells}</div></div>{notice}'
    )


def _measured_cell(name: str, value: float | None, estimate: Estimate | None) -> str:
    if value is None:
        return f'<span role="cell" class="none">–<small>{t.NOT_MEASURED}</small></span>'
    note = ""
    if estimate:
        inside = estimate.low <= value <= estimate.high
        note = f'<small class="{"inside" if inside else "outside"}">{t.INSIDE if inside else t.OUTSIDE}</small>'
    return f'<span role="cell" data-figure="{name}">{written(name, value)}{note}</span>'


# --- the plot of the session ----------------------------------------------------------------------------------------


def with_point(
    points: Sequence[Point], picture: str, plan: Plan, prediction: Prediction | None, result: Result
) -> list[Point]:
    """The session's points with that of a plan at the end, once for each picture and plan."""
    if result.plan != plan:  # another one was drawn: nothing was measured of this
        return list(points)
    predicted = {name: getattr(prediction, name).value for name, _ in FIGURES} if prediction else None
    knobs_text = json.dumps(dict(plan.knobs))
    point = Point(picture, plan.recipe, knobs_text, predicted, figures_of(result))
    others = [p for p in points if (p.picture, p.recipe, p.knobs) != (picture, plan.recipe, knobs_text)]
    return [*others, point][-MOST_POINTS:]


SHAPES = {"vtracer": "square", "planar": "circle", "vtracer-flat": "diamond"}


def plots_html(points: Sequence[Point]) -> str:
    """Three plots of predicted against measured: error, bytes and milliseconds; words where there is nothing to show."""
    with_both = [p for p in points if p.predicted is not None]
    if not with_both:
        note = t.PLOT_NO_MODEL.format(count=len(points)) if points else t.PLOT_EMPTY
        return f'<section class="tc-session"><h2>{t.PLOT}</h2><p class="tc-note">{note}</p></section>'
    recipes = dict.fromkeys(p.recipe for p in with_both)
    legend = "".join(f'<li class="{SHAPES.get(name, "circle")}">{name}</li>' for name in recipes)
    figures = "".join(f"<figure>{_plot(name, with_both)}</figure>" for name in t.PLOTS)
    return (
        f'<section class="tc-session"><h2>{t.PLOT}</h2><ul class="tc-key">{legend}</ul><div class="tc-plots">{figures}</div>'
        f'<p class="tc-note">{t.PLOT_HOW}</p></section>'
    )


def _plot(name: str, points: Sequence[Point]) -> str:
    def place(value: float) -> float:
        return 1 - value if name == "quality" else value

    def number(value: float) -> str:
        return f"{value:.2g}" if name == "quality" else written(name, value)

    marks = []
    for point in points:
        assert point.predicted is not None
        predicted, measured = point.predicted[name], point.measured[name]
        if measured is None:
            continue
        about = t.PLOT_POINT.format(
            recipe=point.recipe,
            name=point.picture,
            predicted=written(name, predicted),
            measured=written(name, measured),
        )
        newest = " newest" if point is points[-1] else ""
        label = point.recipe if newest else ""
        marks.append(
            plots.Mark(place(predicted), place(measured), label, about, SHAPES.get(point.recipe, "circle") + newest)
        )
    if not marks:
        return ""
    least = LEAST_ERROR if name == "quality" else 1.0
    x, y = plots.Axis(f"{t.PLOTS[name]}, {t.PLOT_X}", number, least), plots.Axis(t.PLOT_Y, number, least)
    return plots.scatter(marks, x, y, title=t.PLOT_TITLE.format(what=t.PLOTS[name], count=len(marks)), equal=True)


# --- the same elsewhere ---------------------------------------------------------------------------------------------


def repeat_html(plan: Plan, name: str) -> str:
    """The plan as JSON, and the command and the Python that draw by it, each to be copied."""
    examples = (
        (t.PLAN, "json", escape(json.dumps(plan.to_json(), indent=2))),
        (t.COMMAND, "sh", escape(command_of(name))),
        (
            t.PYTHON,
            "python",
            escape(python_of(plan, name)).replace(ADDRESS, f'<span class="tc-address">{ADDRESS}</span>'),
        ),
    )
    return (
        f'<details class="tc-repeat"><summary>{t.REPEAT}</summary>'
        + "".join(
            f'<article class="tc-example"><header><h3>{title}</h3><button type="button" class="tc-button" data-copy-code'
            f' data-done="{t.COPIED}" aria-label="{t.COPY}: {title}">{t.COPY}</button></header>'
            f'<pre tabindex="0" aria-label="{title}"><code data-language="{language}">{code}</code></pre></article>'
            for title, language, code in examples
        )
        + "</details>"
    )


def command_of(name: str) -> str:
    """The command that draws a picture by ``plan.json``."""
    return f"python -m pipeline convert {shlex.quote(name)} --plan plan.json --validate"


def python_of(plan: Plan, name: str) -> str:
    """The call of the endpoint that draws a picture by a plan; the finish is in it where it is not the usual one."""
    plain = plan.finish == Finish() and not plan.without
    recipe = f"    recipe={plan.recipe!r},\n" if plain else ""
    knobs_ = pformat(dict(plan.knobs) if plain else plan.to_json(), width=1, sort_dicts=False)
    return (
        "from gradio_client import Client, handle_file\n\n"
        f'svg, record = Client("{ADDRESS}").predict(\n'
        f"    image=handle_file({name!r}),\n{recipe}    knobs={indent(knobs_, ' ' * 10).strip()},\n"
        '    api_name="/tune",\n)\n'
    )
