"""Where the machine code of our hot loops is kept, and whether all of it is there.

numba compiles the loops of ``trace/`` on their first use, which takes about a minute in all, and keeps what it compiled in
files. They lie in ``$TRUECURVE_CACHE/numba`` where that is set and can be written; else in the first of
``~/.cache/truecurve/numba`` and a folder of our own among the temporary files that has all of it or, failing that, can be
written. A file is found by the content of the sources it came from, so checkouts share one folder, and no code of an older
version is ever taken.
"""

from __future__ import annotations

import ast
import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numba
from numba.core.caching import _CacheLocator
from numba.core.dispatcher import Dispatcher

SOURCES = Path(__file__).resolve().parent / "trace"
KEPT_DAYS = 30
"""Days that the code of other versions is kept."""

pending = False
"""Whether this process is to do without compiled code until it is there, rather than compile on first use."""


def key() -> str:
    """Hex hash of what machine code depends on: sources, the pictures it is compiled by, Python, numba and processor."""
    digest = hashlib.sha256()
    for path in (*sorted(SOURCES.glob("*.py")), SOURCES.parent / "warm.py"):
        digest.update(path.name.encode() + path.read_bytes())
    target = (llvm.get_default_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())
    digest.update(repr((platform.python_version(), numba.__version__, target)).encode())
    return digest.hexdigest()[:24]


@lru_cache(maxsize=1)
def _key() -> str:
    return key()


@lru_cache(maxsize=1)
def folder() -> Path:
    """The folder of machine code, made if need be."""
    candidates = list(_candidates())
    if os.environ.get("TRUECURVE_CACHE") and _usable(candidates[0]):
        return candidates[0]
    for path in candidates:  # one that cannot be written but has it all will do
        if (path / f"all-{_key()}").exists():
            return path
    for path in candidates:
        if _usable(path):
            return path
    return Path(tempfile.mkdtemp(prefix="truecurve-"))


def _candidates() -> Iterator[Path]:
    if chosen := os.environ.get("TRUECURVE_CACHE"):
        yield Path(chosen).absolute() / "numba"
    cache = os.environ.get("XDG_CACHE_HOME")
    with contextlib.suppress(RuntimeError):  # nobody's home
        yield (Path(cache) if cache else Path.home() / ".cache") / "truecurve" / "numba"
    yield Path(tempfile.gettempdir()) / f"truecurve-{os.getuid()}"


def _usable(path: Path) -> bool:
    """Whether the folder is ours alone to write: what lies in it is run."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
        if status.st_uid != os.getuid() or status.st_mode & 0o022:
            return False
        tempfile.TemporaryFile(dir=path).close()
    except OSError:
        return False
    return True


def complete() -> bool:
    """Whether everything was compiled."""
    return (folder() / f"all-{_key()}").exists()


def mark_complete() -> None:
    """Note that everything was compiled, and remove the code of versions not used for `KEPT_DAYS`."""
    here = folder()
    (here / f"all-{_key()}").touch()
    used = {_place(path) for path in SOURCES.glob("*.py")}
    for path in here.iterdir():
        with contextlib.suppress(OSError):
            if path.name in used:
                os.utime(path)
            elif time.time() - path.stat().st_mtime > KEPT_DAYS * 86_400:
                if path.is_dir():
                    shutil.rmtree(path)
                elif path.name != "lock":
                    path.unlink()


@contextlib.contextmanager
def only_compiler(*, wait: bool) -> Iterator[bool]:
    """Be the one process that compiles, by a lock on a file; gives False where another one is, and `wait` is False."""
    with (folder() / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


def dispatchers() -> list[Any]:
    """The compiled functions of the tracing modules that are imported."""
    prefix = f"{__package__}.trace."
    found = {
        id(value): value
        for name, module in list(sys.modules.items())
        if name.startswith(prefix)
        for value in vars(module).values()
        if isinstance(value, Dispatcher)
    }
    return list(found.values())


# --- how numba finds its files ----------------------------------------------------------------------------------------


def _stamp(path: Path) -> str:
    """Hex hash of a source and of those beside it that it imports, whose loops are compiled into its own."""
    done: dict[str, str] = {}
    todo = [path]
    while todo:
        source = todo.pop()
        if source.name in done:
            continue
        text = source.read_bytes()
        done[source.name] = hashlib.sha256(text).hexdigest()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.level == 1:
                names = [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
                todo += [beside for name in names if (beside := source.parent / f"{name}.py").exists()]
    return hashlib.sha256(repr(sorted(done.items())).encode()).hexdigest()


@lru_cache(maxsize=64)
def _place(path: Path) -> str:
    """The name of the folder in which a source's machine code lies."""
    return f"{path.stem}-{_stamp(path)[:16]}"


class Locator(_CacheLocator):
    """Tells numba where a function's machine code lies: by the content of its sources, wherever they lie themselves."""

    def __init__(self, function: Any, source: str) -> None:
        self._line = function.__code__.co_firstlineno
        self._place = _place(Path(source).resolve())

    def get_cache_path(self) -> str:
        return str(folder() / self._place)

    def get_source_stamp(self) -> str:
        return self._place

    def get_disambiguator(self) -> str:
        return str(self._line)

    @classmethod
    def from_function(cls, function: Any, source: str) -> Locator | None:
        """Ours for our sources; None, which sends numba to its own ways, for others."""
        return cls(function, source) if Path(source).resolve().parent == SOURCES else None


def _use() -> None:
    ours = f"{__name__}.Locator"
    if ours not in numba.config.CACHE_LOCATOR_CLASSES:
        others = numba.config.CACHE_LOCATOR_CLASSES or (
            "UserProvidedCacheLocator,InTreeCacheLocator,UserWideCacheLocator,IPythonCacheLocator"
        )
        numba.config.CACHE_LOCATOR_CLASSES = f"{ours},{others}"


_use()
