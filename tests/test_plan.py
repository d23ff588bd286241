"""Plans: ranges, the way to the unit cube and back, JSON."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadSetting
from pipeline.plan import CUBE, RECIPES, VTRACER_DEFAULT, Finish, Knob, Plan, Recipe

KNOBS = [(recipe.name, knob) for recipe in RECIPES.values() for knob in recipe.knobs]
recipes = st.sampled_from(sorted(RECIPES))
points = st.lists(st.floats(0, 1), min_size=CUBE, max_size=CUBE).map(np.array)


def test_vtracers_own_defaults():
    assert dict(VTRACER_DEFAULT.knobs) == {
        "color_precision": 6, "layer_difference": 16, "corner_threshold": 60, "length_threshold": 4.0, "max_iterations": 10,
        "splice_threshold": 45, "filter_speckle": 4, "path_precision": 8,
    }  # fmt: skip


@pytest.mark.parametrize(("recipe", "knob"), KNOBS, ids=lambda v: getattr(v, "name", v))
def test_ranges_are_closed_and_nothing_beyond_passes(recipe, knob):
    assert knob.low <= knob.default <= knob.high and knob.help
    for value in (knob.low, knob.high, knob.default):
        other = {"filter_speckle": 4} if knob.name == "layer_difference" else {}
        if knob.name == "filter_speckle":
            other = {"layer_difference": 16}
        assert Plan(recipe, {knob.name: value, **other}).knobs[knob.name] == value
    beyond = (knob.low - 1, knob.high + 1, math.nan, math.inf, -math.inf, "4", None, True, [1])
    for value in beyond:
        with pytest.raises(BadSetting, match=knob.name):
            Plan(recipe, {knob.name: value})
    if knob.integer and knob.high - knob.low > 1:
        with pytest.raises(BadSetting, match="whole number"):
            Plan(recipe, {knob.name: knob.low + 0.5})


def test_what_crashes_vtracer_is_refused():
    with pytest.raises(BadSetting, match="layer_difference"):
        Plan("vtracer", {"filter_speckle": 0, "layer_difference": 0})
    Plan("vtracer", {"filter_speckle": 0, "layer_difference": 1})
    Plan("vtracer", {"filter_speckle": 1, "layer_difference": 0})


def test_unknown_names_are_refused():
    with pytest.raises(BadSetting, match="recipe must be one of"):
        Plan("watercolour")
    with pytest.raises(BadSetting, match="has no knob warp"):
        Plan("vtracer", {"warp": 1})
    with pytest.raises(BadSetting, match="background"):
        Finish(background="blue")


def test_a_recipe_must_fit_the_cube():
    with pytest.raises(ValueError, match="at most 8"):
        Recipe("big", "", tuple(Knob(str(i), 0, 1, 0) for i in range(CUBE + 1)))


def test_defaults_fill_what_is_left_out():
    plan = Plan("vtracer", {"filter_speckle": 2})
    assert plan.knobs == {**RECIPES["vtracer"].defaults, "filter_speckle": 2}
    assert Plan("vtracer", {"filter_speckle": 2.0}).knobs["filter_speckle"] == 2
    assert isinstance(Plan("vtracer", {"filter_speckle": np.float64(2)}).knobs["filter_speckle"], int)


@given(recipes, points)
def test_every_point_of_the_cube_is_a_plan_and_comes_back(recipe, point):
    plan = Plan.from_cube(recipe, point)
    place = plan.to_cube()
    assert place.shape == (CUBE,) and place.dtype == np.float32 and ((place >= 0) & (place <= 1)).all()
    again = Plan.from_cube(recipe, place)
    for knob in RECIPES[recipe].knobs:
        if knob.integer:
            assert again.knobs[knob.name] == plan.knobs[knob.name]
        else:
            assert again.knobs[knob.name] == pytest.approx(
                plan.knobs[knob.name], rel=1e-5, abs=1e-5 * (knob.high - knob.low)
            )


@given(recipes, points)
def test_places_of_continuous_knobs_are_kept(recipe, point):
    place = Plan.from_cube(recipe, point).to_cube()
    for i, knob in enumerate(RECIPES[recipe].knobs):
        if not knob.integer:
            assert place[i] == pytest.approx(point[i], abs=1e-5)
    assert (place[len(RECIPES[recipe].knobs) :] == 0.5).all()


def test_points_outside_the_cube_are_clipped():
    assert Plan.from_cube("vtracer", np.full(CUBE, 9.0)) == Plan.from_cube("vtracer", np.ones(CUBE))


def test_a_log_knob_is_halfway_at_the_geometric_mean():
    knob = Knob("price", 1, 100, 10, log=True)
    assert knob.to_unit(10) == pytest.approx(0.5) and knob.from_unit(0.5) == pytest.approx(10)


@given(recipes, points, st.sampled_from(["keep", "drop"]))
def test_json_comes_back(recipe, point, background):
    plan = Plan.from_cube(recipe, point, Finish(background))
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    "data", [{}, [], None, {"recipe": "vtracer", "knobs": 3}, {"recipe": "vtracer", "finish": {"x": 1}}, {"recipe": []}]
)
def test_what_is_no_plan_is_refused(data):
    with pytest.raises(BadSetting):
        Plan.from_json(data)
