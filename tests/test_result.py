"""The convert tab's pure parts: the result as HTML, colours, the settings in a link, and how a conversion is followed."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import gradio as gr
import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from httpx import ASGITransport
from PIL import Image

from pipeline.convert import Request, Result, convert
from pipeline.errors import BadSetting, TraceFailed
from pipeline.render import Format, export, render
from pipeline.web import api, options, permalink
from pipeline.web.colours import MOST_SWATCHES, colours_of, read_changes, recoloured
from pipeline.web.exports import SHELF
from pipeline.web.permalink import query, read
from pipeline.web.progress import Progress, follow
from pipeline.web.result import (
    MOST_PREVIEW,
    prediction_words,
    quality_html,
    result_html,
    swatches_html,
    working_html,
)

BOXES = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="10" viewBox="0 0 40 10">'
    '<defs><linearGradient id="a"><stop stop-color="red"/><stop offset="1"/></linearGradient></defs>'
    '<path d="M0 0h10v10H0z"/><g fill="#0a0"><rect x="10" y="0" width="10" height="10"/></g>'
    '<path fill="none" stroke="#00f" stroke-width="10" d="M20 5h10"/>'
    '<path d="M30 0h10v10H30z" fill="url(#a)"/></svg>'
)
"""Four boxes side by side: black by default, a group's green, a blue stroke, and a fade from red to black by default."""


@pytest.fixture(scope="module")
def result(logo: Path) -> Result:
    return convert(logo, Request(tier=1, validate=True))


def at(svg: str, x: int, y: int = 5) -> tuple[int, ...]:
    return tuple(int(v) for v in render(svg, 40, 10)[y, x])


# --- colours --------------------------------------------------------------------------------------------------------


def test_each_kind_of_paint_is_changed_and_nothing_else() -> None:
    assert colours_of(BOXES) == ["#ff0000", "#000000", "#00aa00", "#0000ff"]
    assert [at(BOXES, x) for x in (5, 15, 25)] == [(0, 0, 0, 255), (0, 170, 0, 255), (0, 0, 255, 255)]
    green = recoloured(BOXES, {"#00aa00": "#123456"})
    assert at(green, 15) == (0x12, 0x34, 0x56, 255) and [at(green, x) for x in (5, 25)] == [
        (0, 0, 0, 255),
        (0, 0, 255, 255),
    ]
    assert at(recoloured(BOXES, {"#0000ff": "#fedcba"}), 25) == (0xFE, 0xDC, 0xBA, 255)


def test_black_that_is_written_nowhere_is_changed_in_shapes_and_stops() -> None:
    white = recoloured(BOXES, {"#000000": "#ffffff"})
    assert at(white, 5) == (255, 255, 255, 255)
    assert at(white, 15) == (0, 170, 0, 255) and at(white, 25) == (0, 0, 255, 255)
    assert at(white, 30)[0] > 240 and at(white, 39)[1] > 230, "the fade goes from red to white"
    assert "#000000" not in colours_of(white)
    ElementTree.fromstring(white)


def test_colours_are_swapped_at_once() -> None:
    swapped = recoloured(BOXES, {"#000000": "#0000ff", "#0000ff": "#000000"})
    assert at(swapped, 5) == (0, 0, 255, 255) and at(swapped, 25) == (0, 0, 0, 255)
    back = recoloured(swapped, {"#000000": "#0000ff", "#0000ff": "#000000"})
    assert np.array_equal(render(back, 40, 10), render(BOXES, 40, 10))


def test_no_change_is_no_change() -> None:
    assert recoloured(BOXES, {}) == recoloured(BOXES, {"#abcdef": "#000000", "#000000": "#000000"}) == BOXES


def test_a_real_drawing_in_other_colours(result: Result) -> None:
    new = {old: f"#{i:02x}80{i:02x}" for i, old in enumerate(colours_of(result.svg))}
    assert colours_of(recoloured(result.svg, new)) == list(new.values())


def test_changes_are_read_and_refused() -> None:
    assert read_changes("D1006C:000000,ffffff:f3f4f6") == {"#d1006c": "#000000", "#ffffff": "#f3f4f6"}
    assert read_changes("") == {}
    for bad in ("d1006c", "d1006c:000", '000000:"/><script>', "#000000:#ffffff", "000000:ffffff;111111:222222"):
        with pytest.raises(BadSetting, match="pairs"):
            read_changes(bad)
    with pytest.raises(BadSetting, match="at most"):
        read_changes(",".join(f"{i:06x}:000000" for i in range(MOST_SWATCHES + 1)))


