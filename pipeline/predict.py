"""Picture + plans → what each plan would give: likeness, bytes and time, each with an interval, before it is drawn.

What was measured of the picture already, by other plans, is told to the predictor with it (`Seen`). A picture is encoded once;
then hundreds of plans are scored in one call. Both graphs come from the model store, and hold their
normalisation in them. Training shows the encoder what `encoder_input` makes, by this very function.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from . import models
from .errors import ModelUnavailable
from .features import Features
from .picture import Picture
from .plan import CUBE, RECIPES, Plan

SIDE = 128
"""Side of what the encoder sees, px."""
GROUND = 128
"""Grey behind transparency and beside a picture that is no square: light and dark drawings both show on it."""
OUTPUTS = ("reference", "artwork", "log2_bytes", "log10_ms")
"""What is predicted, in the order of the graph's columns; the chance of failing follows them."""
MOST_EMBEDDING = 448
"""Numbers of an embedding at most, so that the agent's observation has room for it."""
FLOOR = 1e-4
"""Added to what is missing from an SSIM of 1 before its logarithm is taken: less is noise of rounding."""
SEEN = 6
"""Numbers of `Seen.vector`."""
PLAIN = "planar"
"""The recipe whose defaults draw first, and whose outcome tells most of all others on the same picture."""


def encoder_input(picture: Picture) -> np.ndarray:
    """(3, SIDE, SIDE) float32 in 0–1, in whole 255ths: the picture fitted into a square, in the middle, over `GROUND`."""
    rgb = picture.over(GROUND)
    height, width = rgb.shape[:2]
    factor = SIDE / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    out = np.full((SIDE, SIDE, 3), GROUND, np.uint8)
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    out[top : top + size[1], left : left + size[0]] = small
    return out.transpose(2, 0, 1).astype(np.float32) / 255


@dataclass(frozen=True)
class Outcome:
    """What a drawing measured: SSIM to the reference picture, 0–1, and bytes of the SVG."""

    reference: float
    bytes: float


@dataclass(frozen=True)
class Seen:
    """What was measured of a picture so far.

    Attributes
    ----------
    plain : Outcome or None
        Of `PLAIN` with its defaults; None where that was not drawn.
    refused : bool
        Whether it was tried and refused the picture.
    default : Outcome or None
        Of vtracer's own default.
    """

    plain: Outcome | None = None
    refused: bool = False
    default: Outcome | None = None

    def vector(self) -> np.ndarray:
        """(SEEN,) float32: of each of the two, 1 if known, −1 if refused, 0 else; log10 of 1 − SSIM; log2 of the bytes."""
        found: list[float] = []
        for outcome, refused in ((self.plain, self.refused), (self.default, False)):
            if outcome is None:
                found += [-1.0 if refused else 0.0, 0.0, 0.0]
            else:
                missing = math.log10(1 - min(outcome.reference, 1.0) + FLOOR)
                found += [1.0, missing, math.log2(max(outcome.bytes, 1.0))]
        return np.array(found, np.float32)


NOTHING = Seen()


@dataclass(frozen=True, eq=False)
class Predictions:
    """What each of N plans would give, with the ends of an interval that holds the truth nine times in ten.

    Attributes
    ----------
    reference, artwork : (N,) float32
        SSIM to the reference picture, and to the artwork that the picture was made from.
    log2_bytes, log10_ms : (N,) float32
        Of the SVG's bytes, and of the milliseconds of a core for tracing.
    fails : (N,) float32
        The chance, 0–1, that the recipe refuses the picture or fails on it.
    low, high : dict of str to (N,) float32
        The intervals' ends, for each of `OUTPUTS`.
    """

    reference: np.ndarray
    artwork: np.ndarray
    log2_bytes: np.ndarray
    log10_ms: np.ndarray
    fails: np.ndarray
    low: dict[str, np.ndarray]
    high: dict[str, np.ndarray]


