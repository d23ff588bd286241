"""The page as a person uses it, in Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import Server

playwright = pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright  # noqa: E402

pytestmark = pytest.mark.browser

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SLOW = 20_000
"""Milliseconds that a conversion may take on a loaded machine."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium, or Playwright's own where there is none."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The start page on a desktop; a test fails if the page logs an error."""
    yield from visit(browser, server, viewport={"width": 1440, "height": 900})


@pytest.fixture
def phone(browser: Browser, server: Server) -> Iterator[Page]:
    """The start page on a phone in dark mode."""
    yield from visit(
        browser, server, viewport={"width": 390, "height": 844}, color_scheme="dark", has_touch=True, is_mobile=True
    )


def visit(browser: Browser, server: Server, **settings) -> Iterator[Page]:
    context = browser.new_context(accept_downloads=True, **settings)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: m.type == "error" and not known(m) and errors.append(f"{m.text} {m.location}"))
    page.goto(server.url)
    page.wait_for_selector("#tc-drop input[type=file]", state="attached", timeout=SLOW)
    yield page
    context.close()
    assert not errors


def known(message: ConsoleMessage) -> bool:
    """Gradio's page of endpoints asks for figures that are switched off here."""
    return message.location.get("url", "").endswith("/monitoring/summary")


def upload(page: Page, *pictures: Path) -> None:
    for picture in pictures:
        page.set_input_files("#tc-drop input[type=file]", picture)


def converted(page: Page, name: str) -> None:
    """Wait until the result of this file is shown, both pictures drawn."""
    expect(page.locator(".tc-file strong")).to_have_text(name, timeout=SLOW)
    drawn = "[...document.querySelectorAll('.tc-stage img')].every(i => i.complete && i.naturalWidth > 0)"
    page.wait_for_function(drawn)


def test_upload_see_copy_download(page: Page, examples: Path, tmp_path: Path) -> None:
    upload(page, examples / "panda.png")
    converted(page, "panda.png")
    assert page.locator(".tc-svg").get_attribute("src").startswith("data:image/svg+xml;base64,")
    assert page.locator(".tc-result svg path").count() == 0, "the SVG must never be inlined"
    expect(page.locator(".tc-big")).to_contain_text("SSIM")
    expect(page.locator(".tc-row.theirs")).to_contain_text("0.")
    expect(page.locator(".tc-predicted")).to_contain_text("predict")
    for tile in ("class", "bytes", "paths", "time"):
        expect(page.locator(f"[data-tile={tile}] dd")).not_to_be_empty()

    with page.expect_download() as download:
        page.get_by_text("Download SVG").click()
    assert download.value.suggested_filename == "panda.svg"
    saved = tmp_path / "panda.svg"
    download.value.save_as(saved)
    assert ElementTree.parse(saved).getroot().get("viewBox")

    page.get_by_text("Copy SVG").click()
    expect(page.locator("[data-copy]")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == saved.read_text()


def test_example_on_one_click(page: Page) -> None:
    page.locator("#tc-examples [data-example='0']").click()
    converted(page, "blender.png")
    page.locator("#tc-examples [data-example='4']").click()
    converted(page, "pacifico.png")


def test_slider_and_side_by_side(page: Page) -> None:
    page.locator("#tc-examples [data-example='0']").click()
    converted(page, "blender.png")
    stage = page.locator(".tc-stage").bounding_box()
    page.mouse.click(stage["x"] + stage["width"] * 0.25, stage["y"] + stage["height"] / 2)
    cut = page.evaluate("parseFloat(getComputedStyle(document.querySelector('.tc-stage')).getPropertyValue('--cut'))")
    assert 20 < cut < 30
    page.locator(".tc-range").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(".tc-range").input_value() > str(cut)
    page.get_by_role("button", name="Side by side").click()
    before, after = (page.locator(f".tc-stage .{side}").bounding_box() for side in ("before", "after"))
    assert before["x"] + before["width"] <= after["x"] + 1
    page.get_by_role("button", name="Black").click()
    assert page.locator(".tc-stage").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(0, 0, 0)"


def test_an_option_converts_again(page: Page, examples: Path) -> None:
    upload(page, examples / "fish.jpg")
    converted(page, "fish.jpg")
    page.locator("#tc-options").get_by_text("Options").click()
    page.locator("#tc-options").get_by_text("2 Better").click()
    expect(page.locator(".tc-how")).to_contain_text("Tier 2", timeout=SLOW)


def test_broken_file_then_a_good_one(page: Page, examples: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes((examples / "panda.png").read_bytes()[:900])
    upload(page, broken)
    alert = page.locator(".tc-error")
    expect(alert).to_contain_text("damaged", timeout=SLOW)
    expect(alert).not_to_contain_text("Traceback")
    upload(page, examples / "panda.png")
    converted(page, "panda.png")
    expect(alert).to_have_count(0)


def test_name_of_a_file_is_text(page: Page, logo: Path, tmp_path: Path) -> None:
    evil = tmp_path / "<img src=x onerror=alert(1)>.png"
    evil.write_bytes(logo.read_bytes())
    upload(page, evil)
    page.wait_for_selector(".tc-svg", timeout=SLOW)
    assert page.locator(".tc-file img").count() == 0


@pytest.mark.parametrize(
    "event",
    [
        "new ClipboardEvent('paste', {clipboardData: data, bubbles: true})",
        "new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true})",
    ],
    ids=["paste", "drop"],
)
def test_pasted_or_dropped_anywhere(page: Page, event: str) -> None:
    page.evaluate(
        """async () => {
          const blob = await (await fetch('examples/blender.png')).blob();
          const data = new DataTransfer();
          data.items.add(new File([blob], 'given.png', {type: 'image/png'}));
          document.querySelector('#tc-header').dispatchEvent(EVENT);
        }""".replace("EVENT", event)
    )
    converted(page, "given.png")


def test_phone_in_the_dark(phone: Page, examples: Path) -> None:
    def overflow() -> int:
        return phone.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    assert overflow() <= 0
    assert phone.locator("body").evaluate("e => e.classList.contains('dark')")
    ground = phone.locator(".gradio-container").evaluate("e => getComputedStyle(e).backgroundColor")
    assert sum(int(v) for v in ground.strip("rgb()").split(",")) < 150
    upload(phone, examples / "playfair.png")
    converted(phone, "playfair.png")
    assert overflow() <= 0
    phone.get_by_role("button", name="Side by side").click()
    phone.locator("#tc-options").get_by_text("Options").click()
    phone.wait_for_timeout(400)
    assert overflow() <= 0


def test_endpoints_page_opens(page: Page) -> None:
    page.get_by_role("link", name="Gradio and MCP").click()
    expect(page.get_by_role("dialog", name="Use via API")).to_be_visible(timeout=SLOW)
