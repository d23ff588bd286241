"""Train the agent by PPO on what the predictor says, export its policy, and compare it by real drawings.

    python -m training_colab.train_agent train ROWS.parquet OUT --steps 500000      resumes where OUT has a checkpoint
    python -m training_colab.train_agent export OUT [--models DIR] [--version 1]
    python -m training_colab.train_agent evaluate OUT --pictures 60 --oracle 200 --jobs 2

``train`` writes checkpoints, ``curve.csv`` and ``curve.png`` to OUT. ``evaluate`` draws pictures of families that nothing was
learned from, and writes ``evaluation.json`` there: efficiency as docs/models.md has it, at equal numbers of traces.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.agent import OBSERVATION, PICTURE, TRACES, Agent, about, knobs
from pipeline.features import Features
from pipeline.models import Store, write_model
from pipeline.plan import RECIPES
from pipeline.predict import Predictor
from pipeline.workers import Workers

from .comparison import agent_search, cma_search, compare, held_out, predictor_search, random_search, show
from .env import PlanEnv, PredictedScorer, Scene, Scorer, start_of

STEPS = 500_000


@dataclass(frozen=True)
class Settings:
    """How the agent is trained; the names are those of stable-baselines3."""

    steps: int = STEPS
    envs: int = 16
    n_steps: int = 112
    batch_size: int = 256
    n_epochs: int = 8
    learning_rate: float = 3e-4
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip_range: float = 0.2
    ent_coef: float = 0.0
    hidden: int = 128
    log_std: float = -1.6
    """Of an action at first: a spread of 0.2, two fifths of the reach."""
    doubt: float = 0.004
    """See `PlanEnv`: about what the predictor is wrong by between plans of one picture."""
    checkpoint_every: int = 20_000
    seed: int = 1


SMALL = Settings(steps=2048, envs=4, n_steps=64, batch_size=64, n_epochs=4, checkpoint_every=1024)


# ---- what it is trained on


def scenes(path: Path, predictor: Predictor, split: str = "train") -> list[Scene]:
    """A scene for each picture of a split and each recipe that its default could draw."""
    from .rows import read, read_pictures

    rows = read(path)
    embeddings = {}
    if predictor.encoder is not None:
        slot = predictor.encoder.card["inputs"][0]["name"]
        for number, seen in zip(*read_pictures(path), strict=True):
            found = predictor.encoder.run({slot: seen[None].astype(np.float32) / 255})
            embeddings[int(number)] = next(iter(found.values()))[0].astype(np.float32)
    made: dict[tuple[int, int], Scene] = {}
    for i in np.flatnonzero((rows.split == split) & rows.ok):
        key = int(rows.picture[i]), int(rows.recipe[i])
        if key not in made:
            recipe = list(RECIPES)[key[1]]
            made[key] = Scene(
                str(rows.name[i]),
                recipe,
                rows.features[i],
                embeddings.get(key[0], np.zeros(0, np.float32)),
                start_of(recipe, str(rows.label[i])),
                float(rows.default[i, 2]),
                rows.seen[i],
            )
    return list(made.values())


# ---- training


def train(world: Sequence[Scene], scorer: Scorer, out: Path, settings: Settings, *, resume: bool = True) -> Path:
    """Train by PPO, keeping checkpoints and the learning curve in `out`; returns the last checkpoint.

    Where `out` has checkpoints, training goes on from the newest.
    """
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.utils import set_random_seed
    from stable_baselines3.common.vec_env import DummyVecEnv

    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    (out / "settings.json").write_text(json.dumps(asdict(settings), indent=1) + "\n")
    envs = DummyVecEnv([lambda: PlanEnv(world, scorer, doubt=settings.doubt)] * settings.envs)
    envs.seed(settings.seed)
    found = newest(out) if resume else None
    if found:
        model = PPO.load(found, env=envs, device="cpu")
        set_random_seed(settings.seed + model.num_timesteps)
    else:
        chosen = {
            key: getattr(settings, key)
            for key in (
                "n_steps", "batch_size", "n_epochs", "learning_rate", "gamma",
                "gae_lambda", "clip_range", "ent_coef", "seed",
            )
        }  # fmt: skip
        model = PPO("MlpPolicy", envs, device="cpu", policy_kwargs=_policy(world, settings), **chosen)
        _start_still(model.policy)
        (out / "curve.csv").unlink(missing_ok=True)

    class Watch(BaseCallback):
        """Writes the curve, a row for each rollout, and checkpoints."""

        def __init__(self) -> None:
            super().__init__()
            self.saved = model.num_timesteps
            self.gains: list[float] = []
            self.failed: list[bool] = []
            self.returns: list[float] = []
            self.running = np.zeros(settings.envs)
            self.begin = time.perf_counter()
            self.first = model.num_timesteps

        def _on_step(self) -> bool:
            self.running += self.locals["rewards"]
            for i, (info, done) in enumerate(zip(self.locals["infos"], self.locals["dones"], strict=True)):
                self.failed.append(info["failed"])
                if done:
                    self.gains.append(info["gain"])
                    self.returns.append(float(self.running[i]))
                    self.running[i] = 0
            return True

        def _on_rollout_end(self) -> None:
            rate = (self.num_timesteps - self.first) / (time.perf_counter() - self.begin)
            spread = float(self.model.policy.log_std.detach().exp().mean())
            row = [self.num_timesteps, *map(_mean, (self.returns, self.gains, self.failed)), spread, rate]
            self.gains, self.returns, self.failed = [], [], []
            fresh = not (out / "curve.csv").exists()
            with (out / "curve.csv").open("a", newline="") as file:
                writer = csv.writer(file)
                if fresh:
                    writer.writerow(("steps", "return", "gain", "failed", "spread", "steps_per_second"))
                writer.writerow([row[0], *(f"{value:.6g}" for value in row[1:])])
            if self.num_timesteps - self.saved >= settings.checkpoint_every:
                self.saved = self.num_timesteps
                _save(self.model, out)

    left = settings.steps - model.num_timesteps
    if left > 0:
        model.learn(left, callback=Watch(), reset_num_timesteps=False)
        _save(model, out)
        draw_curve(out)
    last = newest(out)
    assert last is not None
    return last


def newest(out: Path) -> Path | None:
    """The checkpoint of most steps."""
    return max(out.glob("agent-*.zip"), key=lambda path: int(path.stem.split("-")[1]), default=None)


def _save(model: Any, out: Path) -> None:
    scratch = out / "saving.zip"
    model.save(scratch)
    scratch.replace(out / f"agent-{model.num_timesteps}.zip")  # whole or not at all


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan


def _policy(world: Sequence[Scene], settings: Settings) -> dict[str, Any]:
    from .policy import Standardised

    seen = np.stack([about(scene.embedding, scene.features, scene.recipe) for scene in world])
    mean, scale = np.zeros(OBSERVATION, np.float32), np.ones(OBSERVATION, np.float32)
    mean[:PICTURE] = seen[:, :PICTURE].mean(axis=0)
    spread = seen[:, :PICTURE].std(axis=0)
    scale[:PICTURE] = np.where(spread > 1e-6, spread, 1)
    return {
        "features_extractor_class": Standardised,
        "features_extractor_kwargs": {"mean": mean.tolist(), "scale": scale.tolist()},
        "net_arch": [settings.hidden, settings.hidden],
        "log_std_init": settings.log_std,
    }


def _start_still(policy: Any) -> None:
    """Let the untrained policy stay where it is: an action of a half moves nothing."""
    import torch

    with torch.no_grad():
        policy.action_net.weight.mul_(0.01)
        policy.action_net.bias.fill_(0.5)


def draw_curve(out: Path) -> Path:
    """``curve.png`` of ``curve.csv``."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with (out / "curve.csv").open() as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    figure, axes = pyplot.subplots(1, 3, figsize=(12, 3.2), layout="constrained")
    for axis, key, title in zip(
        axes,
        ("return", "gain", "spread"),
        ("reward of an episode", "J gained over the plan it starts from", "spread of an action"),
        strict=True,
    ):
        axis.plot([row["steps"] for row in rows], [row[key] for row in rows], linewidth=1)
        axis.set(title=title, xlabel="steps")
        axis.grid(alpha=0.3)
    figure.savefig(out / "curve.png", dpi=110)
    pyplot.close(figure)
    return out / "curve.png"


