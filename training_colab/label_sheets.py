"""The labels against the eye: numbered sheets to label by hand without knowing the source's label, and the comparison.

    python -m training_colab.label_sheets build/labels --count 240 --seed 1    sheets, and the list of what is on them
    python -m training_colab.label_sheets --score                              the table of `docs/labels.md`

A tile bears its number alone: the name of a family gives its label away. Look at the sheets first, at ``sample.csv`` last.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import cv2
import numpy as np

from pipeline.classify import Label
from pipeline.picture import composite

from .data import FAMILIES, HERE, Artwork, digest, kept_artworks
from .rows import SIZES

BY_EYE = HERE / "labels_by_eye.csv"
LABELS: tuple[Label, ...] = get_args(Label)

SEED = 1
"""Of the sample in `BY_EYE`."""
COUNT = 240
TILE = 180
"""Long side of a drawing on a sheet, pixels: what is seen at a glance, and more than an icon is shown at."""
BAND = 16
"""Height of the strip with the number, pixels."""
SIDE = 5
"""Tiles along a side of a sheet."""


# ---- the sample and its sheets


def sample(works: Iterable[Artwork], count: int, seed: int) -> list[Artwork]:
    """`count` artworks in no telling order: as many of each label, and within a label as many of each family, as there are.

    The choice and the order are by hashes of `seed` and the names.
    """
    key = lambda work: digest("label sheet", seed, work.name)  # noqa: E731
    strata: dict[str, dict[str, list[Artwork]]] = defaultdict(lambda: defaultdict(list))
    for work in sorted(works, key=key):
        strata[work.label][work.family].append(work)
    queues = []
    for _, families in sorted(strata.items()):
        ranked = [(rank, work) for family in families.values() for rank, work in enumerate(family)]
        queues.append([work for _, work in sorted(ranked, key=lambda pair: (pair[0], key(pair[1])))])
    turns = [(turn, work) for queue in queues for turn, work in enumerate(queue)]
    chosen = sorted(turns, key=lambda pair: (pair[0], key(pair[1])))[:count]
    return sorted((work for _, work in chosen), key=lambda work: digest("order", seed, work.name))


def sheet(works: Sequence[Artwork], first: int) -> np.ndarray:
    """(H, W, 3) uint8 RGB: up to `SIDE`² drawings over white, numbered from `first`."""
    step = TILE + 12
    out = np.full((SIDE * (step + BAND), SIDE * step, 3), 200, np.uint8)
    for place, work in enumerate(works):
        small = composite(work.draw(TILE), 255)
        y, x = place // SIDE * (step + BAND), place % SIDE * step + 6
        number = (x, y + BAND - 3)
        cv2.putText(out, str(first + place), number, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
        out[y + BAND : y + BAND + small.shape[0], x : x + small.shape[1]] = small
    return out


def write_sheets(works: Sequence[Artwork], folder: Path) -> None:
    """``sheet-01.png`` …, each with its numbers, and ``sample.csv``: number, name, family, label."""
    folder.mkdir(parents=True, exist_ok=True)
    for page, first in enumerate(range(0, len(works), SIDE * SIDE), start=1):
        drawn = sheet(works[first : first + SIDE * SIDE], first + 1)
        cv2.imwrite(str(folder / f"sheet-{page:02}.png"), drawn[..., ::-1])
    with (folder / "sample.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("number", "name", "family", "label"))
        table.writerows((i, work.name, work.family, work.label) for i, work in enumerate(works, start=1))


# ---- the comparison


@dataclass(frozen=True)
class Rate:
    """A share and its 95 % interval, all 0–1."""

    share: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.share:.1%} ({self.low:.1%}–{self.high:.1%})"


def wilson(hits: float, trials: float) -> Rate:
    """Wilson's score interval for `hits` of `trials`, at 95 % (z = 1.96).

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if trials <= 0:
        raise ValueError(f"an interval needs trials, got {trials}")
    z, share = 1.959964, hits / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    reach = z / (1 + z * z / trials) * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return Rate(share, float(max(0.0, middle - reach)), float(min(1.0, middle + reach)))


