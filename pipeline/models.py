"""What was learned, by name and version: found, verified, loaded, served, and put back to an earlier version.

A model is a folder ``<name>/<version>/`` with a signed ``card.json`` and the files it lists: ``model.onnx``, ``golden.npz``, or
arrays. Such folders lie in the repository (``assets/models``) and in releases pulled from the Hub. Nothing is served whose
card, file hashes, schema or golden outputs do not fit. ONNX Runtime is imported when the first graph is loaded.

    python -m pipeline models                       what is there, loaded and checked
    python -m pipeline models pin NAME VERSION      serve this version from now on, in every running process
    python -m pipeline models unpin NAME            serve the newest again
    python -m pipeline models rollback [NAME]       serve what was served before; without a name, the release before
    python -m pipeline models refresh               pull the pinned release from the Hub
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from . import config
from .errors import ModelUnavailable

CARD, GRAPH, GOLDEN = "card.json", "model.onnx", "golden.npz"
TOLERANCE = 1e-4
"""Absolute error of an output, plus as much relative to it, up to which golden outputs are the same."""
MOST_BYTES = 500_000_000
"""Of a model's files; a folder with more is not one of ours."""
KEPT = 2
"""Versions of a model that stay loaded, so that going back takes no loading."""

FIRST_LOOK, LOOK_EVERY = 60.0, 6 * 3600.0
"""Seconds after starting, and between two times, that the Hub is asked."""

_DTYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(int64)": "int64", "tensor(uint8)": "uint8"}

State = Literal["serving", "ready", "fallback", "missing"]


# ---- cards


def signature(card: Mapping[str, Any]) -> str:
    """Hex sha256 of a card's canonical JSON without its own ``sha256``."""
    content = {key: value for key, value in card.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


_asked: ContextVar[Mapping[str, str]] = ContextVar("asked", default=MappingProxyType({}))


@contextlib.contextmanager
def asked(versions: Mapping[str, str]) -> Iterator[None]:
    """Within it, stores give these versions by model: what one conversion asked for, and nobody else gets."""
    token = _asked.set(versions)
    try:
        yield
    finally:
        _asked.reset(token)


def asked_version(name: str) -> str | None:
    """The version of a model that was asked for here; None where it is left to the store."""
    return _asked.get().get(name)


def read_card(
    name: str, keys: Collection[str] = (), *, version: str | None = None, root: Path | None = None
) -> dict[str, Any]:
    """The card of the version of a model that is to be served.

    Parameters
    ----------
    keys
        What the card must have beside its name, version and hash.
    version
        A certain one, beside what is served.
    root
        The one folder of models to look in, for the newest version; where the product looks (`store`) where None.

    Raises
    ------
    ModelUnavailable
        There is none, it is no JSON object, lacks a key, or its hash does not fit: it was changed after it was learned.
    """
    if root is None:
        return store().card(name, keys, version)
    return Store(root, state=None).card(name, keys, version)


def write_card(card: Mapping[str, Any], *, root: Path | None = None) -> Path:
    """Sign a card that has a name and a version, and write it where `read_card` finds it; returns the file."""
    path = (root or config.ASSETS / "models") / str(card["name"]) / str(card["version"]) / CARD
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**card, "sha256": signature(card)}, indent=1) + "\n", encoding="utf-8")
    return path