class Exporter:
    """A converter that exports in this process."""

    def export(self, svg: str, format: Format, *, width: int | None = None) -> bytes:
        return export(svg, format, width=width)


def test_exports_come_in_the_colours_that_are_asked_for() -> None:
    app = FastAPI()
    api.install(app, Exporter())  # type: ignore[arg-type]
    token = SHELF.put(BOXES)

    async def ask(path: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
            return await client.get(path)

    def get(path: str) -> httpx.Response:
        return asyncio.run(ask(path))

    assert get(f"/api/exports/{token}.svg").text == BOXES
    changed = get(f"/api/exports/{token}.svg?colours=00aa00:123456,000000:ffffff")
    assert changed.text == recoloured(BOXES, {"#00aa00": "#123456", "#000000": "#ffffff"})
    assert changed.headers["content-type"] == "image/svg+xml" and changed.headers["content-disposition"] == "attachment"
    png = Image.open(io.BytesIO(get(f"/api/exports/{token}.png?colours=00aa00:123456").content))
    assert png.convert("RGBA").getpixel((15, 5)) == (0x12, 0x34, 0x56, 255)
    assert b"123456" in get(f"/api/exports/{token}.dxf?colours=0000ff:123456").content.replace(b"#", b"")
    bad = get(f"/api/exports/{token}.svg?colours=00aa00:red")
    assert bad.status_code == 422 and "pairs" in bad.json()["error"]["message"]
    assert get(f"/api/exports/{token}.svg?colours=" + "0" * 5000).status_code == 422
    assert get("/api/exports/unknown.svg?colours=00aa00:123456").status_code == 404
    assert SHELF.get(token) == BOXES, "what is kept stays as it is"


def test_swatches_up_to_as_many_as_can_be_chosen() -> None:
    many = "".join(f'<path fill="#{i:06x}" d="M0 0"/>' for i in range(1, MOST_SWATCHES + 1))
    assert swatches_html(f"<svg>{many}</svg>").count('type="color"') == MOST_SWATCHES
    more = swatches_html(f'<svg>{many}<path d="M1 1"/></svg>')
    assert "type=" not in more and f"More than {MOST_SWATCHES}" in more
    assert swatches_html("<svg></svg>") == ""


# --- the result -----------------------------------------------------------------------------------------------------


def test_prediction_beside_what_was_measured(result: Result) -> None:
    assert result.actual_quality is not None
    near = replace(result, predicted_quality=result.actual_quality - 0.0123)
    assert prediction_words(near) == "The prediction was 0.0123 too low."
    assert "tc-row predicted" in quality_html(near)
    assert prediction_words(replace(near, actual_quality=0.5, predicted_quality=0.75)).endswith("0.2500 too high.")
    assert "right to the fourth" in prediction_words(replace(result, predicted_quality=result.actual_quality))
    assert "not measured" in prediction_words(replace(near, actual_quality=None))
    none = replace(result, predicted_quality=None, model_versions={})
    assert "no predictor here" in prediction_words(none) and "tc-row predicted" not in quality_html(none)
    assert "this way of drawing" in prediction_words(replace(none, model_versions={"predictor": "1"}))


def test_likeness_to_the_input_as_it_came_only_where_it_differs(result: Result) -> None:
    assert "cleaned" not in quality_html(replace(result, ssim_to_input=result.actual_quality))
    assert "0.9000" in quality_html(replace(result, ssim_to_input=0.9))


def test_text_of_a_visitor_stays_text(result: Result) -> None:
    evil = '"><img src=x onerror=alert(1)>.png'
    for html in (
        result_html(result, name=evil, url='x" onload="alert(1)', token="T"),
        working_html(Progress().at("<u>"), name=evil, url='x" onload="alert(1)'),
    ):
        assert "<img src=x" not in html and '" onload="' not in html and "<u>" not in html


def test_the_default_is_fetched_by_its_token_or_said_to_be_missing(result: Result) -> None:
    assert result.default_svg and result.default_bytes == len(result.default_svg.encode())
    html = result_html(result, name="a.png", url="a.png", token="T", default="D")
    assert 'data-src="api/exports/D.svg"' in html and result.default_svg[:200] not in html
    assert "was not drawn" in result_html(result, name="a.png", url="a.png", token="T")
    assert "default_svg" not in result.record() and "svg" not in result.record()


def test_working_names_the_stage_and_shows_the_drawing(result: Result) -> None:
    waiting = working_html(Progress(), name="a.png", url="a.png")
    assert "Waiting for its turn" in waiting and "tc-frame" in waiting
    progress = Progress().at("decode").at("features").at("classify").at("trace").at("measure")
    html = working_html(replace(progress, best=result), name="a.png", url="a.png")
    assert '<li aria-current="step">Measuring the drawing</li>' in html and html.count("aria-current") == 1
    assert html.count("<li>Looking at it</li>") == 1 and "data:image/svg+xml;base64," in html
    assert f"{result.actual_quality:.4f}" in html
    heavy = replace(result, svg=result.svg + " " * MOST_PREVIEW)
    later = working_html(replace(progress, best=heavy), name="a.png", url="a.png")
    assert "data:image" not in later and "There is a drawing, of 1" in later


# --- following a conversion -----------------------------------------------------------------------------------------


def test_stages_and_drawings_come_while_it_runs_and_the_result_last(result: Result) -> None:
    go = threading.Event()

    def run(*, on_stage: Callable, on_report: Callable, cancel: threading.Event) -> Result:
        on_stage("decode")
        on_stage("trace")
        on_report(result)
        assert go.wait(20)
        return replace(result, candidates=7)

    seen = follow(run)
    assert next(seen) == Progress()
    assert next(seen) == Progress(("decode", "trace"), "trace", result)
    go.set()
    *_, last = seen
    assert last.candidates == 7


def test_what_a_conversion_raises_is_raised() -> None:
    def run(**_: object) -> Result:
        raise TraceFailed("No.")

    with pytest.raises(TraceFailed, match=r"No\."):
        list(follow(run))


def test_closing_cancels() -> None:
    cancelled = threading.Event()

    def run(*, cancel: threading.Event, **_: object) -> Result:
        if cancel.wait(20):
            cancelled.set()
        raise TraceFailed("Cancelled.")

    seen = follow(run)
    next(seen)
    seen.close()
    assert cancelled.wait(5)


def test_the_flow_tells_the_stages_that_it_times(logo: Path) -> None:
    told: list[str] = []
    first: list[Result] = []
    done = convert(logo, Request(tier=2, validate=True), first.append, stage=told.append)
    assert set(told) == set(done.stages) and told[0] == "decode"
    assert first and first[0].svg and told.index("trace") < told.index("measure")


# --- settings in a link ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def settings() -> tuple[permalink.Setting, ...]:
    with gr.Blocks():
        return permalink.settings_of(options.build("panel", ""))


def test_only_what_is_no_default_is_in_the_link(settings: tuple[permalink.Setting, ...]) -> None:
    defaults = [s.default for s in settings]
    assert query(defaults, settings) == ""
    values = ["2", 0.95, *defaults[2:5], "#D1006C, #000", *defaults[6:8], True]
    assert query(values, settings) == "?tier=2&target=0.95&palette=D1006C,000&gaps=1"


def test_a_link_is_read_as_it_was_written(settings: tuple[permalink.Setting, ...]) -> None:
    values = {"tier": "3", "target": 0.99, "budget": 2.5, "background": "drop", "colours": 12, "grouping": "layer"}
    everything = [values.get(s.key, s.default) for s in settings]
    given = dict(pair.split("=") for pair in query(everything, settings)[1:].split("&"))
    assert read(given, settings) == (values, ())
    assert read({"palette": "d1006c,000"}, settings)[0] == {"palette": "#d1006c, #000000"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tier": "9"}, "tier=9 in the link is left out: it must be one of auto, 1, 2, 3."),
        ({"target": "nan"}, "it must be a number from 0.9 to 1."),
        ({"budget": "1e9"}, "it must be a number"),
        ({"colours": "2.5"}, "it must be a whole number from 0 to 32."),
        ({"colours": "many"}, "it must be a whole number"),
        ({"palette": "<script>"}, "palette takes colours"),
        ({"gaps": "yes"}, "one of 0, 1"),
        ({"detail": "x" * 5000}, "one of low, normal, high"),
    ],
)
def test_bad_values_are_left_out_with_a_note(
    given: dict[str, str], words: str, settings: tuple[permalink.Setting, ...]
) -> None:
    values, notes = read({**given, "grouping": "shape", "utm_source": "x"}, settings)
    assert values == {"grouping": "shape"}
    assert len(notes) == 1 and words in notes[0] and len(notes[0]) < 300


def test_a_palette_and_a_number_of_colours_exclude_each_other(settings: tuple[permalink.Setting, ...]) -> None:
    values, notes = read({"palette": "000", "colours": "4"}, settings)
    assert values == {"palette": "#000000"} and len(notes) == 1


def test_the_preset_of_values() -> None:
    for name, values in options.PRESETS.items():
        assert options.preset_of(list(values)) == name
    assert options.preset_of(["drop", 5, "", "colour", "low", False]) is None
