"""Learn the classifier's rules: a small forest of shallow trees over the features, calibrated, written to its card.

    python -m training_colab.train_classifier [--jobs 2] [--version 1] [--small] [--models DIR]

Prints the confusion matrix on the families of the test split, accuracy, the calibration by bins, and the same by leaving
families of the whole list out in five turns; then writes ``assets/models/classifier/<version>/card.json``. scikit-learn is
needed here; serving needs the card alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from pipeline.classify import LABELS, Rules
from pipeline.features import Features, extract
from pipeline.models import write_card

from .data import CACHE, Artwork, artworks, data_hash, digest, kept_artworks
from .degrade import CONDITIONS
from .rows import SMALL_SIZES

VERSION = "1"
TREES = 12
DEPTH = 8
LEAF = 12
"""Trees, their depth, and the fewest rows of a leaf."""
VIEWS = 3
"""Conditions at which each artwork is shown."""
BINS = 10


@dataclass(frozen=True)
class Table:
    """Rows of features with labels, families and splits."""

    x: np.ndarray
    y: np.ndarray
    family: np.ndarray
    split: np.ndarray
    name: np.ndarray

    def where(self, mask: np.ndarray) -> Table:
        """The rows of a mask."""
        return Table(self.x[mask], self.y[mask], self.family[mask], self.split[mask], self.name[mask])


def views(work: Artwork) -> list[str]:
    """The conditions at which an artwork is shown, chosen by its name; transparency only where there can be some."""
    return sorted(CONDITIONS, key=lambda name: digest("view", work.name, name))[:VIEWS]


def rows(work: Artwork) -> list[tuple[str, np.ndarray]]:
    """The features of an artwork at its conditions."""
    cv2.setNumThreads(1)
    return [(name, extract(work.picture(name)).vector()) for name in views(work)]


def table(works: list[Artwork], jobs: int) -> Table:
    """The rows of all artworks; kept in the cache."""
    key = digest(data_hash(works), VIEWS, Features.names(), (_source_hash()))[:16]
    path = CACHE / f"features-{key}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as kept:
            return Table(**{name: kept[name] for name in ("x", "y", "family", "split", "name")})
    # spawned: a fork would copy locks that OpenCV's threads hold
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(rows, works, chunksize=8))
    flat = [(vector, work, name) for work, views_ in zip(works, found, strict=True) for name, vector in views_]
    made = Table(
        x=np.array([vector for vector, _, _ in flat], np.float32),
        y=np.array([LABELS.index(work.label) for _, work, _ in flat]),
        family=np.array([work.family for _, work, _ in flat]),
        split=np.array([work.split for _, work, _ in flat]),
        name=np.array([f"{work.name}@{name}" for _, work, name in flat]),
    )
    np.savez_compressed(path, x=made.x, y=made.y, family=made.family, split=made.split, name=made.name)
    return made


def _source_hash() -> str:
    import pipeline.features

    here = Path(__file__).parent
    return digest(*(p.read_text() for p in (Path(pipeline.features.__file__), here / "degrade.py", here / "data.py")))


def weights(y: np.ndarray) -> np.ndarray:
    """Rows of rare classes count more: by the root of how rare they are, halfway between as they come and balanced."""
    share = np.bincount(y, minlength=len(LABELS)) / len(y)
    return 1 / np.sqrt(np.maximum(share[y], 1e-6))


def learn(data: Table) -> list[dict]:
    """A forest as nested thresholds, see `pipeline.classify.Rules`."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(TREES, max_depth=DEPTH, min_samples_leaf=LEAF, max_features=0.5, random_state=1)
    forest.fit(data.x, data.y, sample_weight=weights(data.y))
    return [_tree(estimator.tree_) for estimator in forest.estimators_]


def _tree(tree) -> dict:
    def node(i: int) -> dict:
        if tree.children_left[i] < 0:
            full = np.zeros(len(LABELS))
            full[: tree.value.shape[2]] = tree.value[i, 0]
            return {"leaf": [round(float(v), 4) for v in full / full.sum()]}
        return {
            "feature": Features.names()[tree.feature[i]],
            "at_most": float(f"{tree.threshold[i]:.6g}"),
            "yes": node(tree.children_left[i]),
            "no": node(tree.children_right[i]),
        }

    return node(0)


def predict(rules: Rules, x: np.ndarray) -> np.ndarray:
    """(rows, labels) probabilities, by the code that serves."""
    return np.array([rules.probabilities(row) for row in x])


def fit_temperature(raw: np.ndarray, y: np.ndarray) -> float:
    """The power that probabilities are raised to, of least log loss (Guo et al. 2017 on log probabilities)."""
    powers = np.linspace(0.5, 4, 71)
    losses = []
    for power in powers:
        p = np.maximum(raw, 1e-4) ** power
        p /= p.sum(axis=1, keepdims=True)
        losses.append(-np.log(p[np.arange(len(y)), y]).mean())
    return round(float(powers[int(np.argmin(losses))]), 3)