@dataclass(frozen=True)
class Estimate:
    """A predicted number, and the ends of the interval that holds the truth nine times in ten."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Prediction:
    """What one plan is predicted to give.

    Attributes
    ----------
    quality, artwork : Estimate
        SSIM, 0–1, to the reference picture and to the artwork.
    bytes, ms : Estimate
        Of the SVG, and of tracing.
    fails : float
        The chance, 0–1, that the recipe refuses the picture or fails on it.
    """

    plan: Plan
    quality: Estimate
    artwork: Estimate
    bytes: Estimate
    ms: Estimate
    fails: float

    @classmethod
    def of(cls, plan: Plan, found: Predictions, i: int = 0) -> Prediction:
        """The `i`-th of some predictions, which is that of `plan`, in bytes and milliseconds."""

        def estimate(name: str, values: np.ndarray, unit: Callable[[float], float]) -> Estimate:
            return Estimate(*(unit(float(column[i])) for column in (values, found.low[name], found.high[name])))

        def likeness(value: float) -> float:
            return min(max(value, -1.0), 1.0)

        return cls(
            plan,
            quality=estimate("reference", found.reference, likeness),
            artwork=estimate("artwork", found.artwork, likeness),
            bytes=estimate("log2_bytes", found.log2_bytes, lambda value: 2.0**value),
            ms=estimate("log10_ms", found.log10_ms, lambda value: 10.0**value),
            fails=min(max(float(found.fails[i]), 0.0), 1.0),
        )


class Predictor:
    """The encoder, where the predictor takes one, and the predictor.

    Raises
    ------
    ModelUnavailable
        One is missing or fails its checks, or it was learned for other features, recipes or knobs than these.
    """

    def __init__(self, store: models.Store | None = None) -> None:
        store = store or models.store()
        self.model = store.load("predictor")
        card = self.model.card
        check_card(card, ("features", "recipes", "knobs", "embedding", "intervals"))
        self.size = int(card["embedding"])
        self.encoder = store.load("encoder") if self.size else None
        self.blind, self.seeing = (Intervals.from_card(card["intervals"].get(key, {})) for key in ("blind", "seeing"))
        self.slot = card["inputs"][0]["name"]
        width = card["inputs"][0]["shape"][1]
        expected = self.size + len(Features.names()) + SEEN + len(RECIPES) + CUBE
        if width != expected or not 0 <= self.size <= MOST_EMBEDDING:
            raise ModelUnavailable(f"The predictor takes {width} numbers a plan, not {expected}.")

    def encode(self, picture: Picture, features: Features) -> np.ndarray:
        """(D,) float32: the picture's embedding; (0,) where the predictor goes by the features alone.

        Raises `ModelUnavailable` where the graph cannot be run.
        """
        if self.encoder is None:
            return np.zeros(0, np.float32)
        slot = self.encoder.card["inputs"][0]["name"]
        outputs = self.encoder.run({slot: encoder_input(picture)[None]})
        return next(iter(outputs.values()))[0].astype(np.float32)

    def score(
        self, embedding: np.ndarray, features: Features, recipe: str, points: np.ndarray, seen: Seen = NOTHING
    ) -> Predictions:
        """What each point (N, 8) of a recipe's cube would give, by what was `seen`. Raises `ModelUnavailable`."""
        x = plan_input(embedding, features, recipe, points, seen)
        found = next(iter(self.model.run({self.slot: x}).values()))
        intervals = self.blind if seen == NOTHING else self.seeing
        low, high = intervals.around(found[:, : len(OUTPUTS)], list(RECIPES).index(recipe))
        ends = [{name: end[:, i] for i, name in enumerate(OUTPUTS)} for end in (low, high)]
        near, far, size, time, fails = found.T[: len(OUTPUTS) + 1]
        return Predictions(near, far, size, time, fails, low=ends[0], high=ends[1])


