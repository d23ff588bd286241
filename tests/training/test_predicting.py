"""Rows, boosted trees, networks and their exports: on tiny sets made here, with truths that are known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import lightgbm
import numpy as np
import pytest
import torch

from pipeline.features import extract
from pipeline.models import Store, write_model
from pipeline.plan import CUBE, RECIPES, Plan
from pipeline.predict import (
    OUTPUTS,
    PLAIN,
    SEEN,
    Correlation,
    Outcome,
    Predictor,
    Seen,
    encoder_input,
    plan_input,
    schema,
)
from training_colab import rows as rows_module
from training_colab.data import Artwork, looks_held_out, perceptual_hash
from training_colab.degrade import DAMAGE, SIDES, Wear, wear
from training_colab.embed import compare
from training_colab.export import NotEqual, export_all, plans_graph, run_onnx, to_onnx, trees_graph
from training_colab.models import COLUMNS, Encoder, Head, Trees, TreeSettings, beside, natural, plan_matrix, targets
from training_colab.rows import Rows, Set, build, how_many, plans_for, read, read_pictures, split_of
from training_colab.train_correlation import Caution, Guesses, Knobs, gains, verdict
from training_colab.train_predictor import _ends, concordance, conformal, covered, regret

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">'


def _works() -> list[Artwork]:
    out = []
    for i, split in enumerate(["train"] * 8 + ["test"] * 4):
        svg = f'{HEAD}<circle cx="50" cy="{30 + 4 * i}" r="{15 + i}" fill="#{i % 10}0{9 - i % 10}"/></svg>'
        out.append(Artwork(f"disc{i}", f"{split}{i}", split, "simple", svg=svg))
    return out


def _rows(count: int = 600, seed: int = 0) -> Rows:
    """Rows whose likeness falls with the first feature and rises with the first knob, of ten plans a picture."""
    rng = np.random.default_rng(seed)
    pictures = count // 10
    features = np.repeat(rng.random((pictures, 26)), 10, axis=0).astype(np.float32)
    point, recipe = rng.random((count, CUBE)).astype(np.float32), rng.integers(0, len(RECIPES), count)
    likeness = 0.9 + 0.08 * point[:, 0] - 0.05 * features[:, 0]
    scores = np.stack([likeness, likeness - 0.01, 8 + 4 * point[:, 1], 1 + point[:, 2]], axis=1).astype(float)
    ok = ~((recipe == 1) & (features[:, 1] > 0.8))
    scores[~ok, :2] = np.nan
    text = np.full(count, "simple")
    return Rows(
        picture=np.repeat(np.arange(pictures), 10),
        features=features,
        seen=np.zeros((count, SEEN), np.float32),
        recipe=recipe,
        point=point,
        scores=scores,
        default=np.tile([0.92, 0.91, 10.0, 1.0], (count, 1)),
        ok=ok,
        split=text,
        label=text,
        family=text,
        condition=text,
        name=text,
        about={"small": True, "seed": "test", "content": "none"},
    )


# ---- rows


def test_a_picture_follows_from_its_number():
    pictures = Set(_works(), "seed")
    first, again = pictures.case(5), Set(_works(), "seed").case(5)
    assert (first.work.name, first.wear) == (again.work.name, again.wear)
    assert np.array_equal(first.picture().pixels, again.picture().pixels)
    assert {pictures.case(i).split for i in range(60)} >= {"train", "test"}
    assert all(split_of(pictures.case(i).work) == pictures.case(i).split for i in range(60))


def test_plans_begin_with_the_defaults_and_are_valid():
    cases = [Set(_works(), "seed").case(i) for i in range(40)]
    case = next(c for c in cases if c.split != "train")
    plans = plans_for(case, 20)
    assert [name for name, _ in plans[: len(RECIPES)]] == list(RECIPES)
    assert all({"vtracer", "planar"} <= {name for name, _ in plans_for(c, 6)[:3]} for c in cases)
    assert len(plans) == 20 and how_many(case, 6) in (6, 12, 64)
    for name, point in plans:
        assert np.allclose(Plan.from_cube(name, point).to_cube(), point, atol=1e-6)
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(plans, plans_for(case, 20), strict=True))


def test_wear_is_within_what_it_says():
    rng = np.random.default_rng(3)
    fates = [wear(rng) for _ in range(400)]
    assert {fate.side for fate in fates} <= set(SIDES) and any(fate.ground is None for fate in fates)
    assert {kind for fate in fates for kind in fate.damage} == set(DAMAGE)
    assert all(wear(rng, most=100, opaque=True).ground is not None for _ in range(50))
    red = np.zeros((4, 4, 4), np.uint8)
    red[..., 0], red[..., 3] = 255, 128
    assert Wear(4).on_ground(red)[0, 0].tolist() == [255, 127, 127, 255]


def test_held_out_drawings_are_known_again(monkeypatch):
    work = _works()[0]
    assert not looks_held_out(work)
    monkeypatch.setattr("training_colab.data.held_out_hashes", lambda: (perceptual_hash(work.draw(200)),))
    assert looks_held_out(work)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Iterator[Path]:
    """A file of rows of eight small pictures."""
    patch = pytest.MonkeyPatch()
    patch.setattr(rows_module, "kept_artworks", lambda **_: _works())
    patch.setattr("training_colab.degrade.SIDES", (32, 48))
    patch.setattr("training_colab.degrade._OFTEN", np.array([0.5, 0.5]))
    out = tmp_path_factory.mktemp("rows") / "rows.parquet"
    options = {"plans": 4, "jobs": 1, "seed": "test", "small": True}
    build(out, pictures=4, **options)
    log = out.with_suffix(".jsonl")
    whole = log.read_text()
    log.write_text(whole[: len(whole) - 50])  # as a run that was killed leaves it: the last picture's line is cut
    with log.open("a") as file:
        file.write("\n")
    build(out, pictures=8, **options)
    yield out
    patch.undo()


def test_rows_are_resumed_and_read(built):
    rows = read(built)
    assert sorted(set(rows.picture)) == list(range(8))
    assert np.all(np.diff(rows.picture) >= 0)
    case = Set(_works(), "test").case(int(rows.picture[0]))
    assert rows.name[0] == case.work.name and rows.condition[0] == str(case.wear)
    drawn = rows.where(rows.ok)
    assert np.all(drawn.scores[:, :2] > 0.3) and np.all(drawn.scores[:, 2] > 5)
    assert rows.j[rows.ok][0] == pytest.approx(drawn.scores[0, 0] - 0.001 * (drawn.scores[0, 2] - drawn.default[0, 2]))


def test_the_encoder_sees_the_same_again(built):
    numbers, thumbs = read_pictures(built)
    seen = encoder_input(Set(_works(), "test").case(int(numbers[3])).picture())
    assert np.array_equal(thumbs[3], np.rint(seen * 255).astype(np.uint8))
    assert np.array_equal(thumbs[3].astype(np.float32) / 255, seen)


def test_other_rows_are_not_mixed_in(built):
    with pytest.raises(SystemExit, match="holds rows of"):
        build(built, pictures=8, plans=4, jobs=1, seed="other", small=True)


def test_rows_tell_what_was_seen(built):
    rows = read(built)
    first = np.flatnonzero(rows.plain)
    assert len(first) == len(set(rows.picture)), "each picture has its plain drawing once"
    for i in first:
        known, mine = rows.seen[i], rows.seen[rows.picture == rows.picture[i]]
        assert known[3] == 1 and np.isclose(known[5], rows.default[i, 2], atol=1e-4)
        assert known[0] == (1 if rows.ok[i] else -1)
        if rows.ok[i]:
            assert np.isclose(known[2], rows.scores[i, 2], atol=1e-4)
        assert np.array_equal(mine, np.broadcast_to(known, mine.shape))
    twice = rows.both()
    assert len(twice.picture) == 2 * len(rows.picture) - len(first)
    assert not twice.seen[: len(rows.picture)].any() and not twice.plain[len(rows.picture) :].any()
    assert np.array_equal(plan_matrix(rows.blind()), plan_matrix(twice)[: len(rows.picture)])


# ---- what is learned


def test_targets_and_back():
    scores = np.array([[0.9, 1.0, 10, 2]])
    assert targets(scores)[0, 0] == pytest.approx(np.log10(0.1001))
    assert np.allclose(natural(targets(scores)), scores, atol=1e-9)


@pytest.fixture(scope="module")
def trees() -> Trees:
    """Trees of the rows with a known truth."""
    rows = _rows()
    return Trees.learn(plan_matrix(rows), rows, TreeSettings(trees=(80,) * len(COLUMNS)))


def test_trees_learn_and_their_graph_says_the_same(trees):
    test = _rows(seed=1)
    x = plan_matrix(test)
    found = trees.predict(x)
    assert np.abs(found[test.ok, 0] - test.scores[test.ok, 0]).mean() < 0.008
    assert found[~test.ok, 4].mean() > 5 * found[test.ok, 4].mean()
    served = run_onnx(plans_graph(trees, x.shape[1]), [x])
    assert served.shape == (len(x), len(COLUMNS)) and np.abs(served - found).max() < 1e-4


def test_what_was_seen_is_what_others_are_predicted_beside():
    rows = _rows()
    known = Seen(plain=Outcome(0.97, 2000), default=Outcome(0.92, 1024)).vector()
    seeing = replace(rows, seen=np.tile(known, (len(rows.picture), 1)))
    x = plan_matrix(seeing)
    step = beside(x)
    own = rows.recipe == 0
    assert np.allclose(step[own, 0], np.log10(0.0801)) and np.allclose(step[~own, 0], np.log10(0.0301))
    assert np.allclose(step[own, 2], 10) and not step[:, [1, 3, 4]].any() and not beside(plan_matrix(rows)).any()
    twice = Rows(**{k: np.concatenate([v, vars(seeing)[k]]) for k, v in vars(rows).items() if k != "about"}, about={})
    both = Trees.learn(plan_matrix(twice), twice, TreeSettings(trees=(30,) * len(COLUMNS)))
    for part in (rows, seeing):
        x = plan_matrix(part)
        assert np.abs(run_onnx(plans_graph(both, x.shape[1]), [x]) - both.predict(x)).max() < 2e-4
    torch.manual_seed(0)
    head = Head(x.shape[1], (8, 4)).eval()
    with torch.no_grad():
        blank = head.body(head.scale(torch.from_numpy(x)))
        assert np.allclose((head.raw(torch.from_numpy(x)) - blank).numpy(), step, atol=1e-5)


def test_numbers_on_a_threshold_go_the_same_way():
    x = np.linspace(0, 1, 500, dtype=np.float32)[:, None]
    booster = lightgbm.train({"verbose": -1, "num_leaves": 31, "min_data_in_leaf": 5}, lightgbm.Dataset(x, x[:, 0]), 20)
    bounds = np.array([t for b in booster.trees_to_dataframe()["threshold"].dropna() for t in (b,)])
    near = np.concatenate([bounds.astype(np.float32), np.nextafter(bounds.astype(np.float32), np.float32(2))])[:, None]
    assert np.abs(run_onnx(trees_graph([booster], 1), [near])[:, 0] - booster.predict(near.astype(float))).max() < 1e-5


def test_what_is_written_is_what_is_served(trees, tmp_path):
    rows = _rows()
    x = plan_matrix(rows)
    graph = plans_graph(trees, x.shape[1])
    intervals = conformal(trees.predict(x), rows)
    card = {**schema(), "embedding": 0, "intervals": {"blind": intervals.to_card(), "seeing": intervals.to_card()}}
    write_model("predictor", "1", graph, golden_inputs={"x": x[:8]}, card=card, root=tmp_path)
    predictor = Predictor(Store(tmp_path, state=None))
    picture = Set(_works(), "seed").case(1).picture()
    features = extract(picture)
    embedding = predictor.encode(picture, features)
    points = np.random.default_rng(2).random((50, CUBE)).astype(np.float32)
    found = predictor.score(embedding, features, "planar", points)
    expected = trees.predict(plan_input(embedding, features, "planar", points))
    assert np.allclose(found.reference, expected[:, 0], atol=1e-4) and np.allclose(
        found.fails, expected[:, 4], atol=1e-4
    )
    for name in OUTPUTS:
        assert np.all(found.low[name] <= found.high[name])


def test_a_head_and_an_encoder_are_served(tmp_path):
    torch.manual_seed(0)
    encoder, width = Encoder(pretrained=False).eval(), Encoder.size + 26 + SEEN + len(RECIPES) + CUBE
    head = Head(width, (16, 8)).eval()
    seen, x = torch.rand(2, 3, 128, 128), torch.rand(4, width)
    write_model(
        "encoder",
        "1",
        to_onnx(encoder, (seen,), ["picture"], "e"),
        golden_inputs={"picture": seen.numpy()},
        root=tmp_path,
    )
    intervals = conformal(np.zeros((600, 5)), _rows()).to_card()
    card = {**schema(), "embedding": Encoder.size, "intervals": {"blind": intervals, "seeing": intervals}}
    write_model(
        "predictor", "1", to_onnx(head, (x,), ["x"], "y"), golden_inputs={"x": x.numpy()}, card=card, root=tmp_path
    )
    predictor = Predictor(Store(tmp_path, state=None))
    picture = Set(_works(), "seed").case(1).picture()
    embedding = predictor.encode(picture, extract(picture))
    with torch.no_grad():
        expected = encoder(torch.from_numpy(encoder_input(picture))[None]).numpy()
    assert embedding.shape == (Encoder.size,) and compare(expected, embedding[None]).passed
    found = predictor.score(embedding, extract(picture), "vtracer", np.full((256, CUBE), 0.5))
    assert found.reference.shape == (256,) and np.ptp(found.reference) < 1e-5


def test_exports_run_and_a_wrong_one_is_noticed(tmp_path, monkeypatch):
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh())
    report = export_all("tiny", model, (torch.rand(5, 3),), ["x"], tmp_path)
    assert [row.format for row in report] == ["ONNX", "TorchScript", "torch.export"] and all(
        row.passed for row in report
    )
    assert {path.name for path in tmp_path.iterdir()} == {"model.onnx", "model.ts", "model.pt2", "report.json"}
    monkeypatch.setattr("training_colab.export.run_onnx", lambda graph, inputs: np.zeros((5, 4), np.float32) + 9)
    with pytest.raises(NotEqual, match="off by"):
        export_all("tiny", model, (torch.rand(5, 3),), ["x"], tmp_path)
    assert not (tmp_path / "model.onnx").exists()


def test_knobs_are_served_as_they_were_learned(tmp_path):
    rng = np.random.default_rng(4)
    features = rng.random((80, 26)).astype(np.float32)
    best = np.repeat(features[:, None, :1], len(RECIPES), axis=1) * np.ones(CUBE)
    gain = np.stack([features[:, 1], 1 - features[:, 1], np.full(80, -1.0)], axis=1)[:, : len(RECIPES)]
    knobs = Knobs.learn(features, best, gain, trees=60)
    write_model("correlation", "1", knobs.graph(), golden_inputs={"x": features[:4]}, card=schema(), root=tmp_path)
    features_of = extract(Set(_works(), "seed").case(1).picture())
    served = Correlation(Store(tmp_path, state=None)).suggest(features_of)
    expected = knobs.plans(features_of.vector())
    assert [s.plan.recipe for s in served] == [plan.recipe for plan, _ in expected]
    assert all(s.gain == pytest.approx(g, abs=1e-4) for s, (_, g) in zip(served, expected, strict=True))
    assert knobs.plans(features[features[:, 1].argmax()])[0][0].recipe == next(iter(RECIPES))


def test_another_recipe_is_taken_when_it_promises_enough():
    features = np.linspace(0, 1, 60)[:, None] * np.ones(26)
    best, default = np.full((2, 60, len(RECIPES), CUBE), 0.3), np.full((60, len(RECIPES), CUBE), 0.5)
    promise = np.tile([0.03 if name != PLAIN else 0.02 for name in RECIPES], (60, 1))
    guesses = Guesses(features, best[0], default, promise, promise - 0.01)
    for caution, knob, recipe in (
        (Caution(0.005, 0.005), 0.3, "vtracer"),
        (Caution(0.005, 0.02), 0.3, PLAIN),
        (Caution(0.02, 0.02), 0.5, PLAIN),
    ):
        plan, _ = guesses.learn(caution, trees=20).plans(features[30])[0]
        assert plan.recipe == recipe
        assert plan.to_cube()[0] == pytest.approx(Plan.from_cube(recipe, np.full(CUBE, knob)).to_cube()[0])


# ---- judging, by hand


def test_concordance_by_hand():
    picture = np.array([1, 1, 1, 2, 2])
    truth = np.array([0.1, 0.2, 0.3, 0.5, 0.5005])
    assert concordance(truth, truth, picture) == 1
    assert concordance(-truth, truth, picture) == -1
    assert concordance(np.array([1, 3, 2, 0, 0]), truth, picture) == pytest.approx(1 / 3)
    assert np.isnan(concordance(truth[3:], truth[3:], picture[3:]))


def test_regret_by_hand():
    rows = _rows(10)
    truth = np.linspace(0.90, 0.99, 10)
    rows = rows.where(np.arange(10))
    object.__setattr__(rows, "ok", np.array([True] * 9 + [False]))
    assert regret(truth, rows, truth)[0] == pytest.approx(
        0.98 - 0.92
    )  # it picks the one that failed: the default's 0.92
    assert regret(truth, rows, truth, fails=(~rows.ok).astype(float))[0] == pytest.approx(0)
    assert regret(-truth, rows, truth)[0] == pytest.approx(0.08)


def test_intervals_hold_nine_in_ten():
    assert _ends(np.arange(99.0)) == (4.0, 94.0)
    rows, fresh = _rows(6000), _rows(6000, seed=9)
    noisy = lambda r, seed: np.c_[  # noqa: E731
        np.nan_to_num(r.scores) + np.random.default_rng(seed).normal(0, 0.02, r.scores.shape), np.zeros(len(r.ok))
    ]
    inside = covered(noisy(fresh, 2), fresh, conformal(noisy(rows, 1), rows))
    assert np.all(np.abs(inside - 0.9) < 0.025)


def test_gains_and_verdict_by_hand():
    rows = _rows()
    assert gains(rows)[~rows.ok].max() == pytest.approx(-0.05)
    default = {"status": "ok", "reference": 0.9, "artwork": 0.8, "bytes": 100, "ms": 10}
    found = {"status": "ok", "reference": 0.95, "artwork": 0.9, "bytes": 50, "ms": 40}
    v = verdict([found, default], [default, default], [False, True])
    assert (
        v.gain == pytest.approx((0.1 + 0.001 - 0.002) / 2)
        and v.reference == pytest.approx(0.25)
        and v.artwork == pytest.approx(0.25)
    )
    assert v.bytes == pytest.approx(2**-0.5) and v.fell_back == 0.5 and v.worse == 0
    assert json.dumps(vars(v))
