"""What lies behind a result: chances, the tiers' plot, features; true to the numbers, and safe to put on a page."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pipeline.classify import Rules, load_rules
from pipeline.convert import Request, Result, convert
from pipeline.features import Features
from pipeline.route import Expected, Route, route
from pipeline.web import insights
from pipeline.web.insights import SCALES, Scale, insights_html
from pipeline.web.texts import insights as t

EXPECTED = (Expected(1, 0.9712, 3400, 0.12), Expected(2, 0.9842, 2900, 0.64), Expected(3, 0.9871, 2800, 1.9))


@pytest.fixture(scope="module")
def result(examples: Path) -> Result:
    return convert(examples / "playfair.png", Request(tier=1, validate=True))


@pytest.fixture
def routed(result: Result) -> Result:
    return replace(
        result, route=route(EXPECTED, 0.98, 1.0), selected_tier=2, candidates=4, predicted_quality=0.9842,
        actual_quality=0.9829, processing_time=0.71,
    )  # fmt: skip


def parsed(html: str) -> ElementTree.Element:
    """It is well-formed, which a browser would not tell."""
    return ElementTree.fromstring(f"<div>{html}</div>")


def places(html: str) -> dict[int, tuple[float, float]]:
    """Where each tier's point lies in the plot."""
    found = re.findall(r'class="tier[^"]*" transform="translate\((\S+) (\S+)\)">.*?>(\d)</text>', html)
    return {int(tier): (float(x), float(y)) for x, y, tier in found}


def test_the_chances_are_those_of_the_rules(result: Result) -> None:
    html = insights.kind_html(result)
    chances = load_rules().probabilities(result.features.vector())
    shares = [float(share) for share in re.findall(r"--share:([\d.]+)%", html)]
    assert shares == pytest.approx(sorted(100 * chances, reverse=True), abs=0.051) and len(shares) == 4
    assert html.count('class="found"') == 1 and html.index('class="found"') < html.index("--share")


