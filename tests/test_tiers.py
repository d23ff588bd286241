"""What each tier tries, how it degrades, and the promises: the right truth, the budget, and never below vtracer's default.

The models are small graphs whose predictions are written here, so that what the tiers make of them is known.
"""

from __future__ import annotations

import io
import math
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from pipeline import attempts, config, convert, models, tiers
from pipeline.agent import OBSERVATION, TRACES, knobs
from pipeline.classify import UNKNOWN
from pipeline.features import Features, extract
from pipeline.measure import j_score, similarity
from pipeline.models import Store, write_model
from pipeline.picture import load
from pipeline.plan import CUBE, RECIPES, VTRACER_DEFAULT, Finish, Plan
from pipeline.predict import NOTHING, OUTPUTS, SEEN, Intervals, Predictor, Seen, schema
from pipeline.reference import reference
from pipeline.render import render
from pipeline.route import Pace
from pipeline.warm import warm

WIDTH = len(Features.names()) + SEEN + len(RECIPES) + CUBE
NAMES = ("correlation", "predictor", "agent")
REQUEST = convert.Request(tier=2, time_budget=20.0)


def linear(slot: str, weights: np.ndarray, outputs: dict[str, np.ndarray]) -> bytes:
    """A graph whose outputs are x · weights + bias, for (free, columns) float32; all have the same weights."""
    columns, size = weights.shape
    nodes, values, constants = [], [], [helper.make_tensor("w", TensorProto.FLOAT, weights.shape, weights.ravel())]
    for name, bias in outputs.items():
        constants.append(helper.make_tensor(f"{name}_bias", TensorProto.FLOAT, [size], bias))
        nodes.append(helper.make_node("Gemm", [slot, "w", f"{name}_bias"], [name]))
        values.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]))
    entry = helper.make_tensor_value_info(slot, TensorProto.FLOAT, ["n", columns])
    graph = helper.make_graph(nodes, "linear", [entry], values, constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made)
    return made.SerializeToString()


def golden(slot: str, columns: int) -> dict[str, np.ndarray]:
    return {slot: np.zeros((2, columns), np.float32)}


def put_correlation(root: Path, first: str = "planar", gain: float = 0.03) -> None:
    """Suggests each recipe's default; `first` promises most."""
    rows = [[*Plan(recipe).to_cube(), gain if recipe == first else 0.01] for recipe in RECIPES]
    bias = np.array(rows, np.float32).ravel()
    columns = len(Features.names())
    graph = linear("x", np.zeros((columns, len(bias)), np.float32), {"y": bias})
    write_model("correlation", "1", graph, golden_inputs=golden("x", columns), card=schema(), root=root)


def put_predictor(root: Path, *, version: str = "1", artwork: float = 0.9, fails: str = "", ms: float = 50.0) -> None:
    """Planar is predicted 0.95 and more towards a corner angle of 1 in its cube, flat 0.9, vtracer 0.8."""
    weights = np.zeros((WIDTH, len(OUTPUTS) + 1), np.float32)
    place = len(Features.names()) + SEEN
    for recipe, quality in (("vtracer", 0.8), ("planar", 0.95), ("vtracer-flat", 0.9)):
        weights[place + list(RECIPES).index(recipe), 0] = quality
        weights[place + list(RECIPES).index(recipe), 4] = float(recipe == fails)
    weights[-CUBE + 4, 0] = 0.04
    bias = np.array([0, artwork, 11, math.log10(ms), 0], np.float32)
    shape = (len(OUTPUTS), len(RECIPES))
    spread = Intervals(np.zeros((*shape, 1)), np.full((*shape, 2), -0.1), np.full((*shape, 2), 0.1))
    card = {**schema(), "embedding": 0, "intervals": {"blind": spread.to_card(), "seeing": spread.to_card()}}
    graph = linear("x", weights, {"y": bias})
    write_model("predictor", version, graph, golden_inputs=golden("x", WIDTH), card=card, root=root)


