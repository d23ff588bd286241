"""The named Gradio endpoints that programs call: `gradio_client`, JavaScript and MCP."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, get_args

import gradio as gr

from .. import config
from ..convert import Request
from ..converter import Converter
from ..errors import BadSetting, VectorizeError
from ..plan import MOST_COLOURS, RECIPES, Background, Detail, Finish, Grouping, Plan, read_palette
from ..serve import samples
from ..serve.inputs import open_files
from ..serve.samples import THUMBS, Thumb
from . import texts as t
from .api import DEFAULT_TIER, TierName, analysis_record, tier_of
from .batches import BATCHES, Batch, zip_name
from .intake import BATCH_QUEUE, CONVERT_QUEUE, picture_input, read, uploaded
from .rating import rate as rate_sample

log = logging.getLogger("truecurve.web")

BATCH_PERIOD = 1.0
"""Seconds between two words of how far a batch is."""


def build(converter: Converter) -> None:
    """Add the endpoints to the current Blocks; nothing of them is seen on the page."""

    @_plain_errors
    def convert(
        image: str,
        tier: TierName = DEFAULT_TIER,
        target_quality: float = config.DEFAULT_TARGET_QUALITY,
        time_budget: float = config.DEFAULT_TIME_BUDGET,
        background: Background = "keep",
        colours: float = 0,
        palette: str = "",
        grouping: Grouping = "compact",
        detail: Detail = "normal",
        gap_filler: bool = False,
    ) -> tuple[str, dict[str, Any]]:
        """Convert a raster picture (logo, icon, drawing) to SVG, and measure the result against it.

        Args:
            image: The picture: PNG, JPEG, WebP, GIF (first frame) or BMP.
            tier: Effort. 1 is fastest, 3 best, auto picks by target_quality and time_budget.
            target_quality: SSIM that the result should reach, 0 to 1.
            time_budget: Seconds that the conversion may take.
            background: "drop" leaves out a plain background, "keep" draws it.
            colours: Exactly so many colours, 1 to 256; 0 for as many as the picture has.
            palette: Only these colours, such as "#000,#d1006c"; empty for the picture's own.
            grouping: "compact" for few elements, "shape" for a path each, "colour" or "layer" for a group for each.
            detail: "low" for fewer and simpler shapes, "high" for more of what is faint and small.
            gap_filler: Thin lines beneath all shapes, for programs that show gaps between them.

        Returns:
            The SVG's text, and a record of how it came about: class, confidence, tier, measured quality, times, and `sample`
            to rate it by.
        """
        data = read(_given(image))
        result = converter.convert(
            data,
            tier=tier_of(tier),
            target_quality=target_quality,
            time_budget=time_budget,
            validate=True,
            finish=finish_of(background, colours, palette, grouping, detail, gap_filler),
        )
        return result.svg, {**result.record(), "sample": samples.store().keep(result, data, door="gradio")}

    @_plain_errors
    def analyze(image: str) -> dict[str, Any]:
        """Measure a raster picture and tell its class (simple, text, gradient, complex) without converting it.

        Args:
            image: The picture: PNG, JPEG, WebP, GIF (first frame) or BMP.

        Returns:
            Its features, class, confidence (0 to 1) and size in pixels.
        """
        return analysis_record(converter.analyze(read(_given(image))))

    @_plain_errors
    def rate(sample: str, thumb: Thumb, reason: str = "") -> dict[str, Any]:
        """Rate a conversion, so that later ones may come out better. The last rating of a conversion stands.

        Args:
            sample: "sample" of the conversion's record.
            thumb: "up" for a good result, "down" for one that is not.
            reason: Why, in a few words, at most 500 characters. No names, please.

        Returns:
            The rating as it is kept.
        """
        return rate_sample(converter, sample or "", thumb, reason or "")

    @_plain_errors
    def batch(
        files: list[str],
        tier: TierName = DEFAULT_TIER,
        target_quality: float = config.DEFAULT_TARGET_QUALITY,
        time_budget: float = config.DEFAULT_TIME_BUDGET,
        background: Background = "keep",
        colours: float = 0,
        palette: str = "",
        grouping: Grouping = "compact",
        detail: Detail = "normal",
        gap_filler: bool = False,
    ) -> Iterator[tuple[str | None, dict[str, Any]]]:
        """Convert many raster pictures to SVG at once, or a zip of them. Single pictures of others go first.

        Args:
            files: Up to 1000 pictures, or zips of at most 200 each, whose folders are kept. A bad file stops nothing.
            tier: Effort for each. 1 is fastest, 3 best, auto picks by target_quality and time_budget.
            target_quality: SSIM that each result should reach, 0 to 1.
            time_budget: Seconds that each conversion may take.
            background: "drop" leaves out a plain background, "keep" draws it.
            colours: Exactly so many colours, 1 to 256; 0 for as many as a picture has.
            palette: Only these colours, such as "#000,#d1006c"; empty for a picture's own.
            grouping: "compact" for few elements, "shape" for a path each, "colour" or "layer" for a group for each.
            detail: "low" for fewer and simpler shapes, "high" for more of what is faint and small.
            gap_filler: Thin lines beneath all shapes, for programs that show gaps between them.

        Returns:
            A zip of the SVGs with report.jsonl and report.csv, and a summary: total, converted, failed, failures with reasons,
            mean qualities. While the work goes on the zip is null and the summary says how far it is.
        """
        paths = [(Path(path).name, uploaded(path)) for path in files or ()]
        request = Request(
            tier=tier_of(tier),
            target_quality=target_quality,
            time_budget=time_budget,
            validate=True,
            finish=finish_of(background, colours, palette, grouping, detail, gap_filler),
        )
        name = zip_name([name for name, _ in paths])
        work = BATCHES.put(Batch(open_files(paths), request, converter, name=name, swept=results.temp_files))
        try:
            while not work.wait(BATCH_PERIOD):
                yield None, work.summary()
            if work.error:
                raise gr.Error(work.error, print_exception=False)
            yield str(work.zip), work.summary()
        finally:  # where it is not over, whoever asked has gone
            work.leave()

    @_plain_errors
    def health() -> dict[str, Any]:
        """Tell whether conversions are answered, which models are loaded, and what is missing.

        Returns:
            available, models, degraded, version and samples.
        """
        return samples.with_samples(converter.health())

    @_plain_errors
    def tune(image: str, recipe: str = "planar", knobs: Any = None) -> tuple[str, dict[str, Any]]:
        """Convert a raster picture to SVG by a plan of your own: a recipe, and values for its knobs.

        Args:
            image: The picture: PNG, JPEG, WebP, GIF (first frame) or BMP.
            recipe: The way of drawing.
            knobs: Values by name, or a whole plan as parameters_used has it. What is left out takes its default. KNOBS

        Returns:
            The SVG's text, and a record of how it came about; parameters_used is the plan that was drawn by.
        """
        plan = given_plan(recipe, knobs)
        result = converter.convert(read(_given(image)), plan=plan, validate=True)
        return result.svg, result.record()

    tune.__doc__ = (tune.__doc__ or "").replace("KNOBS", knobs_in_words())

    with gr.Column(visible=False):
        picture = picture_input(label="image")
        options = [
            gr.Radio(list(get_args(TierName)), value=DEFAULT_TIER, label="tier"),
            gr.Number(config.DEFAULT_TARGET_QUALITY, minimum=0, maximum=1, label="target_quality"),
            gr.Number(config.DEFAULT_TIME_BUDGET, minimum=0.01, maximum=60, label="time_budget"),
            gr.Radio(list(get_args(Background)), value="keep", label="background"),
            gr.Number(0, minimum=0, maximum=MOST_COLOURS, precision=0, label="colours"),
            gr.Textbox("", label="palette"),
            gr.Radio(list(get_args(Grouping)), value="compact", label="grouping"),
            gr.Radio(list(get_args(Detail)), value="normal", label="detail"),
            gr.Checkbox(False, label="gap_filler"),
        ]
        rating = [
            gr.Textbox("", label="sample"),
            gr.Radio(list(THUMBS), value="up", label="thumb"),
            gr.Textbox("", label="reason"),
        ]
        tuning = [gr.Radio(list(RECIPES), value="planar", label="recipe"), _object_input(label="knobs")]
        pictures = picture_input(label="files", file_count="multiple")
        results = gr.File(label="results")
        svg, record, go = gr.Textbox(label="svg"), gr.JSON(label="record"), gr.Button()
    go.click(convert, [picture, *options], [svg, record], api_name="convert", **CONVERT_QUEUE)
    go.click(analyze, picture, record, api_name="analyze", **CONVERT_QUEUE)
    go.click(tune, [picture, *tuning], [svg, record], api_name="tune", **CONVERT_QUEUE)
    go.click(rate, rating, record, api_name="rate", concurrency_limit=None)
    go.click(batch, [pictures, *options], [results, record], api_name="batch", **BATCH_QUEUE)
    go.click(health, None, record, api_name="health", concurrency_limit=None)


def finish_of(
    background: Background, colours: float, palette: str, grouping: Grouping, detail: Detail, gap_filler: bool
) -> Finish:
    """The finish that a form's values ask for: 0 colours are as many as the picture has. Raises `BadSetting`."""
    return Finish(
        background=background,
        colours=int(colours) or None,
        palette=read_palette(palette or ""),
        grouping=grouping,
        gap_filler=gap_filler,
        detail=detail,
    )


