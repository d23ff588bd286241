"""The agent's world: it keeps gymnasium's contract, pays what a step gains, and what the agent sees says where it is."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from pipeline.agent import FAILED, OBSERVATION, TRACES, Progress, about, move, observe, search
from pipeline.features import Features
from pipeline.plan import CUBE, RECIPES, Plan
from training_colab.env import COLLAPSED, PAY, WASTE, PlanEnv, Scene

START = np.full(CUBE, 0.5, np.float32)


def scene(entropy: float = 3.0, recipe: str = "planar", dimensions: int = 16) -> Scene:
    features = np.zeros(len(Features.names()), np.float32)
    features[Features.names().index("entropy")] = entropy
    return Scene("made", recipe, features, np.zeros(dimensions, np.float32), START, 14.0)


class Bowl:
    """J falls with the square of the distance to a place that follows a picture's entropy; some of the cube draws nothing."""

    def __init__(self, *, hole: bool = False) -> None:
        self.hole = hole
        self.calls = 0

    def centre(self, scene: Scene) -> np.ndarray:
        entropy = float(scene.features[Features.names().index("entropy")])
        return np.full(CUBE, 0.3 + 0.4 * entropy / 8)

    def __call__(self, scene: Scene, points: np.ndarray) -> np.ndarray:
        self.calls += 1
        j = 0.98 - 0.1 * ((points - self.centre(scene)) ** 2).sum(axis=1)
        return np.where(self.hole & (points[:, 0] > 0.9), np.nan, j)


def test_it_keeps_the_contract():
    check_env(PlanEnv([scene(), scene(6.0, "vtracer", 0)], Bowl()), skip_render_check=True)


def test_an_episode_is_so_many_traces_and_pays_what_is_gained():
    scorer = Bowl()
    env = PlanEnv([scene()], scorer)
    seen, _ = env.reset(seed=1)
    assert seen.shape == (OBSERVATION,) and seen.dtype == np.float32
    total, steps, done = 0.0, 0, False
    while not done:
        seen, reward, done, cut, info = env.step(np.full(CUBE, 0.48))
        assert not cut
        total += reward
        steps += 1
    assert steps == TRACES - 1 and scorer.calls == TRACES
    # seven moves of 0.02 from 0.5 towards 0.45: the third overshoots, and from then on none is better
    best = max(0.98 - 0.1 * CUBE * (0.5 - 0.02 * k - 0.45) ** 2 for k in range(4))
    assert info["gain"] == pytest.approx(best - (0.98 - 0.1 * CUBE * 0.05**2), abs=1e-6)
    assert total <= PAY * info["gain"] + 1e-6


def test_staying_pays_nothing_and_falling_costs_a_little():
    env = PlanEnv([scene()], Bowl())
    env.reset(seed=0)
    assert env.step(np.full(CUBE, 0.5))[1] == pytest.approx(0)
    worse = 0.1 * CUBE * (0.6 - 0.45) ** 2 - 0.1 * CUBE * 0.05**2
    assert env.step(np.full(CUBE, 0.6))[1] == pytest.approx(-PAY * WASTE * worse, rel=1e-4)


def test_collapse_costs_and_is_never_the_best():
    env = PlanEnv([scene()], Bowl(hole=True))
    env.reset(seed=0)
    seen, reward, _, _, info = env.step(np.ones(CUBE))
    assert reward == -COLLAPSED and info["failed"] and info["gain"] == 0
    assert seen[-1] == 1 and np.array_equal(seen[-14 - 0 : -6], START), "the best point is still the start"


def test_doubt_is_drawn_anew_for_each_episode_and_vanishes_at_the_start():
    env = PlanEnv([scene()], Bowl(), doubt=0.01)
    exact = 0.98 - 0.1 * CUBE * 0.05**2
    levels = []
    for seed in (1, 2):
        env.reset(seed=seed)
        assert env._progress.start_j == pytest.approx(exact)
        env.step(np.full(CUBE, 0.6))
        levels.append(env._progress.last_j)
    assert levels[0] != levels[1] and all(abs(level - exact) < 0.15 for level in levels)


def test_the_same_seed_is_the_same_episode():
    env = PlanEnv([scene(1.0), scene(5.0), scene(7.0)], Bowl(), doubt=0.01)
    runs = []
    for _ in range(2):
        first = env.reset(seed=7)[0]
        runs.append(np.concatenate([first, env.step(np.full(CUBE, 0.7))[0]]))
    assert np.array_equal(*runs)


def test_no_scenes_are_no_world():
    with pytest.raises(ValueError):
        PlanEnv([], Bowl())
    with pytest.raises(RuntimeError):
        PlanEnv([scene()], Bowl()).step(START)


# ---- what the agent sees, and how it moves


def test_what_is_seen_has_its_places():
    features = np.arange(26, dtype=np.float32)
    seen = about(np.full(3, 9.0), features, "vtracer-flat")
    assert seen[:4].tolist() == [9, 9, 9, 0]
    assert seen[448:474] == pytest.approx(np.log1p(features))
    assert seen[474 : 474 + len(RECIPES)].tolist() == [float(name == "vtracer-flat") for name in RECIPES]
    progress = Progress.begin(START, 0.97).after(START * 0, 0.96)
    whole = observe(seen, progress)
    assert np.array_equal(whole[:482], seen)
    assert (
        whole[482:490] == pytest.approx(0.5)
        and whole[490:498] == pytest.approx(0)
        and whole[498:506] == pytest.approx(0.5)
    )
    assert whole[506:] == pytest.approx([-0.5, 0, 0.15, 0.15, 2 / TRACES, 0])


def test_half_an_action_moves_nothing_and_a_whole_one_half_the_cube():
    assert np.array_equal(move(START, np.full(CUBE, 0.5)), START)
    assert np.array_equal(move(START * 0.2, np.ones(CUBE)), np.full(CUBE, 0.6, np.float32))
    assert np.array_equal(move(START * 0.2, np.zeros(CUBE)), np.zeros(CUBE))


def test_a_search_traces_no_drawing_twice_and_returns_the_best():
    still = lambda seen: (np.full(CUBE, 0.5), np.full(CUBE, 0.01))  # noqa: E731
    start = Plan("vtracer").to_cube()
    bowl = Bowl()
    place = scene(recipe="vtracer")
    drawn: list[bytes] = []

    def measure(point):
        drawn.append(Plan.from_cube("vtracer", point).to_cube().tobytes())
        return float(bowl(place, point[None])[0])

    seen = about(place.embedding, place.features, "vtracer")
    found = search(still, seen, "vtracer", start, measure)
    assert len(drawn) == len(set(drawn)) == TRACES == len(found.tried)
    assert found.j == max(j for _, j in found.tried) and found.j >= found.tried[0][1]
    again = search(still, seen, "vtracer", start, measure)
    assert np.array_equal(found.point, again.point)


def test_a_search_stops_when_told_and_bears_failures():
    place = scene()
    seen = about(place.embedding, place.features, "planar")
    policy = lambda seen: (np.full(CUBE, 0.6), np.full(CUBE, 0.1))  # noqa: E731
    found = search(policy, seen, "planar", START, lambda point: None, traces=4)
    assert found.j == 1 + FAILED and len(found.tried) == 4 and np.array_equal(found.point, START)
    assert len(search(policy, seen, "planar", START, lambda point: 0.9, stop=lambda: True).tried) == 1
