"""The convert tab's zoom, colours, progress and links, in Chromium."""
# ruff: noqa: F811 — fixtures are imported, and named again as arguments

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import Server, png_of
from PIL import Image

playwright = pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, Page, expect  # noqa: E402
from test_accessibility import found  # noqa: E402
from test_browser import SLOW, browser, converted, page, phone, upload, visit  # noqa: E402, F401

pytestmark = pytest.mark.browser

STATE = """() => { const s = document.querySelector('.tc-stage').style;
  return ['--z', '--bx', '--by'].map(n => Number(s.getPropertyValue(n))); }"""


def example(page: Page, number: int = 0, name: str = "blender.png") -> None:
    page.locator(f"#tc-examples [data-example='{number}']").click()
    converted(page, name)


def view(page: Page, name: str) -> None:
    page.get_by_role("group", name="View").get_by_role("button", name=name, exact=True).click()


def spot(page: Page, figure: str) -> list[float]:
    """The picture's point, 0–1, in the middle of a pane, by what is laid out there."""
    return page.evaluate(
        """figure => {
          const pane = document.querySelector(`.tc-stage .${figure}`).getBoundingClientRect();
          const child = document.querySelector(`.tc-stage .${figure} .tc-frame > *`).getBoundingClientRect();
          const {width, height} = document.querySelector('.tc-stage').dataset;
          const fit = Math.min(child.width / width, child.height / height);
          return [(pane.x + pane.width / 2 - child.x - child.width / 2) / (width * fit) + 0.5,
                  (pane.y + pane.height / 2 - child.y - child.height / 2) / (height * fit) + 0.5];
        }""",
        figure,
    )


# --- zoom -----------------------------------------------------------------------------------------------------------


def test_four_panes_show_one_spot(page: Page) -> None:
    example(page)
    view(page, "Zoom")
    panes = ("before", "after", "theirs", "difference")
    for pane in panes:
        expect(page.locator(f".tc-stage .{pane} figcaption")).to_be_visible()
    page.wait_for_selector(".difference canvas", timeout=SLOW)
    page.wait_for_function("document.querySelector('.theirs img')?.naturalWidth > 0", timeout=SLOW)
    box = page.locator(".tc-stage .theirs").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.3)
    for _ in range(6):
        page.mouse.wheel(0, -200)
    page.wait_for_function(f"({STATE})()[0] > 4", timeout=SLOW)
    first = spot(page, "before")
    for pane in panes[1:]:
        assert spot(page, pane) == pytest.approx(first, abs=2e-3)
    assert first[0] > 0.5 > first[1], "it was zoomed at the pointer"
    assert page.locator(".before img").evaluate("e => getComputedStyle(e).imageRendering") == "pixelated"
    assert page.locator(".after img").evaluate("e => getComputedStyle(e).imageRendering") == "auto"
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.3, steps=4)
    page.mouse.up()
    moved = spot(page, "before")
    assert moved[0] > first[0] + 0.01 and spot(page, "difference") == pytest.approx(moved, abs=2e-3)
    view(page, "Side by side")
    assert spot(page, "before") == pytest.approx(moved, abs=0.02), "the spot stays from view to view"


def test_nothing_grave_for_those_who_do_not_see_it(page: Page) -> None:
    example(page)
    view(page, "Zoom")
    page.wait_for_selector(".difference canvas", timeout=SLOW)
    expect(page.get_by_role("img", name=re.compile("of the pixels are off by 16 levels"))).to_have_count(1)
    page.locator(".tc-swatches input").last.fill("#0044aa")
    expect(page.locator("[data-reset]")).to_be_visible()
    assert found(page) == []


def test_the_map_shows_what_was_changed(page: Page, tmp_path: Path) -> None:
    pixels = np.full((64, 96, 3), 255, np.uint8)
    pixels[16:48, 16:48] = (0, 90, 200)
    (tmp_path / "box.png").write_bytes(png_of(pixels))
    upload(page, tmp_path / "box.png")
    converted(page, "box.png")
    view(page, "Zoom")
    page.wait_for_selector(".difference canvas", timeout=SLOW)
    alpha = """() => { const c = document.querySelector('.difference canvas');
      const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
      return [c.width, c.height, d[(32 * c.width + 32) * 4 + 3], d[(8 * c.width + 80) * 4 + 3]]; }"""
    assert page.evaluate(alpha) == [96, 64, 0, 0], "the same inside and outside the box"
    swatch = page.locator("[data-colour='#005ac8']")
    swatch.fill("#005aff")
    page.wait_for_function(f"({alpha})()[2] === 220", timeout=SLOW)  # 55 levels of blue, four times as strong
    assert page.evaluate(alpha)[3] == 0
    share = re.search(r"([\d.]+) %", page.locator(".tc-difference-note b").inner_text())
    assert share and 15 < float(share[1]) < 18.5, "a sixth of the picture"


