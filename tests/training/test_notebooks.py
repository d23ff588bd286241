"""The notebooks: each runs from top to bottom in its small mode, one after the other as a person would, and holds no logic."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import hub_server
import nbformat
import pytest
from nbclient import NotebookClient

from pipeline.models import Store
from training_colab import session

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = sorted((ROOT / "training_colab").glob("*.ipynb"))
REPOSITORY = "maker/models"


def test_there_is_one_for_each_step():
    assert [path.stem for path in NOTEBOOKS] == [
        "00_check_setup",
        "01_data",
        "02_classifier_and_correlation",
        "03_predictor",
        "04_agent",
        "05_export_and_push",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_thin(path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    first = book.cells[0]
    assert first.cell_type == "markdown" and "colab-badge.svg" in first.source and "\n# " in first.source
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert any("SMALL_RUN = False" in cell.source for cell in code), "a parameter makes it small"
    for cell in code:
        assert not cell.outputs and cell.execution_count is None, "what it printed is not kept"
        lines = ["pass" if line.lstrip().startswith(("!", "%")) else line for line in cell.source.splitlines()]
        indents = [line[: len(line) - len(line.lstrip())] for line in cell.source.splitlines()]
        tree = ast.parse("\n".join(i + line.lstrip() for i, line in zip(indents, lines, strict=True)))
        defined = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda)]
        assert not defined, "logic belongs into the package"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the notebooks make, from one to the next."""
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture
def hub() -> Iterator[hub_server.Hub]:
    with hub_server.running() as running:
        yield running


def execute(path: Path, monkeypatch: pytest.MonkeyPatch, place: Path, **environment: str) -> str:
    """Run a notebook in its small mode; everything it printed."""
    for name, value in {"SMALL_RUN": "1", "TRUECURVE_OUT": str(place), **environment}.items():
        monkeypatch.setenv(name, value)
    book = nbformat.read(path, as_version=4)
    NotebookClient(
        book, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output.get("text", "") for output in outputs if output.output_type == "stream")


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path, monkeypatch, place, hub):
    said = execute(path, monkeypatch, place, TRUECURVE_REPOSITORY=REPOSITORY, HF_ENDPOINT=hub.url, HF_TOKEN=hub.token)
    models = place / "small" / "models"
    made = {folder.name for folder in models.iterdir()} if models.exists() else set()
    match path.stem:
        case "00_check_setup":
            assert "likeness 0.9" in said and "state='serving'" in said
        case "01_data":
            assert (place / "small" / "rows.parquet").exists() and "pictures" in said
        case "02_classifier_and_correlation":
            assert {"classifier", "correlation"} <= made and "accuracy" in said
        case "03_predictor":
            assert "predictor" in made
        case "04_agent":
            assert "agent" in made and "efficiency" in said
            assert Store(models, state=None).load("agent").card["steps"] > 0
        case "05_export_and_push":
            pushed = hub.files(REPOSITORY, "v1")
            assert {f"{name}/1/card.json" for name in made} <= set(pushed) and "README.md" in pushed
            assert (place / "small" / "pulled" / "agent" / "1" / "model.onnx").exists()


# ---- where a notebook runs


def test_the_environment_goes_before_the_parameters(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TRUECURVE_OUT", str(tmp_path))
    monkeypatch.setenv("SMALL_RUN", "0")
    assert not session.begin(small=True).small and session.begin(small=True).out == tmp_path
    monkeypatch.setenv("SMALL_RUN", "1")
    here = session.begin(small=False)
    assert here.small and here.out == tmp_path / "small" and here.full("--steps", 5) == ()
    assert "A small run" in capsys.readouterr().out


def test_a_command_that_fails_stops_the_notebook(tmp_path, capfd):
    here = session.Session(False, tmp_path, tmp_path / "models")
    with pytest.raises(RuntimeError, match=r"training_colab\.hub.* ended with"):
        here.run("hub", "pull", "no-owner", "v1", tmp_path)
    assert "owner/name" in capfd.readouterr().out


def test_drive_is_for_colab(monkeypatch):
    monkeypatch.delenv("TRUECURVE_OUT", raising=False)
    with pytest.raises(RuntimeError, match="on Colab only"):
        session.begin(drive=True)
