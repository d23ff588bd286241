"""Batches: names, report, resuming, bad files, and what a spreadsheet must not run."""

from __future__ import annotations

import csv
import json
import shutil
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import png_of
from hypothesis import given
from hypothesis import strategies as st

from pipeline import BadPicture, Converter
from pipeline.convert import Request
from pipeline.serve.batch import COLUMNS, Summary, convert_all
from pipeline.serve.inputs import open_inputs, svg_names


@pytest.fixture(scope="module")
def converter() -> Iterator[Converter]:
    with Converter(2) as shared:
        yield shared


def square(colour: int = 0) -> bytes:
    pixels = np.full((24, 24, 3), 255, np.uint8)
    pixels[6:18, 6:18] = (colour, 80, 160)
    return png_of(pixels)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "in"
    files = {
        "a.png": square(1), "a.jpg": square(2), "sub/deeper/b.PNG": square(3), "sub/c.bmp": square(4),
        "=cmd.png": square(5), "bad.png": b"\x89PNG\r\n\x1a\n broken", "empty.gif": b"", "notes.txt": b"no picture",
        ".hidden.png": square(6), ".git/x.png": square(7),
    }  # fmt: skip
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def run(source: Path, out: Path, converter: Converter, **options: Any) -> tuple[Summary, dict[str, dict[str, Any]]]:
    request = options.pop("request", Request(tier=1))
    summary = convert_all(source, out, request, converter=converter, **options)
    rows = [json.loads(line) for line in (out / "report.jsonl").read_text().splitlines()]
    assert len({row["file"] for row in rows}) == len(rows)
    return summary, {row["file"]: row for row in rows}


