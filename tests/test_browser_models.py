"""The models and code tabs in Chromium, and the queue."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Server
from gradio_client import Client, handle_file
from gradio_client.utils import QueueError
from playwright.sync_api import Browser, Page, expect
from test_browser import SLOW, browser, converted, upload, visit  # noqa: F401
from test_models_tab import assets_with_another_classifier

from pipeline.config import VERSION
from pipeline.web.api import CONCURRENCY
from pipeline.web.texts import code, waiting
from pipeline.web.texts import models as t

pytestmark = pytest.mark.browser

PLACES = 2
"""That the queue of the small server has."""
DESKTOP = {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def small(serve: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    """A server with a short queue and two versions of the classifier."""
    assets = assets_with_another_classifier(tmp_path_factory.mktemp("two") / "assets")
    return serve(TRUECURVE_ASSETS=str(assets), TRUECURVE_QUEUE_SIZE=str(PLACES))


@pytest.fixture
def page(browser: Browser, small: Server) -> Iterator[Page]:  # noqa: F811
    yield from visit(browser, small, viewport=DESKTOP)


def open_tab(page: Page, title: str) -> None:
    button = page.get_by_role("tab", name=title, exact=True)
    if not button.is_visible():
        page.locator(".overflow-menu > button").click()
        button = page.locator(".overflow-dropdown button", has_text=title)
    button.click()


def overflow(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def sure(page: Page, picture: Path) -> float:
    """How sure the class of a picture is said to be, in percent."""
    upload(page, picture)
    converted(page, picture.name)
    note = page.locator("[data-tile=class] small").text_content() or ""
    return float(note.split()[0])


def test_a_version_for_one_visitor(page: Page, browser: Browser, small: Server, logo: Path, examples: Path) -> None:  # noqa: F811
    assert sure(page, logo) > 90
    open_tab(page, "Models")
    card = page.locator("[data-name=classifier]")
    expect(card).to_contain_text(t.STATES["serving"], timeout=SLOW)
    expect(page.locator(".tc-health")).to_contain_text(VERSION)
    card.locator("select").select_option("0")
    expect(card.locator(".mine")).to_have_text(t.CHOSEN.format(version="0"), timeout=SLOW)
    open_tab(page, "Convert")
    assert sure(page, examples / "playfair.png") < 50
    for other in visit(browser, small, viewport=DESKTOP):
        assert sure(other, logo) > 90
        open_tab(other, "Models")
        expect(other.locator("[data-name=classifier]")).to_be_visible(timeout=SLOW)
        expect(other.locator(".mine")).to_have_count(0)
    open_tab(page, "Models")
    card.locator("select").select_option("")
    expect(card.locator(".mine")).to_have_count(0, timeout=SLOW)
    open_tab(page, "Convert")
    assert sure(page, logo) > 90


def test_without_a_release_its_button_is_not_there(page: Page) -> None:
    open_tab(page, "Models")
    expect(page.locator(".tc-hub")).to_contain_text("TRUECURVE_MODELS", timeout=SLOW)
    assert page.locator("[data-do=refresh]").count() == 0
    page.locator("[data-do=look]").click()
    expect(page.locator("[data-name=classifier]")).to_contain_text(t.STATES["serving"], timeout=SLOW)


def test_an_example_names_this_address_and_is_copied_whole(page: Page, small: Server) -> None:
    open_tab(page, "Code")
    for _, _, examples in code.GROUPS:
        for example in examples:
            card = page.locator(f"[data-example-name='{example.name}']")
            card.get_by_role("button").click()
            expect(card.get_by_role("button")).to_have_text(code.COPIED, timeout=SLOW)
            expected = example.code.replace(code.ADDRESS, small.url)
            assert page.evaluate("navigator.clipboard.readText()") == expected
    page.get_by_role("link", name="MCP", exact=True).click()
    expect(page.locator("#tc-code-mcp")).to_be_in_viewport(timeout=SLOW)


@pytest.mark.parametrize("title", ["Models", "Code"])
def test_on_a_phone(browser: Browser, small: Server, title: str) -> None:  # noqa: F811
    settings = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "is_mobile": True, "has_touch": True}
    for phone in visit(browser, small, **settings):
        open_tab(phone, title)
        expect(phone.get_by_role("heading", name=title, exact=True)).to_be_visible(timeout=SLOW)
        phone.wait_for_timeout(500)
        phone.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
        assert overflow(phone) <= 0


STREAM = """
const fetched = window.fetch;
window.fetch = async (...request) => {
  const response = await fetched(...request);
  if (!String(request[0]?.url ?? request[0]).includes("/queue/data")) return response;
  const reader = response.body.getReader();
  const events = new ReadableStream({
    async start(to) {
      window.tell = (text) => to.enqueue(new TextEncoder().encode(text));
      try {
        for (let part = await reader.read(); !part.done; part = await reader.read()) to.enqueue(part.value);
      } catch {} // Gradio is done with it; the stream stays open for the test
    },
  });
  return new Response(events, { headers: response.headers });
};
"""
"""Gradio's stream with news of another event in it, since a real one cannot be held at its place in the queue."""


