"""The store of models: what passes its checks is served, what does not is told, and going back takes no loading."""

from __future__ import annotations

import builtins
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import hub_server
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from pipeline import config, convert, models
from pipeline.__main__ import main
from pipeline.classify import load_rules
from pipeline.errors import ModelUnavailable
from pipeline.models import CARD, GOLDEN, GRAPH, Hub, Store, write_model


def scaling(factor: float, columns: int = 3, output: str = "y") -> bytes:
    """A graph of one node: y = factor · x, for x of (free, columns) float32."""
    rows = ["n", columns]
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "factor"], [output])],
        "scaling",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, rows)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, rows)],
        [helper.make_tensor("factor", TensorProto.FLOAT, [1], [factor])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


GOLDEN_INPUT = {"x": np.arange(6, dtype=np.float32).reshape(2, 3)}
ONE = {"x": np.ones((1, 3), np.float32)}


def put(root: Path, version: str = "1", factor: float = 2.0, name: str = "scale") -> Path:
    return write_model(name, version, scaling(factor), golden_inputs=GOLDEN_INPUT, card={"data": "none"}, root=root)


def served(store: Store, name: str = "scale") -> float:
    """By what the served version multiplies."""
    return float(store.load(name).run(ONE)["y"][0, 0])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[hub_server.Hub]:
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setattr(config, "MODELS", ("scale",))
    with hub_server.running() as running:
        yield running


# ---- what is written is served


def test_a_written_model_says_what_it_is_and_runs(root):
    folder = put(root)
    card = json.loads((folder / CARD).read_text())
    assert card["inputs"] == [{"name": "x", "shape": [None, 3], "dtype": "float32"}]
    assert card["outputs"] == [{"name": "y", "shape": [None, 3], "dtype": "float32"}]
    assert set(card["files"]) == {GRAPH, GOLDEN} and card["data"] == "none"
    model = Store(root, state=None).load("scale")
    assert (model.name, model.version, model.source) == ("scale", "1", "repository")
    np.testing.assert_array_equal(model.run({"x": np.full((4, 3), 5, np.float32)})["y"], np.full((4, 3), 10))
    assert model.bytes == sum(path.stat().st_size for path in folder.iterdir())


def test_a_model_of_arrays_needs_no_graph(root):
    write_model("table", "1", files={"table.bin": b"abc"}, root=root)
    model = Store(root, state=None).load("table")
    assert model.files == {"table.bin": b"abc"} and model.session is None
    with pytest.raises(ModelUnavailable, match="no graph"):
        model.run({})


def test_what_cannot_be_run_is_not_written(root):
    with pytest.raises(ModelUnavailable):
        write_model("scale", "1", b"no graph at all", golden_inputs=GOLDEN_INPUT, root=root)
    with pytest.raises(ModelUnavailable):
        write_model("scale", "1", scaling(2), golden_inputs={"x": np.ones((1, 4), np.float32)}, root=root)
    assert not list(root.glob("scale/*"))


def test_a_session_has_one_thread_and_lives_through_a_fork(root):
    put(root)
    before = threading.active_count(), len(os.listdir("/proc/self/task")) if sys.platform == "linux" else 0
    model = Store(root, state=None).load("scale")
    model.run(ONE)
    if sys.platform == "linux":
        assert len(os.listdir("/proc/self/task")) == before[1]
    child = os.fork()
    if child == 0:
        os._exit(0 if model.run(ONE)["y"][0, 0] == 2 else 1)
    assert os.waitpid(child, 0)[1] == 0


# ---- what does not fit is not served


@pytest.mark.parametrize("file", [GRAPH, GOLDEN, CARD])
@pytest.mark.parametrize("place", [0.0, 0.3, 0.7, 0.999])
def test_a_flipped_byte_is_noticed(root, file, place):
    path = put(root) / file
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(bytes(content))
    store = Store(root, state=None)
    with pytest.raises(ModelUnavailable):
        store.load("scale")
    (health,) = store.health(["scale"])
    assert health.state == "missing" and health.why and "scale" in health.why


def test_a_flipped_byte_is_noticed_by_health_though_nothing_was_loaded(root):
    path = put(root) / GRAPH
    store = Store(root, state=None)
    assert store.health(["scale"])[0].state == "ready"
    content = bytearray(path.read_bytes())
    content[-1] ^= 255
    path.write_bytes(bytes(content))
    os.utime(path, ns=(1, 1))
    assert store.health(["scale"])[0].why == "The scale model's model.onnx does not fit its hash."


@pytest.mark.parametrize("file", [GRAPH, GOLDEN, CARD])
def test_a_missing_file_is_noticed(root, file):
    (put(root) / file).unlink()
    with pytest.raises(ModelUnavailable):
        Store(root, state=None).load("scale")


def forge(folder: Path, **changes: object) -> None:
    """Change a card and sign it again, with the hashes of the files as they are."""
    card = json.loads((folder / CARD).read_text())
    files = {name: models.hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in card["files"]}
    del card["sha256"]
    models.write_card({**card, "files": files, **changes}, root=folder.parent.parent)


def test_another_schema_than_the_cards_is_not_served(root):
    folder = put(root)
    (folder / GRAPH).write_bytes(scaling(2, columns=4))
    forge(folder)
    with pytest.raises(ModelUnavailable, match="inputs are"):
        Store(root, state=None).load("scale")
    (folder / GRAPH).write_bytes(scaling(2, output="z"))
    forge(folder)
    with pytest.raises(ModelUnavailable, match="outputs are"):
        Store(root, state=None).load("scale")


def test_other_outputs_than_the_golden_ones_are_not_served(root):
    folder = put(root)
    (folder / GRAPH).write_bytes(scaling(2.01))
    forge(folder)
    with pytest.raises(ModelUnavailable, match="not what it was"):
        Store(root, state=None).load("scale")
    forge(folder, tolerance=0.1)
    assert served(Store(root, state=None)) == pytest.approx(2.01)


@pytest.mark.parametrize(
    "changes",
    [
        {"files": {}},
        {"files": {"../../secret": "0"}},
        {"files": ["model.onnx"]},
        {"tolerance": "none"},
        {"name": "other"},
        {"version": "2"},
    ],
)
def test_forged_cards_are_not_served(root, changes):
    folder = put(root)
    card = json.loads((folder / CARD).read_text()) | changes
    del card["sha256"]
    (folder / CARD).write_text(json.dumps({**card, "sha256": models.signature(card)}))
    with pytest.raises(ModelUnavailable):
        Store(root, state=None).load("scale")


def test_a_pickle_in_place_of_the_golden_outputs_is_not_loaded(root, tmp_path):
    folder = put(root)

    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    np.savez(folder / GOLDEN, **{"input.x": np.array([Trap()], object), "output.y": np.zeros(1)})
    forge(folder)
    with pytest.raises(ModelUnavailable, match="golden"):
        Store(root, state=None).load("scale")
    assert not (tmp_path / "sprung").exists()


def test_without_the_runtime_the_reason_is_given(root, monkeypatch):
    put(root)
    real = builtins.__import__

    def refusing(name, *args, **kwargs):
        if name == "onnxruntime":
            raise ImportError("libgomp is missing")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refusing)
    with pytest.raises(ModelUnavailable, match=r"ONNX Runtime cannot be loaded.*libgomp"):
        Store(root, state=None).load("scale")


