"""Machine code: kept where it can be, found by content, complete after warming up, and missed without harm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from conftest import ROOT

from pipeline import compiled
from pipeline.config import HARD_TIMEOUT
from pipeline.tiers import STILL_COMPILING

COMPILES_WITHIN = 280.0
"""Seconds that a loaded machine may take to compile everything."""


def python(code: str, **environment: str) -> str:
    """What a fresh Python prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=COMPILES_WITHIN,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def compiled_once() -> None:
    """Machine code of this version is there."""
    python("from pipeline.warm import main; main()")


@pytest.mark.usefixtures("compiled_once")
def test_nothing_is_compiled_after_warming_up(examples: Path) -> None:
    found = json.loads(
        python(f"""
        import json
        from pathlib import Path
        from PIL import Image
        from pipeline import compiled, warm
        from pipeline.convert import Request, convert

        def compiled_here():
            return {{d.py_func.__name__: n for d in compiled.dispatchers() if (n := sum(d.stats.cache_misses.values()))}}

        warm.warm()
        result = {{"pending": compiled.pending, "warming": compiled_here(), "recipes": []}}
        for path in sorted(Path({str(examples)!r}).glob("*")):
            if path.suffix in (".png", ".jpg"):
                for source in (path, Image.open(path).convert("RGBA").resize((120, 90))):
                    drawn = convert(source, Request(tier=1))
                    result["recipes"].append(drawn.plan.recipe)
        for size in ((1, 1), (1, 40), (2, 2), (7, 3), (300, 1)):
            convert(Image.effect_noise(size, 90), Request(tier=1))
        result["converting"] = compiled_here()
        print(json.dumps(result))
        """)
    )
    assert not found["pending"] and found["warming"] == {}, "loaded, not compiled"
    assert found["recipes"].count("planar") > 10, "our own drawing was in use"
    assert found["converting"] == {}


def test_code_is_found_by_content_and_not_by_place() -> None:
    for source in ("planar.py", "outline.py"):
        name = compiled._place(compiled.SOURCES / source)
        assert name.startswith(source.removesuffix(".py") + "-") and str(ROOT) not in name


def test_a_change_in_what_is_imported_is_a_change(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from .b import f\nfrom . import c\n")
    (tmp_path / "b.py").write_text("f = 1\n")
    (tmp_path / "c.py").write_text("g = 1\n")
    before = compiled._stamp(tmp_path / "a.py")
    (tmp_path / "b.py").write_text("f = 2\n")
    between = compiled._stamp(tmp_path / "a.py")
    (tmp_path / "c.py").write_text("from .a import f\n")  # a circle ends
    assert len({before, between, compiled._stamp(tmp_path / "a.py")}) == 3


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TRUECURVE_CACHE": "{tmp}/mine"}, "{tmp}/mine/numba"),
        ({"TRUECURVE_CACHE": "", "XDG_CACHE_HOME": "{tmp}/xdg"}, "{tmp}/xdg/truecurve/numba"),
        ({"TRUECURVE_CACHE": "", "XDG_CACHE_HOME": "", "HOME": "{tmp}/home"}, "{tmp}/home/.cache/truecurve/numba"),
        ({"TRUECURVE_CACHE": "/proc/none", "XDG_CACHE_HOME": "{tmp}/xdg"}, "{tmp}/xdg/truecurve/numba"),
        ({"TRUECURVE_CACHE": "/proc/none", "XDG_CACHE_HOME": "/proc/none"}, "{tmp}/truecurve-{uid}"),
    ],
)
def test_where_it_is_kept(tmp_path: Path, environment: dict[str, str], expected: str) -> None:
    values = {name: value.format(tmp=tmp_path) for name, value in environment.items()}
    printed = python("from pipeline import compiled; print(compiled.folder())", TMPDIR=str(tmp_path), **values)
    assert printed.strip() == expected.format(tmp=tmp_path, uid=os.getuid())


def test_a_folder_that_others_can_write_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "truecurve" / "numba"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    printed = python(
        "from pipeline import compiled; print(compiled.folder())", TRUECURVE_CACHE="", XDG_CACHE_HOME=str(tmp_path)
    )
    assert printed.strip() != str(folder)


@pytest.mark.slow
def test_conversions_go_on_while_it_is_compiled(tmp_path: Path, logo: Path) -> None:
    seen = json.loads(
        python(
            f"""
            import json, time
            from pipeline import Converter
            with Converter(1) as converter:
                begin = time.monotonic()
                first = converter.convert({str(logo)!r})
                answered = time.monotonic() - begin
                health = converter.health()["degraded"]
                ready = converter.prepare(timeout={COMPILES_WITHIN - 30})
                then = converter.convert({str(logo)!r})
            print(json.dumps([answered, first.plan.recipe, first.degraded, health, ready, then.plan.recipe, then.degraded]))
            """,
            TRUECURVE_CACHE=str(tmp_path),
        )
    )
    answered, recipe, degraded, health, ready, then, then_degraded = seen
    assert answered < HARD_TIMEOUT and recipe == "vtracer" and STILL_COMPILING in degraded and STILL_COMPILING in health
    assert ready and then == "planar" and STILL_COMPILING not in then_degraded


def test_one_process_compiles_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "folder", lambda: tmp_path)
    with compiled.only_compiler(wait=False) as first, compiled.only_compiler(wait=False) as second:
        assert first and not second
    begin = time.monotonic()
    with compiled.only_compiler(wait=True) as again:
        assert again and time.monotonic() - begin < 1