def test_the_place_in_the_queue(browser: Browser, small: Server) -> None:  # noqa: F811
    page = browser.new_page(viewport=DESKTOP)
    page.add_init_script(STREAM)
    page.goto(small.url)
    page.wait_for_selector("#tc-examples [data-example]", timeout=SLOW)
    line = page.locator("#tc-waiting p")
    page.locator("#tc-examples [data-example='0']").click()
    converted(page, "blender.png")
    page.wait_for_function("() => Boolean(window.tell)")

    def tell(message: str, **fields: object) -> None:
        text = "data: " + json.dumps({"msg": message, "event_id": "another", **fields}) + "\n\n"
        middle = len(text) // 2  # as a network cuts it
        page.evaluate("texts => texts.forEach((text) => window.tell(text))", [text[:middle], text[middle:]])

    for rank, eta, words in (
        (7, None, waiting.AHEAD.format(count=7)),
        (3, 12.4, waiting.AHEAD.format(count=3) + " " + waiting.SOON.format(seconds=12)),
        (1, None, waiting.AHEAD_ONE),
        (0, 2.0, waiting.NEXT),
    ):
        tell("estimation", rank=rank, queue_size=9, rank_eta=eta)
        expect(line).to_contain_text(words[: words.find("About") + 6 or None] if eta else words, timeout=SLOW)
    tell("process_starts", eta=None)
    expect(line).to_have_text("", timeout=SLOW)
    page.close()


def test_a_full_queue_is_told_at_once_and_the_next_try_works(browser: Browser, small: Server) -> None:  # noqa: F811
    """The browser logs the refusal as an error, so this page is not one of those that may log none."""
    page = browser.new_page(viewport=DESKTOP)
    page.goto(small.url)
    page.wait_for_selector("#tc-examples [data-example]", timeout=SLOW)
    refusal = {"status": 503, "json": {"detail": "Queue is full. Max size is 2 and size is 2."}}
    page.route("**/queue/join**", lambda route: route.fulfill(**refusal))
    page.locator("#tc-examples [data-example='0']").click()
    expect(page.get_by_text(waiting.FULL)).to_be_visible(timeout=SLOW)
    page.unroute("**/queue/join**")
    page.locator("#tc-examples [data-example='4']").click()
    converted(page, "pacifico.png")
    page.close()


def test_a_short_queue_refuses_what_does_not_fit(small: Server, examples: Path) -> None:
    """And answers the others; the refusal is the one that the page turns into words."""
    client = Client(small.url, verbose=False)
    slow = {"tier": "3", "target_quality": 1, "time_budget": 4, "api_name": "/convert"}
    calls = [client.submit(image=handle_file(examples / "launch.jpg"), **slow) for _ in range(3 * CONCURRENCY + PLACES)]
    refused = 0
    for call in calls:
        try:
            assert call.result(timeout=120)[0].startswith("<svg")
        except QueueError:
            refused += 1
    assert 0 < refused <= len(calls) - PLACES
