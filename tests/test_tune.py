"""The tune tab: its parts as functions, predictions through the workers, and the endpoint as programs call it."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from conftest import Server
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from test_tiers import put_correlation, put_predictor

from pipeline import config
from pipeline.converter import Converter
from pipeline.errors import BadPicture, BadSetting
from pipeline.plan import RECIPES, Finish, Plan
from pipeline.predict import Estimate, Prediction
from pipeline.web import endpoints, knobs, tune_tab
from pipeline.web.texts import tune as t

PLAN = Plan("planar", {"price": 20})


def prediction(plan: Plan = PLAN, fails: float = 0.0) -> Prediction:
    quality, size, ms = Estimate(0.98, 0.97, 0.99), Estimate(2000, 1500, 2600), Estimate(50, 40, 70)
    return Prediction(plan, quality, quality, size, ms, fails)


def result(plan: Plan = PLAN, quality: float | None = 0.985, size: int = 3000, seconds: float = 0.05) -> Any:
    """As much of a `Result` as the tab reads."""
    return SimpleNamespace(
        plan=plan,
        actual_quality=quality,
        svg_bytes=size,
        stages={"trace": seconds},
        reason="Why.",
        degraded=("Noted <b>.",),
    )


# --- the sliders ----------------------------------------------------------------------------------------------------


def sliders() -> dict[tuple[str, str], dict[str, str]]:
    """The attributes of every slider of the component, by recipe and knob."""
    page = ElementTree.fromstring(re.sub(r"<(input[^>]*)>", r"<\1/>", _with_values(knobs.knobs_html())))
    found = {}
    for group in page.iter("div"):
        if group.get("class") == "tc-recipe-knobs":
            for knob in group.findall("div"):
                slider = next(i for i in knob.iter("input") if i.get("type") == "range")
                found[group.get("data-recipe"), knob.get("data-knob")] = {**knob.attrib, **slider.attrib}
    return found


def _with_values(html: str) -> str:
    return re.sub(r"\s(hidden|checked|disabled|data-integer|data-log)(?=[\s>])", r' \1=""', html)


def test_every_knob_of_the_table_has_its_slider():
    found = sliders()
    assert set(found) == {(name, knob.name) for name, recipe in RECIPES.items() for knob in recipe.knobs}
    for name, recipe in RECIPES.items():
        for knob in recipe.knobs:
            slider = found[name, knob.name]
            assert (float(slider["data-low"]), float(slider["data-high"])) == (knob.low, knob.high)
            assert float(slider["data-default"]) == knob.default
            assert ("data-integer" in slider) == knob.integer and ("data-log" in slider) == knob.log
            low, high, value = (float(slider[key]) for key in ("min", "max", "value"))
            assert (value - low) / (high - low) == pytest.approx(knob.to_unit(knob.default), abs=1e-3)
            assert unescape(knob.help) in unescape(knobs.knobs_html())


def test_the_component_s_value_goes_both_ways():
    plan = Plan("vtracer", {"filter_speckle": 9}, Finish(colours=3))
    value = knobs.value_of(plan, PLAN)
    assert knobs.plan_of(value) == plan
    assert Plan.from_json(json.loads(value)["recommended"]) == PLAN


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "[]",
        "{}",
        "7",
        '{"plan": 3}',
        '{"plan": {"recipe": "no"}}',
        '{"plan": {"recipe": "planar", "knobs": 4}}',
    ],
)
def test_what_a_client_makes_up_is_no_plan(value):
    with pytest.raises(BadSetting):
        knobs.plan_of(value)


# --- predicted and measured -----------------------------------------------------------------------------------------


def test_what_is_predicted_is_shown_with_its_interval():
    html = tune_tab.predicted_html(prediction())
    assert "0.9800" in html and "0.9700 to 0.9900" in html
    assert "2.0 kB" in html and "1.5 kB to 2.6 kB" in html and "40 ms to 70 ms" in html
    assert "refused" not in html
    assert "25 % likely to be refused" in tune_tab.predicted_html(prediction(fails=0.25))


def test_without_a_model_it_says_so():
    assert tune_tab.predicted_html(None).count(t.NO_MODEL) == 3


def test_what_is_measured_is_held_against_the_interval():
    html = tune_tab.measured_html(PLAN, prediction(), result(), "key")
    cells = re.findall(r'data-figure="(\w+)">([^<]+)<small class="(\w+)"', html)
    assert cells == [("quality", "0.9850", "inside"), ("bytes", "3.0 kB", "outside"), ("ms", "50 ms", "inside")]
    assert t.WAITING in tune_tab.measured_html(None, None, None)
    assert t.NOT_MEASURED in tune_tab.measured_html(PLAN, None, result(quality=None))


def test_another_plan_than_the_one_asked_for_is_told():
    other = result(Plan("vtracer"))
    html = tune_tab.measured_html(PLAN, prediction(), other)
    assert "so vtracer did" in html and "Why." in html and "<b>." not in html
    assert "inside" not in html, "the prediction was for the other plan"
    assert tune_tab.with_point([], "a.png", PLAN, prediction(), other) == []


def test_the_session_has_each_plan_once():
    points = tune_tab.with_point([], "a.png", PLAN, prediction(), result())
    points = tune_tab.with_point(points, "a.png", Plan("planar"), None, result(Plan("planar")))
    again = tune_tab.with_point(points, "a.png", PLAN, prediction(), result(quality=0.99))
    assert [p.measured["quality"] for p in again] == [0.985, 0.99] and len(points) == 2
    assert len(tune_tab.with_point(points, "b.png", PLAN, prediction(), result())) == 3
    assert again[-1].predicted == {"quality": 0.98, "bytes": 2000, "ms": 50} and again[0].predicted is None
    assert again[-1].measured["ms"] == pytest.approx(50)


def test_the_plot_shows_what_has_both_numbers():
    assert t.PLOT_EMPTY in tune_tab.plots_html([])
    none = tune_tab.with_point([], "a.png", PLAN, None, result())
    assert "1 traced so far" in tune_tab.plots_html(none)
    html = tune_tab.plots_html(
        tune_tab.with_point(none, "<i>.png", Plan("vtracer"), prediction(), result(Plan("vtracer")))
    )
    assert html.count("<svg") == 3 and html.count('class="mark square newest"') == 3
    assert "predicted 0.9800, measured 0.9850" in html and "<i>" not in html.replace("<i></i>", "")


# --- the same elsewhere ---------------------------------------------------------------------------------------------


def test_what_is_copied_repeats_the_plan():
    assert tune_tab.command_of("my logo.png") == "python -m pipeline convert 'my logo.png' --plan plan.json --validate"
    for plan in (PLAN, replace(PLAN, finish=Finish(colours=4, gap_filler=True))):
        call = ast.parse(tune_tab.python_of(plan, "it's.png")).body[-1].value
        given = {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg != "image"}
        assert given.pop("api_name") == "/tune"
        assert endpoints.given_plan(given.get("recipe", "vtracer"), given["knobs"]) == plan
        shown = re.search(r'data-language="json">(.*?)</code>', tune_tab.repeat_html(plan, "a.png"), re.S)
        assert Plan.from_json(json.loads(unescape(shown[1]))) == plan


# --- predictions through the workers --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def foretelling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Converter]:
    """A converter whose workers have small models that predict 0.95 for planar, and more for a larger corner angle."""
    folder = tmp_path_factory.mktemp("assets")
    ours = ("predictor", "correlation", "agent", "encoder")
    shutil.copytree(config.ASSETS / "models", folder / "models", ignore=shutil.ignore_patterns(*ours))
    put_correlation(folder / "models")
    put_predictor(folder / "models")
    with pytest.MonkeyPatch.context() as patch:  # for the workers alone, not for what other tests start
        patch.setenv("TRUECURVE_ASSETS", str(folder))
        converter = Converter(1)
        converter.workers.start()
    with converter:
        yield converter


def test_predictions_come_in_order_with_intervals(foretelling: Converter, logo: Path):
    plans = [
        Plan("vtracer", {"max_iterations": 1}),
        Plan("planar", {"corner_angle": 10}),
        Plan("planar", {"corner_angle": 80}),
    ]
    outlook = foretelling.predict(logo, plans)
    assert outlook.plans == tuple(plans) and outlook.model_versions["predictor"] == "1"
    quality = [p.quality for p in outlook.predictions]
    assert [q.value for q in quality] == pytest.approx([0.8, 0.95, 0.99], abs=1e-4)
    assert (quality[0].low, quality[0].high) == pytest.approx((0.7, 0.9), abs=1e-4)
    assert quality[2].high == 1, "no likeness beyond 1"
    assert outlook.predictions[0].bytes.value == pytest.approx(2**11, rel=1e-3)
    assert outlook.predictions[0].ms.low == pytest.approx(50 / 10**0.1, rel=1e-3)


def test_without_plans_the_one_to_begin_with_is_foretold(foretelling: Converter, logo: Path):
    outlook = foretelling.predict(logo, finish=Finish(colours=5))
    (plan,), (found,) = outlook.plans, outlook.predictions
    assert plan.recipe == "planar" and plan.finish == Finish(colours=5)
    assert found.quality.value >= foretelling.predict(logo, [Plan("planar")]).predictions[0].quality.value


def test_without_a_predictor_a_plan_is_recommended_all_the_same(
    logo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(config.ASSETS / "models", tmp_path / "models", ignore=shutil.ignore_patterns("predictor"))
    monkeypatch.setenv("TRUECURVE_ASSETS", str(tmp_path))
    with Converter(1) as converter:
        converter.prepare()
        outlook = converter.predict(logo)
        assert outlook.predictions == (None,) and isinstance(outlook.plans[0], Plan)
        with pytest.raises(BadPicture):
            converter.predict(b"no picture")


# --- the endpoint ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return Client(server.url, verbose=False)


def test_a_plan_of_one_s_own(client: Client, logo: Path):
    svg, record = client.predict(
        image=handle_file(logo), recipe="vtracer", knobs={"filter_speckle": 40}, api_name="/tune"
    )
    assert ElementTree.fromstring(svg).get("viewBox") and record["svg_bytes"] == len(svg.encode())
    used = record["parameters_used"]
    assert used["recipe"] == "vtracer" and used["knobs"]["filter_speckle"] == 40
    assert used["knobs"]["corner_threshold"] == 60 and record["actual_quality"] > 0.5
    again, _ = client.predict(image=handle_file(logo), recipe="planar", knobs=used, api_name="/tune")
    assert again == svg, "a record's plan repeats it, whatever the recipe beside it"


def test_the_recipe_s_defaults_where_no_knobs_are_given(client: Client, logo: Path):
    _, record = client.predict(image=handle_file(logo), api_name="/tune")
    assert Plan.from_json(record["parameters_used"]) == Plan("planar")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"recipe": "planar", "knobs": {"price": 600}}, "price must lie between 0.5 and 60, not 600"),
        ({"recipe": "planar", "knobs": {"prize": 6}}, "planar has no knob prize"),
        ({"recipe": "vtracer", "knobs": {"max_iterations": 2.5}}, "max_iterations must be a whole number"),
        (
            {"recipe": "vtracer", "knobs": {"filter_speckle": 0, "layer_difference": 0}},
            "layer_difference must be at least 1",
        ),
        ({"recipe": "vtracer", "knobs": [1, 2]}, "knobs must be an object"),
        ({"recipe": "vtracer", "knobs": {"recipe": "crayon"}}, "recipe must be one of vtracer, planar, vtracer-flat"),
    ],
)
def test_a_setting_out_of_range_is_named(client: Client, logo: Path, given: dict, message: str):
    with pytest.raises(AppError, match=message):
        client.predict(image=handle_file(logo), **given, api_name="/tune")


def test_every_knob_is_described_to_programs(client: Client):
    words = endpoints.knobs_in_words()
    assert all(knob.name in words and knob.help in words for recipe in RECIPES.values() for knob in recipe.knobs)
    described = client.view_api(return_format="dict")["named_endpoints"]["/tune"]["parameters"]
    assert described[2]["parameter_name"] == "knobs" and described[2]["type"]["type"] == "object"
    assert described[1]["parameter_default"] == "planar"


def test_as_a_tool(server: Server, logo: Path):
    async def call() -> tuple[str, str, bool]:
        with logo.open("rb") as file:
            path = httpx.post(server.url + "/gradio_api/upload", files={"files": file}).json()[0]
        async with (
            streamable_http_client(server.url + "/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tool = next(tool for tool in (await session.list_tools()).tools if tool.name == "tune")
            link = f"{server.url}/gradio_api/file={path}"
            answer = await session.call_tool(
                "tune", {"image": link, "recipe": "vtracer", "knobs": {"filter_speckle": 30}}
            )
            return f"{tool.description} {json.dumps(tool.inputSchema)}", answer.content[0].text, answer.isError

    about, svg, failed = asyncio.run(call())
    assert not failed and "viewBox" in svg
    assert "palette_distance 1 to 40" in about
