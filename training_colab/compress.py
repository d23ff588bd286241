"""Smaller and faster: int8, structured pruning, distillation; what each costs, as rows of a table.

    python -m training_colab.compress build/data/rows.parquet [--small]

needs what ``train_predictor train`` left beside the rows. The encoder is measured by the milliseconds of one picture, the heads
and trees by those of 256 plans, on one thread. *Ranks* is the rank correlation with the measured likeness to the reference
within pictures of unseen families; *kept* is that over the uncompressed model's.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from .export import plans_graph, run_onnx, to_onnx
from .models import Encoder, Head, Trees, beside, plan_matrix
from .rows import Rows, read, read_pictures
from .train_predictor import Work, _HeadLoss, _Table, concordance, fit

PLANS = 256


@dataclass(frozen=True)
class Line:
    """One way of making a model: bytes, milliseconds, largest difference of the predicted likeness (or, of an encoder, lowest
    cosine) beside the uncompressed one, rank correlation."""

    name: str
    bytes: int
    ms: float
    parity: float
    ranks: float


def milliseconds(graph: bytes, inputs: dict[str, np.ndarray], repeats: int = 30) -> float:
    """Median time of a run on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    times = []
    for _ in range(repeats + 3):
        begin = time.perf_counter()
        session.run(None, inputs)
        times.append(time.perf_counter() - begin)
    return float(np.median(times[3:]) * 1000)


def quantised(graph: bytes, way: str, calibration: dict[str, list[np.ndarray]]) -> bytes:
    """The graph in int8: ``dynamic`` (weights only), or ``static`` (QDQ, ranges from the calibration's inputs)."""
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_dynamic,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.left = [dict(zip(calibration, row, strict=True)) for row in zip(*calibration.values(), strict=True)]

        def get_next(self) -> dict[str, np.ndarray] | None:
            return self.left.pop(0) if self.left else None

    with tempfile.TemporaryDirectory() as scratch:
        source, ready, out = (Path(scratch) / name for name in ("a.onnx", "b.onnx", "c.onnx"))
        source.write_bytes(graph)
        quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
        if way == "dynamic":
            quantize_dynamic(str(ready), str(out), weight_type=QuantType.QInt8)
        else:
            quantize_static(
                str(ready),
                str(out),
                Reader(),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
            )
        return out.read_bytes()


def pruned(head: Head, keep: float) -> Head:
    """The head without the hidden units that matter least, which is told by the norms of their weights in and out."""
    first, second, last = (head.body[i] for i in (0, 3, 6))
    hidden = []
    chosen = []
    for layer, following in ((first, second), (second, last)):
        worth = layer.weight.norm(dim=1) * following.weight.norm(dim=0)
        count = max(8, round(keep * len(worth)))
        chosen.append(worth.argsort(descending=True)[:count].sort().values)
        hidden.append(count)
    small = Head(first.in_features, (hidden[0], hidden[1]))
    small.load_state_dict({**small.state_dict(), **{k: v for k, v in head.state_dict().items() if "body" not in k}})
    with torch.no_grad():
        for i, (rows, columns) in {0: (chosen[0], None), 3: (chosen[1], chosen[0]), 6: (None, chosen[1])}.items():
            weight, bias = head.body[i].weight, head.body[i].bias
            weight = weight if rows is None else weight[rows]
            small.body[i].weight.copy_(weight if columns is None else weight[:, columns])
            small.body[i].bias.copy_(bias if rows is None else bias[rows])
    return small.eval()


def distilled(
    work: Work, rows: Rows, teacher: Trees, x_teacher: np.ndarray, x: np.ndarray, *, epochs: float, name: str
) -> Head:
    """A small head that learns what larger trees say of the rows, failures and noise of measuring smoothed out."""
    torch.manual_seed(2)
    said = teacher.raw(x_teacher)
    head = Head(x.shape[1], (128, 64))
    head.scale.learn(torch.from_numpy(x))
    step = said - beside(x)
    head.centre[:4], head.spread[:4] = (torch.from_numpy(v[:4]).float() for v in (step.mean(0), step.std(0) + 1e-6))
    ones = np.ones(len(x), np.float32)
    table = _Table({"x": x, "labels": said[:, :4].astype(np.float32), "ok": ones, "weight": ones})
    fit(_HeadLoss(head), table, work.folder / name, epochs=epochs, batch=256, rate=2e-3, resume=False)
    return head.eval()


