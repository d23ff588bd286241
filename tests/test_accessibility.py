"""What axe-core finds on each tab, in light and dark, wide and narrow: nothing serious, nothing critical."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import Server
from playwright.sync_api import Browser, Page
from test_browser import SLOW, browser, converted  # noqa: F401

from pipeline.web.page import TABS

pytestmark = pytest.mark.browser

GRAVE = {"serious", "critical"}
SIZES = {"light": {"width": 1440, "height": 900}, "dark": {"width": 390, "height": 844}}
"""Dark is looked at as a phone shows it, so that both sizes are."""
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
}


def found(page: Page) -> list[str]:
    """What is grave on the page as it stands: rule, how many times, and the first place."""
    page.wait_for_timeout(400)  # colours that fade would be measured on their way
    response = Axe().run(page, options=RULES).response
    assert "color-contrast" in {rule["id"] for rule in response["passes"]}, "the rules did not run"
    violations: list[dict[str, Any]] = response["violations"]
    return [
        f"{v['id']} ({v['impact']}, {len(v['nodes'])}): {v['nodes'][0]['html'][:200]} {v['nodes'][0]['failureSummary'][:300]}"
        for v in violations
        if v["impact"] in GRAVE
    ]


def unfold(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")


@pytest.fixture(scope="module", params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser, server: Server) -> Any:  # noqa: F811
    """The page in a scheme, one for all tabs."""
    context = browser.new_context(viewport=SIZES[request.param], color_scheme=request.param, reduced_motion="reduce")
    page = context.new_page()
    page.goto(server.url)
    page.wait_for_selector("#tc-drop input[type=file]", state="attached", timeout=SLOW)
    yield page
    context.close()


@pytest.mark.parametrize("tab", [name for name, _, _ in TABS])
def test_tab(page: Page, tab: str) -> None:
    titles = {name: title for name, title, _ in TABS}
    button = page.get_by_role("tab", name=titles[tab], exact=True)
    if button.count() and button.is_visible():
        button.click()
    else:  # narrow screens fold tabs away
        page.locator(".overflow-menu > button").click()
        page.locator(".overflow-dropdown button", has_text=titles[tab]).click()
    page.wait_for_selector(f"#tc-tab-{tab}", state="visible", timeout=SLOW)
    page.wait_for_timeout(1500)  # what the tab fetches when it is opened
    unfold(page)
    assert found(page) == []


def test_result(page: Page) -> None:
    """A converted picture, its folds and the options open."""
    page.reload()
    page.wait_for_selector("#tc-examples [data-example]", timeout=SLOW)
    page.locator("#tc-options > button, #tc-options .label-wrap").first.click()
    page.locator("#tc-examples [data-example='0']").click()
    converted(page, "blender.png")
    unfold(page)
    assert found(page) == []


def test_error(page: Page, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    page.reload()
    page.wait_for_selector("#tc-drop input[type=file]", state="attached", timeout=SLOW)
    page.set_input_files("#tc-drop input[type=file]", broken)
    page.wait_for_selector(".tc-error", timeout=SLOW)
    assert found(page) == []
