"""Releases on the Hub, over real HTTP against a Hub of one process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hub_server
import numpy as np
import pytest
from test_models import GOLDEN_INPUT, ONE, scaling

from pipeline import config
from pipeline.errors import ModelUnavailable
from pipeline.models import CARD, GRAPH, Hub, Store, write_card, write_model
from training_colab import hub

REPOSITORY = "maker/models"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[hub_server.Hub]:
    with hub_server.running() as running:
        monkeypatch.setenv("HF_TOKEN", running.token)
        yield running


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A graph, and a card alone."""
    root = tmp_path / "models"
    metrics = {"held out": {"regret": 0.00123, "rows": 400}, "confusion": [[1, 2], [3, 4]]}
    write_model("scale", "2", scaling(2), golden_inputs=GOLDEN_INPUT, card={"metrics": metrics}, root=root)
    write_card({"name": "rules", "version": "1"}, root=root)
    return root


def push(server: hub_server.Hub, root: Path, tag: str = "v2", **options: object) -> str:
    return hub.push(REPOSITORY, tag, root=root, auth=server.token, endpoint=server.url, **options)


def test_a_release_is_the_tree_its_card_and_a_tag(server, release, tmp_path):
    plot = tmp_path / "learning-curve.png"
    plot.write_bytes(b"\x89PNG plot")
    commit = push(server, release, figures=[plot])
    files = server.files(REPOSITORY, "v2")
    assert set(files) == {
        "README.md", "figures/learning-curve.png", "rules/1/card.json",
        "scale/2/card.json", "scale/2/golden.npz", "scale/2/model.onnx",
    }  # fmt: skip
    assert files["scale/2/model.onnx"] == (release / "scale" / "2" / GRAPH).read_bytes()
    text = files["README.md"].decode()
    assert text.startswith("---\nlicense: mit\n") and "| held out · regret | 0.00123 |" in text
    assert "![learning curve](figures/learning-curve.png)" in text and f"TRUECURVE_MODELS={REPOSITORY}@v2" in text
    repository = server.repositories["models", REPOSITORY]
    assert repository.tags == {"v2": commit} and repository.private


def test_what_was_pushed_is_pulled_and_served(server, release, tmp_path, monkeypatch):
    push(server, release)
    pulled = hub.pull(REPOSITORY, "v2", tmp_path / "pulled", auth=server.token, endpoint=server.url)
    assert (pulled / "scale" / "2" / CARD).read_bytes() == (release / "scale" / "2" / CARD).read_bytes()
    monkeypatch.setattr(config, "MODELS", ("scale", "rules"))
    store = Store(tmp_path / "none", state=tmp_path / "state", hub=Hub(REPOSITORY, "v2", server.url))
    assert store.refresh(), store.note
    assert store.load("scale").run(ONE)["y"][0, 0] == 2 and store.card("rules")["version"] == "1"


def test_without_the_right_to_read_nothing_is_pulled(server, release, tmp_path, monkeypatch):
    push(server, release)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(Exception, match=r"404|[Nn]ot [Ff]ound"):
        hub.pull(REPOSITORY, "v2", tmp_path / "pulled", auth=False, endpoint=server.url)


def test_a_release_replaces_the_one_before_and_leaves_its_tag(server, release, tmp_path):
    push(server, release, "v1")
    other = tmp_path / "other"
    write_model("scale", "3", scaling(3), golden_inputs=GOLDEN_INPUT, root=other)
    push(server, other, "v2")
    assert "scale/2/model.onnx" in server.files(REPOSITORY, "v1")
    assert {path for path in server.files(REPOSITORY, "v2") if path.startswith("scale/")} == {
        "scale/3/card.json", "scale/3/golden.npz", "scale/3/model.onnx",
    }  # fmt: skip


def test_a_release_is_never_changed(server, release):
    push(server, release)
    before = server.files(REPOSITORY, "main")
    with pytest.raises(SystemExit, match="never changed"):
        push(server, release)
    assert server.files(REPOSITORY, "main") == before


def test_a_broken_model_is_not_pushed(server, release):
    (release / "scale" / "2" / GRAPH).write_bytes(b"broken")
    with pytest.raises(ModelUnavailable, match="does not fit its hash"):
        push(server, release)
    assert not server.calls


def test_a_broken_release_is_not_taken(server, release, tmp_path):
    push(server, release)
    server.files(REPOSITORY, "v2")["scale/2/model.onnx"] = b"broken"
    with pytest.raises(ModelUnavailable, match="does not fit its hash"):
        hub.pull(REPOSITORY, "v2", tmp_path / "pulled", auth=server.token, endpoint=server.url)


def test_a_data_set_is_pushed_with_its_card(server, tmp_path):
    table, card = tmp_path / "rows.parquet", tmp_path / "data.md"
    table.write_bytes(np.arange(9).tobytes())
    card.write_text("# Rows\n")
    hub.push_data("maker/rows", "v1", [table], card=card, auth=server.token, endpoint=server.url)
    files = server.files("maker/rows", "v1", "datasets")
    assert files["data/rows.parquet"] == table.read_bytes()
    assert files["README.md"].startswith(b"---\nlicense: mit") and files["README.md"].endswith(b"# Rows\n")
    pulled = hub.pull("maker/rows", "v1", tmp_path / "out", kind="dataset", auth=server.token, endpoint=server.url)
    assert (pulled / "data" / "rows.parquet").read_bytes() == table.read_bytes()


def test_the_command_pushes_and_pulls(server, release, tmp_path, capsys):
    hub.main(["push", REPOSITORY, "v2", "--models", str(release), "--endpoint", server.url, "--public"])
    assert f"{REPOSITORY}@v2: " in capsys.readouterr().out
    assert not server.repositories["models", REPOSITORY].private
    hub.main(["pull", REPOSITORY, "v2", str(tmp_path / "out"), "--endpoint", server.url])
    assert (tmp_path / "out" / "scale" / "2" / GRAPH).exists()
    with pytest.raises(SystemExit):
        hub.main(["pull", REPOSITORY, "v9", str(tmp_path / "none"), "--endpoint", server.url])


@pytest.mark.parametrize(("repository", "tag"), [("models", "v1"), ("a/b/c", "v1"), ("a/b", "v 1"), ("a/b", "../x")])
def test_names_are_checked(server, release, repository, tag):
    with pytest.raises(SystemExit):
        hub.push(repository, tag, root=release, auth=server.token, endpoint=server.url)
    assert not server.calls


def test_the_token_comes_from_the_environment_or_there_is_none(server, monkeypatch, tmp_path):
    assert hub.token() == server.token
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(SystemExit, match="no token"):
        hub.token(ask=False)


def test_a_wrong_token_is_refused_in_words(server, release):
    server.token = "another"
    with pytest.raises(SystemExit, match="401"):
        hub.main(["push", REPOSITORY, "v2", "--models", str(release), "--endpoint", server.url])
    assert not server.repositories
