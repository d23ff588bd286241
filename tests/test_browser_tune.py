"""The tune tab as a person uses it, in Chromium, without and with models that predict."""
# ruff: noqa: F811 — fixtures are imported, and named again as arguments

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import ROOT, Server

playwright = pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, Page, expect  # noqa: E402
from test_browser import SLOW, browser, converted, page, phone, visit  # noqa: E402, F401
from test_tiers import put_correlation, put_predictor  # noqa: E402

from pipeline.plan import RECIPES, Plan  # noqa: E402

pytestmark = pytest.mark.browser

SVG = "#tc-tune-view .tc-svg"


@pytest.fixture(scope="module")
def foretelling(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The app with small models: planar is predicted 0.95 and more for a larger corner angle, always within 2 kB and 50 ms."""
    folder = tmp_path_factory.mktemp("models")
    ours = ("predictor", "correlation", "agent", "encoder")
    shutil.copytree(ROOT / "assets", folder / "assets", ignore=shutil.ignore_patterns(*ours))
    put_correlation(folder / "assets" / "models")
    put_predictor(folder / "assets" / "models")
    return serve(TRUECURVE_ASSETS=str(folder / "assets"))


@pytest.fixture
def foretold(browser: Browser, foretelling: Server) -> Iterator[Page]:
    yield from visit(browser, foretelling, viewport={"width": 1440, "height": 900})


def open_tab(page: Page) -> None:
    page.get_by_role("tab", name="Tune").click()
    page.wait_for_selector("#tc-tune-drop input[type=file]", state="attached", timeout=SLOW)
    page.wait_for_function(SCRIPTS, timeout=SLOW)


SCRIPTS = """() => {
  const got = new Set(performance.getEntriesByType('resource').map(entry => entry.name));
  const own = [...document.scripts].map(script => script.src).filter(link => link.includes('/style/'));
  return own.length && own.every(link => got.has(link)); }"""
"""Whether the page's own scripts are there, which Gradio adds while it is used already."""


def give(page: Page, picture: Path) -> None:
    page.set_input_files("#tc-tune-drop input[type=file]", picture)
    expect(page.locator("#tc-tune-view .tc-file strong")).to_have_text(picture.name, timeout=3 * SLOW)
    settled(page)


def settled(page: Page) -> None:
    """Wait until what is measured belongs to the sliders as they are."""
    page.wait_for_function(
        """() => !document.querySelector('#tc-tune-measured').classList.contains('stale')
          && document.querySelector('#tc-tune-measured [data-key]').dataset.key
          && JSON.stringify(window.tuned()) === window.drawn()""",
        timeout=SLOW,
    )


PROBES = """
window.tuned = () => { const g = document.querySelector('.tc-recipe-knobs:not([hidden])');
  return [g.dataset.recipe, ...[...g.querySelectorAll('.tc-knob')].map(k => Number(k.querySelector('[type=number]').value))]; };
window.drawn = () => { const code = document.querySelector('#tc-tune-repeat code[data-language=json]');
  if (!code) return ''; const plan = JSON.parse(code.textContent);
  return JSON.stringify([plan.recipe, ...Object.values(plan.knobs).map(v => Number(v.toPrecision(3)))]); };
"""


@pytest.fixture(autouse=True)
def probes(request: pytest.FixtureRequest) -> None:
    for name in ("page", "phone", "foretold"):
        if name in request.fixturenames:
            request.getfixturevalue(name).evaluate(PROBES)


def choose(page: Page, recipe: str) -> None:
    page.locator(f"[name=tc-recipe][value={recipe}]").check()


def plan_of(page: Page) -> Plan:
    return Plan.from_json(json.loads(page.locator("#tc-tune-repeat code[data-language=json]").text_content()))


def test_a_slider_moves_and_the_picture_is_traced_again(page: Page, examples: Path, tmp_path: Path) -> None:
    open_tab(page)
    give(page, examples / "fish.jpg")
    before = page.locator(SVG).get_attribute("src")
    expect(page.locator("#tc-tune-predicted")).to_contain_text(re.compile(r"0\.\d"))
    expect(page.locator("#tc-tune-measured [data-figure=quality]")).to_contain_text("0.")
    choose(page, "vtracer")
    settled(page)
    slider = page.get_by_role("slider", name="filter speckle")
    slider.focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    settled(page)
    plan = plan_of(page)
    assert plan.recipe == "vtracer" and plan.knobs["filter_speckle"] == 16
    assert page.locator(SVG).get_attribute("src") != before
    expect(page.locator("#tc-tune-plot")).to_contain_text("vtracer, fish.jpg: predicted 0.")

    with page.expect_download() as download:
        page.locator("#tc-tune-view").get_by_text("Download SVG").click()
    assert download.value.suggested_filename == "fish.svg"
    download.value.save_as(tmp_path / "fish.svg")
    assert ElementTree.parse(tmp_path / "fish.svg").getroot().get("viewBox")


def test_the_latest_of_many_moves_wins(page: Page, examples: Path) -> None:
    open_tab(page)
    give(page, examples / "blender.png")
    number = page.get_by_role("spinbutton", name="price")
    for value in (1, 5, 50, 2, 30, 7.5):
        number.fill(str(value))
    settled(page)
    assert plan_of(page).knobs["price"] == 7.5
    number.fill("700")
    number.press("Tab")
    settled(page)
    assert plan_of(page).knobs["price"] == 60, "held within the range"


def test_both_resets(page: Page, examples: Path) -> None:
    open_tab(page)
    give(page, examples / "blender.png")
    recommended = plan_of(page)
    choose(page, "vtracer-flat")
    page.get_by_role("slider", name="enlargement").focus()
    page.keyboard.press("Home")
    settled(page)
    assert plan_of(page).knobs["enlargement"] == 1
    page.get_by_role("button", name="Defaults").click()
    settled(page)
    assert plan_of(page) == Plan("vtracer-flat")
    page.get_by_role("button", name="Recommended").click()
    settled(page)
    assert plan_of(page) == recommended


def test_sliders_stand_where_the_table_says(page: Page, examples: Path) -> None:
    open_tab(page)
    give(page, examples / "blender.png")
    knob = next(k for k in RECIPES["planar"].knobs if k.name == "price")
    slider = page.get_by_role("slider", name="price")
    slider.evaluate("e => { e.value = 500; e.dispatchEvent(new Event('input', {bubbles: true})); }")
    settled(page)
    assert plan_of(page).knobs["price"] == pytest.approx(knob.from_unit(0.5), rel=0.005), "logarithmic, as in the table"


def test_the_view_stays_as_it_was_chosen(page: Page, examples: Path) -> None:
    open_tab(page)
    give(page, examples / "blender.png")
    tab = page.locator("#tc-tune-view")
    tab.get_by_role("button", name="Side by side").click()
    tab.get_by_role("button", name="Black").click()
    tab.locator("[data-zoom=in]").click()
    zoom = tab.locator(".tc-zoom output").inner_text()
    assert zoom != "×1"
    page.get_by_role("spinbutton", name="price").fill("50")
    settled(page)
    expect(tab.locator(".tc-result")).to_have_attribute("data-view", "side")
    expect(tab.locator(".tc-result")).to_have_attribute("data-ground", "black")
    assert tab.locator(".tc-stage").evaluate("e => e.style.getPropertyValue('--z')") != "1"
    expect(tab.locator(".tc-zoom output")).to_have_text(zoom)


def test_the_picture_of_the_convert_tab_is_taken_up(page: Page) -> None:
    page.locator("#tc-examples [data-example='0']").click()
    converted(page, "blender.png")
    open_tab(page)
    expect(page.locator("#tc-tune-view .tc-file strong")).to_have_text("blender.png", timeout=SLOW)


def test_a_broken_picture_is_told(page: Page, examples: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes((examples / "panda.png").read_bytes()[:900])
    open_tab(page)
    page.set_input_files("#tc-tune-drop input[type=file]", broken)
    expect(page.locator("#tc-tune-view .tc-error")).to_contain_text("damaged", timeout=SLOW)
    give(page, examples / "panda.png")
    expect(page.locator("#tc-tune-view .tc-error")).to_have_count(0)


def test_a_recipe_that_refuses_says_so(page: Page, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    open_tab(page)
    page.set_input_files("#tc-tune-drop input[type=file]", tmp_path / "noise.png")
    expect(page.locator("#tc-tune-view .tc-file strong")).to_have_text("noise.png", timeout=SLOW)
    choose(page, "planar")
    expect(page.locator("#tc-tune-measured [role=status]")).to_contain_text("so vtracer did", timeout=SLOW)


def test_pasted_while_the_tab_is_open(page: Page) -> None:
    open_tab(page)
    page.evaluate(
        """async () => {
          const blob = await (await fetch('examples/blender.png')).blob();
          const data = new DataTransfer();
          data.items.add(new File([blob], 'given.png', {type: 'image/png'}));
          document.querySelector('#tc-header').dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true}));
        }"""
    )
    expect(page.locator("#tc-tune-view .tc-file strong")).to_have_text("given.png", timeout=SLOW)


def test_what_is_copied_is_the_plan(page: Page, examples: Path, server: Server) -> None:
    open_tab(page)
    give(page, examples / "blender.png")
    page.get_by_text("Do the same elsewhere").click()
    page.get_by_role("button", name="Copy: The plan").click()
    page.wait_for_function("navigator.clipboard.readText().then(text => text.includes('recipe'))")
    assert Plan.from_json(json.loads(page.evaluate("navigator.clipboard.readText()"))) == plan_of(page)
    expect(page.locator("#tc-tune-repeat code[data-language=python]")).to_contain_text(f'Client("{server.url}")')


def test_predictions_move_with_the_slider_and_points_are_plotted(foretold: Page, examples: Path) -> None:
    page = foretold
    open_tab(page)
    give(page, examples / "blender.png")
    quality = page.locator("#tc-tune-predicted [data-figure=quality]")
    choose(page, "planar")
    number = page.get_by_role("spinbutton", name="corner angle")
    number.fill("10")
    expect(quality).to_contain_text("0.9500", timeout=SLOW)
    expect(quality).to_contain_text("0.8500 to 1.0000")
    number.fill("80")
    expect(quality).to_contain_text("0.9900", timeout=SLOW)
    settled(page)
    marks = page.locator("#tc-tune-plot figure:first-child .mark")
    assert marks.count() >= 2
    expect(page.locator("#tc-tune-plot figure:first-child .mark text")).to_have_text("planar")
    expect(page.locator("#tc-tune-measured [data-figure=quality]")).to_contain_text("as predicted")


def test_phone_in_the_dark(phone: Page, examples: Path) -> None:
    open_tab(phone)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert phone.evaluate(overflow) <= 0
    give(phone, examples / "blender.png")
    assert phone.evaluate(overflow) <= 0
    card = phone.locator(".tc-knobs").evaluate("e => getComputedStyle(e).backgroundColor")
    assert sum(int(v) for v in card.strip("rgb()").split(",")) < 150
    slider = phone.get_by_role("slider", name="price").bounding_box()
    assert slider["height"] >= 40 and slider["x"] >= 0 and slider["x"] + slider["width"] <= 390