def test_chances_that_were_not_this_result_s_are_not_shown(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in (
        replace(result, model_versions={}),
        replace(result, model_versions={"classifier": "there is none"}),
        replace(result, confidence=0.5),
        replace(result, logo_type="gradient"),
    ):
        html = insights.kind_html(other)
        assert html.count("--share") == 1 and t.KIND_ALONE in html
        assert f"--share:{100 * other.confidence:.1f}%" in html
    monkeypatch.setattr(Rules, "probabilities", lambda self, vector: [0.25] * 4)
    assert insights.kind_html(result).count("--share") == 1


def test_every_feature_is_shown_once_with_its_value(result: Result) -> None:
    shown = [name for scales in SCALES.values() for name in scales]
    assert sorted(shown) == sorted(Features.names()) == sorted(t.NAMES) and set(SCALES) == set(t.GROUPS)
    html = insights.features_html(result)
    for name in Features.names():
        assert f"{name} = {getattr(result.features, name):.6g}" in html
        assert t.NAMES[name][0] in html


def test_every_bar_stays_within_its_track(examples: Path) -> None:
    for picture in ("coffee.jpg", "tiger.png", "spark.png"):
        html = insights.features_html(convert(examples / picture, Request(tier=1)))
        bars = [(float(a), float(b)) for a, b in re.findall(r"--from:([\d.]+)%;--to:([\d.]+)%", html)]
        assert len(bars) == len(Features.names()) and all(0 <= a <= b <= 100 for a, b in bars)


@pytest.mark.parametrize(
    ("scale", "value", "bar", "text"),
    [
        (Scale("share", 0.5), 0.25, (0, 0.5), "25 %"),
        (Scale("share", 0.5), 0.75, (0, 1), "75 %"),
        (Scale("count", 99), 9, (0, 0.5), "9"),
        (Scale("count", 100_000), 14492, (0, math.log1p(14492) / math.log1p(100_000)), "14,492"),
        (Scale("ratio", 4), 0, (0.5, 0.5), "1 : 1"),
        (Scale("ratio", 4), 2, (0.5, 0.75), "4 : 1"),
        (Scale("ratio", 4), -1, (0.375, 0.5), "1 : 2"),
        (Scale("ratio", 4), -9, (0, 0.5), "1 : 512"),
        (Scale("bits", 8), 2, (0, 0.25), "2 bits"),
    ],
)
def test_scales(scale: Scale, value: float, bar: tuple[float, float], text: str) -> None:
    assert scale.bar(value) == pytest.approx(bar) and scale.text(value) == text


def test_the_plot_shows_what_was_expected(routed: Result) -> None:
    html = insights.route_html(routed, 0.98, 1.0)
    at = places(html)
    assert at[1][0] < at[2][0] < at[3][0], "quicker lies further left"
    assert at[1][1] > at[2][1] > at[3][1], "better lies higher"
    assert html.count("tier taken") == 1 and '<tr class="taken"><th scope="row">Tier 2' in html
    assert routed.route.reason in html and "0.9712" in html and "640 ms" in html and "2.8 kB" in html
    across = float(re.search(r'class="asked" d="M(\S+) \d+V', html)[1])
    up = float(re.search(r'class="asked" d="M\d+ (\S+)H', html)[1])
    assert at[2][0] < across < at[3][0], "the budget of 1 s lies between tiers 2 and 3"
    assert at[2][1] < up < at[1][1], "the target of 0.98 lies between tiers 1 and 2"
    seconds = math.log(at[2][0] - at[1][0]) - math.log(at[3][0] - at[2][0])
    assert seconds == pytest.approx(math.log(math.log(0.64 / 0.12) / math.log(1.9 / 0.64)), abs=0.01)


def test_what_came_of_it_lies_in_the_plot(routed: Result) -> None:
    html = insights.route_html(routed, 0.98, 1.0)
    x, y = map(float, re.search(r'class="outcome" transform="translate\((\S+) (\S+)\)', html).groups())
    at = places(html)
    assert at[2][0] < x < at[3][0] and at[2][1] < y < at[1][1]
    assert "Measured: 0.9829 in 0.71 s." in html
    assert "outcome" not in insights.route_html(replace(routed, actual_quality=None), 0.98, 1.0)


def test_tier_1_is_timed_without_measuring_as_it_was_expected(routed: Result) -> None:
    stages = {"trace": 0.1, "measure": 0.3, "default": 0.2, "reference": 0.05}
    one = replace(routed, selected_tier=1, processing_time=0.7, stages=stages)
    assert insights._outcome(one) == pytest.approx((0.15, 0.9829))
    assert one.route
    looked = replace(one.route, predictions=(replace(EXPECTED[0], measured=True), *EXPECTED[1:]))
    assert insights._outcome(replace(one, route=looked)) == pytest.approx((0.5, 0.9829)), "the router looked at it"
    assert f"<small>{t.LOOKED}</small>" in insights.route_html(replace(one, route=looked))


@pytest.mark.parametrize(
    "expected",
    [
        (Expected(1, 0.99891, 10, 0.120), Expected(2, 0.99892, 10, 0.121)),
        (Expected(1, 1.0, 10, 0.0), Expected(2, 1.0, 10, 0.0)),
        (Expected(1, 0.0, 10, 0.5), Expected(2, 1.0, 10**9, 500.0)),
        (Expected(1, -0.4, 10, 1.0),),
        (Expected(1, 0.99, 10, 0.5), Expected(2, 0.99, 10, 0.5), Expected(3, 0.99, 10, 0.5)),
    ],
)
@pytest.mark.parametrize(("target", "budget"), [(0.98, 1.0), (0.0, 60.0), (1.0, 0.01), (None, None)])
def test_the_plot_holds_whatever_was_expected(routed: Result, expected: tuple, target, budget) -> None:
    html = insights.route_html(replace(routed, route=route(expected, 0.98, 1.0)), target, budget)
    at = places(html)
    assert set(at) == {e.tier for e in expected}
    for x, y in at.values():
        assert insights.LEFT <= x <= insights.WIDTH and insights.TOP <= y <= insights.HEIGHT - insights.BOTTOM
    assert all(math.dist(at[a], at[b]) >= 2 * insights.POINT for a in at for b in at if a < b), "none hides another"
    assert html.count('class="tick"') >= 4 and "nan" not in html
    parsed(html)


def test_without_a_predictor_it_says_so(result: Result) -> None:
    way = route((), 0.98, 1.0)
    html = insights.route_html(replace(result, route=way, model_versions={}), 0.98, 1.0)
    assert t.NO_PREDICTOR in html and way.reason in html and "<figure" not in html


def test_a_tier_that_was_asked_for_was_not_chosen(result: Result) -> None:
    assert "Tier 1 was asked for" in insights.route_html(result, 0.98, 1.0)


def test_how_it_was_drawn(routed: Result) -> None:
    html = insights.drawn_html(replace(routed, model_versions={"classifier": "1", "mine": "<2>"}))
    assert "<dd>4</dd>" in html and "0.9842" in html and "0.9829" in html and t.ALL_WELL in html
    assert "Kind <small>1</small>" in html and "mine <small>&lt;2&gt;</small>" in html
    plain = insights.drawn_html(replace(routed, predicted_quality=None, actual_quality=None, model_versions={}))
    assert t.NOT_PREDICTED in plain and t.NOT_MEASURED in plain and t.NO_MODELS in plain


def test_nothing_of_a_result_is_markup(routed: Result) -> None:
    evil = "<img src=x onerror=alert(1)>"
    html = insights_html(
        replace(
            routed, degraded=(evil,), model_versions={evil: evil}, route=Route(2, EXPECTED, evil)
        ),
        target=0.98,
        budget=1.0,
    )  # fmt: skip
    assert "<img" not in html and html.count("&lt;img") == 4
    parsed(html)


def test_the_fold_says_the_gist(routed: Result, result: Result) -> None:
    assert "the best of 4 drawings" in insights_html(routed) and "tier 2" in insights_html(routed)
    assert "one drawing" in insights_html(result)
    assert len(insights_html(routed, target=0.98, budget=1.0)) < 20_000, "it is sent with each result"