@dataclass(frozen=True)
class Comparison:
    """Labels from the source beside those by eye.

    `table[source][eye]` counts; `sampled` is the error rate in the sample as drawn; `weighted` counts an artwork for all
    of its label and family, and `covered` is the share of the set that these are; `icons` is the rate among icons and
    logos, without the fonts, photos and generated pictures that are labelled by what they are made of, or None where
    there are none; `wrong` is (name, source, eye).
    """

    table: Mapping[Label, Mapping[Label, int]]
    sampled: Rate
    weighted: Rate
    icons: Rate | None
    covered: float
    wrong: tuple[tuple[str, Label, Label], ...]
    missing: tuple[str, ...]


def compare(works: Sequence[Artwork], eye: Mapping[str, Label]) -> Comparison:
    """The labels of `works` against those by eye, by name. Raises `ValueError` where no name is known."""
    known = {work.name: work for work in works if work.name in eye}
    if not known:
        raise ValueError(f"none of the {len(eye)} names labelled by eye is among the {len(works)} artworks")
    cells = Counter((work.label, work.family) for work in works)
    drawn = Counter((work.label, work.family) for work in known.values())
    table = {source: dict.fromkeys(LABELS, 0) for source in LABELS}
    wrong, weights, misses, icons = [], [], [], []
    for name, work in known.items():
        table[work.label][eye[name]] += 1
        weights.append(cells[work.label, work.family] / drawn[work.label, work.family])
        misses.append(eye[name] != work.label)
        icons.append(work.family in FAMILIES["npm"])
        if misses[-1]:
            wrong.append((name, work.label, eye[name]))
    weight, missed, icon = np.array(weights), np.array(misses), np.array(icons)
    # unequal weights tell as much as this many equal ones (Kish)
    trials = float(weight.sum() ** 2 / (weight**2).sum())
    return Comparison(
        table,
        wilson(int(missed.sum()), len(missed)),
        wilson(trials * float(weight[missed].sum() / weight.sum()), trials),
        wilson(int(missed[icon].sum()), int(icon.sum())) if icon.any() else None,
        sum(cells[cell] for cell in drawn) / len(works),
        tuple(sorted(wrong, key=lambda row: (row[1], row[2], row[0]))),
        tuple(sorted(set(eye) - set(known))),
    )


def read_labels(path: Path = BY_EYE) -> dict[str, Label]:
    """Name → label by eye. Raises `ValueError` on a label that is none."""
    with path.open(newline="") as file:
        rows = {row["name"]: row["label"] for row in csv.DictReader(file)}
    for name, label in rows.items():
        if label not in LABELS:
            raise ValueError(f"{path.name}: {name} is labelled {label!r}, expected one of {', '.join(LABELS)}")
    return rows  # type: ignore[return-value]


def report(found: Comparison) -> str:
    """The comparison as text."""
    lines = ["source \\ eye " + "".join(f"{label:>10}" for label in LABELS) + "   not what the eye says"]
    for source in LABELS:
        row = found.table[source]
        total = sum(row.values())
        share = str(wilson(total - row[source], total)) if total else "none in the sample"
        lines.append(f"{source:13}" + "".join(f"{row[label]:>10}" for label in LABELS) + f"   {share}")
    total = sum(sum(row.values()) for row in found.table.values())
    lines.append(f"\n{len(found.wrong)} of {total} labels disagree: {found.sampled}, 95 % Wilson interval")
    lines.append(
        f"weighted to the whole set: {found.weighted}; the sample's cells hold {found.covered:.1%} of the artworks"
    )
    if found.icons:
        lines.append(f"icons and logos alone: {found.icons}")
    lines += [f"  {name}: {source} by the source, {eye} by eye" for name, source, eye in found.wrong]
    if found.missing:
        lines.append(f"labelled by eye, but not in the set: {', '.join(found.missing)}")
    return "\n".join(lines)


def main(given: Sequence[str] | None = None) -> None:
    """Write the sheets, or print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, help="where the sheets go")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--score", action="store_true", help="compare the labels by eye with those from the source")
    arguments = parser.parse_args(given)
    if not arguments.score and arguments.folder is None:
        parser.error("a folder for the sheets, or --score")
    works = kept_artworks(**SIZES)
    if arguments.score:
        print(report(compare(works, read_labels())))
        return
    chosen = sample(works, arguments.count, arguments.seed)
    write_sheets(chosen, arguments.folder)
    print(f"{len(chosen)} artworks on sheets in {arguments.folder}")


if __name__ == "__main__":
    main()