def folds(family: np.ndarray, count: int = 5) -> np.ndarray:
    """The fold of each row; a family is in one fold alone."""
    order = {name: i for i, name in enumerate(sorted(set(family.tolist()), key=lambda f: digest("fold", f)))}
    return np.array([order[f] % count for f in family.tolist()])


def held_out(data: Table) -> np.ndarray:
    """(rows, labels): uncalibrated probabilities of each row by rules that never saw its family."""
    fold = folds(data.family)
    out = np.zeros((len(data.y), len(LABELS)))
    for turn in range(fold.max() + 1):
        rules = Rules.from_trees(learn(data.where(fold != turn)), power=1.0)
        out[fold == turn] = predict(rules, data.x[fold == turn])
    return out


def calibrated(raw: np.ndarray, power: float) -> np.ndarray:
    """Probabilities after calibration."""
    p = np.maximum(raw, 1e-4) ** power
    return p / p.sum(axis=1, keepdims=True)


def figures(p: np.ndarray, y: np.ndarray) -> dict:
    """Accuracy, ECE over ten bins, the correlation of confidence and accuracy by bin, and the confusion matrix."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    kept = [b for b in range(BINS) if (bins == b).sum() >= 10]
    said = np.array([confidence[bins == b].mean() for b in kept])
    true = np.array([right[bins == b].mean() for b in kept])
    share = np.array([(bins == b).mean() for b in kept])
    confusion = np.zeros((len(LABELS), len(LABELS)), int)
    np.add.at(confusion, (y, p.argmax(axis=1)), 1)
    recall = np.diag(confusion) / np.maximum(confusion.sum(axis=1), 1)
    return {
        "rows": len(y),
        "accuracy": round(float(right.mean()), 4),
        "balanced_accuracy": round(float(recall.mean()), 4),
        "ece": round(float((share * np.abs(said - true)).sum()), 4),
        "confidence_vs_accuracy_r": round(float(np.corrcoef(said, true)[0, 1]), 4) if len(kept) > 2 else None,
        "reliability": [
            [round(float(a), 3), round(float(b), 3), int((bins == k).sum())]
            for k, a, b in zip(kept, said, true, strict=True)
        ],
        "confusion": confusion.tolist(),
    }


def show(title: str, result: dict) -> None:
    """Print figures for people."""
    print(f"\n{title}: {result['rows']} rows, accuracy {result['accuracy']:.3f}, balanced {result['balanced_accuracy']:.3f}, "
          f"ECE {result['ece']:.3f}, r {result['confidence_vs_accuracy_r']}")  # fmt: skip
    print(f"{'':10}" + "".join(f"{label:>10}" for label in LABELS) + "    ← said")
    for label, line in zip(LABELS, result["confusion"], strict=True):
        print(f"{label:10}" + "".join(f"{n:10}" for n in line))
    print("confidence said → right: " + ", ".join(f"{a:.2f} → {b:.2f} ({n})" for a, b, n in result["reliability"]))


def main(given: Sequence[str] | None = None) -> None:
    """Learn, measure, write the card."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--version", default=VERSION)
    parser.add_argument("--models", type=Path, help="folder of models (assets/models)")
    parser.add_argument("--small", action="store_true", help="few artworks, to see that it runs")
    parser.add_argument("--dry", action="store_true", help="write no card")
    arguments = parser.parse_args(given)
    works = kept_artworks(**SMALL_SIZES) if arguments.small else artworks()
    data = table(works, arguments.jobs)
    train, test = data.where(data.split == "train"), data.where(data.split == "test")

    inner = held_out(train)
    power = fit_temperature(inner, train.y)
    trees = learn(train)
    tested = figures(calibrated(predict(Rules.from_trees(trees, power=1.0), test.x), power), test.y)
    show("test families", tested)
    every = held_out(data)
    crossed = figures(calibrated(every, fit_temperature(every, data.y)), data.y)
    show("every family left out in turn", crossed)
    wrong = np.flatnonzero(every.argmax(axis=1) != data.y)
    worst = wrong[np.argsort(-every[wrong].max(axis=1))][:12]
    print(
        "\nsurest mistakes: "
        + ", ".join(f"{data.name[i]} ({LABELS[data.y[i]]} → {LABELS[every[i].argmax()]})" for i in worst)
    )
    if arguments.dry:
        return
    card = {
        "name": "classifier",
        "version": arguments.version,
        "labels": list(LABELS),
        "features": list(Features.names()),
        "power": power,
        "trees": trees,
        "data": {"hash": data_hash(works), "artworks": len(works), "rows": len(data.y), "conditions": list(CONDITIONS)},
        "metrics": {"test_families": tested, "families_left_out_in_turn": crossed},
    }
    print("\nwritten:", write_card(card, root=arguments.models))


if __name__ == "__main__":
    main()
