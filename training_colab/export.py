"""Models → ONNX (what is served), TorchScript and torch.export, each run and compared with what it was made from.

    python -m training_colab.export build/data/rows.parquet [--models assets/models] [--small]

exports the teacher, the encoder and the student's head in all three formats into ``build/exports`` and prints a row for each:
size, largest error beside torch, whether it passed. A format that misses parity is removed and reported; ONNX must pass.
`trees_graph` writes boosted trees as ONNX by hand, so that serving needs no library of trees.
"""

from __future__ import annotations

import argparse
import io
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import lightgbm
import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from pipeline.plan import CUBE, RECIPES
from pipeline.predict import SEEN

from .data import HERE

if TYPE_CHECKING:
    from .models import Trees

PARITY = 1e-4
"""Largest error of an exported model in 32 bits, over the largest of its outputs where that is above 1."""
EXPORTS = HERE.parent / "build" / "exports"


class NotEqual(Exception):
    """An exported model does not give what the one gives that it was made from."""


@dataclass(frozen=True)
class Exported:
    """A file, and how it compares with torch."""

    model: str
    format: str
    bytes: int
    error: float
    passed: bool
    why: str = ""


# ---- trees


def trees_graph(boosters: Sequence[lightgbm.Booster], width: int) -> bytes:
    """Boosted trees, one model a column, as ONNX: ``x (N, width)`` → ``y (N, len(boosters))`` float32."""
    return _model([_ensemble(boosters, "y")], width, len(boosters), {})


def plans_graph(trees: Trees, width: int) -> bytes:
    """Trees that predict plans as ONNX: ``x (N, width)`` → ``y (N, 5)`` in natural units, as `Trees.predict` does.

    Rows of a call are all blind or all seeing, as those of a picture are: only one of the two ensembles is run.
    """
    from .models import BESIDE, COLUMNS, FLOOR, VTRACER

    first = width - CUBE - len(RECIPES)
    constants = {
        "seen": np.arange(first - SEEN, first),
        "zero": np.array(0, np.float32),
        "ten": np.array(10, np.float32),
        "one": np.array(1, np.float32),
        "top": np.array(1 + FLOOR, np.float32),
        "own": np.array([first + VTRACER]),
    }
    branches = {
        f"{name}_branch": helper.make_graph(
            [_ensemble(boosters, name)],
            name,
            [],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", len(COLUMNS)])],
        )
        for name, boosters in (("then", trees.seeing), ("else", trees.blind))
    }
    steps = [
        helper.make_node("Gather", ["x", "seen"], ["known"], axis=1),
        helper.make_node("Abs", ["known"], ["size"]),
        helper.make_node("ReduceMax", ["size"], ["most"], keepdims=0),
        helper.make_node("Greater", ["most", "zero"], ["seeing"]),
        helper.make_node("If", ["seeing"], ["raw"], **branches),
        helper.make_node("Gather", ["x", "own"], ["vtracer"], axis=1),
    ]
    parts = []
    for i, name in enumerate(COLUMNS):
        column = f"{name}_raw"
        constants[f"{name}_place"] = np.array([i])
        steps.append(helper.make_node("Gather", ["raw", f"{name}_place"], [column], axis=1))
        if i in BESIDE:
            default, plain = (f"{name}_{which}" for which in ("default", "plain"))
            for which, place in zip((default, plain), BESIDE[i], strict=True):
                constants[f"{which}_place"] = np.array([first - SEEN + place])
                steps.append(helper.make_node("Gather", ["x", f"{which}_place"], [which], axis=1))
            steps += [
                helper.make_node("Sub", [default, plain], [f"{name}_step"]),
                helper.make_node("Mul", ["vtracer", f"{name}_step"], [f"{name}_part"]),
                helper.make_node("Add", [plain, f"{name}_part"], [f"{name}_beside"]),
                helper.make_node("Add", [column, f"{name}_beside"], [f"{name}_sum"]),
            ]
            column = f"{name}_sum"
        if name in ("reference", "artwork"):
            steps.append(helper.make_node("Pow", ["ten", column], [f"{name}_missing"]))
            steps.append(helper.make_node("Sub", ["top", f"{name}_missing"], [name]))
        else:
            steps.append(helper.make_node("Sigmoid" if name == "fails" else "Identity", [column], [name]))
        parts.append(name)
    steps.append(helper.make_node("Concat", parts, ["y"], axis=1))
    return _model(steps, width, len(COLUMNS), constants)