def write_model(
    name: str,
    version: str,
    onnx: bytes | None = None,
    *,
    golden_inputs: Mapping[str, np.ndarray] | None = None,
    files: Mapping[str, bytes] | None = None,
    card: Mapping[str, Any] | None = None,
    tolerance: float = TOLERANCE,
    root: Path | None = None,
) -> Path:
    """Write a model's folder whole, or not at all, and return it.

    Parameters
    ----------
    onnx
        The graph; its schema is read from it, and its golden outputs are what it gives here for `golden_inputs`.
    golden_inputs
        An array for each input of the graph; by its side, the graph must have one.
    files
        Further files by name, for models that are plain arrays.
    card
        What else the card says: feature names, normalisation, data and its hash, commit, metrics.

    Raises
    ------
    ModelUnavailable
        The graph cannot be loaded or run, or what was written fails the checks of serving.
    """
    content = dict(files or {})
    fields: dict[str, Any] = {**(card or {}), "name": name, "version": version}
    if onnx is not None:
        session = _session(onnx, name)
        inputs = dict(golden_inputs or {})
        outputs = _run(session, inputs, name)
        golden = io.BytesIO()
        np.savez_compressed(
            golden,
            allow_pickle=False,
            **{f"input.{key}": value for key, value in inputs.items()},
            **{f"output.{key}": value for key, value in outputs.items()},
        )
        content |= {GRAPH: onnx, GOLDEN: golden.getvalue()}
        fields |= {"inputs": _schema(session.get_inputs()), "outputs": _schema(session.get_outputs())}
        fields |= {"tolerance": tolerance}
    fields["files"] = {key: hashlib.sha256(value).hexdigest() for key, value in sorted(content.items())}
    fields["libraries"] = {**_libraries(), **fields.get("libraries", {})}
    folder = (root or config.ASSETS / "models") / name / version
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{version}-", dir=folder.parent) as scratch:
        written = write_card(fields, root=Path(scratch)).parent
        for key, value in content.items():
            (written / key).write_bytes(value)
        load(written, name=name, version=version)
        if folder.exists():
            shutil.rmtree(folder)
        written.rename(folder)
    return folder


def _libraries() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in ("numpy", "onnxruntime", "onnx", "torch", "stable-baselines3", "transformers"):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


# ---- one model


