"""Tier 1: features → a plan of each recipe, by a small model of each knob; and is it better than one plan for all?

    python -m training_colab.train_correlation build/data/rows.parquet [--models assets/models] [--small] [--pictures 150]

Two ways of learning are compared. *Imitation* regresses each knob to its value in the best plan that was measured for a
picture. *By the score* learns the score itself from all rows, lets it find each training picture's best point among many, and
regresses the knobs to that; how much it must promise to be believed is told by drawing pictures of the valid families. Each way
then draws pictures of families it never saw, beside each recipe's default, the best
constant plan, and the best of each picture's rows. The better one is written, and its learning curve is printed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import lightgbm
import numpy as np
from tqdm import tqdm

from pipeline.measure import LAMBDA, j_score
from pipeline.models import write_model
from pipeline.plan import CUBE, RECIPES, Plan
from pipeline.predict import PLAIN, schema, settled

from .data import kept_artworks
from .export import run_onnx, trees_graph
from .rows import CENTRES, SIZES, SMALL_SIZES, Rows, Ruler, Set, read

VERSION = "1"
FAILED = -0.05
"""J over the default that a plan counts as which drew nothing: below nearly all that do."""
WORST = -0.2
"""J over the default below which plans are all the same to the model of the score: it is to tell good ones apart."""
LARGE = 0.02
"""J that doubling the bytes costs beyond those of vtracer's default: the size is to be bounded, and a photo can always be drawn
in ten times as many shapes."""
MARGINS = (0.002, 0.005, 0.01, 0.02, 1.0)
"""Gains over a recipe's default from which another point may be believed to be better: the best of many is a lucky one."""
HANDICAPS = (0.0, 0.003, 0.006, 0.01, 0.02, 0.03, 0.05, 0.1)
"""Gains by which another recipe may have to be ahead of our own drawing's to be taken instead. Rows compare at 512 px,
where what our own drawing is ahead in on zooming in is not seen yet."""
ZOOMED = 1024
"""Long side, px, at which drawings are compared with the artwork where ways of choosing are judged: see measure.md."""
CANDIDATES = 300
"""Points among which the model of the score looks for a picture's best."""
SHARES = (0.125, 0.25, 0.5, 1.0)
"""Of the training pictures, for the learning curve."""


def gains(rows: Rows) -> np.ndarray:
    """(N,) what a plan gains over vtracer's default on the same picture.

    Likeness is that to the artwork: tier 1 measures nothing, so it need not go by what can be measured. Halving the bytes is
    worth `LAMBDA` of it, above those of the default `LARGE`; halving the time is worth `LAMBDA`, since tier 1 is to be quick.
    """
    likeness = rows.scores[:, 1] - rows.default[:, 1]
    size = rows.scores[:, 2] - rows.default[:, 2]
    slow = np.maximum((rows.scores[:, 3] - rows.default[:, 3]) * np.log2(10), 0)
    price = LAMBDA * (size + slow) + LARGE * np.maximum(size, 0)
    return np.clip(np.where(rows.ok, likeness - price, FAILED), WORST, None)