# ---- export


def export(out: Path, version: str, *, root: Path | None = None, metrics: dict[str, Any] | None = None) -> Path:
    """Write the newest checkpoint's policy into the models' folder as ONNX, held to what torch gives; returns the folder.

    The graph gives the mean action, cut to [0, 1], and its spread.
    """
    import torch
    from stable_baselines3 import PPO

    from .policy import Actor

    checkpoint = newest(out)
    if checkpoint is None:
        raise SystemExit(f"{out} has no checkpoint to export.")
    model = PPO.load(checkpoint, device="cpu")
    actor = Actor(model.policy).eval()
    rng = np.random.default_rng(0)
    seen = rng.standard_normal((16, OBSERVATION)).astype(np.float32)
    graph = io.BytesIO()
    program = torch.onnx.export(
        actor,
        (torch.from_numpy(seen),),
        input_names=["observation"],
        output_names=["action", "spread"],
        dynamic_shapes={"observation": {0: torch.export.Dim("n")}},
        external_data=False,
        verbose=False,
    )
    program.save(graph)
    with torch.no_grad():
        expected = [value.numpy() for value in actor(torch.from_numpy(seen))]
    settings = json.loads((out / "settings.json").read_text())
    evaluation = out / "evaluation.json"
    folder = write_model(
        "agent",
        version,
        graph.getvalue(),
        golden_inputs={"observation": seen},
        root=root,
        card={
            "features": list(Features.names()),
            "recipes": knobs(),
            "steps": model.num_timesteps,
            "settings": settings,
            "metrics": metrics or (json.loads(evaluation.read_text()) if evaluation.exists() else {}),
        },
    )
    served = Store(folder.parent.parent, state=None).load("agent", version).run({"observation": seen})
    worst = max(float(np.abs(a - b).max()) for a, b in zip(served.values(), expected, strict=True))
    if worst > 1e-4:
        raise SystemExit(f"The exported policy differs from torch's by {worst:.2g}.")
    print(f"{folder}: {model.num_timesteps} steps, largest difference from torch {worst:.1e}")
    return folder