@dataclass(frozen=True, eq=False)
class Model:
    """A model that passed its checks.

    Attributes
    ----------
    source : str
        Where it lies: ``repository``, or ``hub`` and the release.
    session : onnxruntime.InferenceSession or None
        None for a model that is a card or arrays.
    files : dict of str to bytes
        The verified content of what is neither graph nor golden outputs.
    bytes : int
        Of all its files.
    seconds : float
        What loading and checking took.
    """

    name: str
    version: str
    source: str
    card: Mapping[str, Any]
    session: Any = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    bytes: int = 0
    seconds: float = 0.0

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs by name. Raises `ModelUnavailable` where the graph refuses the inputs, or there is no graph."""
        if self.session is None:
            raise ModelUnavailable(f"The {self.name} model has no graph to run.")
        return _run(self.session, inputs, self.name)


def load(folder: Path, *, name: str, version: str, source: str = "repository") -> Model:
    """Read a model's folder, check everything about it, and run it once.

    Every byte that is used is the byte that was hashed: nothing is read twice.

    Raises
    ------
    ModelUnavailable
        Which check failed, in words.
    """
    begin = time.perf_counter()
    card = _read(folder / CARD, name)
    if (card["name"], str(card["version"])) != (name, version):
        raise ModelUnavailable(f"The {name} model's card is that of {card['name']} {card['version']}.")
    content = _verified(folder, card)
    session = None
    if GRAPH in content:
        session = _session(content[GRAPH], name)
        _check_schema(session, card)
        _check_golden(session, content.get(GOLDEN), card)
    elif "inputs" in card:
        raise ModelUnavailable(f"The {name} model's card lists no {GRAPH}.")
    size = (folder / CARD).stat().st_size + sum(map(len, content.values()))
    others = {key: value for key, value in content.items() if key not in (GRAPH, GOLDEN)}
    return Model(name, version, source, card, session, others, size, time.perf_counter() - begin)


def _read(path: Path, name: str, keys: Collection[str] = ()) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"The {name} model's card cannot be read ({error}).") from error
    if not isinstance(card, dict) or (missing := {"name", "version", "sha256", *keys} - set(card)):
        lacking = f" (it lacks {', '.join(sorted(missing))})" if isinstance(card, dict) else ""
        raise ModelUnavailable(f"The {name} model's card is not one{lacking}.")
    if card["sha256"] != signature(card):
        raise ModelUnavailable(f"The {name} model's card does not fit its hash.")
    return card


def _verified(folder: Path, card: Mapping[str, Any]) -> dict[str, bytes]:
    """The content of each file that the card lists, each of the hash that it says."""
    name, listed = card["name"], card.get("files", {})
    if not isinstance(listed, dict):
        raise ModelUnavailable(f"The {name} model's card lists no files.")
    content = {}
    total = 0
    for key, expected in listed.items():
        if key != Path(key).name or key in ("", ".", "..", CARD):
            raise ModelUnavailable(f"The {name} model's card lists {key!r}, which is no file's name.")
        try:
            total += (folder / key).stat().st_size
            if total > MOST_BYTES:
                raise ModelUnavailable(f"The {name} model has more than {MOST_BYTES / 1e6:.0f} MB.")
            content[key] = (folder / key).read_bytes()
        except OSError as error:
            raise ModelUnavailable(f"The {name} model's {key} cannot be read ({error.strerror}).") from error
        if hashlib.sha256(content[key]).hexdigest() != expected:
            raise ModelUnavailable(f"The {name} model's {key} does not fit its hash.")
    return content


def _session(graph: bytes, name: str) -> Any:
    """A session with one thread, since a worker runs on each core; it starts no thread, so that it lives through a fork."""
    try:
        import onnxruntime
    except Exception as error:  # a missing package, a missing system library, or a broken build of it
        raise ModelUnavailable(f"ONNX Runtime cannot be loaded, so the {name} model cannot ({error}).") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors share no base
        raise ModelUnavailable(f"The {name} model's graph cannot be loaded ({error}).") from error


def _run(session: Any, inputs: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    try:
        values = session.run(None, dict(inputs))
    except Exception as error:  # its errors share no base
        raise ModelUnavailable(f"The {name} model cannot be run ({error}).") from error
    return {output.name: np.asarray(value) for output, value in zip(session.get_outputs(), values, strict=True)}


def _schema(slots: Sequence[Any]) -> list[dict[str, Any]]:
    """Name, shape (None where it is free) and dtype of a session's inputs or outputs."""
    return [
        {
            "name": slot.name,
            "shape": [size if isinstance(size, int) else None for size in slot.shape],
            "dtype": _DTYPES.get(slot.type, slot.type),
        }
        for slot in slots
    ]


def _check_schema(session: Any, card: Mapping[str, Any]) -> None:
    for key, slots in (("inputs", session.get_inputs()), ("outputs", session.get_outputs())):
        if card.get(key) != (found := _schema(slots)):
            raise ModelUnavailable(
                f"The {card['name']} model's {key} are {found}, not {card.get(key)} as its card says."
            )


def _check_golden(session: Any, golden: bytes | None, card: Mapping[str, Any]) -> None:
    name = card["name"]
    if golden is None:
        raise ModelUnavailable(f"The {name} model has no golden outputs to check it by.")
    try:
        with np.load(io.BytesIO(golden), allow_pickle=False) as kept:
            inputs = {key[6:]: kept[key] for key in kept if key.startswith("input.")}
            expected = {key[7:]: kept[key] for key in kept if key.startswith("output.")}
        tolerance = float(card["tolerance"])
    except Exception as error:  # zipfile and numpy raise many kinds
        raise ModelUnavailable(f"The {name} model's golden outputs cannot be read ({error}).") from error
    found = _run(session, inputs, name)
    if not expected or set(found) != set(expected):
        raise ModelUnavailable(f"The {name} model's golden outputs are of {sorted(expected)}, not {sorted(found)}.")
    for key, value in expected.items():
        if found[key].shape != value.shape or not np.allclose(found[key], value, rtol=tolerance, atol=tolerance):
            raise ModelUnavailable(f"The {name} model's {key} is not what it was when it was exported.")


