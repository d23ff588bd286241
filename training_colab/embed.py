"""Embeddings of many pictures by ResNet-50, in batches; and whether an exported encoder gives the same ones elsewhere.

    python -m training_colab.embed [--small]                                   parity of ResNet-50 and of the student's encoder
    python -m training_colab.embed build/data/rows.parquet OUT.npz [--imagenet]     the embeddings of all pictures of the rows

On Colab the weights are ImageNet's (``--imagenet`` downloads them); without, they are drawn from a seed, which is enough to
compare two ways of running the same network.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from pipeline.predict import SIDE, encoder_input

from .data import artworks, digest
from .export import run_onnx, to_onnx
from .models import Encoder, Teacher

BATCH = 128
COSINE, CORRELATION = 0.99, 0.95
"""What an exported encoder must reach on each picture, and over all numbers."""


class Embedding(nn.Module):
    """(B, 3, S, S) in 0–1 → (B, 2048): ResNet-50 up to its pooled features."""

    def __init__(self, *, pretrained: bool) -> None:
        super().__init__()
        self.teacher = Teacher(pretrained=pretrained)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """(B, 3, S, S) → (B, 2048)."""
        return self.teacher.embed(picture)


def embed(model: nn.Module, pictures: np.ndarray, *, batch: int = BATCH) -> np.ndarray:
    """(P, 3, S, S), uint8 or 0–1 float32 → (P, D) float32, on the GPU where there is one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = model.eval().to(device)
    parts = []
    with torch.no_grad():
        for i in range(0, len(pictures), batch):
            some = torch.from_numpy(pictures[i : i + batch])
            some = some.float() / 255 if some.dtype == torch.uint8 else some
            parts.append(model(some.to(device)).cpu().numpy())
    return np.concatenate(parts)


@dataclass(frozen=True)
class Parity:
    """An exported encoder beside the one it was made from: the lowest cosine of a picture's two vectors, Pearson's correlation
    over all numbers, the largest absolute error."""

    cosine: float
    correlation: float
    error: float

    @property
    def passed(self) -> bool:
        """Whether both are the same encoder."""
        return self.cosine >= COSINE and self.correlation >= CORRELATION


def compare(first: np.ndarray, second: np.ndarray) -> Parity:
    """Compare two sets of embeddings (P, D) of the same pictures."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    cosine = (a * b).sum(1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-12)
    return Parity(float(cosine.min()), float(np.corrcoef(a.ravel(), b.ravel())[0, 1]), float(np.abs(a - b).max()))


def parity(model: nn.Module, pictures: np.ndarray) -> Parity:
    """Export an encoder and compare what ONNX Runtime makes of (P, 3, S, S) float32 pictures with what torch makes."""
    model = model.cpu().eval()
    graph = to_onnx(model, (torch.from_numpy(pictures[:2]),), ["picture"], "embedding")
    served = np.concatenate([run_onnx(graph, [pictures[i : i + 16]]) for i in range(0, len(pictures), 16)])
    return compare(embed(model.cpu(), pictures, batch=BATCH), served)


def main() -> None:
    """Check parity, or embed the pictures of a file of rows."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rows", type=Path, nargs="?")
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--imagenet", action="store_true", help="ImageNet's weights, which are downloaded")
    parser.add_argument("--small", action="store_true", help="8 pictures in place of 128")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = Embedding(pretrained=arguments.imagenet)
    if arguments.rows:
        from .rows import read_pictures

        if arguments.out is None:
            parser.error("name a file to write the embeddings to")
        numbers, thumbs = read_pictures(arguments.rows)
        begin = time.perf_counter()
        found = embed(model, thumbs)
        np.savez_compressed(arguments.out, numbers=numbers, embeddings=found)
        print(f"{found.shape} in {time.perf_counter() - begin:.0f} s → {arguments.out}")
        return
    works = sorted(artworks(1, 1, 4, 1), key=lambda work: digest("parity", work.name))
    count = 8 if arguments.small else 128
    seen = np.stack([encoder_input(work.picture("512")) for work in works[:count]])
    print(f"{len(seen)} pictures of {SIDE} px\n{'':12}{'cosine ≥':>12}{'correlation':>13}{'max error':>12}")
    for name, encoder in (("ResNet-50", model), ("student", Encoder())):
        row = parity(encoder, seen)
        verdict = "passed" if row.passed else "MISSED"
        print(f"{name:12}{row.cosine:12.7f}{row.correlation:13.8f}{row.error:12.2e}  {verdict}")


if __name__ == "__main__":
    main()