def put_agent(root: Path) -> None:
    """Always moves a little up in each knob."""
    outputs = {"action": np.full(CUBE, 0.55, np.float32), "spread": np.full(CUBE, 0.05, np.float32)}
    graph = linear("observation", np.zeros((OBSERVATION, CUBE), np.float32), outputs)
    card = {"features": list(Features.names()), "recipes": knobs()}
    write_model("agent", "1", graph, golden_inputs=golden("observation", OBSERVATION), card=card, root=root)


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of assets with every model."""
    folder = tmp_path_factory.mktemp("assets")
    shutil.copytree(config.ASSETS / "models", folder / "models", ignore=shutil.ignore_patterns(*NAMES, "encoder"))
    put_correlation(folder / "models")
    put_predictor(folder / "models")
    put_agent(folder / "models")
    return folder


@pytest.fixture(scope="module", autouse=True)
def warmed() -> None:
    warm()


@pytest.fixture(autouse=True)
def installed(assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """This test's own copy of the models, which is what is served; nothing is remembered from other tests."""
    folder = tmp_path / "assets"
    shutil.copytree(assets, folder)
    store = Store(state=None)
    monkeypatch.setattr(config, "ASSETS", folder)
    monkeypatch.setattr(config, "MODELS", ("classifier", "class-plans", "encoder", *NAMES))
    monkeypatch.setattr(models, "store", lambda: store)
    monkeypatch.setattr(tiers, "store", lambda: store)
    monkeypatch.setattr(attempts, "PACE", Pace())
    attempts._DEFAULTS.clear()
    tiers.class_plans.cache_clear()
    yield folder / "models"
    tiers.class_plans.cache_clear()


def adviser(path: Path, finish: Finish = Finish()) -> tiers.Adviser:
    picture = load(path)
    return tiers.Adviser(picture, extract(picture), UNKNOWN, finish, [], {}, picture.busyness())


def remove(folder: Path, name: str) -> None:
    shutil.rmtree(folder / name)


