"""The models tab: what it says of each model, and a version chosen by one visitor."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from test_models import put, served

from pipeline import classify, config, convert, models, tiers
from pipeline.errors import ModelUnavailable
from pipeline.models import Hub, Store, asked, read_card, write_card
from pipeline.web import models_tab as tab
from pipeline.web.texts import models as t


class Answering:
    """Stands in for a `Converter`: its health, and what its workers have loaded."""

    def __init__(self, loaded: list[models.Health] | None = None, **workers: int) -> None:
        self.workers = {"count": 2, "alive": 2, "busy": 1, "waiting": 3, "restarts": 0} | workers
        self.loaded = loaded or []
        self.degraded: list[str] = []

    def health(self) -> dict[str, Any]:
        return {
            "available": self.workers["alive"] > 0,
            "models": [],
            "degraded": self.degraded,
            "version": config.VERSION,
            "workers": self.workers,
        }

    def models(self) -> list[models.Health]:
        return self.loaded


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.fixture
def two(root: Path) -> Store:
    """Versions 1 and 2 of one model."""
    put(root, "1", 2.0)
    put(root, "2", 3.0)
    return Store(root, state=None)


# ---- one conversion's own versions


def test_what_was_asked_for_is_given_there_and_nowhere_else(two: Store) -> None:
    assert served(two) == 3
    with asked({"scale": "1"}):
        assert served(two) == 2
        assert two.card("scale")["version"] == "1"
    assert served(two) == 3
    with asked({"scale": "7"}), pytest.raises(ModelUnavailable, match="version 7"):
        served(two)
    (health,) = two.health(["scale"])
    assert (health.version, health.state, health.why) == ("2", "serving", None)


@pytest.fixture
def flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The product's assets, and beside the classifier one that is never sure, as version 0."""
    assets = assets_with_another_classifier(tmp_path / "assets")
    monkeypatch.setattr(config, "ASSETS", assets)
    store = Store(state=None)
    for module in (models, convert, tiers):
        monkeypatch.setattr(module, "store", lambda: store)
    classify.load_rules.cache_clear()
    yield assets
    classify.load_rules.cache_clear()


def assets_with_another_classifier(to: Path) -> Path:
    shutil.copytree(config.ASSETS, to)
    card = read_card("classifier", root=to / "models")
    write_card({**card, "version": "0", "power": 0.01}, root=to / "models")
    return to


def test_a_conversion_by_another_version(flat: Path, logo: Path) -> None:
    usual = convert.convert(logo)
    other = convert.convert(logo, convert.Request(models={"classifier": "0"}))
    again = convert.convert(logo)
    assert usual.model_versions["classifier"] == again.model_versions["classifier"] == "1"
    assert other.model_versions["classifier"] == "0"
    assert other.confidence < 0.4 < 0.9 < usual.confidence == again.confidence
    assert not other.degraded or other.degraded == usual.degraded


def test_a_version_that_is_not_there_is_told(flat: Path, logo: Path) -> None:
    result = convert.convert(logo, convert.Request(models={"classifier": "9"}))
    assert result.model_versions["classifier"] == "1"
    assert any("classifier 9 was asked for" in note for note in result.degraded)


def test_choosing(two: Store, root: Path) -> None:
    assert tab.choose(two, {}, "scale", "1") == ({"scale": "1"}, "")
    assert tab.choose(two, {"scale": "1", "other": "3"}, "scale", "") == ({"other": "3"}, "")
    for name, version in (("scale", "9"), ("scale", "../2"), ("../scale", "1"), ("**", "1"), ("no", "1")):
        chosen, note = tab.choose(two, {"scale": "1"}, name, version)
        assert chosen == {"scale": "1"} and "not here" in note
    graph = root / "scale" / "1" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"x")
    assert tab.choose(Store(root, state=None), {}, "scale", "1") == (
        {},
        "The scale model's model.onnx does not fit its hash.",
    )


# ---- what is shown


def test_each_model_with_its_state(two: Store, root: Path) -> None:
    two.load("scale")
    html = tab.page_html(Answering(two.health(["scale"])), Store(root, state=None), {})
    (card,) = [part for part in html.split("<article")[1:] if 'data-name="scale"' in part]
    assert t.STATES["serving"] in card and "this repository" in card and "ms</dd>" in card
    assert 'value="1"' in card and t.CHOOSE_SERVED.format(version="2") in card
    assert t.STATES["missing"] in html and "No classifier model is installed." in html


def test_what_is_wrong_is_told_as_text(root: Path) -> None:
    put(root, "1")
    put(root, "2")
    path = root / "scale" / "2" / "card.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "data": "<b>"}))
    converter = Answering()
    converter.degraded = ["<script>alert(1)</script>"]
    html = tab.page_html(converter, Store(root, state=None), {}, note="<i>")
    assert t.STATES["fallback"] in html and "does not fit its hash" in html
    assert t.REDUCED in html and "<script>" not in html and "&lt;i&gt;" in html


def test_health_in_words() -> None:
    assert t.ANSWERING in tab.health_html(Answering().health())
    assert "1 busy, 3 waiting" in tab.health_html(Answering().health())
    assert t.STARTING in tab.health_html(Answering(alive=1).health())
    assert t.DOWN in tab.health_html(Answering(alive=0).health())


def test_memory_counts_this_process() -> None:
    own, total = tab.memory()
    assert 10_000_000 < own <= total


def test_figures_of_equal_groups_share_a_table() -> None:
    html = tab.figures_html({"simple": {"gain": 0.51234, "ms": 3}, "text": {"gain": 0.25, "ms": 4, "matrix": [[1]]}})
    assert html.count("<tr>") == 3 and ">0.5123<" in html and "matrix" not in html
    mixed = tab.figures_html({"rows": 7, "search": {"agent": {"reward": 0.5}}})
    assert ">search · agent · reward<" in mixed and ">rows<" in mixed
    assert tab.figures_html({}) == tab.figures_html(None) == ""
    assert "<b>" not in tab.figures_html({"<b>": "<b>"})


def test_the_cards_of_the_product_have_figures() -> None:
    html = tab.page_html(Answering(), Store(state=None), {})
    for name in ("classifier", "class-plans"):
        (card,) = [part for part in html.split("<article")[1:] if f'data-name="{name}"' in part]
        assert "<table>" in card


def test_the_release_is_told(tmp_path: Path, root: Path) -> None:
    assert t.HUB_NONE in tab.hub_html(Store(root, state=None)) and 'data-do="refresh"' not in tab.hub_html(
        Store(root, state=None)
    )
    followed = Store(root, state=tmp_path / "state", hub=Hub("owner/models", "v1"))
    html = tab.hub_html(followed)
    assert "Release v1 of owner/models is not here yet." in html and 'data-do="refresh"' in html


def test_visitors_have_the_hub_asked_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(tab.time, "monotonic", lambda: now)
    asked_last = tab._Asked()
    assert asked_last.again() and not asked_last.again()
    now += tab.ASK_EVERY
    assert asked_last.again()