def test_no_folder_at_all(tmp_path):
    store = Store(tmp_path / "nowhere", state=None)
    with pytest.raises(ModelUnavailable, match="No scale model is installed"):
        store.load("scale")
    assert {h.name: h.state for h in store.health()} == dict.fromkeys(config.MODELS, "missing")


def test_a_product_without_models_converts_and_says_so(tmp_path, monkeypatch, logo):
    monkeypatch.setattr(config, "ASSETS", tmp_path)
    load_rules.cache_clear()
    result = convert.convert(logo)
    load_rules.cache_clear()
    assert result.svg.startswith("<svg") and any("classifier" in note for note in result.degraded)
    assert {h.state for h in models.store().health(config.MODELS)} == {"missing"}


# ---- versions


def test_the_newest_version_that_passes_is_served(root):
    for version, factor in (("2", 2.0), ("10", 10.0), ("9", 9.0)):
        put(root, version, factor)
    assert served(Store(root, state=None)) == 10
    (root / "scale" / "10" / GRAPH).write_bytes(b"broken")
    store = Store(root, state=None)
    assert served(store) == 9
    (health,) = store.health(["scale"])
    assert (health.version, health.state) == ("9", "fallback") and "does not fit its hash" in (health.why or "")


def test_pin_and_roll_back_take_no_loading(root, state, monkeypatch):
    put(root, "1", 1.0)
    put(root, "2", 2.0)
    store = Store(root, state=state)
    assert served(store) == 2
    store.pin("scale", "1")
    assert served(store) == 1

    def never(*_, **__):
        raise AssertionError("loaded again")

    monkeypatch.setattr(models, "load", never)
    begin = time.perf_counter()
    assert store.rollback("scale") == "2"
    assert served(store) == 2 and time.perf_counter() - begin < 0.05
    store.unpin("scale")
    assert served(store) == 2


