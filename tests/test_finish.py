"""What the user asks of the file: validated, written to JSON and back, and found again in the SVG."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_palette import discs, picture_of, shaded

from pipeline.errors import BadSetting
from pipeline.picture import load
from pipeline.plan import DETAIL, RECIPES, Finish, Plan, detailed, read_palette
from pipeline.render import render
from pipeline.trace import trace
from pipeline.trace.emit import PathData

GROUPINGS = ("compact", "shape", "colour", "layer")
hex_colours = st.integers(0, 0xFFFFFF).map(lambda v: f"#{v:06x}")
finishes = st.builds(
    Finish,
    background=st.sampled_from(["keep", "drop"]),
    colours=st.none() | st.integers(1, 256),
    grouping=st.sampled_from(GROUPINGS),
    gap_filler=st.booleans(),
    detail=st.sampled_from(sorted(DETAIL)),
) | st.builds(Finish, palette=st.lists(hex_colours, max_size=9))


@given(finishes, st.sampled_from(sorted(RECIPES)))
def test_json_comes_back(finish, recipe):
    plan = Plan(recipe, {}, finish)
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"background": "blue"}, "keep or drop"),
        ({"grouping": "none"}, "compact, shape, colour or layer"),
        ({"detail": "most"}, "low, normal or high"),
        ({"gap_filler": 1}, "true or false"),
        ({"colours": 0}, "1 to 256"),
        ({"colours": 257}, "1 to 256"),
        ({"colours": 2.5}, "1 to 256"),
        ({"colours": True}, "1 to 256"),
        ({"palette": "#fff"}, "a list"),
        ({"palette": ["red"]}, "such as #d1006c"),
        ({"palette": ["#ffff"]}, "such as #d1006c"),
        ({"palette": ["#fff"] * 257}, "256 colours at most"),
        ({"palette": ["#fff"], "colours": 3}, "not for both"),
    ],
)
def test_what_is_out_of_range_is_refused_with_the_range(setting, message):
    with pytest.raises(BadSetting, match=message):
        Finish(**setting)


def test_palettes_as_people_write_them():
    assert read_palette(" #FFF, d1006c;#000\n") == ("#ffffff", "#d1006c", "#000000")
    assert read_palette("") == ()
    assert Finish(palette=["#fff", "#FFFFFF"]).palette == ("#ffffff",)


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_detail_moves_knobs_within_their_ranges(recipe):
    low, normal, high = (detailed(Plan(recipe, {}, Finish(detail=d))) for d in ("low", "normal", "high"))
    assert normal == Plan(recipe)
    assert low.knobs != normal.knobs != high.knobs
    for ends in (np.zeros(8), np.ones(8)):
        for detail in DETAIL:
            detailed(Plan.from_cube(recipe, ends, Finish(detail=detail)))


def test_every_factor_of_detail_is_a_knob():
    for by_recipe in DETAIL.values():
        for recipe, factors in by_recipe.items():
            assert set(factors) <= set(RECIPES[recipe].defaults)


def test_more_detail_writes_more(examples):
    sizes = [len(trace(load(examples / "tiger.png"), Plan("planar", {}, Finish(detail=d)))) for d in DETAIL]
    assert sizes[0] < sizes[1] <= sizes[2] * 1.02


@pytest.mark.parametrize("recipe", sorted(RECIPES))
@pytest.mark.parametrize("grouping", GROUPINGS)
def test_grouping_changes_nothing_that_is_seen(recipe, grouping):
    free = render(trace(discs(), Plan(recipe)), 480, 480).astype(int)
    grouped = render(trace(discs(), Plan(recipe, {}, Finish(grouping=grouping))), 480, 480).astype(int)
    assert np.abs(free - grouped).max() <= 3


def test_groups_are_what_they_say():
    svg = {g: trace(discs(), Plan("planar", {}, Finish(grouping=g))) for g in GROUPINGS}
    assert svg["colour"].count("<g ") == 10 and svg["layer"].count("<g id=") == 2
    assert svg["shape"].count("<path") + svg["shape"].count("<circle") == 10
    assert len(svg["compact"]) == min(map(len, svg.values()))


def test_shapes_of_one_colour_share_a_path_only_where_nothing_lies_between():
    pixels = np.full((60, 60, 3), 255, np.uint8)
    pixels[5:55, 5:25] = (200, 0, 0)
    pixels[5:55, 35:55] = (200, 0, 0)
    pixels[10:50, 8:20] = (0, 0, 200)
    pixels[20:40, 13:17] = (200, 0, 0)
    svg = trace(picture_of(pixels), Plan("planar"))
    assert svg.count("#c80000") == 2, "the two bars are one path, the spot above the blue another"
    assert (render(svg, 60, 60)[..., :3] == pixels).mean() > 0.999


def test_the_gap_filler_lies_beneath_and_is_off_by_default():
    picture = discs()
    assert "stroke" not in trace(picture, Plan("planar"))
    svg = trace(picture, Plan("planar", {}, Finish(gap_filler=True)))
    free = trace(picture, Plan("planar"))
    assert svg.index("stroke") < svg.index("</g>") and svg.endswith(free[free.index(">") + 1 :])
    assert np.abs(render(svg, 240, 240).astype(int) - render(free, 240, 240)).mean() < 0.5


@pytest.mark.parametrize("recipe", sorted(RECIPES))
def test_the_ground_is_dropped_in_every_recipe(recipe):
    svg = trace(discs(), Plan(recipe, {}, Finish(background="drop")))
    out = render(svg, 240, 240)
    assert out[0, 0, 3] == 0 and out[40, 40, 3] == 255


def test_a_default_drawing_has_nothing_that_is_not_needed():
    svg = trace(discs(clear=True), Plan("planar"))
    assert not re.search(r"stroke|style|transform|opacity|<g|id=|version|#000|\s{2}|(?<!\d)0\.\d|,", svg)


def drawn(build) -> str:
    path = PathData(2)
    build(path)
    return path.text()


def test_path_data_are_short_by_hand():
    assert drawn(lambda p: (p.move(0, 0), p.line(10, 0), p.line(10, 5), p.line(0, 5), p.close())) == "M0 0h10v5H0z"
    assert drawn(lambda p: (p.move(1, 1), p.line(2.5, 3.25), p.line(3, 3.5))) == "m1 1 1.5 2.25.5.25"
    # absolute where that is shorter
    assert drawn(lambda p: (p.move(123.45, 99.87), p.line(1, 2))) == "M123.45 99.87 1 2"
    # a mirrored handle
    text = drawn(lambda p: (p.move(0, 0), p.cubic(0, 1, 1, 2, 2, 2), p.cubic(3, 2, 4, 1, 4, 0)))
    assert text == "M0 0c0 1 1 2 2 2s2-1 2-2"
    # flags stand together
    assert drawn(lambda p: (p.move(0, 5), p.arc(5, False, True, 10, 5))) == "M0 5a5 5 0 0110 0"


def test_rounding_errors_do_not_add_up():
    path = PathData(1)
    path.move(0, 0)
    for i in range(1, 1001):
        path.line(i * 0.34, 0.0 if i % 2 else 1.0)
    numbers = [float(v) for v in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", path.text())]
    assert len(numbers) >= 2000 and path.at == (3400, 10)


def test_a_plan_says_what_was_asked_for():
    plan = Plan("planar", {}, Finish(colours=3, detail="low"))
    assert plan.to_json()["finish"]["colours"] == 3
    assert replace(plan, finish=Finish()).finish == Finish()
    assert "linearGradient" in trace(shaded(), Plan("planar"))