def plan_input(
    embedding: np.ndarray, features: Features, recipe: str, points: np.ndarray, seen: Seen = NOTHING
) -> np.ndarray:
    """(N, D + features + `SEEN` + recipes + 8) float32: what the predictor's graph takes."""
    points = np.atleast_2d(np.asarray(points, np.float32))
    one_hot = np.eye(len(RECIPES), dtype=np.float32)[list(RECIPES).index(recipe)]
    about = np.concatenate([embedding.astype(np.float32), features.vector(), seen.vector(), one_hot])
    return np.concatenate([np.broadcast_to(about, (len(points), len(about))), points], axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Intervals:
    """Split-conformal intervals (Lei et al. 2018), each for its group: a recipe, and a range of the predicted value.

    Attributes
    ----------
    edges : (outputs, recipes, groups − 1) float32
        Predicted values at which groups meet.
    low, high : (outputs, recipes, groups) float32
        What is added to the predicted value.
    """

    edges: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> Intervals:
        """Read what `to_card` wrote. Raises `ModelUnavailable`."""
        try:
            made = cls(*(np.array(card[key], np.float32) for key in ("edges", "low", "high")))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelUnavailable(f"The predictor's intervals cannot be read ({error}).") from error
        groups = (len(OUTPUTS), len(RECIPES), made.edges.shape[-1] + 1)
        if made.low.shape != groups or made.high.shape != groups or made.edges.ndim != 3:
            raise ModelUnavailable(f"The predictor's intervals are of {made.low.shape} groups, not {groups}.")
        return made

    def to_card(self) -> dict[str, Any]:
        """Plain lists."""
        return {key: np.round(value.astype(float), 6).tolist() for key, value in vars(self).items()}

    def around(self, values: np.ndarray, recipe: int) -> tuple[np.ndarray, np.ndarray]:
        """Low and high ends, (N, outputs) each, of predicted values of a recipe."""
        ends = np.empty((2, *values.shape), np.float32)
        for i in range(values.shape[1]):
            group = np.searchsorted(self.edges[i, recipe], values[:, i], side="right")
            ends[0, :, i] = values[:, i] + self.low[i, recipe, group]
            ends[1, :, i] = values[:, i] + self.high[i, recipe, group]
        return ends[0], ends[1]


NEAR = 0.03
"""Distance in every knob within which a suggested point is its recipe's default, which models of knobs hardly ever hit: they
draw alike, and what the default measures tells the predictor most."""


def settled(recipe: str, point: np.ndarray) -> Plan:
    """The plan of a suggested point (8,): the recipe's default where that is `NEAR`."""
    default = Plan(recipe)
    return default if np.abs(point - default.to_cube()).max() <= NEAR else Plan.from_cube(recipe, point)


@dataclass(frozen=True)
class Suggestion:
    """A plan, and the J over vtracer's default that pictures with such features gained by plans of its recipe."""

    plan: Plan
    gain: float


class Correlation:
    """Features → plans, by models of each knob: no search, one call.

    Raises `ModelUnavailable` as `Predictor` does.
    """

    def __init__(self, store: models.Store | None = None) -> None:
        self.model = (store or models.store()).load("correlation")
        check_card(self.model.card, ("features", "recipes", "knobs"))
        self.slot = self.model.card["inputs"][0]["name"]

    def suggest(self, features: Features) -> list[Suggestion]:
        """A plan of each recipe, the most promising one first. Raises `ModelUnavailable`."""
        found = next(iter(self.model.run({self.slot: features.vector()[None]}).values()))
        table = found.reshape(len(RECIPES), CUBE + 1)
        plans = [
            Suggestion(settled(recipe, row[:CUBE]), float(row[CUBE]))
            for recipe, row in zip(RECIPES, table, strict=True)
        ]
        return sorted(plans, key=lambda suggestion: -suggestion.gain)


def schema() -> dict[str, Any]:
    """What models of plans are learned for, as their cards say it: features, recipes, and each recipe's knobs."""
    knobs = {
        name: [[k.name, k.low, k.high, k.integer, k.log] for k in recipe.knobs] for name, recipe in RECIPES.items()
    }
    return {"features": list(Features.names()), "recipes": list(RECIPES), "knobs": knobs}


def check_card(card: Any, keys: tuple[str, ...]) -> None:
    """Raise `ModelUnavailable` where a card lacks a key, or is of other features, recipes or knobs."""
    if missing := set(keys) - set(card):
        raise ModelUnavailable(f"The {card['name']} model's card lacks {', '.join(sorted(missing))}.")
    for key, value in schema().items():
        if card[key] != value:
            raise ModelUnavailable(f"The {card['name']} model was learned for other {key} than these.")


@lru_cache(maxsize=1)
def predictor() -> Predictor:
    """The product's predictor, loaded once. Raises `ModelUnavailable`, and then tries again the next time."""
    return Predictor()