def test_two_versions_serve_at_once(root):
    put(root, "1", 1.0)
    put(root, "2", 2.0)
    store = Store(root, state=None)
    old, new = store.load("scale", "1"), store.load("scale")
    assert (old.run(ONE)["y"][0, 0], new.run(ONE)["y"][0, 0]) == (1, 2)
    with pytest.raises(ModelUnavailable, match="of version 3"):
        store.load("scale", "3")


def test_a_pin_holds_over_a_restart_and_in_other_processes(root, state):
    put(root, "1", 1.0)
    put(root, "2", 2.0)
    running = Store(root, state=state)
    assert served(running) == 2
    Store(root, state=state).pin("scale", "1")
    assert served(running) == served(Store(root, state=state)) == 1
    assert running.rollback("scale") == "2"


def test_a_broken_version_cannot_be_pinned(root, state):
    put(root, "1", 1.0)
    (put(root, "2", 2.0) / GRAPH).write_bytes(b"broken")
    store = Store(root, state=state)
    with pytest.raises(ModelUnavailable, match="does not fit its hash"):
        store.pin("scale", "2")
    with pytest.raises(ModelUnavailable, match="of version 7"):
        store.pin("scale", "7")
    assert served(store) == 1


def test_a_pinned_version_that_went_away_is_told(root, state):
    put(root, "1", 1.0)
    put(root, "2", 2.0)
    Store(root, state=state).pin("scale", "1")
    shutil.rmtree(root / "scale" / "1")
    store = Store(root, state=state)
    assert served(store) == 2
    (health,) = store.health(["scale"])
    assert health.state == "fallback" and health.why == "Version 1 of scale is pinned, and not there."


def test_a_broken_choice_chooses_nothing(root, state):
    put(root)
    state.mkdir()
    (state / "choice.json").write_text("{")
    assert served(Store(root, state=state)) == 2


def test_a_folder_that_others_can_write_to_is_not_used(root, state):
    put(root, "1", 1.0)
    put(root, "2", 2.0)
    state.mkdir(mode=0o777)
    state.chmod(0o777)
    (state / "choice.json").write_text(json.dumps({"pins": {"scale": "1"}}))
    assert served(Store(root, state=state)) == 2


def test_from_many_threads(root):
    put(root)
    store = Store(root, state=None)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(id(store.load("scale")))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16 and len(set(found)) == 1


def test_a_cards_version_follows_the_pin(root, state):
    put(root, "1", 1.0)
    put(root, "2", 2.0)
    store = Store(root, state=state)
    assert store.card("scale")["version"] == "2"
    store.pin("scale", "1")
    assert store.card("scale")["version"] == "1"


def test_the_command_lists_pins_and_goes_back(root, state, monkeypatch, capsys):
    put(root, "1", 1.0)
    put(root, "2", 2.0)
    monkeypatch.setattr(config, "MODELS", ("scale",))
    here = Store(root, state=state)
    monkeypatch.setattr(models, "store", lambda: here)
    assert main(["models"]) == 0
    name, version, health, *_ = capsys.readouterr().out.split()
    assert (name, version, health) == ("scale", "2", "serving")
    assert main(["models", "pin", "scale", "1"]) == 0 and served(here) == 1
    assert main(["models", "rollback", "scale"]) == 0 and "Serving 2 again." in capsys.readouterr().out
    assert main(["models", "pin", "scale", "7"]) == 1 and served(here) == 2
    assert main(["models", "unpin", "scale"]) == 0 and served(here) == 2
    assert main(["models", "refresh"]) == 1
    assert "TRUECURVE_MODELS=" in capsys.readouterr().err
    shutil.rmtree(root)
    assert main(["models", "rollback"]) == 1


# ---- releases from the Hub


def publish(hub: hub_server.Hub, root: Path, tag: str) -> None:
    """Put a folder of models on the Hub as a release."""
    repository = hub.repositories.setdefault(("models", "maker/models"), hub_server.Repository())
    commit = f"{len(repository.commits):040x}"
    files = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    repository.commits[commit] = files | {"teacher/1/model.onnx": b"large", "README.md": b"# Models"}
    repository.tags[tag] = commit