def _grow(
    x: np.ndarray, y: np.ndarray, *, trees: int, leaves: int, weight: np.ndarray | None = None
) -> lightgbm.Booster:
    options = {
        "objective": "regression",
        "num_leaves": leaves,
        "min_data_in_leaf": min(20, max(2, len(x) // 10)),
        "learning_rate": 0.05,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "num_threads": 1,
        "deterministic": True,
        "seed": 1,
        "verbose": -1,
    }
    return lightgbm.train(options, lightgbm.Dataset(x, y, weight=weight), trees)


@dataclass(frozen=True, eq=False)
class Knobs:
    """A model for every knob of every recipe, and one for what the recipe gains.

    `boosters` holds, recipe by recipe, those of the eight knobs and that of the gain.
    """

    boosters: tuple[lightgbm.Booster, ...]

    def plans(self, features: np.ndarray) -> list[tuple[Plan, float]]:
        """A plan of each recipe for features (26,), the most promising one first."""
        table = np.array([b.predict(features[None], num_threads=1)[0] for b in self.boosters]).reshape(-1, CUBE + 1)
        found = [(settled(name, row[:CUBE]), float(row[CUBE])) for name, row in zip(RECIPES, table, strict=True)]
        return sorted(found, key=lambda pair: -pair[1])

    @classmethod
    def learn(cls, features: np.ndarray, best: np.ndarray, gain: np.ndarray, *, trees: int) -> Knobs:
        """From pictures (P, 26), the best point of each recipe (P, recipes, 8), NaN where unknown, and what it gains."""
        boosters = []
        for r in range(len(RECIPES)):
            known = np.isfinite(gain[:, r])
            known_best = best[known, r]
            boosters += [_grow(features[known], known_best[:, k], trees=trees, leaves=6) for k in range(CUBE)]
            boosters.append(_grow(features[known], gain[known, r], trees=trees, leaves=12))
        return cls(tuple(boosters))

    def graph(self) -> bytes:
        """As ONNX: features (N, 26) → (N, recipes · 9)."""
        return trees_graph(self.boosters, len(schema()["features"]))


def by_imitation(rows: Rows, *, trees: int) -> Knobs:
    """Knobs as in the best plan measured for each picture."""
    gain = gains(rows)
    pictures, first = np.unique(rows.picture, return_index=True)
    best = np.full((len(pictures), len(RECIPES), CUBE), np.nan)
    top = np.full((len(pictures), len(RECIPES)), np.nan)
    for i, number in enumerate(pictures):
        for r in range(len(RECIPES)):
            mine = np.flatnonzero((rows.picture == number) & (rows.recipe == r))
            if len(mine):
                pick = mine[gain[mine].argmax()]
                best[i, r], top[i, r] = rows.point[pick], gain[pick]
    return Knobs.learn(rows.features[first], best, top, trees=trees)


def score_model(rows: Rows, *, trees: int) -> list[lightgbm.Booster]:
    """For each recipe, what a point gains on a picture that it draws: features and point (34 numbers) → gain.

    Whether it draws it is the predictor's to say, and found out by trying.
    """
    rows = rows.where(rows.ok)
    _, where, count = np.unique(rows.picture, return_inverse=True, return_counts=True)
    gain, found = gains(rows), []
    for r in range(len(RECIPES)):
        mine = rows.recipe == r
        x = np.concatenate([rows.features[mine], rows.point[mine]], axis=1)
        found.append(_grow(x, gain[mine], trees=trees, leaves=24, weight=1 / count[where][mine]))
    return found


def points_to_try(recipe: str) -> np.ndarray:
    """(CANDIDATES, 8): the recipe's default and other centres, and points around them."""
    rng = np.random.default_rng(7)
    centres = [Plan(recipe, knobs).to_cube() for knobs in CENTRES[recipe]]
    points = list(centres)
    while len(points) < CANDIDATES:
        reach = 0.03 * (0.45 / 0.03) ** rng.random()
        moved = rng.random(CUBE) < 0.6
        point = centres[int(rng.integers(len(centres)))] + moved * reach * rng.standard_normal(CUBE)
        points.append(Plan.from_cube(recipe, np.clip(point, 0, 1)).to_cube())
    return np.array(points, np.float32)


@dataclass(frozen=True)
class Caution:
    """See `MARGINS` and `HANDICAPS`."""

    margin: float
    handicap: float


@dataclass(frozen=True, eq=False)
class Guesses:
    """What the model of the score says of each picture (P) and recipe (R).

    Attributes
    ----------
    features : (P, 26)
    best, default : (P, R, 8)
        The mean of the five points that it likes best, which is steadier than the one; the recipe's default.
    promise, usual : (P, R)
        What it says of these.
    """

    features: np.ndarray
    best: np.ndarray
    default: np.ndarray
    promise: np.ndarray
    usual: np.ndarray

    def learn(self, caution: Caution, *, trees: int) -> Knobs:
        """Knobs as it likes them best where that promises enough, as usual elsewhere."""
        surely = self.promise > self.usual + caution.margin
        best = np.where(surely[..., None], self.best, self.default)
        behind = np.array([0.0 if name == PLAIN else caution.handicap for name in RECIPES])
        return Knobs.learn(self.features, best, np.where(surely, self.promise, self.usual) - behind, trees=trees)


def guessed(rows: Rows, *, trees: int) -> Guesses:
    """Learn the score from the rows, and ask it about each of their pictures."""
    models = score_model(rows, trees=trees)
    pictures, first = np.unique(rows.picture, return_index=True)
    features = rows.features[first]
    best = np.empty((len(pictures), len(RECIPES), CUBE))
    default = np.empty_like(best)
    promise, usual = np.empty((2, len(pictures), len(RECIPES)))
    for r, name in enumerate(RECIPES):
        points = points_to_try(name)
        for i in range(len(pictures)):
            x = np.concatenate([np.broadcast_to(features[i], (len(points), features.shape[1])), points], axis=1)
            value = models[r].predict(x, num_threads=1)
            few = np.argsort(-value, kind="stable")[:5]
            best[i, r], promise[i, r] = points[few].mean(axis=0), value[few].mean()
            default[i, r], usual[i, r] = points[0], value[0]  # the first point is the recipe's default
    return Guesses(features, best, default, promise, usual)


def cautious(guesses: Guesses, rows: Rows, pictures: Set, count: int, *, trees: int) -> Caution:
    """How careful to be, by drawing `count` of the rows' pictures by every margin and handicap: what gains most.

    A gain is that of `gains`, at `ZOOMED`; a plan that draws nothing is followed by the next recipe's.
    """
    ways = {margin: guesses.learn(Caution(margin, 0.0), trees=trees) for margin in MARGINS}
    total: dict[tuple[float, float], list[float]] = {(m, h): [] for m in MARGINS for h in HANDICAPS}
    for ruler, features in tqdm(_rulers(rows, pictures, count), total=count, unit="picture", mininterval=10):
        default = ruler.measure(None)
        if default["status"] != "ok":
            continue
        known: dict[str, float | None] = {}
        for margin, way in ways.items():
            plans = way.plans(features)
            for handicap in HANDICAPS:
                ranked = sorted(plans, key=lambda pair: -(pair[1] - handicap * (pair[0].recipe != PLAIN)))
                gained = 0.0
                for plan, _ in ranked:
                    key = json.dumps(plan.to_json(), sort_keys=True)
                    if key not in known:
                        known[key] = _gain(ruler.measure(plan), default)
                    if (found := known[key]) is not None:
                        gained = found
                        break
                total[margin, handicap].append(gained)
    print(
        f"\ngain by margin (down) and handicap (across), {count} pictures of the valid families, artwork at {ZOOMED} px:"
    )
    print(f"{'':8}" + "".join(f"{handicap:9.3f}" for handicap in HANDICAPS))
    means = {way: float(np.mean(found)) for way, found in total.items()}
    for margin in MARGINS:
        print(f"{margin:8.3f}" + "".join(f"{means[margin, handicap]:9.5f}" for handicap in HANDICAPS))
    return Caution(*max(means, key=lambda way: means[way]))


def _gain(row: dict, default: dict) -> float | None:
    """`gains` of one drawing; None where nothing was drawn."""
    if row["status"] != "ok":
        return None
    size = np.log2(row["bytes"] / default["bytes"])
    slow = max(np.log2(row["ms"] / default["ms"]), 0.0)
    price = LAMBDA * (size + slow) + LARGE * max(size, 0.0)
    return max(row["artwork"] - default["artwork"] - price, WORST)


def _rulers(rows: Rows, pictures: Set, count: int) -> Iterator[tuple[Ruler, np.ndarray]]:
    """Rulers that hold the artwork at `ZOOMED`, of `count` of the rows' pictures, with their features."""
    for number in sorted(set(rows.picture.tolist()), key=lambda number: (number * 2654435761) % 2**32)[:count]:
        case = pictures.case(int(number))
        ruler = replace(Ruler.of(case), truth=case.wear.on_ground(case.work.draw(ZOOMED)))
        yield ruler, rows.features[np.flatnonzero(rows.picture == number)[0]]


def best_constant(rows: Rows) -> Plan:
    """The one plan that the model of the score expects most of, over all training pictures."""
    models = score_model(rows, trees=200)
    _, first = np.unique(rows.picture, return_index=True)
    features = rows.features[first][:400]
    best, plan = -np.inf, Plan()
    for r, name in enumerate(RECIPES):
        points = points_to_try(name)
        x = np.concatenate([np.repeat(features, len(points), axis=0), np.tile(points, (len(features), 1))], axis=1)
        value = models[r].predict(x, num_threads=1).reshape(len(features), -1).mean(axis=0)
        if value.max() > best:
            best, plan = float(value.max()), Plan.from_cube(name, points[value.argmax()])
    return plan


@dataclass(frozen=True)
class Verdict:
    """Over drawn pictures, in the mean: J; what was to be gained, see `gains`; improvement by each likeness; bytes beside the
    default's, geometric mean; share that was below the default by J; share that fell back."""

    j: float
    gain: float
    reference: float
    artwork: float
    bytes: float
    worse: float
    fell_back: float


def verdict(found: list[dict], defaults: list[dict], fell: list[bool]) -> Verdict:
    """Compare drawings with the defaults on the same pictures."""
    pairs = list(zip(found, defaults, strict=True))
    j = np.array([j_score(a["reference"], a["bytes"], d["bytes"]) for a, d in pairs])
    base = np.array([d["reference"] for d in defaults])
    gone = lambda key: 1 - sum(1 - a[key] for a in found) / max(sum(1 - d[key] for d in defaults), 1e-9)  # noqa: E731
    return Verdict(
        j=float(j.mean()),
        gain=float(np.mean([_gain(a, d) for a, d in pairs])),
        reference=gone("reference"),
        artwork=gone("artwork"),
        bytes=float(2 ** np.mean([np.log2(a["bytes"] / d["bytes"]) for a, d in pairs])),
        worse=float((j < base - 5e-4).mean()),
        fell_back=float(np.mean(fell)),
    )


def compare(
    ways: dict[str, Callable[[Ruler, np.ndarray], list[Plan]]], rows: Rows, pictures: Set, count: int
) -> dict[str, Verdict]:
    """Draw `count` of the rows' pictures by the first plan of each way that works, else by vtracer's default; measure."""
    found: dict[str, tuple[list[dict], list[bool]]] = {name: ([], []) for name in ways}
    defaults: list[dict] = []
    for ruler, features in tqdm(_rulers(rows, pictures, count), total=count, unit="picture", mininterval=10):
        default = ruler.measure(None)
        if default["status"] != "ok":
            continue
        defaults.append(default)
        known: dict[str, dict] = {}
        for name, way in ways.items():
            best, fell = default, True
            for plan in way(ruler, features):
                key = json.dumps(plan.to_json(), sort_keys=True)
                if key not in known:
                    known[key] = ruler.measure(plan)
                row = known[key]
                if row["status"] == "ok":
                    best, fell = row, False
                    break
            found[name][0].append(best)
            found[name][1].append(fell)
    return {name: verdict(drawn, defaults, fell) for name, (drawn, fell) in found.items()}


def show(verdicts: dict[str, Verdict]) -> None:
    """Print the table."""
    print(f"{'':26}{'J':>9}{'gain':>9}{'reference':>11}{'artwork':>9}{'bytes':>8}{'worse':>8}{'fell back':>11}")
    for name, v in verdicts.items():
        print(
            f"{name:26}{v.j:9.4f}{v.gain:9.4f}{v.reference:11.1%}{v.artwork:9.1%}{v.bytes:8.2f}{v.worse:8.1%}"
            f"{v.fell_back:11.1%}"
        )


def main() -> None:
    """Learn both ways, compare, write the better one."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rows", type=Path)
    parser.add_argument("--models", type=Path, help="the folder of models to write to; the product's own by default")
    parser.add_argument("--pictures", type=int, help="pictures of unseen families to draw: 150, or 12 of the small set")
    parser.add_argument("--small", action="store_true", help="fewer trees and pictures, to see that it runs")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    rows = read(arguments.rows)
    trees = 40 if arguments.small else 200
    count = arguments.pictures or (12 if arguments.small else 150)
    pictures = Set(kept_artworks(**(SMALL_SIZES if rows.about["small"] else SIZES)), rows.about["seed"])
    learn, valid, test = (rows.where(rows.split == split) for split in ("train", "valid", "test"))
    guesses = guessed(learn, trees=trees)
    caution = cautious(guesses, valid, pictures, count, trees=trees)
    print(caution)
    imitation, score = by_imitation(learn, trees=trees), guesses.learn(caution, trees=trees)
    constant = best_constant(learn)
    print("best constant plan:", json.dumps(constant.to_json()))

    chosen = compare({"imitation": _first(imitation), "by the score": _first(score)}, valid, pictures, count)
    print(f"\non {count} pictures of the valid families, which choose the way:")
    show(chosen)
    best = max(chosen, key=lambda name: chosen[name].gain)
    knobs = {"imitation": imitation, "by the score": score}[best]

    def learned(part: Rows) -> Knobs:
        if best == "imitation":
            return by_imitation(part, trees=trees)
        return guessed(part, trees=trees).learn(caution, trees=trees)

    ways: dict[str, Callable[[Ruler, np.ndarray], list[Plan]]] = {
        "imitation": _first(imitation),
        "by the score": _first(score),
        "planar's default": lambda ruler, features: [Plan("planar"), Plan("vtracer", {"path_precision": 2})],
        "best constant plan": lambda ruler, features: [constant, Plan("vtracer", {"path_precision": 2})],
    }
    seen = np.unique(learn.picture)
    order = np.random.default_rng(1).permutation(seen)
    for share in SHARES[:-1]:
        part = learn.where(np.isin(learn.picture, order[: max(8, round(share * len(order)))]))
        ways[f"{best}, {share:.1%} of rows"] = _first(learned(part))
    judged = compare(ways, test, pictures, count)
    print(f"\non {count} pictures of families that nothing was learned from:")
    show(judged)
    top = [gains(test)[test.picture == number].max() for number in np.unique(test.picture)]
    print(f"{'best of each one’s rows':26}{'':9}{np.mean(top):9.4f}   (all test pictures)")
    folder = write(knobs, best, caution, rows, judged[best], arguments.models)
    print(f"\nto be served: {best}; written: {folder}")


def _first(knobs: Knobs) -> Callable[[Ruler, np.ndarray], list[Plan]]:
    return lambda ruler, features: [plan for plan, _ in knobs.plans(features)]


def write(knobs: Knobs, way: str, caution: Caution, rows: Rows, judged: Verdict, models: Path | None) -> Path:
    """Write the models of knobs where the product finds them, checked against the trees."""
    graph = knobs.graph()
    sample = rows.features[:: max(1, len(rows.features) // 32)][:32]
    expected = np.stack([b.predict(sample, num_threads=1) for b in knobs.boosters], axis=1)
    error = float(np.abs(run_onnx(graph, [sample]) - expected).max())
    if error > 1e-4:
        raise SystemExit(f"The exported models of knobs are off by {error:g}.")
    card = {
        **schema(),
        "kind": way,
        "caution": vars(caution),
        "columns": [f"{name}.{k}" for name in RECIPES for k in (*range(CUBE), "gain")],
        "data": rows.about,
        "metrics": {key: round(value, 5) for key, value in vars(judged).items()},
        "parity": error,
    }
    return write_model("correlation", VERSION, graph, golden_inputs={"x": sample}, card=card, root=models)


if __name__ == "__main__":
    main()