# ---- the store


@dataclass(frozen=True)
class Hub:
    """A repository of releases on the Hub, and the release to serve: a tag or a commit. `endpoint` as in HF_ENDPOINT."""

    repository: str
    revision: str
    endpoint: str | None = None


@dataclass(frozen=True)
class Health:
    """How a model does.

    `state` is ``serving`` (loaded and checked), ``ready`` (its card is there, nobody asked for it yet), ``fallback`` (another
    version than the one wanted is served) or ``missing``; `why` says what is wrong in the last two. `load_seconds` is None
    until it is loaded.
    """

    name: str
    version: str | None
    source: str | None
    bytes: int
    load_seconds: float | None
    state: State
    why: str | None = None


@dataclass(frozen=True)
class _Choice:
    """What is to be served, as it is kept on disk.

    Pinned versions and what they replaced, the release in use and the one before, and the release that was rolled back, which
    is not taken up again by itself.
    """

    pins: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)
    release: Mapping[str, str] = field(default_factory=dict)
    release_before: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""


@dataclass(frozen=True)
class _Place:
    folder: Path
    version: str
    source: str


class Store:
    """Models by name, loaded when they are first asked for; safe to use from many threads.

    A model is looked for at: its pinned version, the release in use, the repository from its newest version down. The first
    that passes its checks is served; what did not is told by `health`, and is not tried again until something changes.

    Parameters
    ----------
    root
        The repository's folder of models; the product's own where None.
    state
        The folder in which releases and choices are kept, shared by all processes; None keeps nothing.
    hub
        Where releases come from; nowhere where None.
    """

    def __init__(self, root: Path | None = None, *, state: Path | None, hub: Hub | None = None) -> None:
        self.hub, self.state = hub, state if state is None or _ours(state) else None
        self._root = root
        self._lock = threading.RLock()
        self._loaded: dict[Path, Model] = {}
        self._failed: dict[Path, str] = {}
        self._serving: dict[str, tuple[Path, Model]] = {}
        self._why: dict[str, str] = {}
        self._hashed: dict[Path, tuple] = {}
        self._choice = _Choice()
        self._stamp: tuple[int, int] | None = None
        self._note: str | None = None

    @property
    def root(self) -> Path:
        """The repository's folder of models."""
        return self._root or config.ASSETS / "models"

    def load(self, name: str, version: str | None = None) -> Model:
        """The model to serve, or a certain version of it beside that (also by `asked`); loaded and checked on first use.

        Raises
        ------
        ModelUnavailable
            None is there that passes its checks; the message says what is wrong with the first.
        """
        self._follow()
        version = version or asked_version(name)
        serving = self._serving.get(name)
        if version is None and serving and serving[0] == self.root:
            return serving[1]
        with self._lock:
            problems = []
            for place in self._places(name, version):
                try:
                    model = self._load(place, name)
                except ModelUnavailable as error:
                    problems.append(error.message)
                    continue
                if version is None:
                    self._serving[name] = (self.root, model)
                    self._why.pop(name, None)
                    if problems:
                        self._why[name] = problems[0]
                    self._keep_few(name)
                return model
            if not problems:
                problems = [f"No {name} model{f' of version {version}' if version else ''} is installed."]
            if version is None:
                self._why[name] = problems[0]
            raise ModelUnavailable(problems[0])

    def card(self, name: str, keys: Collection[str] = (), version: str | None = None) -> dict[str, Any]:
        """The card of the version to serve, or of a certain one; its hash checked, its files not. Raises `ModelUnavailable`."""
        self._follow()
        problem = None
        for place in self._places(name, version or asked_version(name)):
            try:
                return _read(place.folder / CARD, name, keys)
            except ModelUnavailable as error:
                problem = problem or error
        raise problem or ModelUnavailable(f"No {name} model is installed.")

    def versions(self, name: str) -> list[tuple[str, str]]:
        """Version and source of each that is there, in the order in which they are tried."""
        self._follow()
        return [(place.version, place.source) for place in self._places(name)]

    def names(self) -> list[str]:
        """What the product uses, and what else is installed."""
        self._follow()
        found = {path.parent.parent.name for root, _ in self._roots() for path in root.glob(f"*/*/{CARD}")}
        return [*config.MODELS, *sorted(found - set(config.MODELS))]

    def warm(self, names: Collection[str] | None = None) -> None:
        """Load whatever can be loaded, before anybody waits for it."""
        for name in self.names() if names is None else names:
            with contextlib.suppress(ModelUnavailable):  # `health` tells
                self.load(name)

    def health(self, names: Collection[str] | None = None) -> list[Health]:
        """How each model does; loads nothing."""
        return [self._health(name) for name in (self.names() if names is None else names)]

    @property
    def note(self) -> str | None:
        """Why the release that is wanted is not in use, in words; None where it is, or none is wanted."""
        self._follow()
        if self.hub is None or self._release().get("revision") == self.hub.revision:
            return None
        if self._choice.refused == self.hub.revision:
            return f"Release {self.hub.revision} was rolled back."
        return self._note or f"Release {self.hub.revision} of {self.hub.repository} is not here yet."

    # --- which version --------------------------------------------------------------------------------------------

    def pin(self, name: str, version: str) -> Model:
        """Serve this version from now on, in every process that shares the state; checked before it is chosen.

        Raises
        ------
        ModelUnavailable
            It is not there or fails its checks; what was served goes on being served.
        """
        with self._lock:
            self._failed.clear()
            model = self.load(name, version)
            before = self._now(name)
            choice = self._choice
            self._choose(
                replace(
                    choice,
                    pins={**choice.pins, name: version},
                    before={**choice.before, name: before} if before and before != version else choice.before,
                )
            )
            self._serving[name] = (self.root, model)
            self._why.pop(name, None)
            return model

    def unpin(self, name: str) -> None:
        """Serve what is found first again."""
        with self._lock:
            before = self._now(name)
            pins = {key: value for key, value in self._choice.pins.items() if key != name}
            self._choose(
                replace(
                    self._choice,
                    pins=pins,
                    before={**self._choice.before, name: before} if before else self._choice.before,
                )
            )

    def rollback(self, name: str | None = None) -> str:
        """Serve the version before, or without a name the release before; returns which. Raises `ModelUnavailable`."""
        with self._lock:
            self._follow()
            if name is not None:
                if name not in self._choice.before:
                    raise ModelUnavailable(f"No version of {name} was served before this one.")
                return self.pin(name, self._choice.before[name]).version
            choice = self._choice
            if not choice.release and not choice.release_before:
                raise ModelUnavailable("No release was served before.")
            refused = choice.release.get("revision", "")
            self._choose(
                replace(choice, release=choice.release_before, release_before=choice.release, refused=refused, pins={})
            )
            return self._choice.release.get("revision", "repository")

    def refresh(self, *, again: bool = False) -> bool:
        """Pull the release that is wanted, and use it if every model in it passes its checks; True where it is used.

        It may take minutes: call it where nobody waits. What goes wrong is told by `note`. A release that was rolled back
        is only used again where `again` says so.
        """
        if self.hub is None or self.state is None:
            return False
        self._follow()
        if self._choice.refused == self.hub.revision and not again:
            return False
        if self._release().get("revision") == self.hub.revision:
            return True
        try:
            folder = self._pull(self.hub)
            broken = self._broken(folder, self.hub.revision)
        except Exception as error:  # the Hub's client raises many kinds; none may end the thread that asks
            self._note = f"Release {self.hub.revision} could not be pulled ({type(error).__name__}: {error})."
            return False
        if broken:
            self._note = f"Release {self.hub.revision} is not used: {broken}"
            return False
        with self._lock:
            self._note = None
            self._follow()
            release = {"revision": self.hub.revision, "folder": str(folder), "repository": self.hub.repository}
            self._choose(replace(self._choice, release=release, release_before=self._choice.release, refused=""))
        return True

    def watch(
        self,
        *,
        first: float = FIRST_LOOK,
        every: float = LOOK_EVERY,
        idle: Callable[[], bool] = lambda: True,
        stop: threading.Event | None = None,
    ) -> threading.Thread:
        """Call `refresh` now and then in a thread of its own: never at the start, and only while `idle()` says so.

        Parameters
        ----------
        first, every
            Seconds until the first time, and from one to the next.
        """
        ended = stop or threading.Event()

        def look() -> None:
            wait = first
            while not ended.wait(wait):
                while not idle():
                    if ended.wait(min(5.0, every)):
                        return
                self.refresh()
                wait = every

        thread = threading.Thread(target=look, name="truecurve-models", daemon=True)
        thread.start()
        return thread

    # --- inside ---------------------------------------------------------------------------------------------------

    def _load(self, place: _Place, name: str) -> Model:
        if place.folder in self._loaded:
            return self._loaded[place.folder]
        if place.folder in self._failed:
            raise ModelUnavailable(self._failed[place.folder])
        try:
            model = load(place.folder, name=name, version=place.version, source=place.source)
        except ModelUnavailable as error:
            self._failed[place.folder] = error.message
            raise
        self._loaded[place.folder] = model
        return model

    def _keep_few(self, name: str) -> None:
        """Forget the versions loaded longest ago, but not the one that is served."""
        loaded = [folder for folder, model in self._loaded.items() if model.name == name]
        serving = self._serving[name][1]
        for folder in [folder for folder in loaded if self._loaded[folder] is not serving][
            : max(0, len(loaded) - KEPT)
        ]:
            del self._loaded[folder]

    def _now(self, name: str) -> str | None:
        serving = self._serving.get(name)
        if serving and serving[0] == self.root:
            return serving[1].version
        return next((place.version for place in self._places(name)), None)

    def _roots(self) -> Iterator[tuple[Path, str]]:
        if release := self._release():
            yield Path(release["folder"]), f"hub {release['revision']}"
        yield self.root, "repository"

    def _release(self) -> Mapping[str, str]:
        """The release in use, if it is still where it was put."""
        release = self._choice.release
        return release if release and Path(release["folder"]).is_dir() else {}

    def _places(self, name: str, version: str | None = None) -> list[_Place]:
        found = [
            _Place(path.parent, path.parent.name, source)
            for root, source in self._roots()
            for path in sorted(root.glob(f"{name}/*/{CARD}"), key=lambda p: _version(p.parent.name), reverse=True)
        ]
        if version is not None:
            return [place for place in found if place.version == version]
        pinned = self._choice.pins.get(name)
        return sorted(found, key=lambda place: place.version != pinned) if pinned else found

    def _health(self, name: str) -> Health:
        self._follow()
        places = self._places(name)
        pinned = self._choice.pins.get(name)
        why = self._why.get(name)
        if pinned and not any(place.version == pinned for place in places):
            why = f"Version {pinned} of {name} is pinned, and not there."
        serving = self._serving.get(name)
        if serving and serving[0] == self.root:
            model = serving[1]
            state: State = "fallback" if why else "serving"
            return Health(name, model.version, model.source, model.bytes, round(model.seconds, 4), state, why)
        for place in places:
            try:
                size = self._intact(place, name)
            except ModelUnavailable as error:
                why = why or error.message
                continue
            return Health(name, place.version, place.source, size, None, "fallback" if why else "ready", why)
        return Health(name, None, None, 0, None, "missing", why or f"No {name} model is installed.")

    def _intact(self, place: _Place, name: str) -> int:
        """Bytes of a model whose hashes fit; hashed again only where its files changed. Raises `ModelUnavailable`."""
        if place.folder in self._failed:
            raise ModelUnavailable(self._failed[place.folder])
        files = sorted((path, path.stat()) for path in place.folder.iterdir() if path.is_file())
        stamp = tuple((path.name, found.st_mtime_ns, found.st_size) for path, found in files)
        if self._hashed.get(place.folder) != stamp:
            _verified(place.folder, _read(place.folder / CARD, name))
            self._hashed[place.folder] = stamp
        return sum(found.st_size for _, found in files)

    def _pull(self, hub: Hub) -> Path:
        from huggingface_hub import snapshot_download  # slow to import, and seldom needed
        from huggingface_hub.utils import disable_progress_bars

        disable_progress_bars()

        assert self.state is not None
        names = {path.parent.parent.name for path in self.root.glob(f"*/*/{CARD}")} | set(config.MODELS)
        for local in (True, False):  # what is here already is found without asking
            try:
                return Path(
                    snapshot_download(
                        hub.repository,
                        revision=hub.revision,
                        cache_dir=self.state / "hub",
                        endpoint=hub.endpoint,
                        allow_patterns=[f"{name}/*/*" for name in sorted(names)],
                        ignore_patterns=["*.pt", "*.pt2", "*.zip", "*.safetensors"],
                        local_files_only=local,
                    )
                )
            except Exception:  # not here, or here in part
                if not local:
                    raise
        raise AssertionError("unreachable")

    def _broken(self, folder: Path, revision: str) -> str:
        """What is wrong with a release, in words; empty where each model of it can be served."""
        cards = sorted(folder.glob(f"*/*/{CARD}"))
        if not cards:
            return "there is no model in it."
        for card in cards:
            try:
                load(card.parent, name=card.parent.parent.name, version=card.parent.name, source=f"hub {revision}")
            except ModelUnavailable as error:
                return error.message
        return ""

    def _follow(self) -> None:
        """Read what was chosen, should another process have chosen since."""
        if self.state is None:
            return
        path = self.state / "choice.json"
        try:
            found = path.stat()
            stamp: tuple[int, int] | None = (found.st_mtime_ns, found.st_ino)
        except OSError:
            stamp = None
        if stamp == self._stamp:
            return
        with self._lock:
            choice = _Choice()
            with contextlib.suppress(OSError, ValueError, TypeError):  # a broken file chooses nothing
                choice = _Choice(**json.loads(path.read_text(encoding="utf-8"))) if stamp else choice
            self._adopt(choice, stamp)

    def _choose(self, choice: _Choice) -> None:
        stamp = None
        if self.state is not None:
            path = self.state / "choice.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            scratch = path.with_name(f"choice-{os.getpid()}-{threading.get_ident()}.json")
            scratch.write_text(json.dumps(choice.__dict__, indent=1), encoding="utf-8")
            os.replace(scratch, path)
            found = path.stat()
            stamp = (found.st_mtime_ns, found.st_ino)
        self._adopt(choice, stamp)

    def _adopt(self, choice: _Choice, stamp: tuple[int, int] | None) -> None:
        self._choice, self._stamp = choice, stamp
        self._serving.clear()
        self._why.clear()
        self._failed.clear()


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else -1 for part in name.split("."))


def _ours(folder: Path) -> bool:
    """Whether a folder, made if need be, can be written by us and by nobody else: what lies in it is run."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = folder.stat()
    except OSError:
        return False
    return (
        found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and os.access(folder, os.W_OK)
    )


@lru_cache(maxsize=1)
def store() -> Store:
    """The product's store."""
    hub = Hub(config.HUB_REPOSITORY, config.HUB_REVISION) if config.HUB_REPOSITORY and config.HUB_REVISION else None
    return Store(state=config.CACHE / "models", hub=hub)