def test_a_release_is_pulled_checked_and_served(root, state, hub, tmp_path):
    put(root, "1", 1.0)
    release = tmp_path / "release"
    put(release, "2", 2.0)
    publish(hub, release, "v2")
    store = Store(root, state=state, hub=Hub("maker/models", "v2", hub.url))
    assert served(store) == 1 and store.note and not hub.calls, "the Hub is not asked before anybody says so"
    assert store.refresh() and served(store) == 2 and store.note is None
    assert store.load("scale").source == "hub v2"
    assert not any("teacher" in path or "README" in path for _, path in hub.calls), "only what is served is pulled"
    assert store.rollback() == "repository" and served(store) == 1
    assert not store.refresh() and served(store) == 1 and store.note == "Release v2 was rolled back."
    assert store.refresh(again=True) and served(store) == 2


def test_a_pulled_release_is_found_again_without_the_hub(root, state, hub, tmp_path):
    put(root, "1", 1.0)
    put(tmp_path / "release", "2", 2.0)
    publish(hub, tmp_path / "release", "v2")
    wanted = Hub("maker/models", "v2", hub.url)
    assert Store(root, state=state, hub=wanted).refresh()
    hub.down = True
    hub.calls.clear()
    again = Store(root, state=state, hub=wanted)
    assert served(again) == 2 and again.refresh() and not hub.calls
    (state / "choice.json").unlink()
    assert again.refresh() and served(again) == 2 and not hub.calls, "what is in the cache is found by itself"


@pytest.mark.parametrize("spoil", [GRAPH, GOLDEN, CARD])
def test_a_broken_release_is_not_served(root, state, hub, tmp_path, spoil):
    put(root, "1", 1.0)
    path = put(tmp_path / "release", "2", 2.0) / spoil
    path.write_bytes(path.read_bytes()[:-1] + b"~")
    publish(hub, tmp_path / "release", "v2")
    store = Store(root, state=state, hub=Hub("maker/models", "v2", hub.url))
    assert not store.refresh() and served(store) == 1
    assert store.note and "Release v2 is not used" in store.note


@pytest.mark.parametrize("revision", ["v9", "v2"])
def test_a_release_that_cannot_be_had_leaves_what_is_there(root, state, hub, tmp_path, revision):
    put(root, "1", 1.0)
    put(tmp_path / "release", "2", 2.0)
    publish(hub, tmp_path / "release", "v2")
    hub.down = revision == "v2"
    url = "http://127.0.0.1:9" if hub.down else hub.url
    store = Store(root, state=state, hub=Hub("maker/models", revision, url))
    assert not store.refresh() and served(store) == 1
    assert store.note and "could not be pulled" in store.note


def test_an_older_release_is_not_mistaken_for_the_one_wanted(root, state, hub, tmp_path):
    put(root, "1", 1.0)
    put(tmp_path / "a", "2", 2.0)
    put(tmp_path / "b", "3", 3.0)
    publish(hub, tmp_path / "a", "v2")
    publish(hub, tmp_path / "b", "v3")
    assert Store(root, state=state, hub=Hub("maker/models", "v2", hub.url)).refresh()
    store = Store(root, state=state, hub=Hub("maker/models", "v3", hub.url))
    assert store.refresh() and served(store) == 3
    assert store.rollback() == "v2" and served(store) == 2


def test_the_hub_is_asked_in_the_background_while_nobody_waits(root, state, hub, tmp_path):
    put(root, "1", 1.0)
    put(tmp_path / "release", "2", 2.0)
    publish(hub, tmp_path / "release", "v2")
    store = Store(root, state=state, hub=Hub("maker/models", "v2", hub.url))
    idle, stop = threading.Event(), threading.Event()
    thread = store.watch(first=0.05, every=0.05, idle=idle.is_set, stop=stop)
    time.sleep(0.4)
    assert not hub.calls and served(store) == 1, "somebody is waiting"
    idle.set()
    deadline = time.monotonic() + 30
    while served(store) != 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert served(store) == 2
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


# ---- the models of the product


def test_every_installed_model_loads_fast_and_small():
    store = Store(state=None)
    for name in store.names():
        model = store.load(name)
        assert model.seconds < 3 and model.bytes < 30e6, name
    assert all(h.state == "serving" and h.why is None for h in store.health())


def test_onnx_checks_our_test_graph():
    onnx.checker.check_model(onnx.load_from_string(scaling(2)))
