"""The compare tab as a person uses it, in Chromium."""
# ruff: noqa: F811 — fixtures are imported, and named again as arguments

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

playwright = pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect  # noqa: E402
from test_browser import SLOW, browser, converted, page, phone  # noqa: E402, F401

pytestmark = pytest.mark.browser


def open_tab(page: Page) -> None:
    page.get_by_role("tab", name="Compare").click()
    page.wait_for_selector("#tc-compare-drop input[type=file]", state="attached", timeout=SLOW)


def compared(page: Page, name: str) -> None:
    expect(page.locator(".tc-comparison > header h2")).to_have_text(name, timeout=SLOW)
    page.wait_for_selector(".tc-comparison[aria-busy=false]", timeout=3 * SLOW)


def test_every_way_beside_the_others(page: Page, examples: Path, tmp_path: Path) -> None:
    open_tab(page)
    page.set_input_files("#tc-compare-drop input[type=file]", examples / "fish.jpg")
    expect(page.locator(".tc-card.tracing, .tc-card.waiting").first).to_be_visible(timeout=SLOW)
    compared(page, "fish.jpg")
    assert page.locator(".tc-card h3").all_inner_texts() == ["vtracer’s default", "Tier 1", "Tier 2", "Tier 3"]
    page.wait_for_function(
        "[...document.querySelectorAll('.tc-shot img')].every(i => i.complete && i.naturalWidth > 0)"
    )
    assert page.locator(".tc-shot img").count() == 4 and page.locator(".tc-card svg").count() == 0
    for row in ("quality", "predicted", "bytes", "paths", "time"):
        assert all(page.locator(f".tc-card [data-row={row}] dd").all_inner_texts())
    assert page.locator(".tc-card .best").count() >= 1
    assert page.locator("#tc-compare-fronts svg").count() == 2
    expect(page.locator("#tc-compare-fronts figure").first.locator(".mark")).to_have_count(4)

    with page.expect_download() as download:
        page.get_by_role("link", name="Download the SVG of Tier 2").click()
    assert download.value.suggested_filename == "fish-tier-2.svg"
    download.value.save_as(tmp_path / "fish.svg")
    assert ElementTree.parse(tmp_path / "fish.svg").getroot().get("viewBox")


def test_the_picture_of_the_convert_tab_is_compared_once_and_again_on_demand(page: Page) -> None:
    page.locator("#tc-examples [data-example='0']").click()
    converted(page, "blender.png")
    open_tab(page)
    compared(page, "blender.png")
    first = page.locator(".tc-card[data-way='1'] .tc-button[download]").get_attribute("href")
    page.get_by_role("tab", name="Convert").click()
    open_tab(page)
    page.wait_for_timeout(800)
    assert page.locator(".tc-card[data-way='1'] .tc-button[download]").get_attribute("href") == first
    page.get_by_role("button", name="Compare again").click()
    page.wait_for_selector(".tc-comparison[aria-busy=true]", timeout=SLOW)
    compared(page, "blender.png")
    assert page.locator(".tc-card[data-way='1'] .tc-button[download]").get_attribute("href") != first


def test_its_settings_are_taken_to_the_tune_tab(page: Page, examples: Path) -> None:
    open_tab(page)
    page.set_input_files("#tc-compare-drop input[type=file]", examples / "fish.jpg")
    compared(page, "fish.jpg")
    page.get_by_role("button", name="Open the settings of vtracer’s default").click()
    expect(page.locator("#tc-tune-view .tc-file strong")).to_have_text("fish.jpg", timeout=SLOW)
    expect(page.locator("[name=tc-recipe][value=vtracer]")).to_be_checked()
    expect(page.get_by_role("spinbutton", name="path precision")).to_have_value("8")


def test_a_broken_picture_is_told_on_every_card(page: Page, examples: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes((examples / "panda.png").read_bytes()[:900])
    open_tab(page)
    page.set_input_files("#tc-compare-drop input[type=file]", broken)
    compared(page, "broken.png")
    expect(page.locator(".tc-card.failed [role=alert]")).to_have_count(4)
    expect(page.locator(".tc-card.failed").first).to_contain_text("damaged")


def test_phone_in_the_dark(phone: Page, examples: Path) -> None:
    open_tab(phone)
    phone.set_input_files("#tc-compare-drop input[type=file]", examples / "panda.png")
    compared(phone, "panda.png")
    assert phone.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    button = phone.get_by_role("button", name="Open the settings of Tier 1").bounding_box()
    assert button["height"] >= 44
