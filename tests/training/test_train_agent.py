"""Training the agent: it learns what there is to learn, goes on where it was, and its exported policy is the trained one."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from test_env import Bowl, scene

from pipeline.agent import OBSERVATION, Agent
from pipeline.errors import ModelUnavailable
from pipeline.models import Store
from pipeline.picture import load
from pipeline.plan import CUBE, Plan
from pipeline.predict import SEEN
from pipeline.workers import Workers
from training_colab.comparison import (
    Subject,
    Tracer,
    agent_search,
    cma_search,
    compare,
    measure_default,
    measure_point,
    predictor_search,
    random_search,
    scatter,
)
from training_colab.env import PredictedScorer, Scene
from training_colab.train_agent import SMALL, Settings, export, newest, train

WORLD = [scene(entropy, recipe) for entropy in (0.0, 4.0, 8.0) for recipe in ("planar", "vtracer")]
LEARNING = Settings(steps=12_000, envs=8, n_steps=56, batch_size=112, hidden=64, doubt=0.0, checkpoint_every=6_000)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short training on a world that can be learned."""
    out = tmp_path_factory.mktemp("agent")
    train(WORLD, Bowl(), out, LEARNING)
    return out


@pytest.fixture(scope="module")
def installed(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models' folder with the exported policy."""
    root = tmp_path_factory.mktemp("models")
    export(trained, "1", root=root)
    return root


def curve(out: Path) -> list[dict[str, float]]:
    with (out / "curve.csv").open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def test_it_learns(trained):
    rows = curve(trained)
    gains = [row["gain"] for row in rows]
    assert rows[-1]["steps"] >= LEARNING.steps
    assert np.mean(gains[-3:]) > 1.3 * np.mean(gains[:3])
    assert (trained / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_it_beats_random_search_where_it_was_trained(trained, installed):
    agent, bowl = Agent(Store(installed, state=None)), Bowl()
    lacking: dict[str, list[float]] = {"agent": [], "random": []}
    for k, place in enumerate(WORLD):
        subject = Subject(place, None, None, 0.0, 1, "simple")
        measure = lambda point, place=place: float(bowl(place, np.asarray(point)[None])[0])  # noqa: E731
        for name, run in (("agent", lambda *a: agent_search(*a, agent)), ("random", random_search)):
            lacking[name].append(0.98 - run(subject, measure, np.random.default_rng(k), 8))
    assert np.mean(lacking["agent"]) < np.mean(lacking["random"])


def test_the_exported_policy_is_the_trained_one(trained, installed):
    import torch
    from stable_baselines3 import PPO

    model = PPO.load(newest(trained), device="cpu")
    agent = Agent(Store(installed, state=None))
    for seen in np.random.default_rng(3).normal(0, 2, (20, OBSERVATION)).astype(np.float32):
        action, spread = agent(seen)
        expected, _ = model.predict(seen, deterministic=True)
        assert action == pytest.approx(expected, abs=1e-5) and action.shape == (CUBE,)
        assert ((action >= 0) & (action <= 1)).all()
        assert spread == pytest.approx(torch.exp(model.policy.log_std).detach().numpy(), rel=1e-5)


def test_the_card_says_how_it_was_trained(installed):
    card = Store(installed, state=None).card("agent")
    assert card["steps"] >= LEARNING.steps and card["settings"]["seed"] == LEARNING.seed
    assert card["inputs"] == [{"name": "observation", "shape": [None, OBSERVATION], "dtype": "float32"}]


def test_an_agent_of_other_knobs_is_not_used(installed, tmp_path):
    from pipeline.models import write_model

    folder = installed / "agent" / "1"
    card = json.loads((folder / "card.json").read_text())
    golden = np.zeros((2, OBSERVATION), np.float32)
    changed = {**card, "recipes": {"vtracer": ["a"]}}
    graph = (folder / "model.onnx").read_bytes()
    write_model("agent", "1", graph, golden_inputs={"observation": golden}, card=changed, root=tmp_path)
    with pytest.raises(ModelUnavailable, match="other recipes"):
        Agent(Store(tmp_path, state=None))


def test_it_goes_on_where_it_was(tmp_path):
    first = train(WORLD, Bowl(), tmp_path, SMALL)
    count = len(curve(tmp_path))
    more = Settings(**{**vars(SMALL), "steps": SMALL.steps + 512})
    second = train(WORLD, Bowl(), tmp_path, more)
    assert first.name == f"agent-{SMALL.steps}.zip" and second.name == f"agent-{SMALL.steps + 512}.zip"
    rows = curve(tmp_path)
    assert len(rows) == count + 2 and rows[-1]["steps"] == SMALL.steps + 512
    assert train(WORLD, Bowl(), tmp_path, more) == second, "nothing is left to do"


# ---- what pays, and what it is compared with


class Graph:
    """A predictor of which only the graph is used: likeness is the first coordinate, bytes the second, failing the third."""

    slot = "plans"

    def __init__(self) -> None:
        self.rows = None
        self.model = self
        self.session = self
        self.card = {"recipes": ["vtracer", "planar", "vtracer-flat"]}

    def run(self, _, inputs):
        self.rows = inputs["plans"]
        points = self.rows[:, -CUBE:]
        return [np.stack([points[:, 0] * 2, points[:, 0], 10 + 4 * points[:, 1], points[:, 0], points[:, 2]], axis=1)]


def test_predicted_likeness_is_cut_and_bytes_cost():
    graph = Graph()
    scorer = PredictedScorer(graph)
    place = Scene("a", "planar", np.arange(26, dtype=np.float32), np.full(4, 7, np.float32), np.zeros(CUBE), 12.0)
    points = np.zeros((3, CUBE), np.float32)
    points[0, :2] = 0.4, 0.5
    points[1, :2] = 0.9, 0.0
    points[2, 2] = 0.9
    j = scorer(place, points)
    assert j[:2] == pytest.approx([0.8, 1.0 + 0.002]) and np.isnan(j[2])
    assert graph.rows.shape == (3, 4 + 26 + SEEN + 3 + CUBE)
    assert graph.rows[0, 30 : 30 + SEEN].tolist() == [0] * SEEN and graph.rows[0, 36:39].tolist() == [0, 1, 0]


def test_points_are_scattered_within_the_cube_and_the_same_each_time():
    start = Plan("vtracer").to_cube()
    points = scatter(start, 500, np.random.default_rng(1))
    assert points.shape == (500, CUBE) and points.min() >= 0 and points.max() <= 1
    assert np.array_equal(points, scatter(start, 500, np.random.default_rng(1)))
    assert np.median(np.abs(points - start).max(axis=1)) < 0.5, "most lie around the start"


@pytest.mark.parametrize("run", [random_search, cma_search])
def test_searches_use_no_more_traces_than_they_have(run):
    bowl, place = Bowl(hole=True), scene()
    asked: list[float] = []

    def measure(point):
        j = float(bowl(place, np.asarray(point)[None])[0])
        asked.append(j)
        return None if np.isnan(j) else j

    best = run(Subject(place, None, None, 0.0, 1, "simple"), measure, np.random.default_rng(0), 8)
    assert len(asked) == 8 and best == np.nanmax(asked)


def test_the_predictor_alone_finds_what_it_predicts_right():
    bowl, place = Bowl(), scene()
    measure = lambda point: float(bowl(place, np.asarray(point)[None])[0])  # noqa: E731
    subject = Subject(place, None, None, 0.0, 1, "simple")
    alone = predictor_search(subject, measure, np.random.default_rng(0), 8, bowl)
    assert alone >= random_search(subject, measure, np.random.default_rng(0), 8)


@pytest.mark.slow
def test_searches_are_compared_by_real_drawings(logo, installed):
    picture = load(logo).reduced(96)
    agent = Agent(Store(installed, state=None))
    with Workers(1) as workers:
        likeness, size = workers.call(measure_default, picture, picture, timeout=60).value
        assert 0.8 < likeness < 1 and size > 500
        place = Scene(
            "logo", "vtracer", np.zeros(26, np.float32), np.zeros(0, np.float32), Plan("vtracer").to_cube(), 12.0
        )
        subject = Subject(place, picture, picture, likeness, size, "simple")
        found = workers.call(measure_point, picture, picture, "vtracer", place.start, timeout=60).value
        assert found[0] == pytest.approx(likeness), "the start is vtracer's default"
        assert 0.5 * size < found[1] <= size
        assert Tracer(workers, subject)(place.start) == pytest.approx(likeness, abs=1e-3)
        result = compare(
            [subject] * 2,
            {"random": random_search, "agent": lambda *given: agent_search(*given, agent)},
            workers,
            traces=4,
            oracle=6,
        )
    searches = result["searches"]
    assert set(searches) == {"start", "random", "agent", "oracle"} and searches["oracle"]["efficiency"] == 1
    assert searches["agent"]["reward"] >= searches["start"]["reward"] <= searches["random"]["reward"]