def _object_input(**settings: Any) -> gr.JSON:
    """An input for an object, described as one: Gradio's own schema for JSON is none that a tool could be called by."""
    component = gr.JSON({}, **settings)
    component.api_info = lambda: {"type": "object", "additionalProperties": {}, "description": "values by name"}
    return component


def given_plan(recipe: str, knobs: Any) -> Plan:
    """The plan of a recipe and its knobs by name, or of a whole plan in the place of the knobs. Raises `BadSetting`."""
    if isinstance(knobs, str):
        try:
            knobs = json.loads(knobs or "{}")
        except ValueError as error:
            raise BadSetting(f"knobs is not JSON: {error}.") from error
    if not isinstance(knobs, dict | None):
        raise BadSetting(f"knobs must be an object of values by name, not {knobs!r}.")
    if knobs and "recipe" in knobs:
        return Plan.from_json(knobs)
    return Plan(recipe, knobs or {})


def knobs_in_words() -> str:
    """Each recipe's knobs with their ranges and defaults, in one line for programs and language models."""
    return ". ".join(
        f"Knobs of {recipe.name}: "
        + ", ".join(f"{k.name} {k.low:g} to {k.high:g} ({k.default:g}), {k.help}" for k in recipe.knobs)
        for recipe in RECIPES.values()
    )


def _given(image: str | None) -> str:
    if not image:
        raise gr.Error(t.NO_PICTURE, print_exception=False)
    return image


def _plain_errors(handler: Callable) -> Callable:
    """Turn errors into messages: ours as they are, all others without their insides."""

    @wraps(handler)
    def run(*args: Any, **kwargs: Any) -> Any:
        with _in_words(handler.__name__):
            return handler(*args, **kwargs)

    @wraps(handler)
    def go_on(*args: Any, **kwargs: Any) -> Iterator[Any]:
        with _in_words(handler.__name__):
            yield from handler(*args, **kwargs)

    return go_on if inspect.isgeneratorfunction(handler) else run


@contextmanager
def _in_words(name: str) -> Iterator[None]:
    try:
        yield
    except gr.Error:
        raise
    except VectorizeError as error:
        raise gr.Error(error.message, print_exception=False) from None
    except Exception:
        log.exception("%s failed", name)
        raise gr.Error(t.UNEXPECTED, print_exception=False) from None