def test_a_folder(converter: Converter, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    seen: list[tuple[str, int]] = []
    summary, rows = run(folder, out, converter, on_row=lambda row, total: seen.append((row["file"], total)))
    assert summary == Summary(total=7, converted=5, failed=2, passed_over=2)
    assert {name: row["svg"] for name, row in rows.items()} == {
        "a.png": "a.png.svg", "a.jpg": "a.jpg.svg", "sub/deeper/b.PNG": "sub/deeper/b.svg", "sub/c.bmp": "sub/c.svg",
        "=cmd.png": "=cmd.svg", "bad.png": None, "empty.gif": None,
    }  # fmt: skip
    for row in rows.values():
        assert row["ok"] == (row["svg"] is not None) == (row["error"] is None)
        assert row["seconds"] >= 0
        if row["ok"]:
            assert (out / row["svg"]).read_text().startswith("<svg")
            assert row["svg_bytes"] == (out / row["svg"]).stat().st_size
            assert {"logo_type", "parameters_used", "actual_quality", "degraded"} <= set(row)
    assert rows["bad.png"]["code"] == "unreadable" and rows["empty.gif"]["error"] == "The file is empty."
    assert sorted(seen) == sorted((name, 7) for name in rows)
    assert not [path for path in out.rglob("*") if path.name.endswith(".part")]


def test_the_table_is_safe_in_a_spreadsheet(converter: Converter, folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "out", converter)
    with (tmp_path / "out" / "report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS and len(rows) == 7
    by_name = {row["file"]: row for row in rows}
    assert by_name["'=cmd.png"]["svg"] == "'=cmd.svg"
    assert by_name["bad.png"]["ok"] == "False" and by_name["bad.png"]["error"]


def test_resume_does_what_is_missing_and_no_more(converter: Converter, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(folder, out, converter)
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.svg")}
    (folder / "sub" / "c.bmp").write_bytes(square(200))  # changed
    (folder / "bad.png").write_bytes(square(9))  # mended
    (out / "sub" / "deeper" / "b.svg").unlink()  # lost
    with (out / "report.jsonl").open("a") as report:
        report.write('{"file": "half a li')  # killed while writing
    summary, rows = run(folder, out, converter, resume=True)
    assert summary == Summary(total=7, converted=3, failed=1, resumed=3, passed_over=2)
    assert len(rows) == 7 and [name for name, row in rows.items() if not row["ok"]] == ["empty.gif"]
    assert (out / "sub" / "deeper" / "b.svg").exists()
    for name in ("a.png.svg", "a.jpg.svg", "=cmd.svg"):
        assert (out / name).stat().st_mtime_ns == times[out / name]
    with (out / "report.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 7
    summary, _ = run(folder, out, converter, resume=True, request=Request(tier=1, validate=True))
    assert summary.resumed == 0, "other settings are other work"


def test_without_resume_everything_is_done_again(converter: Converter, folder: Path, tmp_path: Path) -> None:
    run(folder, tmp_path / "out", converter)
    summary, rows = run(folder, tmp_path / "out", converter)
    assert summary.converted == 5 and len(rows) == 7


def test_a_zip_is_converted_without_being_unpacked(converter: Converter, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("logos/a.png", square(1))
        archive.writestr("../escape.png", square(2))
        archive.writestr("bomb.png", bytes(5_000_000), zipfile.ZIP_DEFLATED)
        archive.writestr("readme.md", "hello")
        archive.writestr("__MACOSX/logos/._a.png", b"junk")
    summary, rows = run(tmp_path / "in.zip", tmp_path / "x" / "out", converter)
    assert summary == Summary(total=3, converted=1, failed=2, passed_over=2)
    assert (tmp_path / "x" / "out" / "logos" / "a.svg").exists()
    assert "leads out" in rows["../escape.png"]["error"] and "packed more" in rows["bomb.png"]["error"]
    assert sorted(p.name for p in (tmp_path / "x").rglob("*") if p.is_file()) == ["a.svg", "report.csv", "report.jsonl"]


def test_cancelling_keeps_what_is_done(converter: Converter, folder: Path, tmp_path: Path) -> None:
    cancel = threading.Event()
    summary, rows = run(folder, tmp_path / "out", converter, jobs=1, cancel=cancel, on_row=lambda *_: cancel.set())
    assert summary.cancelled and len(rows) == 1
    summary, rows = run(folder, tmp_path / "out", converter, resume=True)
    assert not summary.cancelled and len(rows) == 7


def test_an_svg_that_cannot_be_written_is_a_row(converter: Converter, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(square())
    (tmp_path / "in" / "b.png").write_bytes(square())
    (tmp_path / "out" / "a.svg").mkdir(parents=True)
    summary, rows = run(tmp_path / "in", tmp_path / "out", converter)
    assert (summary.converted, summary.failed) == (1, 1)
    assert "cannot be written" in rows["a.png"]["error"]


def test_an_empty_folder_and_no_folder(converter: Converter, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    summary, rows = run(tmp_path / "in", tmp_path / "out", converter)
    assert summary == Summary(total=0) and not rows
    with pytest.raises(BadPicture, match="There is no"):
        open_inputs(tmp_path / "nowhere")


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.png").write_bytes(square())
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "other")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    assert open_inputs(tmp_path / "in").names == ()
    shutil.rmtree(tmp_path / "other")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.png", "b.jpg"], ["a.svg", "b.svg"]),
        (["a.png", "a.jpg"], ["a.png.svg", "a.jpg.svg"]),
        (["x/a.png", "y/a.jpg"], ["x/a.svg", "y/a.svg"]),
        (["a.png", "A.jpg"], ["a.png.svg", "A.jpg.svg"]),
        (["a.png", "a.jpg", "a.png.gif"], ["a.png.svg", "a.jpg.svg", "a.png.gif.svg"]),
        (["logo.v2.png"], ["logo.v2.svg"]),
        (["a.png", "a.png"], ["a.png.svg", "a.png~2.svg"]),
    ],
)
def test_names_of_svgs(names: list[str], expected: list[str]) -> None:
    assert svg_names(names) == expected


@given(st.lists(st.from_regex(r"([aA]/)?[aAb.]{1,3}[ab]\.(png|jpg|PNG|svg\.png)", fullmatch=True), max_size=12))
def test_no_svg_overwrites_another(names: list[str]) -> None:
    svgs = [name.casefold() for name in svg_names(names)]
    assert len(set(svgs)) == len(svgs) == len(names)
    assert all(name.endswith(".svg") for name in svgs)