def _ensemble(boosters: Sequence[lightgbm.Booster], output: str) -> onnx.NodeProto:
    nodes: dict[str, list] = {key: [] for key in _TREE}
    for target, booster in enumerate(boosters):
        for tree in booster.dump_model()["tree_info"]:
            _add_tree(nodes, tree["tree_structure"], target)
    return helper.make_node(
        "TreeEnsembleRegressor", ["x"], [output], domain="ai.onnx.ml", n_targets=len(boosters), **nodes
    )


def _model(steps: Sequence[onnx.NodeProto], width: int, columns: int, constants: Mapping[str, np.ndarray]) -> bytes:
    graph = helper.make_graph(
        steps,
        "trees",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", width])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", columns])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)], ir_version=9
    )
    onnx.checker.check_model(model)
    return model.SerializeToString()


_TREE = (
    "nodes_treeids",
    "nodes_nodeids",
    "nodes_featureids",
    "nodes_modes",
    "nodes_values",
    "nodes_truenodeids",
    "nodes_falsenodeids",
    "target_treeids",
    "target_nodeids",
    "target_ids",
    "target_weights",
)


def _add_tree(nodes: dict[str, list], root: dict, target: int) -> None:
    """Append a tree of LightGBM's dump to the attributes of a TreeEnsembleRegressor."""
    tree = (nodes["nodes_treeids"][-1] + 1) if nodes["nodes_treeids"] else 0
    count = 0

    def add(node: dict) -> int:
        nonlocal count
        number, place = count, len(nodes["nodes_nodeids"])
        count += 1
        leaf = "leaf_value" in node
        for key, value in (
            ("nodes_treeids", tree),
            ("nodes_nodeids", number),
            ("nodes_featureids", 0 if leaf else node["split_feature"]),
            ("nodes_modes", "LEAF" if leaf else "BRANCH_LEQ"),
            ("nodes_values", 0.0 if leaf else _at_most(node["threshold"])),
            ("nodes_truenodeids", 0),
            ("nodes_falsenodeids", 0),
        ):
            nodes[key].append(value)
        if leaf:
            for key, value in (
                ("target_treeids", tree),
                ("target_nodeids", number),
                ("target_ids", target),
                ("target_weights", float(node["leaf_value"])),
            ):
                nodes[key].append(value)
        else:
            if node["decision_type"] != "<=":
                raise NotEqual(f"a tree decides by {node['decision_type']}, not by <=")
            nodes["nodes_truenodeids"][place] = add(node["left_child"])
            nodes["nodes_falsenodeids"][place] = add(node["right_child"])
        return number

    add(root)


def _at_most(threshold: float) -> float:
    """The largest 32-bit number that is not above a threshold: the same numbers lie below it."""
    short = np.float32(threshold)
    return float(short if float(short) <= threshold else np.nextafter(short, np.float32(-np.inf)))


# ---- networks


def to_onnx(model: nn.Module, inputs: tuple[torch.Tensor, ...], names: Sequence[str], output: str) -> bytes:
    """A network in evaluation mode as ONNX; the first axis of every input is free."""
    batch = torch.export.Dim("batch", min=1, max=4096)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model.eval(),
            inputs,
            dynamo=True,
            external_data=False,
            input_names=list(names),
            output_names=[output],
            dynamic_shapes=tuple({0: batch} for _ in inputs),
            verbose=False,
        )
    buffer = io.BytesIO()
    program.save(buffer)
    return buffer.getvalue()