def test_zoom_by_keyboard_and_buttons_in_every_view(page: Page) -> None:
    example(page)
    stage = page.locator(".tc-stage")
    for name in ("Slider", "Side by side", "Zoom"):
        view(page, name)
        stage.focus()
        for _ in range(4):
            page.keyboard.press("+")
        assert page.evaluate(STATE)[0] == pytest.approx(4, abs=0.01)
        expect(page.locator(".tc-zoom output")).to_have_text("×4")
        before = page.evaluate(STATE)
        page.keyboard.press("ArrowRight")
        assert page.evaluate(STATE)[1] > before[1]
        page.keyboard.press("0")
        assert page.evaluate(STATE) == [1, 0.5, 0.5]
        page.get_by_role("button", name="Zoom in").click()
        assert page.evaluate(STATE)[0] == pytest.approx(2**0.5, abs=0.01)
        page.get_by_role("button", name="Fit").click()
    for _ in range(8):
        page.get_by_role("button", name="Zoom in").click()
    assert page.evaluate(STATE)[0] == 16
    assert page.get_by_role("button", name="Zoom in").get_attribute("aria-disabled") == "true"


def test_the_line_still_moves_when_zoomed(page: Page) -> None:
    example(page)
    page.locator(".tc-stage").focus()
    for _ in range(4):
        page.keyboard.press("+")
    box = page.locator(".tc-stage").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, middle[1], steps=4)
    page.mouse.up()
    assert float(page.locator(".tc-range").input_value()) == pytest.approx(30, abs=1.5)
    assert page.evaluate(STATE)[1] == pytest.approx(0.5, abs=1e-3), "the line moved, and not the picture"
    page.locator(".tc-range").focus()
    page.keyboard.press("ArrowRight")
    assert float(page.locator(".tc-range").input_value()) > 30


def test_page_scrolls_over_the_picture(page: Page) -> None:
    example(page)
    box = page.locator(".tc-stage").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.wheel(0, 300)
    page.wait_for_function("scrollY > 0", timeout=SLOW)
    assert page.evaluate(STATE)[0] == 1


