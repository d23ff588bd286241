"""Recall and precision of shapes, gradients and thin strokes on generated pictures whose truth is known.

    python -m benchmarks.recall                # --scenes 60 --seed 1

A shape counts as found where the SVG has it as what it is (circle, ellipse, rectangle, rounded rectangle; a path that is
exactly one counts, and is counted separately) within a tenth of a pixel or a hundredth of its size; a gradient where its
kind and colours are right and it is the only one; a pixel of a thin stroke where at least half of its darkness is drawn.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from pipeline.picture import composite
from pipeline.render import render

from .drawn import (
    Inside,
    Shape,
    Subpath,
    box,
    coverage,
    disc,
    draw,
    farthest,
    gradients,
    oval,
    pixels,
    polygon,
    round_subpath,
    shapes,
    stroke,
)

CELL = 60
"""Side of the square that a shape lies in, px."""
TARGETS = {"circle": 0.95, "ellipse": 0.95, "rectangle": 0.95, "rounded": 0.95, "gradients": 0.90, "strokes": 0.80}
COLOURS = [(20, 40, 160), (210, 30, 40), (30, 150, 60), (240, 180, 30), (90, 20, 120), (40, 40, 40), (0, 140, 170)]
WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Truth:
    """A shape as it was drawn: kind, numbers, colour."""

    kind: str
    numbers: tuple[float, ...]
    inside: Inside


def a_shape(rng: np.random.Generator, kind: str, cx: float, cy: float) -> Truth:
    """A shape of a kind, of random size and place within its cell."""
    cx, cy = cx + rng.uniform(-2, 2), cy + rng.uniform(-2, 2)
    a, b = rng.uniform(14, 24), rng.uniform(6, 12)
    degrees = float(rng.choice([0.0, 90.0, rng.uniform(0, 180)]))
    if kind == "circle":
        r = rng.uniform(3, 24)
        return Truth(kind, (cx, cy, r), disc(cx, cy, r))
    if kind == "ellipse":
        return Truth(kind, (cx, cy, a, b, degrees), oval(cx, cy, a, b, degrees))
    if kind == "rectangle":
        return Truth(kind, (cx, cy, 2 * a, 2 * b, degrees), box(cx, cy, 2 * a, 2 * b, degrees))
    if kind == "rounded":
        r = rng.uniform(2.5, b - 1.5)
        return Truth(kind, (cx, cy, 2 * a, 2 * b, r), box(cx, cy, 2 * a, 2 * b, 0.0, r))
    decoy = rng.integers(4)
    if decoy == 0:  # a regular polygon
        n = int(rng.integers(5, 9))
        t = np.arange(n) * 2 * np.pi / n + rng.uniform(0, 6)
        return Truth("other", (), polygon(*zip(cx + a * np.cos(t), cy + a * np.sin(t), strict=True)))
    if decoy == 1:  # a superellipse
        return Truth("other", (), lambda x, y: np.abs((x - cx) / a) ** 3 + np.abs((y - cy) / a) ** 3 <= 1)
    if decoy == 2:  # a half disc
        return Truth("other", (), lambda x, y: disc(cx, cy, a)(x, y) & (y > cy))
    skew = rng.uniform(3, 6)  # a parallelogram
    return Truth(
        "other", (), polygon((cx - a, cy - b), (cx + a - skew, cy - b), (cx + a, cy + b), (cx - a + skew, cy + b))
    )


def found_in(svg: str) -> list[tuple[str, str, tuple[float, ...]]]:
    """What the SVG says: kind, whether it is an element or a path, and the numbers of `Truth`."""
    found: list[tuple[str, str, tuple[float, ...]]] = []
    for shape in shapes(svg):
        if shape.tag == "circle":
            found.append(("circle", "element", (shape["cx"], shape["cy"], shape["r"])))
        elif shape.tag == "ellipse":
            turn = re.search(r"rotate\(([-\d.]+)", shape.attributes.get("transform", ""))
            angle = float(turn[1]) if turn else 0.0
            found.append(("ellipse", "element", (shape["cx"], shape["cy"], shape["rx"], shape["ry"], angle)))
        elif shape.tag == "rect":
            found.append(_rect(shape))
        else:
            found += [item for subpath in shape.subpaths if (item := _of_path(subpath))]
    return found


def _rect(shape: Shape) -> tuple[str, str, tuple[float, ...]]:
    w, h = shape["width"], shape["height"]
    turn = re.search(r"rotate\(([-\d.]+)", shape.attributes.get("transform", ""))
    place = (shape["x"] + w / 2, shape["y"] + h / 2, w, h)
    radius = shape["rx"] or shape["ry"]
    if radius:
        return "rounded", "element", (*place, radius)
    return "rectangle", "element", (*place, float(turn[1]) if turn else 0.0)


def _of_path(subpath: Subpath) -> tuple[str, str, tuple[float, ...]] | None:
    """A subpath that is exactly a circle, ellipse, rectangle or rounded rectangle."""
    if circle := round_subpath(subpath):
        return "circle", "path", circle
    letters = [segment.letter for segment in subpath.segments]
    points = subpath.vertices
    if letters == ["A", "A"]:
        rx, ry, angle = subpath.segments[0].numbers[:3]
        return "ellipse", "path", (*points.mean(axis=0), rx, ry, angle)
    if subpath.straight and len(points) == 4:
        sides = np.roll(points, -1, axis=0) - points
        lengths = np.hypot(*sides.T)
        across = [abs(float(sides[i] @ sides[i - 1])) / max(lengths[i] * lengths[i - 1], 1e-9) for i in range(4)]
        if max(across) < 0.03:
            angle = float(np.degrees(np.arctan2(sides[0, 1], sides[0, 0])))
            return "rectangle", "path", (*points.mean(axis=0), lengths[[0, 2]].mean(), lengths[[1, 3]].mean(), angle)
    arcs = [segment.numbers[0] for segment in subpath.segments if segment.letter == "A"]
    if len(arcs) == 4 and len(letters) in (7, 8) and set(letters) <= set("AHVL") and np.ptp(arcs) < 0.5:
        low, high = points.min(axis=0), points.max(axis=0)
        return "rounded", "path", (*((low + high) / 2), *(high - low), float(np.mean(arcs)))
    return None


def is_near(truth: Truth, kind: str, numbers: tuple[float, ...]) -> bool:
    """Whether a found shape is the true one, within a tenth of a pixel or a hundredth of its size."""
    if kind != truth.kind:
        return False
    near = max(0.1, 0.01 * max(truth.numbers[2:4]))
    if kind == "ellipse":
        a, b = (_spread(*n[2:]) for n in (truth.numbers, numbers))
        return bool(np.abs(np.subtract(truth.numbers[:2], numbers[:2])).max() <= near and np.abs(a - b).max() <= near)
    if kind == "rectangle":
        return farthest(_corners(*numbers), _corners(*truth.numbers)) <= 1.5 * near
    parts = np.abs(np.subtract(truth.numbers, numbers))
    return bool(parts[:4].max() <= near and (len(parts) < 5 or parts[4] <= 3 * near))


def _spread(rx: float, ry: float, degrees: float) -> np.ndarray:
    """Half the extents of an ellipse along eight directions: what is equal where ellipses are."""
    t = np.radians(degrees) - np.arange(8) * np.pi / 8
    return np.hypot(rx * np.cos(t), ry * np.sin(t))


def _corners(cx: float, cy: float, w: float, h: float, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([(-w, -h), (w, -h), (w, h), (-w, h)]) / 2 @ np.array([[c, s], [-s, c]]) + (cx, cy)


def recall_of_shapes(scenes: int, seed: int) -> dict[str, Counter[str]]:
    """By kind: true, found, found as an element, claimed, and claimed wrongly."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in ("circle", "ellipse", "rectangle", "rounded")}
    for scene in range(scenes):
        rng = np.random.default_rng([seed, scene])
        kinds = rng.permutation(["circle", "ellipse", "rectangle", "rounded", "other", str(rng.choice(list(counts)))])
        colours = rng.permutation(len(COLOURS))
        truths, layers = [], []
        for i, kind in enumerate(kinds):
            truth = a_shape(rng, str(kind), CELL * (i % 3 + 0.5), CELL * (i // 3 + 0.5))
            truths.append(truth)
            layers.append((truth.inside, COLOURS[colours[i]]))
        svg = draw(pixels(3 * CELL, 2 * CELL, WHITE, *layers))
        found = [item for item in found_in(svg) if not _is_ground(item[2])]
        right: set[int] = set()
        for truth in truths:
            if truth.kind == "other":
                continue
            counts[truth.kind]["true"] += 1
            hit = next((k for k, (kind, _, n) in enumerate(found) if k not in right and is_near(truth, kind, n)), None)
            if hit is not None:
                right.add(hit)
                counts[truth.kind]["found"] += 1
                counts[truth.kind]["as an element"] += found[hit][1] == "element"
        cells = {(i % 3, i // 3): truth.kind for i, truth in enumerate(truths)}
        for kind, _, n in found:
            counts[kind]["claimed"] += 1
            counts[kind]["wrong"] += cells.get((int(n[0] // CELL), int(n[1] // CELL))) != kind
    return counts


def _is_ground(numbers: tuple[float, ...]) -> bool:
    return len(numbers) > 3 and numbers[2] >= 3 * CELL - 1


def recall_of_gradients(scenes: int, seed: int) -> dict[str, Counter[str]]:
    """By kind (linear, radial, flat): true, found, and a gradient of another kind or of a flat region."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in ("linear", "radial", "flat")}
    side = 96
    y, x = np.mgrid[0:side, 0:side] + 0.5
    for scene in range(scenes):
        for kind in counts:
            rng = np.random.default_rng([seed, scene, len(kind)])
            a, b = rng.uniform(0, 255, 3), rng.uniform(0, 255, 3)
            while np.abs(a - b).max() < 60:
                b = rng.uniform(0, 255, 3)
            if kind == "linear":
                angle = rng.choice([0, 90, 45, rng.uniform(0, 180)])
                u = np.cos(np.radians(angle)) * (x - 48) + np.sin(np.radians(angle)) * (y - 48)
                t = np.clip(u / rng.uniform(70, 110) + 0.5, 0, 1)
            elif kind == "radial":
                fx, fy = rng.uniform(35, 61, 2)
                t = np.clip(np.hypot(x - fx, y - fy) / rng.uniform(45, 70), 0, 1)
            else:
                t = np.zeros((side, side))
            shading = a * (1 - t[..., None]) + b * t[..., None]
            inside = [disc(48, 48, 38.4), box(48, 48, 76.6, 60.4, r=12), box(48, 48, 70, 50, 20)][rng.integers(3)]
            rgba = pixels(side, side, WHITE, (inside, shading))
            svg = draw(rgba)
            kinds = Counter(element.tag.rpartition("}")[2].removesuffix("Gradient") for element in gradients(svg))
            deep = cv2.erode((coverage(inside, side, side, 2) == 1).astype(np.uint8), np.ones((5, 5))) > 0
            away = np.abs(composite(render(svg, side, side)).astype(float) - composite(rgba))[deep].mean()
            counts[kind]["true"] += 1
            counts[kind]["found"] += (kinds == {kind: 1} or (kind == "flat" and not kinds)) and away < 2
            for other, number in kinds.items():
                counts[other]["claimed"] += number
                counts[other]["wrong"] += number if other != kind else number - 1
    return counts


def recall_of_strokes(scenes: int, seed: int) -> dict[str, Counter[str]]:
    """By width: pixels of strokes, and those drawn with at least half their darkness; straight ones and circles."""
    counts: dict[str, Counter[str]] = {}
    for scene in range(scenes):
        for width in (0.5, 0.75, 1.0):
            for kind in ("straight", "curved"):
                rng = np.random.default_rng([seed, scene, int(width * 100), len(kind)])
                if kind == "straight":
                    ax, ay, bx, by = rng.uniform(8, 88, 4)
                    while np.hypot(bx - ax, by - ay) < 40:
                        ax, ay, bx, by = rng.uniform(8, 88, 4)
                    if rng.random() < 0.3:
                        by = ay
                    inside = stroke(ax, ay, bx, by, width)
                else:
                    cx, cy, r = *rng.uniform(40, 56, 2), rng.uniform(15, 34)
                    outer, inner = disc(cx, cy, r + width / 2), disc(cx, cy, r - width / 2)
                    inside = lambda x, y, o=outer, i=inner: o(x, y) & ~i(x, y)  # noqa: E731
                shown = pixels(96, 96, WHITE, (inside, COLOURS[rng.integers(len(COLOURS))]))
                drawn = 255.0 - composite(render(draw(shown), 96, 96))
                truth = 255.0 - composite(shown)
                dark, there = truth.sum(axis=2), drawn.sum(axis=2)
                on = dark > 0.25 * dark.max()
                count = counts.setdefault(f"{width:g} px, {kind}", Counter())
                count["true"] += int(on.sum())
                count["found"] += int((there[on] >= dark[on] / 2).sum())
                count["claimed"] += int((there > 0.25 * dark.max()).sum())
                count["wrong"] += int(((there > 0.25 * dark.max()) & (dark < 0.05 * dark.max())).sum())
    return counts


def _row(name: str, count: Counter[str], target: float | None, extra: str = "") -> None:
    recall = count["found"] / max(count["true"], 1)
    precision = 1 - count["wrong"] / count["claimed"] if count["claimed"] else 1.0
    goal = f"{target:>8.0%}" if target is not None else " " * 8
    print(f"  {name:<28}{count['true']:>8}{recall:>9.1%}{goal}{precision:>11.1%}{extra}")


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Print the table; returns the counts."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scenes", type=int, default=60, help="pictures of each kind (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    print(f"{'':<30}{'true':>8}{'recall':>9}{'target':>8}{'precision':>11}")
    found = recall_of_shapes(options.scenes, options.seed)
    for kind, count in found.items():
        share = count["as an element"] / max(count["found"], 1)
        _row(kind, count, TARGETS[kind], f"   {share:.0%} of them as an element of their own")
    shaded = recall_of_gradients(options.scenes, options.seed)
    for kind, count in shaded.items():
        _row(
            "left flat" if kind == "flat" else f"{kind} gradient",
            count,
            None if kind == "flat" else TARGETS["gradients"],
        )
    thin = recall_of_strokes(max(1, options.scenes // 4), options.seed)
    for name, count in thin.items():
        _row(f"strokes, {name}", count, TARGETS["strokes"])
    return {"shapes": found, "gradients": shaded, "strokes": thin}


if __name__ == "__main__":
    main()
