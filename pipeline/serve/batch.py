"""A whole folder or zip of pictures → SVGs and a report, written as the work goes on.

A bad picture is a row of the report and not the end. ``report.jsonl`` has a line for each picture: `file`, `svg`, `ok`,
`error`, `code`, `seconds`, `key`, and the record of the conversion with the `sample` that it can be rated by;
``report.csv`` has its flat columns for spreadsheets.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from .. import config
from ..convert import Request
from ..converter import Converter
from ..errors import Cancelled, VectorizeError
from ..render import Format
from . import samples
from .inputs import Inputs, open_inputs, svg_names

Row = dict[str, Any]

COLUMNS = (
    "file", "svg", "ok", "error", "seconds", "logo_type", "confidence", "selected_tier", "reason", "recipe",
    "predicted_quality", "actual_quality", "default_quality", "width", "height", "svg_bytes", "default_bytes", "paths",
    "parameters", "candidates", "degraded",
)  # fmt: skip
"""Columns of ``report.csv``."""


@dataclass(frozen=True)
class Summary:
    """How many pictures were converted, failed, were done already, and how many other files were passed over."""

    total: int
    converted: int = 0
    failed: int = 0
    resumed: int = 0
    passed_over: int = 0
    cancelled: bool = False


def convert_all(
    source: Path | Inputs,
    out: Path,
    request: Request,
    *,
    converter: Converter,
    jobs: int | None = None,
    resume: bool = False,
    cancel: threading.Event | None = None,
    on_begin: Callable[[str], None] | None = None,
    on_row: Callable[[Row, int], None] | None = None,
    format: Format = "svg",
    background: bool = False,
) -> Summary:
    """Convert every picture of `source`, a folder, a zip or what was opened already, into `out`, keeping sub-folders.

    Parameters
    ----------
    jobs
        Conversions at once; as many as the converter has workers where None.
    resume
        Leave alone what an earlier run into `out` converted from the same bytes with the same settings.
    cancel
        Ends the run when set; what is done stays, with its report.
    on_begin
        Called with the name of each picture whose turn it is, one call at a time.
    on_row
        Called with each row and the number of pictures in all, one call at a time.
    format
        Written beside each SVG where it is another.
    background
        Let all conversions that are not in the background go first.

    Raises
    ------
    BadPicture
        `source` is neither a folder nor a zip within the limits.
    OSError
        The report cannot be written.
    """
    inputs = source if isinstance(source, Inputs) else open_inputs(source)
    try:
        converter.prepare(cancel=cancel)
        out.mkdir(parents=True, exist_ok=True)
        done = _read_done(out) if resume else {}
        run = _Run(
            inputs, out, request, converter, cancel or threading.Event(), done, on_begin, on_row, format, background
        )
        with run.report:
            run.go(jobs or converter.workers.count)
        return run.summary
    finally:
        inputs.close()


class _Run:
    """One batch under way, shared by its threads."""

    def __init__(
        self,
        inputs: Inputs,
        out: Path,
        request: Request,
        converter: Converter,
        cancel: threading.Event,
        done: dict[str, Row],
        on_begin: Callable[[str], None] | None,
        on_row: Callable[[Row, int], None] | None,
        format: Format,
        background: bool,
    ) -> None:
        self.inputs, self.out, self.request, self.converter = inputs, out, request, converter
        self.cancel, self.done, self.on_begin, self.on_row = cancel, done, on_begin, on_row
        self.format, self.background = format, background
        self.svgs = svg_names(inputs.names)
        self.settings = json.dumps({**_settings(request), "format": format}, sort_keys=True).encode()
        self.summary = Summary(len(inputs.names), passed_over=inputs.passed_over)
        here = set(inputs.names)
        self.report = Report(out, [row for name, row in done.items() if name in here])
        self.lock = threading.Lock()
        self.left: Iterator[int] = iter(range(len(inputs.names)))
        self.failure: BaseException | None = None

    def go(self, jobs: int) -> None:
        threads = [threading.Thread(target=self._work, name="truecurve-batch") for _ in range(jobs)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.2)  # in slices, so that Ctrl-C is heard
        except BaseException:
            self.cancel.set()
            for thread in threads:
                thread.join()
            raise
        if self.failure:
            raise self.failure
        if self.cancel.is_set():
            self.summary = replace(self.summary, cancelled=True)

    def _work(self) -> None:
        try:
            while not self.cancel.is_set():
                with self.lock:
                    index = next(self.left, None)
                    if index is None:
                        return
                    if self.on_begin:
                        self.on_begin(self.inputs.names[index])
                self._one(index)
        except Cancelled:
            return
        except BaseException as error:
            self.failure = error
            self.cancel.set()

    def _one(self, index: int) -> None:
        name, svg = self.inputs.names[index], self.svgs[index]
        row: Row = {"file": name, "svg": None, "ok": False, "error": None, "code": None, "seconds": 0.0, "key": None}
        begin = time.perf_counter()
        try:
            data = self.inputs.read(index)
            row["key"] = hashlib.sha256(self.settings + hashlib.sha256(data).digest()).hexdigest()
            earlier = self.done.get(name)
            if earlier and earlier["key"] == row["key"] and earlier["svg"] == svg:
                self._count(earlier, "resumed")
                return
            options = {name: getattr(self.request, name) for name in self.request.__dataclass_fields__}
            result = self.converter.convert(data, cancel=self.cancel, background=self.background, **options)
            if self.format != "svg":
                exported = self.converter.export(result.svg, self.format)
                write_atomically((self.out / svg).with_suffix(f".{self.format}"), exported)
            write_atomically(self.out / svg, result.svg)
            sample = samples.store().keep(result, data, door="batch")
            row |= {"svg": svg, "ok": True, **result.record(), "sample": sample}
        except Cancelled:
            raise
        except VectorizeError as error:
            row |= {"error": error.message, "code": error.code}
        except OSError as error:
            row |= {"error": f"The SVG cannot be written: {error.strerror or error}.", "code": "failed"}
        row["seconds"] = round(time.perf_counter() - begin, 4)
        self._count(row, "converted" if row["ok"] else "failed")

    def _count(self, row: Row, what: str) -> None:
        with self.lock:
            if what != "resumed":
                self.report.add(row)
            self.summary = replace(self.summary, **{what: getattr(self.summary, what) + 1})
            if self.on_row:
                self.on_row(row, self.summary.total)


class Report:
    """``report.jsonl`` and ``report.csv`` in a folder: begun with the given rows, then appended to and flushed.

    While it is open, a file may have a row that it began with and a later one; on closing the later one alone is kept.
    """

    def __init__(self, folder: Path, rows: Collection[Row] = ()) -> None:
        self._folder = folder
        self._began_with = {row["file"] for row in rows}
        self._replaced: set[str] = set()
        self._write(rows)
        self._jsonl: TextIO = (folder / "report.jsonl").open("a", encoding="utf-8")
        self._csv: TextIO = (folder / "report.csv").open("a", encoding="utf-8", newline="")

    def _write(self, rows: Iterable[Row]) -> None:
        jsonl, table = io.StringIO(), io.StringIO()
        csv.writer(table).writerow(COLUMNS)
        for row in rows:
            jsonl.write(json.dumps(row) + "\n")
            csv.writer(table).writerow(_cells(row))
        write_atomically(self._folder / "report.jsonl", jsonl.getvalue())
        write_atomically(self._folder / "report.csv", table.getvalue())

    def add(self, row: Row) -> None:
        """Append a row to both."""
        if row["file"] in self._began_with:
            self._replaced.add(row["file"])
        self._jsonl.write(json.dumps(row) + "\n")
        self._jsonl.flush()
        csv.writer(self._csv).writerow(_cells(row))
        self._csv.flush()

    def __enter__(self) -> Report:
        return self

    def __exit__(self, *_: object) -> None:
        self._jsonl.close()
        self._csv.close()
        if self._replaced:
            with (self._folder / "report.jsonl").open(encoding="utf-8") as lines:
                last = {row["file"]: row for row in map(json.loads, lines)}
            self._write(last.values())


def _cells(row: Row) -> list[str]:
    flat = {
        **row,
        "recipe": row.get("parameters_used", {}).get("recipe"),
        "degraded": "; ".join(row.get("degraded", ())),
    }
    return [_cell(flat.get(column)) for column in COLUMNS]


def _cell(value: Any) -> str:
    """A cell's text; one that a spreadsheet would take for a formula is quoted."""
    if value is None:
        return ""
    text = str(value)
    return "'" + text if isinstance(value, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _settings(request: Request) -> dict[str, Any]:
    """What else than the picture decides what comes out."""
    plan = request.plan.to_json() if request.plan else None
    return {**asdict(replace(request, plan=None)), "plan": plan, "version": config.VERSION}


def _read_done(out: Path) -> dict[str, Row]:
    """Rows of an earlier report whose SVG is there, by file."""
    done: dict[str, Row] = {}
    with suppress(FileNotFoundError), (out / "report.jsonl").open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            with suppress(ValueError, KeyError, TypeError):  # a line that was being written when the run was killed
                row = json.loads(line)
                if row["ok"] and row["key"] and (out / row["svg"]).is_file():
                    done[row["file"]] = row
    return done


def write_atomically(path: Path, data: str | bytes) -> None:
    """Write a file so that it is there whole or not at all; its folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = (
        path.parent / f".{os.getpid()}-{threading.get_ident()}.part"
    )  # not of the name's length: that may be the longest
    try:
        part.write_bytes(data.encode() if isinstance(data, str) else data)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
