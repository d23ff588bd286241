"""Features → `Classification`: simple, text, gradient or complex, with a calibrated confidence.

The rules are a small forest of shallow trees. Their thresholds were learned and are read from a card; what the labels mean is
in ``docs/labels.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np

from .errors import ModelUnavailable
from .features import Features
from .models import asked_version, read_card

Label = Literal["simple", "text", "gradient", "complex"]
LABELS: tuple[Label, ...] = get_args(Label)


@dataclass(frozen=True)
class Classification:
    """A label and the probability, 0–1, that it is right."""

    label: Label
    confidence: float


UNKNOWN = Classification("complex", 0.25)
"""What a picture is taken for where no rules can be loaded: the class whose plan loses least on the others."""


@dataclass(frozen=True, eq=False)
class Rules:
    """A forest of nested thresholds, flattened.

    A tree on a card is ``{"feature", "at_most", "yes", "no"}`` down to ``{"leaf": [probability of each label]}``. The mean of
    its trees' leaves, raised to `power` and normalised, is the probability of each label.

    Attributes
    ----------
    feature : (n,) int
        Index into the feature vector of node i; −1 for a leaf.
    threshold : (n,) float
    yes, no : (n,) int
        The next node where the feature is at most the threshold, and where not.
    leaf : (n, 4) float
    roots : tuple of int
    power : float
    version : str
    """

    feature: list[int]
    threshold: list[float]
    yes: list[int]
    no: list[int]
    leaf: np.ndarray
    roots: tuple[int, ...]
    power: float
    version: str = "0"

    @classmethod
    def from_trees(cls, trees: list[dict[str, Any]], *, power: float, version: str = "0") -> Rules:
        """Flatten nested trees. Raises `ModelUnavailable` where they are not as described above."""
        index = {name: i for i, name in enumerate(Features.names())}
        feature: list[int] = []
        threshold: list[float] = []
        yes: list[int] = []
        no: list[int] = []
        leaf: list[list[float]] = []

        def add(node: dict[str, Any], depth: int) -> int:
            if depth > 32:
                raise ValueError("a tree is too deep")
            me = len(feature)
            feature.append(-1)
            threshold.append(0.0)
            yes.append(0)
            no.append(0)
            leaf.append([0.0] * len(LABELS))
            if "leaf" in node:
                share = [float(p) for p in node["leaf"]]
                if len(share) != len(LABELS) or min(share) < 0 or not 0.99 < sum(share) < 1.01:
                    raise ValueError(f"{share} are no probabilities of {len(LABELS)} labels")
                leaf[me] = share
                return me
            feature[me], threshold[me] = index[node["feature"]], float(node["at_most"])
            yes[me] = add(node["yes"], depth + 1)
            no[me] = add(node["no"], depth + 1)
            return me

        try:
            roots = tuple(add(tree, 0) for tree in trees)
            if not roots or not 0 < float(power) < 100:
                raise ValueError("there are no trees, or the power is out of range")
        except (KeyError, TypeError, ValueError) as error:
            raise ModelUnavailable(f"The classifier's card has broken rules ({error}).") from error
        return cls(feature, threshold, yes, no, np.array(leaf), roots, float(power), version)

    def probabilities(self, vector: np.ndarray) -> np.ndarray:
        """(4,) float: the probability of each of `LABELS`, for a feature vector."""
        values = vector.tolist()
        total = np.zeros(len(LABELS))
        for node in self.roots:
            while (column := self.feature[node]) >= 0:
                node = self.yes[node] if values[column] <= self.threshold[node] else self.no[node]
            total += self.leaf[node]
        share = np.maximum(total / len(self.roots), 1e-4) ** self.power
        return share / share.sum()


@lru_cache(maxsize=2)
def load_rules(version: str | None = None) -> Rules:
    """The rules of the classifier's card that is served, or of a certain version; loaded once. Raises `ModelUnavailable`."""
    card = read_card("classifier", ("labels", "features", "trees", "power"), version=version)
    if tuple(card["labels"]) != LABELS or tuple(card["features"]) != Features.names():
        raise ModelUnavailable("The classifier was learned on other features or labels than this version has.")
    return Rules.from_trees(card["trees"], power=card["power"], version=str(card["version"]))


def classify(features: Features, rules: Rules | None = None) -> Classification:
    """Label a picture by its features, with the installed rules where none are given. Raises `ModelUnavailable`."""
    share = (rules or load_rules(asked_version("classifier"))).probabilities(features.vector())
    best = int(share.argmax())
    return Classification(LABELS[best], float(share[best]))