def test_vectors_stay_sharp(page: Page) -> None:
    """An edge of the SVG is as narrow on the screen at ×16 as at ×1; scaled pixels would not be."""
    example(page)
    view(page, "Zoom")
    page.locator(".tc-stage").focus()
    for _ in range(8):
        page.keyboard.press("+")
    for _ in range(40):  # to the left, until the ground meets the drawing
        shot = Image.open(io.BytesIO(page.locator(".tc-stage .after").screenshot())).convert("L")
        row = np.asarray(shot, float)[shot.height // 2]
        if row.max() - row.min() > 60:
            break
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(60)
    assert row.max() - row.min() > 60
    between = (row > row.min() + 12) & (row < row.max() - 12)
    assert between.sum() <= 8


def test_pinch_and_drag_on_a_phone(phone: Page) -> None:
    phone.locator("#tc-examples [data-example='0']").click()
    converted(phone, "blender.png")
    view(phone, "Zoom")
    phone.locator(".tc-stage").scroll_into_view_if_needed()
    box = phone.locator(".tc-stage .before").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = phone.context.new_cdp_session(phone)

    def send(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": px, "y": py, "id": i} for i, (px, py) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    send("touchStart", (x - 10, y), (x + 10, y))
    for apart in (14, 20, 30, 40, 50):
        send("touchMove", (x - apart, y), (x + apart, y))
    send("touchEnd")
    z, bx, _ = phone.evaluate(STATE)
    assert z > 2
    send("touchStart", (x, y))
    for dx in (10, 20, 30):
        send("touchMove", (x - dx, y))
    send("touchEnd")
    assert phone.evaluate(STATE)[1] > bx
    assert phone.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


# --- colours --------------------------------------------------------------------------------------------------------


def test_a_colour_is_changed_everywhere_and_back(page: Page, tmp_path: Path) -> None:
    example(page)
    first = page.locator(".tc-svg").get_attribute("src")
    orange = page.locator(".tc-swatches input").last
    old = orange.input_value()
    orange.fill("#0044aa")
    expect(page.locator(".tc-svg")).not_to_have_attribute("src", first, timeout=SLOW)
    expect(page.locator("[data-reset]")).to_be_visible()
    page.get_by_text("Copy SVG").click()
    expect(page.locator("[data-copy]")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "#04a" in copied or "#0044aa" in copied
    assert old not in copied
    for name, has in (("Download SVG", b"#0044aa"), ("DXF", b"$ACADVER"), ("PDF", b"%PDF"), ("EPS", b"%!PS")):
        with page.expect_download() as download:
            page.locator(".tc-result").get_by_text(name, exact=True).click()
        saved = tmp_path / download.value.suggested_filename
        download.value.save_as(saved)
        assert has in saved.read_bytes()
    with page.expect_download() as download:
        page.locator(".tc-result").get_by_text("PNG", exact=True).click()
    download.value.save_as(tmp_path / "blender.png")
    pixels = np.asarray(Image.open(tmp_path / "blender.png").convert("RGB")).reshape(-1, 3)
    assert (pixels == (0x00, 0x44, 0xAA)).all(axis=1).mean() > 0.1
    page.get_by_role("button", name="Reset").click()
    expect(page.locator(".tc-svg")).to_have_attribute("src", first, timeout=SLOW)
    assert orange.input_value() == old
    assert "colours=" not in page.locator("[data-export]").first.get_attribute("href")
    expect(orange).to_be_focused()


def test_what_cannot_be_recoloured_says_why(page: Page) -> None:
    example(page)
    page.evaluate("window.fetch = async () => Response.json({error: {message: 'Busy.'}}, {status: 503})")
    page.locator(".tc-swatches input").last.fill("#0044aa")
    expect(page.locator(".tc-swatches output")).to_have_text("The colours could not be changed: Busy.", timeout=SLOW)


# --- progress -------------------------------------------------------------------------------------------------------


def test_stages_are_named_and_a_drawing_shown_before_the_end(page: Page, examples: Path) -> None:
    page.evaluate(
        """() => { window.seen = []; new MutationObserver(() => {
          const s = document.querySelector('#tc-output .tc-working'); if (!s) return;
          window.seen.push([s.querySelector('[aria-current]').textContent, !!s.querySelector('.after img')]); })
          .observe(document.body, {childList: true, subtree: true}); }"""
    )
    page.locator("#tc-options").get_by_text("Options").click()
    page.locator("#tc-options").get_by_text("2 Better").click()
    upload(page, examples / "tiger.png")
    converted(page, "tiger.png")
    seen = page.evaluate("window.seen")
    assert any(stage in ("Drawing", "Measuring the drawing") for stage, _ in seen)
    assert any(drawn for _, drawn in seen)
    expect(page.locator("#tc-live")).to_contain_text("Done: likeness 0.", timeout=SLOW)
    page.evaluate("window.seen.length = 0")
    view(page, "Zoom")
    page.locator("#tc-options").get_by_text("1 Fast").click()
    expect(page.locator(".tc-how")).to_contain_text("Tier 1", timeout=SLOW)
    assert page.locator(".tc-result").get_attribute("data-view") == "zoom", "the view stays as it was chosen"


# --- links ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def linked(browser: Browser, server: Server) -> Iterator[Page]:
    """The page, opened by a link with good and bad settings."""
    at = Server(server.url + "/?tier=2&colours=6&budget=forever&utm_source=x", server.log, server.started_in)
    yield from visit(browser, at, viewport={"width": 1440, "height": 900})


def test_a_link_sets_what_it_can_and_says_what_it_cannot(linked: Page, examples: Path) -> None:
    note = linked.locator("#tc-link-note")
    expect(note).to_contain_text("These settings come from the link", timeout=SLOW)
    expect(note).to_contain_text("budget=forever in the link is left out: it must be a number from 0.1")
    expect(linked.get_by_role("radio", name="2 Better")).to_be_checked()
    expect(linked.get_by_role("spinbutton", name=re.compile("Colours"))).to_have_value("6")
    linked.wait_for_function("location.search === '?utm_source=x&tier=2&colours=6'", timeout=SLOW)
    upload(linked, examples / "fish.jpg")
    converted(linked, "fish.jpg")
    expect(linked.locator(".tc-how")).to_contain_text("Tier 2")
    assert linked.locator(".tc-swatches input").count() == 6


def test_the_address_follows_the_settings(page: Page, server: Server) -> None:
    page.locator("#tc-options").get_by_text("Options").click()
    page.locator("#tc-options").get_by_text("Plotter").click()
    page.wait_for_function("location.search.includes('grouping=colour')", timeout=SLOW)
    page.get_by_role("button", name="Copy a link to these settings").click()
    expect(page.locator("#tc-link")).to_contain_text("Copied")
    query = "?background=drop&colours=4&grouping=colour&detail=low"
    assert page.evaluate("navigator.clipboard.readText()") == server.url + "/" + query
    page.get_by_role("radio", name="Logo").check()
    page.wait_for_function("location.search === ''", timeout=SLOW)