def _ranks(predict: Callable[[Rows], np.ndarray], test: Rows) -> float:
    found = predict(test)[test.ok, 0]
    return concordance(found, test.scores[test.ok, 0], test.picture[test.ok])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rows", type=Path)
    parser.add_argument("--small", action="store_true", help="fewer rounds of training")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = read(arguments.rows)
    work = Work.beside(arguments.rows)
    numbers, thumbs = read_pictures(arguments.rows)
    head, trees = work.head(), work.trees("trees")
    if head is None or trees is None:
        raise SystemExit("Run `python -m training_colab.train_predictor train` on these rows first.")
    learn, test = rows.where(rows.split == "train").both(), rows.where(rows.split == "test").blind()
    lines: list[list[Line]] = []

    encoder = work.encoder(Encoder())
    seen = thumbs[np.isin(numbers, learn.picture)][:64].astype(np.float32) / 255
    whole = to_onnx(encoder, (torch.from_numpy(seen[:2]),), ["picture"], "embedding")
    graphs = {"encoder, fp32": whole}
    for way in ("dynamic", "static"):
        graphs[f"encoder, int8 {way}"] = quantised(whole, way, {"picture": [seen[i : i + 1] for i in range(len(seen))]})
    lines.append(_encoders(graphs, whole, head, test, numbers, thumbs))

    wide, narrow = work.matrix(test), plan_matrix(test)
    epochs = 3 if arguments.small else 20
    group, x = [], work.matrix(learn)
    heads = {"student": head}
    for keep in (0.5, 0.25):
        heads[f"student, pruned to {keep:.0%}"] = cut = pruned(head, keep)
        heads[f"student, pruned to {keep:.0%}, tuned"] = _tuned(cut, work, learn, x, epochs)
    if (large := work.trees("trees+encoder")) is not None:
        heads["student, distilled"] = distilled(work, learn, large, x, x, epochs=epochs * 2, name="distilled")
    first = None
    for name, model in heads.items():
        graph = to_onnx(model, (torch.from_numpy(wide[:64]),), ["x"], "y")
        first, line = _line(name, graph, wide, test, first)
        group.append(line)
    for way in ("dynamic", "static"):
        base = to_onnx(head, (torch.from_numpy(wide[:64]),), ["x"], "y")
        graph = quantised(base, way, {"x": [x[i : i + PLANS] for i in range(0, min(len(x), 8 * PLANS), PLANS)]})
        group.append(_line(f"student, int8 {way}", graph, wide, test, first)[1])
    lines.append(group)

    group, first = [], None
    for share in (1.0, 0.5, 0.25):
        cut = Trees(*(_fewer(boosters, share) for boosters in (trees.blind, trees.seeing)))
        graph = plans_graph(cut, narrow.shape[1])
        first, line = _line(f"trees, {share:.0%} of them", graph, narrow, test, first)
        group.append(line)
    lines.append(group)

    print(f"{'':32}{'kB':>9}{'ms':>8}{'parity':>10}{'ranks':>8}{'kept':>7}")
    for group in lines:
        for line in group:
            print(
                f"{line.name:32}{line.bytes / 1e3:9.0f}{line.ms:8.2f}{line.parity:10.4f}{line.ranks:8.3f}"
                f"{line.ranks / group[0].ranks:7.1%}"
            )


def _fewer(boosters: tuple[Any, ...], share: float) -> tuple[Any, ...]:
    """The first trees of each."""
    return tuple(
        type(b)(model_str=b.model_to_string(num_iteration=max(1, round(share * b.num_trees())))) for b in boosters
    )


def _line(name: str, graph: bytes, x: np.ndarray, test: Rows, first: np.ndarray | None) -> tuple[np.ndarray, Line]:
    found = run_onnx(graph, [x])
    first = found if first is None else first
    ranks = _ranks(lambda rows: found, test)
    ms = milliseconds(graph, {"x": np.resize(x, (PLANS, x.shape[1]))})
    return first, Line(name, len(graph), ms, float(np.abs(found[:, 0] - first[:, 0]).max()), ranks)


def _encoders(
    graphs: dict[str, bytes], whole: bytes, head: Head, test: Rows, numbers: np.ndarray, thumbs: np.ndarray
) -> list[Line]:
    """A line for each graph of the encoder: parity is the lowest cosine, ranks are the student's on its embeddings."""
    shown, which = np.unique(test.picture, return_inverse=True)
    seen = thumbs[np.searchsorted(numbers, shown)].astype(np.float32) / 255
    run = lambda graph: np.concatenate([run_onnx(graph, [seen[i : i + 1]]) for i in range(len(seen))])  # noqa: E731
    expected, out = run(whole), []
    for name, graph in graphs.items():
        found = run(graph)
        cosine = (found * expected).sum(1) / (np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1))
        with torch.no_grad():
            said = head(torch.from_numpy(plan_matrix(test, found[which]))).numpy()
        ranks = _ranks(lambda rows, said=said: said, test)
        out.append(Line(name, len(graph), milliseconds(graph, {"picture": seen[:1]}), float(cosine.min()), ranks))
    return out


def _tuned(head: Head, work: Work, rows: Rows, x: np.ndarray, epochs: float) -> Head:
    """A copy of a pruned head, trained a little longer on the rows."""
    from .models import targets

    copy = Head(head.body[0].in_features, (head.body[0].out_features, head.body[3].out_features))
    copy.load_state_dict(head.state_dict())
    table = _Table(
        {
            "x": x,
            "labels": np.nan_to_num(targets(rows.scores)).astype(np.float32),
            "ok": rows.ok.astype(np.float32),
            "weight": np.ones(len(x), np.float32),
        }
    )
    fit(_HeadLoss(copy), table, work.folder / "pruned", epochs=epochs, batch=256, rate=1e-3, resume=False)
    return copy.eval()


if __name__ == "__main__":
    main()