# ---- the command


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, export or evaluate."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    learn = commands.add_parser("train")
    learn.add_argument("rows", type=Path)
    learn.add_argument("out", type=Path)
    learn.add_argument("--steps", type=int)
    learn.add_argument("--doubt", type=float)
    learn.add_argument("--seed", type=int)
    learn.add_argument("--fresh", action="store_true", help="begin anew where there are checkpoints")
    save = commands.add_parser("export")
    save.add_argument("out", type=Path)
    save.add_argument("--version", default="1")
    judge = commands.add_parser("evaluate")
    judge.add_argument("out", type=Path)
    judge.add_argument("--pictures", type=int)
    judge.add_argument("--oracle", type=int)
    judge.add_argument("--traces", type=int, default=TRACES)
    judge.add_argument("--jobs", type=int, default=1)
    judge.add_argument("--seed", default="evaluation")
    for command in (learn, save, judge):
        command.add_argument("--models", type=Path, help="folder of models (assets/models)")
    for command in (learn, judge):
        command.add_argument("--small", action="store_true", help="seconds, to see that it runs")
    options = parser.parse_args(arguments)
    if options.command == "export":
        export(options.out, options.version, root=options.models)
        return
    store = Store(options.models, state=None)
    predictor = Predictor(store)
    scorer = PredictedScorer(predictor)
    if options.command == "train":
        given = {key: getattr(options, key) for key in ("steps", "doubt", "seed") if getattr(options, key) is not None}
        settings = replace(SMALL if options.small else Settings(), **given)
        world = scenes(options.rows, predictor)
        print(f"{len(world)} scenes of {len({scene.name for scene in world})} artworks")
        begin = time.process_time()
        last = train(world, scorer, options.out, settings, resume=not options.fresh)
        print(f"{last}: {time.process_time() - begin:.0f} s of a core")
        return
    agent = Agent(store)
    with Workers(options.jobs) as workers:
        count = options.pictures or (3 if options.small else 60)
        subjects = held_out(count, options.seed, predictor, workers, small=options.small)
        result = compare(
            subjects,
            {
                "random": random_search,
                "cma": cma_search,
                "predictor": lambda *given: predictor_search(*given, scorer),
                "agent": lambda *given: agent_search(*given, agent),
            },
            workers,
            traces=options.traces,
            oracle=options.oracle or (12 if options.small else 200),
            jobs=options.jobs,
        )
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "evaluation.json").write_text(json.dumps(result, indent=1) + "\n")
    show(result)


if __name__ == "__main__":
    main()
