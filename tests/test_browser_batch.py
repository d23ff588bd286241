"""The batch tab as a person uses it, in Chromium."""

# ruff: noqa: F811

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import png_of

playwright = pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Page, expect  # noqa: E402
from test_browser import SLOW, browser, page, phone  # noqa: E402, F401

pytestmark = pytest.mark.browser

BATCH = 90_000
"""Milliseconds that a batch of a few pictures may take on a loaded machine."""


def open_tab(page: Page) -> None:
    """Open the tab, which is behind "More tabs" where they do not all fit."""
    tab = page.get_by_role("tab", name="Batch")
    if not tab.count():
        page.get_by_role("button", name="More tabs").click()
        tab = page.locator(".overflow-dropdown").get_by_text("Batch")
    tab.click()
    expect(page.locator(".tc-zone")).to_be_visible(timeout=SLOW)


def choose(page: Page, *paths: Path) -> None:
    page.set_input_files("#tc-batch input[multiple]", paths)


def finished(page: Page, title: str = "Done") -> None:
    expect(page.locator(".tc-batch-head h2")).to_have_text(title, timeout=BATCH)


def square(colour: int) -> bytes:
    pixels = np.full((24, 24, 3), 255, np.uint8)
    pixels[6:18, 6:18] = (colour, 80, 160)
    return png_of(pixels)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Sixty small pictures."""
    paths = [tmp_path / f"{i:02}.png" for i in range(60)]
    for i, path in enumerate(paths):
        path.write_bytes(square(4 * i))
    return paths


@pytest.fixture
def slow(tmp_path: Path) -> list[Path]:
    """Pictures that take their time: noise."""
    paths = [tmp_path / f"noise-{i:02}.png" for i in range(40)]
    for i, path in enumerate(paths):
        path.write_bytes(png_of(np.random.default_rng(i).integers(0, 256, (400, 400, 3), np.uint8)))
    return paths


def unpacked(page: Page, to: Path) -> tuple[set[str], list[dict]]:
    """Download the zip by its button; its names, and the rows of its report."""
    with page.expect_download() as download:
        page.get_by_role("link", name="Download zip").click()
    download.value.save_as(to)
    with zipfile.ZipFile(to) as archive:
        rows = [json.loads(line) for line in archive.read("report.jsonl").decode().splitlines()]
        return set(archive.namelist()), rows


def test_files_a_bad_one_and_a_zip(page: Page, examples: Path, tmp_path: Path) -> None:
    bad = tmp_path / "<b>bad.png"
    bad.write_bytes((examples / "tiger.png").read_bytes()[:900])
    packed = tmp_path / "brand.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(examples / "fish.jpg", "marks/deep/fish.jpg")
    open_tab(page)
    choose(page, examples / "blender.png", examples / "panda.png", bad, packed)
    finished(page)
    expect(page.locator(".tc-batch-head")).to_contain_text("4 of 4")
    expect(page.locator(".tc-batch-head .bad")).to_have_text("1 failed")
    rows = page.locator(".tc-batch-table tbody tr")
    expect(rows).to_have_count(4)
    row = rows.filter(has_text="fish.jpg")
    expect(row.locator(".kind")).to_have_text("Simple")
    for cell in ("actual", "default"):
        assert 0.5 < float(row.locator(f".{cell}").inner_text()) <= 1
    expect(row.locator(".bytes")).to_contain_text("B")
    failed = rows.filter(has_text="<b>bad.png")
    expect(failed.locator("small")).to_contain_text("damaged")
    assert failed.locator("th b").count() == 0, "a name is text"
    thumbs = "[...document.querySelectorAll('.tc-batch-table img')].every(i => i.complete && i.naturalWidth > 0)"
    page.wait_for_function(thumbs)
    assert page.locator(".tc-batch-table img").count() == 3

    page.get_by_role("button", name="Failed 1").click()
    expect(rows).to_have_count(1, timeout=SLOW)
    page.get_by_role("button", name="All 4").click()
    expect(rows).to_have_count(4, timeout=SLOW)

    names, report = unpacked(page, tmp_path / "out.zip")
    assert names == {"blender.svg", "panda.svg", "brand/marks/deep/fish.svg", "report.jsonl", "report.csv"}
    assert len(report) == 4
    with page.expect_download() as one:
        row.locator("a").click()
    assert one.value.suggested_filename == "fish.svg"


def test_pages_by_keyboard(page: Page, pictures: list[Path]) -> None:
    open_tab(page)
    choose(page, *pictures)
    finished(page)
    rows = page.locator(".tc-batch-table tbody tr")
    expect(rows).to_have_count(25)
    expect(page.locator(".tc-batch-choice nav")).to_contain_text("1–25 of 60")
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".tc-batch-choice nav")).to_contain_text("26–50 of 60", timeout=SLOW)
    page.keyboard.press("Enter")
    expect(rows).to_have_count(10, timeout=SLOW)
    expect(rows.first.locator("th")).to_contain_text("50.png")
    expect(page.get_by_role("button", name="Next")).to_be_disabled()


def test_stopping(page: Page, slow: list[Path], tmp_path: Path) -> None:
    open_tab(page)
    choose(page, *slow)
    expect(page.locator(".tc-batch-table tr.done").first).to_be_visible(timeout=BATCH)
    expect(page.locator(".tc-batch-head")).to_contain_text("left")
    expect(page.locator("#tc-batch-drop")).to_be_hidden()
    page.get_by_role("button", name="Stop").click()
    finished(page, "Stopped")
    assert page.locator("[role=progressbar]").get_attribute("aria-valuenow") != "40"
    names, report = unpacked(page, tmp_path / "out.zip")
    assert 1 <= len(report) < 40 and len(names) == len(report) + 2
    expect(page.locator("#tc-batch-drop")).to_be_visible()


def test_a_dropped_folder_keeps_its_sub_folders(page: Page, tmp_path: Path) -> None:
    """As the browser gives it: entries that are read when asked, a hundred at a time."""
    open_tab(page)
    page.evaluate(
        """async () => {
          const blob = await (await fetch('examples/blender.png')).blob();
          const file = (path) => ({isFile: true, fullPath: path, file: (ok) => ok(new File([blob], path.split('/').pop()))});
          const folder = (path, parts) => ({isFile: false, fullPath: path, createReader: () => ({
            readEntries: (ok) => ok(parts.splice(0, 1))})});
          const brand = folder('/brand', [file('/brand/a.png'), folder('/brand/x', [file('/brand/x/b.png')]),
            file('/brand/.DS_Store'), file('/brand/notes.txt')]);
          document.dispatchEvent(new CustomEvent('tc:files', {cancelable: true,
            detail: {items: [{webkitGetAsEntry: () => brand}], files: []}}));
        }"""
    )
    finished(page)
    names, _ = unpacked(page, tmp_path / "out.zip")
    assert names == {"brand/a.svg", "brand/x/b.svg", "report.jsonl", "report.csv"}


def test_files_dropped_anywhere_are_the_open_tab_s(page: Page) -> None:
    open_tab(page)
    page.evaluate(
        """async () => {
          const blob = await (await fetch('examples/blender.png')).blob();
          const data = new DataTransfer();
          data.items.add(new File([blob], 'one.png', {type: 'image/png'}));
          data.items.add(new File([blob], 'two.png', {type: 'image/png'}));
          const event = new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true});
          document.querySelector('#tc-header').dispatchEvent(event);
        }"""
    )
    finished(page)
    expect(page.locator(".tc-batch-table tbody tr")).to_have_count(2)
    assert page.locator("#tc-output .tc-result").count() == 0


def test_what_has_no_picture_is_said_at_once(page: Page, tmp_path: Path) -> None:
    packed = tmp_path / "empty.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("readme.md", "hello")
    open_tab(page)
    choose(page, packed)
    expect(page.locator("#tc-batch-board .tc-error")).to_contain_text("no picture", timeout=SLOW)
    many = "new Array(1001).fill(0).map((_, i) => new File(['x'], i + '.png'))"
    page.evaluate(
        f"""() => {{ const data = new DataTransfer(); for (const f of {many}) data.items.add(f);
          const input = document.querySelector('#tc-batch input[multiple]');
          input.files = data.files; input.dispatchEvent(new Event('change', {{bubbles: true}})); }}"""
    )
    expect(page.locator(".tc-zone-status")).to_contain_text("1001 files; the limit is 1000")


def test_on_a_phone(phone: Page, pictures: list[Path]) -> None:
    def overflow() -> int:
        return phone.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    open_tab(phone)
    assert overflow() <= 0
    long = pictures[0].with_name("a-very-long-name-" * 8 + ".png")
    long.write_bytes(square(9))
    choose(phone, long, *pictures[:29])
    finished(phone)
    assert overflow() <= 0
    phone.locator("#tc-batch-options").get_by_text("Options").click()
    phone.wait_for_timeout(400)
    assert overflow() <= 0
    box = phone.get_by_role("button", name="Next").bounding_box()
    assert box and min(box["width"], box["height"]) >= 40