def run_onnx(graph: bytes, inputs: Sequence[np.ndarray]) -> np.ndarray:
    """The first output of a graph."""
    session = onnxruntime.InferenceSession(graph, _one_thread(), providers=["CPUExecutionProvider"])
    return session.run(None, {slot.name: value for slot, value in zip(session.get_inputs(), inputs, strict=True)})[0]


def _one_thread() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return options


def export_all(
    name: str, model: nn.Module, inputs: tuple[torch.Tensor, ...], names: Sequence[str], folder: Path
) -> list[Exported]:
    """Write a network in all three formats, run each, and remove what differs from torch by more than `PARITY`.

    Raises `NotEqual` where ONNX does.
    """
    model = model.eval()
    folder.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        expected = model(*inputs).numpy()
    scale = max(1.0, float(np.abs(expected).max()))  # float32 rounds large numbers by more
    batch = torch.export.Dim("batch", min=1, max=4096)

    def onnx_(path: Path) -> np.ndarray:
        path.write_bytes(to_onnx(model, inputs, names, "y"))
        return run_onnx(path.read_bytes(), [value.numpy() for value in inputs])

    def script(path: Path) -> np.ndarray:
        torch.jit.save(torch.jit.trace(model, inputs, check_trace=False), str(path))
        return torch.jit.load(str(path))(*inputs).numpy()

    def program(path: Path) -> np.ndarray:
        shapes = tuple({0: batch} for _ in inputs)
        torch.export.save(torch.export.export(model, inputs, dynamic_shapes=shapes), path)
        return torch.export.load(path).module()(*inputs).numpy()

    ways: dict[str, tuple[str, Callable[[Path], np.ndarray]]] = {
        "ONNX": ("model.onnx", onnx_),
        "TorchScript": ("model.ts", script),
        "torch.export": ("model.pt2", program),
    }
    rows = []
    for format_, (file, way) in ways.items():
        path, why, error = folder / file, "", float("inf")
        try:
            with warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore")
                error = float(np.abs(way(path) - expected).max()) / scale
        except Exception as problem:  # an exporter fails in many ways, and each is a row of the report
            why = f"{type(problem).__name__}: {problem}"[:120]
        size = path.stat().st_size if path.exists() else 0
        passed = error <= PARITY
        if not passed:
            path.unlink(missing_ok=True)
        rows.append(Exported(name, format_, size, error, passed, why))
    if not rows[0].passed:
        raise NotEqual(f"{name} as ONNX is off by {rows[0].error:g}: {rows[0].why}")
    (folder / "report.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    return rows


def main() -> None:
    """Export every network, print a row for each format."""
    from .models import Encoder, Teacher
    from .rows import read, read_pictures
    from .train_predictor import Work, plan_of

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("rows", type=Path)
    parser.add_argument("--models", type=Path, help="as for train_predictor; not needed here but for the same call")
    parser.add_argument("--small", action="store_true", help="fewer pictures to compare on")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = read(arguments.rows)
    numbers, thumbs = read_pictures(arguments.rows)
    work = Work.beside(arguments.rows)
    count = 4 if arguments.small else 32
    seen = torch.from_numpy(thumbs[:count].astype(np.float32) / 255)
    first = np.searchsorted(rows.picture, numbers[:count])
    plan = torch.from_numpy(plan_of(rows)[first])
    report = export_all("encoder", work.encoder(Encoder()), (seen,), ["picture"], EXPORTS / "encoder")
    report += export_all("teacher", work.teacher(Teacher()), (seen, plan), ["picture", "plan"], EXPORTS / "teacher")
    if (head := work.head()) is not None:
        x = torch.from_numpy(work.matrix(rows)[:64])
        report += export_all("student head", head, (x,), ["x"], EXPORTS / "student-head")
    print(f"{'model':14}{'format':14}{'MB':>8}{'max error':>12}  parity")
    for row in report:
        verdict = "passed" if row.passed else f"missed, left out {row.why}"
        print(f"{row.model:14}{row.format:14}{row.bytes / 1e6:8.1f}{row.error:12.2e}  {verdict}")


if __name__ == "__main__":
    main()
