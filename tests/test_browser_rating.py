"""Rating a result, and what lies behind it, in Chromium."""
# ruff: noqa: F811 — fixtures are imported, and named again as arguments

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Server

playwright = pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, Page, expect  # noqa: E402
from test_browser import SLOW, browser, converted, page, phone, upload, visit  # noqa: E402, F401

from pipeline.features import Features  # noqa: E402
from pipeline.serve.samples import Sample, Samples  # noqa: E402
from pipeline.web.texts import insights, rating  # noqa: E402

pytestmark = pytest.mark.browser


@pytest.fixture
def kept(server: Server) -> Samples:
    """What the app keeps, read as another process would."""
    return Samples(server.log.parent / "samples")


def sample(page: Page, kept: Samples) -> Sample:
    """That of the result which is shown."""
    found = kept.find(page.locator(".tc-rating").get_attribute("data-sample"))
    assert found is not None
    return found


def test_thumb_reasons_words(page: Page, kept: Samples, examples: Path) -> None:
    upload(page, examples / "panda.png")
    converted(page, "panda.png")
    form, said = page.locator(".tc-rating"), page.locator(".tc-rating output")
    expect(form.get_by_role("button", name=rating.SEND)).not_to_be_visible()
    form.get_by_role("button", name=rating.DOWN).click()
    expect(said).to_have_text(rating.THANKS, timeout=SLOW)
    assert sample(page, kept).thumb == "down", "a thumb alone counts"
    first, _, third, *_ = rating.REASONS["down"]
    form.get_by_role("button", name=first).click()
    form.get_by_role("button", name=third).click()
    expect(form.get_by_role("button", name=third)).to_have_attribute("aria-pressed", "true")
    form.locator("textarea").fill("the ears <b>")
    form.get_by_role("button", name=rating.SEND).click()
    expect(said).to_have_text(rating.THANKS_MORE, timeout=SLOW)
    found = sample(page, kept)
    assert (found.door, found.thumb, found.reason) == ("app", "down", f"{first}; {third}; the ears <b>")
    assert not found.has_picture
    form.get_by_role("button", name=rating.UP, exact=True).click()
    expect(said).to_have_text(rating.THANKS, timeout=SLOW)
    found = sample(page, kept)
    assert (found.thumb, found.reason) == ("up", "the ears <b>"), "what is wrong is no reason for a thumb up"


def test_the_picture_is_given_by_its_owner_alone_and_taken_back(page: Page, kept: Samples, examples: Path) -> None:
    upload(page, examples / "panda.png")
    converted(page, "panda.png")
    form, said = page.locator(".tc-rating"), page.locator(".tc-rating output")
    box = form.get_by_role("checkbox")
    form.get_by_role("button", name=rating.UP, exact=True).click()
    expect(box).not_to_be_checked()
    box.check()
    form.get_by_role("button", name=rating.DOWN).click()
    expect(said).to_have_text(rating.THANKS, timeout=SLOW)
    assert not sample(page, kept).has_picture, "not before Send"
    form.get_by_role("button", name=rating.SEND).click()
    expect(said).to_have_text(rating.THANKS_PICTURE, timeout=SLOW)
    assert kept.picture(sample(page, kept).id).startswith(b"\x89PNG")
    box.uncheck()
    form.get_by_role("button", name=rating.SEND).click()
    expect(said).to_have_text(rating.THANKS_MORE, timeout=SLOW)
    assert not sample(page, kept).has_picture


def test_an_example_can_be_given_too(page: Page, kept: Samples) -> None:
    page.locator("#tc-examples [data-example='0']").click()
    converted(page, "blender.png")
    form = page.locator(".tc-rating")
    form.get_by_role("button", name=rating.UP, exact=True).click()
    form.get_by_role("checkbox").check()
    form.get_by_role("button", name=rating.SEND).click()
    expect(form.locator("output")).to_have_text(rating.THANKS_PICTURE, timeout=SLOW)
    assert sample(page, kept).has_picture


def test_what_goes_wrong_is_told(browser: Browser, server: Server, kept: Samples) -> None:
    page = browser.new_context().new_page()  # one that may log errors: Chromium logs each request that fails
    page.goto(server.url)
    page.locator("#tc-examples [data-example='0']").click()
    converted(page, "blender.png")
    form, said = page.locator(".tc-rating"), page.locator(".tc-rating output")
    page.route("**/api/rate", lambda route: route.abort())
    form.get_by_role("button", name=rating.UP, exact=True).click()
    expect(said).to_have_text(rating.FAILED, timeout=SLOW)
    page.unroute("**/api/rate")
    page.route("**/examples/blender.png", lambda route: route.fulfill(body="not what was converted"))
    form.get_by_role("checkbox").check()
    form.get_by_role("button", name=rating.SEND).click()
    expect(said).to_have_text(rating.OTHER_PICTURE, timeout=SLOW)
    page.unroute("**/examples/blender.png")
    page.route("**/examples/blender.png", lambda route: route.fulfill(status=404))
    form.get_by_role("button", name=rating.SEND).click()
    expect(said).to_have_text(rating.PICTURE_GONE, timeout=SLOW)
    assert (sample(page, kept).thumb, sample(page, kept).has_picture) == ("up", False)
    page.context.close()


def test_by_keyboard(page: Page, kept: Samples) -> None:
    page.locator("#tc-examples [data-example='0']").click()
    converted(page, "blender.png")
    page.locator("[data-thumb=up]").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".tc-rating output")).to_have_text(rating.THANKS, timeout=SLOW)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.locator(".tc-reasons.up [data-reason]").first.get_attribute("aria-pressed") == "true"
    page.locator(".tc-insights > summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".tc-features")).to_be_visible()


def test_behind_a_result(page: Page, kept: Samples) -> None:
    page.locator("#tc-examples [data-example='4']").click()
    converted(page, "pacifico.png")
    expect(page.locator(".tc-features")).not_to_be_visible()
    page.locator(".tc-insights > summary").click()
    expect(page.locator(".tc-kinds .found")).to_contain_text("Text")
    expect(page.locator(".tc-kinds dl > div")).to_have_count(4)
    expect(page.locator(".tc-features dt")).to_have_count(len(Features.names()))
    expect(page.locator(".tc-route")).to_contain_text("Tier")
    found = sample(page, kept)
    expect(page.locator(".tc-drawn")).to_contain_text(f"{found.actual:.4f}")
    title = page.locator(f".tc-features dl > div:has(dt:text-is('{insights.NAMES['parts'][0]}'))").get_attribute(
        "title"
    )
    assert title.endswith(f"parts = {found.features['parts']:.6g}")
    page.locator("#tc-examples [data-example='0']").click()
    converted(page, "blender.png")
    expect(page.locator(".tc-features")).to_be_visible()


def test_on_a_phone(phone: Page, examples: Path) -> None:
    upload(phone, examples / "playfair.png")
    converted(phone, "playfair.png")
    phone.locator(".tc-insights > summary").click()
    phone.locator("[data-thumb=down]").click()
    expect(phone.locator(".tc-rating output")).to_have_text(rating.THANKS, timeout=SLOW)
    assert phone.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    for button in phone.locator(".tc-vote").all():
        assert button.bounding_box()["height"] >= 44
