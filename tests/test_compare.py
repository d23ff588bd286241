"""The compare tab: what a card and a plot show of each way of drawing, and all of them drawn for real."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.convert import Result
from pipeline.converter import Converter
from pipeline.errors import TraceFailed
from pipeline.plan import VTRACER_DEFAULT, Plan
from pipeline.web import compare_tab
from pipeline.web.compare_tab import WAYS, Entry, Failure, cards_html, drawn, entry_of, fronts_html, unbeaten
from pipeline.web.exports import SHELF
from pipeline.web.texts import compare as t

SOURCE: Any = {"path": "x.png", "url": "u", "name": 'a<b>"c.png'}
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><path d="M0 0h4v4z"/></svg>'


def entry(way: str, quality: float | None, seconds: float, size: int, **more: Any) -> Entry:
    tier = int(way) if way.isdigit() else 0
    return Entry(way, SVG, "token", quality, None, size, 1, seconds, Plan(), **{"tier": tier, **more})


FOUR = {
    "default": entry("default", 0.96, 0.05, 40_000),
    "1": entry("1", 0.98, 0.06, 3_000),
    "2": entry("2", 0.985, 0.4, 3_500),
    "3": entry("3", 0.98, 0.9, 3_600),
}


def test_what_nothing_beats():
    assert unbeaten(FOUR) == {"default", "1", "2"}, "the default is the quickest, tier 3 is beaten by tier 1 in all"
    assert unbeaten({"1": Failure("1", "no"), "2": entry("2", None, 1, 1)}) == set()


def test_cards_fill_one_after_the_other():
    html = cards_html({"default": FOUR["default"]}, SOURCE, tracing="1")
    assert re.findall(r'tc-card ?(\w*)" data-way="(\w+)"', html) == [
        ("", "default"), ("tracing", "1"), ("waiting", "2"), ("waiting", "3"),
    ]  # fmt: skip
    assert 'aria-busy="true"' in html and "data-again" not in html
    whole = cards_html(FOUR, SOURCE)
    assert 'aria-busy="false"' in whole and "data-again" in whole and whole.count("data-use=") == 4
    assert whole.count(t.BEST_HOW) == 3 and "0.9850" in whole and "3.5 kB" in whole and "400 ms" in whole
    assert "<b>" not in whole, "a file's name is text"


def test_a_failure_is_on_its_card_and_nothing_else_suffers():
    html = cards_html({**FOUR, "3": Failure("3", "It <broke>.")}, SOURCE)
    assert "It &lt;broke&gt;." in html and html.count("data-use=") == 3


def test_tier_3_without_an_agent_says_what_it_was():
    html = cards_html({"3": entry("3", 0.99, 1, 1, tier=2, note="The agent is missing.")}, SOURCE)
    assert t.SAME.format(tier=2) in html and "The agent is missing." in html
    assert t.SAME.format(tier=3) not in cards_html(FOUR, SOURCE)


def test_the_fronts_have_every_way_and_mark_the_best():
    html = fronts_html(FOUR)
    assert html.count("<svg") == 2 and html.count('class="front"') == 2
    by_time, by_bytes = html.split("</figure>")[:2]
    assert by_time.count('class="mark circle newest"') == 3 and by_bytes.count('class="mark circle newest"') == 2
    assert "Tier 2: error 0.0150, 400 ms" in by_time and "Tier 2: error 0.0150, 3.5 kB" in by_bytes
    assert fronts_html({}) == "" and fronts_html({"1": Failure("1", "no")}) == ""


@pytest.fixture(scope="module")
def converter() -> Iterator[Converter]:
    with Converter(1) as converter:
        converter.prepare()
        yield converter


def test_every_way_for_real(converter: Converter, examples: Path):
    source: Any = {"path": str(examples / "fish.jpg"), "url": "u", "name": "fish.jpg"}
    done = {way: drawn(converter, source, way, {}) for way in WAYS}
    assert all(isinstance(e, Entry) for e in done.values()), done
    for way, e in done.items():
        assert SHELF.get(e.token) == e.svg and e.bytes == len(e.svg.encode()) and e.paths > 0
        assert 0.5 < e.quality <= 1 and 0 < e.seconds < 9
        assert e.tier in ((0,) if way == "default" else (1,) if way == "1" else (2,) if way == "2" else (2, 3))
    assert done["default"].plan == VTRACER_DEFAULT
    assert done["2"].tried > 1 and done["1"].tried == 1
    assert done["2"].quality >= done["default"].quality - 0.02


def test_the_default_is_vtracer_s_own_output(converter: Converter, logo: Path):
    result = converter.convert(logo, plan=VTRACER_DEFAULT, validate=True)
    found = entry_of("default", result)
    assert found.svg == result.default_svg and found.quality == result.default_quality
    assert found.bytes == result.default_bytes


def test_time_is_that_until_the_drawing_was_chosen(converter: Converter, logo: Path):
    one = converter.convert(logo, tier=1, validate=True)
    assert entry_of("1", one).seconds == pytest.approx(
        one.processing_time - sum(one.stages.get(s, 0) for s in ("measure", "default", "reference"))
    )
    two = converter.convert(logo, tier=2, validate=True)
    assert entry_of("2", two).seconds == two.processing_time


class Broken:
    """Fails as a converter may."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def convert(self, *_: Any, **__: Any) -> Result:
        raise self.error


def test_what_fails_is_told(examples: Path, caplog: pytest.LogCaptureFixture):
    source: Any = {"path": str(examples / "fish.jpg"), "url": "u", "name": "fish.jpg"}
    assert drawn(Broken(TraceFailed("No.")), source, "2", {}) == Failure("2", "No.")  # type: ignore[arg-type]
    inside = drawn(Broken(ValueError("secret")), source, "2", {})  # type: ignore[arg-type]
    assert isinstance(inside, Failure) and "secret" not in inside.message and "secret" in caplog.text
    foreign = drawn(Broken(ValueError()), {**source, "path": "/etc/passwd"}, "1", {})  # type: ignore[arg-type]
    assert isinstance(foreign, Failure) and "no longer here" in foreign.message
    assert compare_tab.BUDGET < 9