def flip(folder: Path, name: str) -> None:
    """Break a model by one byte in the middle of its graph."""
    path = next((folder / name).glob("*/model.onnx"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


BROKEN = pytest.mark.parametrize(("spoil", "why"), [(remove, "installed"), (flip, "hash")])


# ---- the right truth


def test_what_is_measured_is_likeness_to_the_reference(examples: Path) -> None:
    """Of a damaged picture the two truths differ, and both are told."""
    path = examples / "grotesk.jpg"
    picture = load(path)
    judge = reference(picture)
    assert judge is not picture
    result = convert.convert(path, REQUEST)
    height, width = picture.pixels.shape[:2]
    drawn = render(result.svg, width, height)
    assert result.actual_quality == pytest.approx(similarity(judge.pixels, drawn), abs=1e-6)
    assert result.ssim_to_input == pytest.approx(similarity(picture.pixels, drawn), abs=1e-6)
    assert result.actual_quality > result.ssim_to_input + 0.01
    assert result.default_quality and result.default_ssim_to_input
    record = result.record()
    assert record["ssim_to_input"] == result.ssim_to_input and record["default_ssim_to_input"] < 1


def test_a_clean_picture_is_its_own_reference(logo: Path) -> None:
    result = convert.convert(logo, REQUEST)
    assert result.actual_quality == result.ssim_to_input
    assert result.default_quality == result.default_ssim_to_input


def test_the_reference_is_made_once(examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(convert, "reference", lambda picture: made.append(1) or reference(picture))
    convert._REFERENCES.clear()
    for tier in (2, 3, 2):
        convert.convert(examples / "fish.jpg", replace(REQUEST, tier=tier))
    assert made == [1]


# ---- what a tier tries


@pytest.mark.parametrize("recipe", RECIPES)
def test_tier_1_takes_what_the_correlation_promises_most_of(logo: Path, installed: Path, recipe: str) -> None:
    remove(installed, "correlation")
    put_correlation(installed, first=recipe)
    result = convert.convert(logo, replace(REQUEST, tier=1))
    assert result.plan.recipe == recipe and result.candidates == 1 and result.actual_quality is None
    assert result.plan.to_cube() == pytest.approx(Plan(recipe).to_cube(), abs=1e-5)


def test_tier_1_leaves_out_what_will_probably_be_refused(logo: Path, installed: Path) -> None:
    remove(installed, "predictor")
    put_predictor(installed, fails="planar")
    assert "planar" not in [option.plan.recipe for option in adviser(logo).one()]
    few = [option.plan.recipe for option in adviser(logo).few()]
    assert few[0] == "vtracer" and "planar" not in few


def test_tier_2_tries_the_plain_drawing_and_what_the_predictor_likes(logo: Path) -> None:
    few = adviser(logo).few()
    assert few[0].plan == Plan("planar")
    assert few[0].quality == pytest.approx(0.95 + 0.04 * Plan("planar").to_cube()[4], abs=1e-4)
    searched = few[1]
    assert searched.plan.recipe == "planar" and searched.plan.to_cube()[4] > 0.9, (
        "the slope of the predictor is climbed"
    )
    assert searched.quality > few[0].quality
    assert len({str(option.plan) for option in few}) == len(few)


def test_what_was_measured_is_told_to_the_predictor(logo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Seen] = []
    score = Predictor.score

    def noted(self, embedding, features, recipe, points, seen=NOTHING):
        if len(points) > 1:
            told.append(seen)
        return score(self, embedding, features, recipe, points, seen)

    monkeypatch.setattr(Predictor, "score", noted)
    result = convert.convert(logo, replace(REQUEST, target_quality=1.0))
    assert told and NOTHING not in told, "nothing is searched before the first drawing is measured"
    last = told[-1]
    assert last.plain and last.default and last.default.reference == result.default_quality
    assert last.default.bytes == result.default_bytes
    assert result.candidates == tiers.FEW, "what was drawn is not drawn again"


def test_points_are_the_same_each_time_and_within_the_cube() -> None:
    anchors = [Plan("planar").to_cube(), np.ones(CUBE, np.float32)]
    points = tiers.scattered(anchors)
    assert points.shape == (tiers.POINTS, CUBE) and points.dtype == np.float32 and tiers.POINTS >= 256
    assert points.min() >= 0 and points.max() <= 1
    assert np.array_equal(points, tiers.scattered(anchors)) and np.array_equal(points[:2], anchors)


def test_the_best_of_what_was_measured_is_returned(logo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, int]] = []
    measured = attempts.Attempts._measured
    monkeypatch.setattr(
        attempts.Attempts, "_measured", lambda self, svg: seen.append((measured(self, svg), len(svg))) or seen[-1][0]
    )
    result = convert.convert(logo, replace(REQUEST, target_quality=1.0))
    assert 2 <= result.candidates <= tiers.FEW and len(seen) == result.candidates + 1
    best = max(j_score(m.quality, size, result.default_bytes) for m, size in seen)
    assert j_score(result.actual_quality, result.svg_bytes, result.default_bytes) == pytest.approx(best)


def test_tier_3_goes_on_from_the_best_for_at_most_8_traces(logo: Path) -> None:
    two = convert.convert(logo, replace(REQUEST, target_quality=1.0))
    three = convert.convert(logo, replace(REQUEST, tier=3, target_quality=1.0))
    assert three.selected_tier == 3 and tiers.FEW < three.candidates <= TRACES
    assert three.model_versions["agent"] == "1" and three.degraded == ()
    j = [j_score(r.actual_quality, r.svg_bytes, r.default_bytes) for r in (two, three)]
    assert j[1] >= j[0] - 1e-9


def test_predictions_are_those_of_the_plan_that_was_taken(logo: Path) -> None:
    for tier in (1, 2, 3):
        result = convert.convert(logo, replace(REQUEST, tier=tier, target_quality=1.0))
        assert result.predicted_quality == pytest.approx(adviser(logo).option(result.plan).quality, abs=1e-6)
        assert result.predicted_artwork == pytest.approx(0.9, abs=1e-4)


def test_it_stops_when_the_target_is_reached(logo: Path) -> None:
    for tier in (2, 3):
        assert convert.convert(logo, replace(REQUEST, tier=tier, target_quality=0.9)).candidates == 1


@pytest.mark.parametrize("liked", ["planar", "vtracer-flat"])
def test_of_a_damaged_picture_the_likeness_to_the_artwork_counts_too(
    logo: Path, monkeypatch: pytest.MonkeyPatch, liked: str
) -> None:
    jpeg = io.BytesIO()
    Image.open(logo).convert("RGB").resize((200, 200)).save(jpeg, "JPEG", quality=40)
    picture = load(jpeg.getvalue())
    assert reference(picture) is not picture
    monkeypatch.setattr(tiers.Adviser, "artwork", lambda self, plan: 0.9 if plan.recipe == liked else 0.5)
    monkeypatch.setattr(
        tiers.Adviser, "few", lambda self: [self.option(Plan(recipe)) for recipe in ("planar", "vtracer-flat")]
    )
    request = replace(REQUEST, target_quality=1.0)
    assert convert.convert(jpeg.getvalue(), request).plan.recipe == liked
    monkeypatch.setattr(tiers.Adviser, "artwork", lambda self, plan: 1 / 0)
    assert convert.convert(logo, request).plan.recipe, "a clean picture shows its artwork"


def test_tier_2_takes_half_of_the_time(logo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    budgets = []

    class Watched(attempts.Attempts):
        def __init__(self, *given, budget, **more):
            budgets.append(budget)
            super().__init__(*given, budget=budget, **more)

    monkeypatch.setattr(convert, "Attempts", Watched)
    for tier in (1, 2, 3):
        convert.convert(logo, replace(REQUEST, tier=tier, time_budget=4.0))
    assert budgets == [4.0, 2.0, 4.0]


def test_detail_moves_what_a_byte_costs(logo: Path) -> None:
    assert tiers.LAMBDA["low"] > tiers.LAMBDA["normal"] > tiers.LAMBDA["high"]
    assert tiers.j_of(0.99, 500, 1000, "normal") == pytest.approx(j_score(0.99, 500, 1000))
    assert tiers.j_of(0.99, 500, 1000, "low") == pytest.approx(0.99 + tiers.LAMBDA["low"])


def test_a_picture_that_is_reduced_before_it_is_traced_is_measured() -> None:
    """Its sides are in another proportion then, by rounding."""
    image = Image.new("RGB", (1500, 1001), "white")
    image.paste((200, 30, 40), (300, 200, 900, 700))
    out = io.BytesIO()
    image.save(out, "PNG")
    for tier in (1, 2):
        result = convert.convert(out.getvalue(), replace(REQUEST, tier=tier, validate=True))
        assert result.degraded == () and result.actual_quality > 0.99 and 'width="1500" height="1001"' in result.svg


# ---- the promises


def test_nobody_gets_less_than_vtracers_default(logo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all else is bad, the default is taken, shorter if that is as good."""
    empty = '<svg xmlns="http://www.w3.org/2000/svg" width="512" height="512" viewBox="0 0 512 512"></svg>'
    draw = attempts.draw

    def worse(picture, plan):
        return draw(picture, plan) if plan.knobs == tiers.FALLBACK.knobs and plan.recipe == "vtracer" else empty

    monkeypatch.setattr(attempts, "draw", worse)
    result = convert.convert(logo, REQUEST)
    assert result.plan == tiers.FALLBACK
    assert j_score(result.actual_quality, result.svg_bytes, result.default_bytes) >= result.default_quality
    monkeypatch.setattr(attempts, "draw", lambda picture, plan: empty)
    result = convert.convert(logo, REQUEST)
    assert result.plan == VTRACER_DEFAULT and result.actual_quality == result.default_quality
    assert result.svg_bytes == result.default_bytes and 'width="512" height="512"' in result.svg


def test_a_reduced_default_keeps_the_pictures_size(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    image = Image.fromarray(rng.integers(0, 255, (13, 17, 3), np.uint8)).resize((1700, 1300), Image.Resampling.NEAREST)
    out = io.BytesIO()
    image.save(out, "PNG")
    empty = '<svg xmlns="http://www.w3.org/2000/svg" width="1700" height="1300" viewBox="0 0 17 13"></svg>'
    monkeypatch.setattr(attempts, "draw", lambda picture, plan: empty)
    result = convert.convert(out.getvalue(), REQUEST)
    assert result.plan == VTRACER_DEFAULT and 'width="1700" height="1300"' in result.svg
    assert 'viewBox="0 0 1024 783"' in result.svg


@pytest.mark.parametrize("budget", [0.1, 0.3, 0.6])
def test_the_budget_is_kept(logo: Path, monkeypatch: pytest.MonkeyPatch, budget: float) -> None:
    """With drawings that take as long as they are predicted to: nothing is begun that does not fit."""
    draw = attempts.draw
    svg = draw(load(logo), Plan("planar"))

    def slow(picture, plan):
        time.sleep(0.05)
        return svg

    monkeypatch.setattr(attempts, "draw", slow)
    clock = time.perf_counter
    begin = clock()
    result = convert.convert(logo, replace(REQUEST, tier=3, target_quality=1.0, time_budget=budget))
    assert result.candidates >= 1
    assert clock() - begin <= max(1.05 * budget, 0.25), "beyond the first drawing nothing passes the budget"
    assert any("too short" in note for note in result.degraded) == (result.default_quality is None)


def test_what_this_picture_took_so_far_is_what_the_next_plan_is_given_room_for(
    logo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Predicted at 50 ms, taking 300: a second drawing would end after the budget, and is not begun."""
    svg = attempts.draw(load(logo), Plan("planar"))

    def slow(picture, plan):
        time.sleep(0.3)
        return svg

    monkeypatch.setattr(attempts, "draw", slow)
    result = convert.convert(logo, replace(REQUEST, target_quality=1.0, time_budget=0.75))
    assert result.candidates == 1 and result.actual_quality is not None
    again = convert.convert(logo, replace(REQUEST, target_quality=1.0, time_budget=20.0))
    assert again.candidates > 1


# ---- degrading


def test_a_model_that_is_no_part_of_the_product_is_not_missed(
    logo: Path, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove(installed, "correlation")
    monkeypatch.setattr(config, "MODELS", ("classifier", "class-plans"))
    assert convert.convert(logo, replace(REQUEST, tier=1)).degraded == ()


@BROKEN
def test_without_the_agent_it_is_tier_2(logo: Path, installed: Path, spoil, why: str) -> None:
    spoil(installed, "agent")
    result = convert.convert(logo, replace(REQUEST, tier=3, target_quality=1.0))
    assert result.selected_tier == 2 and result.candidates <= tiers.FEW and "agent" not in result.model_versions
    (note,) = result.degraded
    assert note.startswith("Searched as in tier 2: ") and "agent" in note and why in note


@BROKEN
def test_without_the_predictor_tier_1s_plans_are_measured(logo: Path, installed: Path, spoil, why: str) -> None:
    spoil(installed, "predictor")
    result = convert.convert(logo, replace(REQUEST, target_quality=1.0))
    assert result.selected_tier == 2 and result.actual_quality is not None and result.predicted_quality is None
    (note,) = result.degraded
    assert note.startswith("Chosen without predictions: ") and "predictor" in note and why in note
    both = convert.convert(logo, replace(REQUEST, tier=3))
    assert both.selected_tier == 2 and any("predictor" in note for note in both.degraded)


@BROKEN
def test_without_correlation_it_is_the_plain_drawing(logo: Path, installed: Path, spoil, why: str) -> None:
    spoil(installed, "correlation")
    result = convert.convert(logo, replace(REQUEST, tier=1))
    assert result.plan == Plan("planar")
    (note,) = result.degraded
    assert "correlation" in note and why in note


def test_without_any_model_everything_is_as_before(logo: Path, installed: Path) -> None:
    for name in NAMES:
        remove(installed, name)
    for tier in ("auto", 1, 2, 3):
        result = convert.convert(logo, replace(REQUEST, tier=tier))
        assert result.plan.recipe == "planar" and result.degraded and result.predicted_quality is None
    analysis = convert.analyze(logo)
    assert analysis.route and analysis.route.tier == 1 and "no predictor" in analysis.route.reason


def test_an_agent_that_breaks_on_the_way_leaves_what_there_is(logo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self, observation):
        raise models.ModelUnavailable("The agent model cannot be run (a test).")

    monkeypatch.setattr(tiers.Agent, "__call__", broken)
    result = convert.convert(logo, replace(REQUEST, tier=3, target_quality=1.0))
    assert result.actual_quality and any("ended early" in note and "a test" in note for note in result.degraded)


def test_a_predictor_that_breaks_on_the_way(logo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self, *_):
        raise models.ModelUnavailable("The predictor model cannot be run (a test).")

    monkeypatch.setattr(tiers.Predictor, "score", broken)
    for tier in ("auto", 1, 2, 3):
        result = convert.convert(logo, replace(REQUEST, tier=tier))
        assert result.svg and result.predicted_quality is None
        assert tier == 1 or any("a test" in note for note in result.degraded)


def only_the_last_resort_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = attempts.draw

    def only_small(picture, plan):
        if plan.knobs != tiers.LAST_RESORT.knobs:
            raise attempts.TraceFailed("a test")
        return draw(picture, plan)

    monkeypatch.setattr(attempts, "draw", only_small)


def test_where_every_recipe_fails_the_last_resort_draws(logo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_the_last_resort_draws(monkeypatch)
    for tier in (1, 2, 3):
        result = convert.convert(logo, replace(REQUEST, tier=tier))
        assert result.plan == tiers.LAST_RESORT and any("last resort" in note for note in result.degraded)


def test_another_version_is_used_at_once(logo: Path, installed: Path) -> None:
    assert convert.convert(logo, REQUEST).model_versions["predictor"] == "1"
    put_predictor(installed, version="2", artwork=0.7)
    tiers.store().pin("predictor", "2")
    result = convert.convert(logo, REQUEST)
    assert result.model_versions["predictor"] == "2" and result.predicted_artwork == pytest.approx(0.7)


def test_what_is_foretold_is_by_the_version_that_was_asked_for(logo: Path, installed: Path) -> None:
    put_predictor(installed, version="2", artwork=0.7)
    for version, artwork in (("1", 0.9), ("2", 0.7)):
        outlook = convert.predict(logo, [Plan("planar")], models={"predictor": version})
        assert outlook.predictions[0].artwork.value == pytest.approx(artwork, abs=1e-4) and not outlook.degraded
        assert outlook.model_versions["predictor"] == version
    missing = convert.predict(logo, [Plan("planar")], models={"predictor": "9"})
    assert missing.predictions[0] and any("predictor 9 was asked for" in note for note in missing.degraded)


def test_while_our_own_drawing_is_compiled_vtracer_draws_and_the_result_says_so(
    logo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiers.compiled, "pending", True)
    for tier in ("auto", 1, 2, 3):
        result = convert.convert(logo, replace(REQUEST, tier=tier))
        assert result.plan.recipe == "vtracer" and tiers.STILL_COMPILING in result.degraded


# ---- the router in the flow


def test_auto_goes_where_the_router_says(logo: Path) -> None:
    plenty = replace(REQUEST, tier="auto", target_quality=0.9)
    cheap = convert.convert(logo, plenty)
    assert cheap.selected_tier == 1 and cheap.route and cheap.route.tier == 1
    assert [e.tier for e in cheap.route.predictions] == [1, 2, 3] and cheap.reason.startswith(cheap.route.reason)
    assert cheap.route.predictions[0].measured and cheap.route.predictions[0].quality == cheap.actual_quality
    assert cheap.default_quality is None and cheap.candidates == 1, "nothing more was drawn than the tier itself draws"
    assert convert.convert(logo, replace(plenty, validate=True)).default_quality is not None
    hard = convert.convert(logo, replace(plenty, target_quality=1.0))
    assert hard.selected_tier == 3 and hard.route and hard.route.tier == 3
    assert tiers.FEW < hard.candidates <= TRACES and hard.default_quality is not None
    asked_for = convert.convert(logo, replace(plenty, tier=3, target_quality=1.0))
    assert hard.svg == asked_for.svg, "looking first takes nothing away"
    record = hard.record()
    assert record["route"]["predictions"][0].keys() == {"tier", "quality", "bytes", "seconds", "measured"}
    assert record["route"]["tier"] == 3


def test_auto_does_not_look_where_there_is_no_time(logo: Path) -> None:
    result = convert.convert(logo, replace(REQUEST, tier="auto", time_budget=0.001))
    assert result.selected_tier == 1 and result.actual_quality is None and result.candidates == 1
    assert result.route and "no time" in result.reason and [e.measured for e in result.route.predictions] == [False]
    seen = convert.convert(logo, replace(REQUEST, tier="auto", time_budget=0.001, validate=True))
    assert seen.actual_quality is not None and seen.default_quality is not None, "what was asked for is done"


def test_auto_says_where_nothing_draws(logo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_the_last_resort_draws(monkeypatch)
    result = convert.convert(logo, replace(REQUEST, tier="auto"))
    assert result.selected_tier == 1 and result.plan == tiers.LAST_RESORT and "no recipe draws" in result.reason


def test_a_tier_that_was_asked_for_is_not_routed(logo: Path) -> None:
    assert convert.convert(logo, REQUEST).route is None


@pytest.mark.parametrize("tier", convert.TIERS)
def test_a_plan_that_was_given_goes_before_any_tier(logo: Path, tier: convert.Tier) -> None:
    plan = Plan("vtracer", {"color_precision": 2})
    result = convert.convert(logo, replace(REQUEST, tier=tier, plan=plan, target_quality=1.0))
    assert result.plan == plan and result.candidates == 1 and result.route is None


def test_expected_times_are_those_of_the_planned_traces(logo: Path) -> None:
    """Played through by hand: 50 ms a trace, and measuring."""
    it, pace = adviser(logo), Pace()
    one, two, three = it.expected(1.0, 20.0, 0.1, pace)
    now = one.seconds - 0.05
    assert now > 0.1, "what choosing takes counts"
    assert one.bytes == 2048 and one.quality == pytest.approx(it.option(Plan("planar")).quality)
    each = 0.05 + it.measuring(2048) / 1000
    assert two.seconds == pytest.approx(now + (tiers.FEW + 1) * each, abs=2e-3)
    assert three.seconds == pytest.approx(now + (TRACES + 1) * each, abs=2e-3)
    assert two.quality > one.quality and three.quality >= two.quality
    short = it.expected(1.0, 2 * (0.1 + 2.5 * each), 0.1, pace)
    now = short[0].seconds - 0.05
    assert short[1].seconds == pytest.approx(now + 2 * each, abs=2e-3), "what does not fit into half the time"
    assert short[2].seconds > now + 4 * each, "tier 3 has all of it"


def test_what_was_drawn_is_where_the_tiers_go_on_from(logo: Path) -> None:
    it, pace = adviser(logo), Pace()
    plain = replace(it.option(it.plain), quality=0.985, bytes=700.0)
    one, two, three = it.expected(0.98, 20.0, 0.1, pace, plain)
    assert (one.quality, one.bytes, one.measured) == (0.985, 700, True) and one.seconds < 0.15
    assert two.quality == three.quality == 0.985 and two.seconds == three.seconds > one.seconds
    assert not (two.measured or three.measured)
    each = 0.05 + it.measuring(2048) / 1000
    one, two, three = it.expected(0.999, 20.0, 0.1, pace, replace(plain, quality=0.9))
    assert two.quality > 0.9 and three.seconds > two.seconds > one.seconds
    assert two.seconds == pytest.approx(one.seconds + tiers.FEW * each, abs=2e-3), "the default, and three more"


def test_routing_is_quick(logo: Path) -> None:
    it = adviser(logo)
    it.expected(0.98, 1.0, 0.0, Pace())
    begin = time.process_time()
    adviser_again = tiers.Adviser(it.picture, it.features, UNKNOWN, Finish(), [], {}, 0)
    adviser_again.expected(0.98, 1.0, 0.0, Pace())
    assert time.process_time() - begin < 0.1
