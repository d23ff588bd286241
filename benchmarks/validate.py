"""A whole folder of pictures converted in parallel, as people convert them, and what came of it.

    python -m benchmarks.validate build/wild --tier auto            # --jobs 2 --out build/validate

Each picture is converted through `Converter`, timed from outside of the process that draws; then ours and vtracer's default
are measured. By class, tier, recipe and source: the share of the default's error that is gone (by SSIM to the reference
picture, and to the artwork where it is known), failures, times, how far predictions were off, how often ours is below
vtracer's default by J, and how often the budget was exceeded. Written to OUT: ``report.md`` and ``report.html`` with pictures
of the best, the worst and the most mispredicted, ``rows.jsonl`` with a line for each picture, and the SVGs.

A failure counts as a blank picture; one that is refused with a reason (not an image, too large) is counted apart. Where the
folder has an about.json, as those of `benchmarks.wild` do, it says which pictures there are, where they are from, and the
artworks.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from pipeline import Converter, config
from pipeline.errors import BadPicture, VectorizeError

from . import likeness
from .figures import LATE, aligned, geometric_mean, improvement, markdown, number, percent, percentile, within
from .likeness import BLANK, PATIENCE, Likeness

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"}
SHOWN = 8
"""Pictures of each kind in the report."""


@dataclass(frozen=True)
class Source:
    """A picture to convert; `group` and `source` say where it is from, `truth` is a picture of the artwork."""

    path: Path
    name: str
    group: str = ""
    source: str = ""
    truth: Path | None = None


@dataclass(frozen=True)
class Row:
    """What came of one picture.

    Attributes
    ----------
    outcome : str
        ``ok``, ``failed``, or ``refused`` where the picture itself is at fault.
    seconds : float
        From asking to having the SVG, seen from outside.
    ours, default : Likeness or None
        A failure's is that of a blank; None where it was refused, and where vtracer's default could not be measured.
    predicted : float or None
        SSIM to the reference picture that was predicted.
    """

    name: str
    group: str
    source: str
    outcome: str
    seconds: float
    label: str = ""
    tier: int = 0
    recipe: str = ""
    predicted: float | None = None
    ours: Likeness | None = None
    default: Likeness | None = None
    note: str = ""

    @property
    def gain(self) -> float | None:
        """J over that of vtracer's default."""
        return self.ours.j(self.default) - self.default.reference if self.ours and self.default else None

    @property
    def off(self) -> float | None:
        """What was predicted less what was measured."""
        if self.outcome != "ok" or self.predicted is None or self.ours is None:
            return None
        return self.predicted - self.ours.reference


def sources(folder: Path) -> list[Source]:
    """The pictures of a folder, those of its about.json where there is one. Raises `FileNotFoundError` where there are none."""
    about = folder / "about.json"
    if about.exists():
        rows = json.loads(about.read_text())["pictures"]
        found = [
            Source(
                folder / row["file"],
                row["file"],
                row["group"],
                row["source"],
                folder / row["truth"] if row["truth"] else None,
            )
            for row in rows
        ]
    else:
        paths = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES and path.is_file())
        found = [Source(path, path.relative_to(folder).as_posix()) for path in paths]
    if not found:
        raise FileNotFoundError(f"{folder} holds no pictures.")
    return found


def converted(source: Source, converter: Converter, svg: Path, options: dict[str, Any]) -> Row:
    """Convert one picture, write its SVG, and measure it."""
    about = {"name": source.name, "group": source.group, "source": source.source}
    begin = time.perf_counter()
    try:
        result = converter.convert(source.path, **options)
    except BadPicture as error:
        return Row(**about, outcome="refused", seconds=time.perf_counter() - begin, note=error.message)
    except VectorizeError as error:
        seconds = time.perf_counter() - begin
        failed = {**about, "outcome": "failed", "seconds": seconds, "note": f"{type(error).__name__}: {error.message}"}
        return Row(**failed, **_measured(converter, source, BLANK))
    seconds = time.perf_counter() - begin
    svg.parent.mkdir(parents=True, exist_ok=True)
    svg.write_text(result.svg)
    return Row(
        **about,
        outcome="ok",
        seconds=seconds,
        label=result.logo_type,
        tier=result.selected_tier,
        recipe=result.plan.recipe,
        predicted=result.predicted_quality,
        note=" ".join(result.degraded),
        **_measured(converter, source, result.svg),
    )


def _measured(converter: Converter, source: Source, svg: str) -> dict[str, Likeness | None]:
    try:
        found = converter.workers.call(likeness.measured, source.path, (svg,), source.truth, timeout=PATIENCE).value
    except VectorizeError as error:
        print(f"{source.name} could not be measured: {error.message}", file=sys.stderr)
        return {}
    default, (ours,) = found
    return {"ours": ours, "default": default}


# ---- what is told of many


HEAD = (
    "",
    "pictures",
    "failed",
    "improvement",
    "to the artwork",
    "SSIM",
    "bytes / default",
    "below default",
    "p50 s",
    "p95 s",
    "±0.01",
    "±0.02",
    "late",
)
LEGEND = """\
*improvement*: the share of the error of vtracer's default that is gone, by SSIM to the reference picture; *to the artwork*: the
same by SSIM to the artwork at 1024 px, over the pictures whose artwork is known. *SSIM* and *bytes / default* (geometric
mean) are ours. *below default*: the share that is worse than vtracer's default by J. *±0.01*, *±0.02*: the share of the
predictions of SSIM that near to what was measured. *late*: the share that took more than 1.05 times the budget. Times are from
outside, with other conversions beside them."""


def summary(title: str, rows: Sequence[Row], budget: float) -> list[str]:
    """A line of the report."""
    pairs = [(row.ours, row.default) for row in rows if row.ours and row.default]
    known = [(ours, default) for ours, default in pairs if ours.artwork is not None and default.artwork is not None]
    drawn = [row for row in rows if row.outcome == "ok"]
    off = [row.off for row in drawn if row.off is not None]
    gains = [row.gain for row in rows if row.gain is not None]
    seconds = [row.seconds for row in drawn]
    sizes = [row.ours.bytes / row.default.bytes for row in drawn if row.ours and row.default]
    return [
        title,
        str(len(rows)),
        str(sum(row.outcome == "failed" for row in rows)),
        percent(improvement((ours.reference for ours, _ in pairs), (default.reference for _, default in pairs))),
        percent(improvement((ours.artwork for ours, _ in known), (default.artwork for _, default in known))),
        number(float(np.mean([ours.reference for ours, _ in pairs])) if pairs else float("nan")),
        number(geometric_mean(sizes), 2),
        percent(float(np.mean([gain < -1e-9 for gain in gains])) if gains else float("nan")),
        number(percentile(seconds, 50), 3),
        number(percentile(seconds, 95), 3),
        percent(within(off, 0.01)),
        percent(within(off, 0.02)),
        percent(float(np.mean([second > LATE * budget for second in seconds])) if seconds else float("nan")),
    ]


def tables(rows: Sequence[Row], budget: float) -> list[tuple[str, list[list[str]]]]:
    """A title and lines for each way of grouping; pictures that were refused are in none."""
    kept = [row for row in rows if row.outcome != "refused"]
    ways = (
        ("By class", lambda row: row.label),
        ("By tier", lambda row: f"tier {row.tier}" if row.tier else ""),
        ("By recipe", lambda row: row.recipe),
        ("By group", lambda row: row.group),
        ("By source", lambda row: row.source),
    )
    found = [("All", [summary("all", kept, budget)])]
    for title, key in ways:
        names = sorted({key(row) for row in kept if key(row)})
        if names:
            parts = [(name, [row for row in kept if key(row) == name]) for name in names]
            found.append((title, [summary(name, part, budget) for name, part in parts]))
    return found


def selections(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """The best and the worst by J over vtracer's default, and the most mispredicted."""
    judged = sorted(
        (row for row in rows if row.outcome == "ok" and row.gain is not None), key=lambda row: row.gain or 0
    )
    missed = sorted((row for row in rows if row.off is not None), key=lambda row: -abs(row.off or 0))
    kinds = [
        ("The worst", judged[:SHOWN]),
        ("The best", judged[::-1][:SHOWN]),
        ("The most mispredicted", missed[:SHOWN]),
    ]
    return [(title, chosen) for title, chosen in kinds if chosen]


def remarks(rows: Sequence[Row]) -> list[str]:
    """What else there is to say: failures, refusals, what could not be measured, what was degraded."""
    found = [f"Failed: {row.name}: {row.note}" for row in rows if row.outcome == "failed"]
    found += [f"Refused: {row.name}: {row.note}" for row in rows if row.outcome == "refused"]
    lost = sum(row.outcome == "ok" and row.default is None for row in rows)
    if lost:
        found.append(f"vtracer's default could not be measured on {lost} pictures; they count in no improvement.")
    notes: dict[str, int] = {}
    for row in rows:
        if row.outcome == "ok" and row.note:
            notes[row.note] = notes.get(row.note, 0) + 1
    found += [f"Degraded, {count} ×: {note}" for note, count in sorted(notes.items(), key=lambda item: -item[1])]
    return found


# ---- the report


def caption(row: Row) -> str:
    """What is said of a picture that is shown."""
    if row.ours is None or row.default is None:
        return row.name
    words = f"{row.name}: SSIM {row.ours.reference:.4f}, vtracer's default {row.default.reference:.4f}; "
    words += f"{row.ours.bytes:,} bytes, {row.default.bytes:,}; tier {row.tier}, {row.recipe}, {row.seconds:.2f} s"
    return words + (f"; predicted {row.predicted:.4f}" if row.predicted is not None else "")


def write_report(out: Path, rows: Sequence[Row], head: str, budget: float, shown: dict[str, str]) -> None:
    """Write report.md and report.html; `shown` is the file, within `out`, of a picture by its name."""
    parts, pages = [f"# Validation\n\n{head}\n"], [f"<h1>Validation</h1><p>{html.escape(head)}</p>"]
    for title, lines in tables(rows, budget):
        parts.append(f"## {title}\n\n{markdown(HEAD, lines)}\n")
        pages.append(f"<h2>{title}</h2>{_table(lines)}")
        if title == "All":
            parts.append(LEGEND + "\n")
            pages.append(f"<p>{html.escape(LEGEND.replace('*', ''))}</p>")
    said = remarks(rows)
    if said:
        parts.append("## Remarks\n\n" + "\n".join(f"- {_plain(line)}" for line in said) + "\n")
        pages.append("<h2>Remarks</h2><ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in said) + "</ul>")
    for title, chosen in selections(rows):
        parts.append(f"## {title}\n\nInput, ours, vtracer's default.\n")
        pages.append(f"<h2>{title}</h2><p>Input, ours, vtracer’s default.</p>")
        for row in chosen:
            if file := shown.get(row.name):
                parts.append(f"![]({file})\n\n{_plain(caption(row))}\n")
                words = html.escape(caption(row))
                pages.append(f'<figure><img src="{file}" alt=""><figcaption>{words}</figcaption></figure>')
    (out / "report.md").write_text("\n".join(parts))
    (out / "report.html").write_text(PAGE.replace("{body}", "\n".join(pages)))


PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Validation</title>
<style>
:root { color-scheme: light dark; --ink: light-dark(#222, #ddd); --line: light-dark(#ddd, #444); --accent: #c2187e; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 1400px; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { font-weight: 600; } h2 { border-top: 2px solid var(--accent); padding-top: .5rem; margin-top: 2rem; }
div.table { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
figure { margin: 1rem 0; } figure img { max-width: 100%; border: 1px solid var(--line); }
figcaption { overflow-wrap: anywhere; }
</style>
{body}
</html>
"""


def _table(lines: Iterable[Sequence[str]]) -> str:
    row = lambda tag, cells: "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"  # noqa: E731
    return f'<div class="table"><table>{row("th", HEAD)}{"".join(row("td", line) for line in lines)}</table></div>'


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>#!|" else c for c in " ".join(text.split()))


def _numbered(source: Source, index: int) -> str:
    """The name of its files: a picture's own may be anything."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in source.path.stem)[:60]
    return f"{index:04}-{kept}"


def _shown(
    sources: Sequence[Source], rows: Sequence[Row], names: dict[str, str], converter: Converter, out: Path
) -> dict[str, str]:
    """Draw the pictures of the report; their files within `out`, by name."""
    paths = {source.name: source.path for source in sources}
    files: dict[str, str] = {}
    (out / "shown").mkdir(exist_ok=True)
    for name in {row.name for _, chosen in selections(rows) for row in chosen}:
        svg = (out / "svg" / f"{names[name]}.svg").read_text()
        try:
            data = converter.workers.call(likeness.panels, paths[name], svg, timeout=PATIENCE).value
        except VectorizeError as error:
            print(f"{name} cannot be shown: {error.message}", file=sys.stderr)
            continue
        files[name] = f"shown/{names[name]}.webp"
        (out / files[name]).write_bytes(data)
    return files


def run(folder: Path, out: Path, *, jobs: int, sample: int | None, options: dict[str, Any]) -> list[Row]:
    """Convert a folder and write the report."""
    found = sources(folder)
    if sample and sample < len(found):
        found = found[:: len(found) // sample][:sample]
    for part in ("svg", "shown"):
        shutil.rmtree(out / part, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    names = {source.name: _numbered(source, i) for i, source in enumerate(found)}
    with Converter(jobs) as converter, ThreadPoolExecutor(jobs) as pool:
        converter.prepare()
        begin = time.perf_counter()
        one = lambda source: converted(source, converter, out / "svg" / f"{names[source.name]}.svg", options)  # noqa: E731
        rows = []
        with (out / "rows.jsonl").open("w") as file:
            for row in tqdm(pool.map(one, found), total=len(found), unit="picture", mininterval=5):
                rows.append(row)
                file.write(json.dumps(asdict(row)) + "\n")
                file.flush()
        took = time.perf_counter() - begin
        models = ", ".join(f"{model['name']} {model['version']}" for model in converter.health()["models"])
        shown = _shown(found, rows, names, converter, out)
    budget = options["time_budget"]
    head = f"{len(rows)} pictures of {folder} in {took / 60:.1f} minutes by {jobs} workers, tier {options['tier']}, target "
    head += f"{options['target_quality']:g}, budget {budget:g} s; models: {models or 'none'}."
    write_report(out, rows, head, budget, shown)
    print(head)
    return rows


def main() -> int:
    """Convert, print the tables and name the report; 1 where a picture failed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tier", default=config.DEFAULT_TIER, choices=("auto", "1", "2", "3"))
    parser.add_argument("--target-quality", type=float, default=config.DEFAULT_TARGET_QUALITY)
    parser.add_argument("--time-budget", type=float, default=config.DEFAULT_TIME_BUDGET, help="seconds (%(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="pictures at once (%(default)s)")
    parser.add_argument("--sample", type=int, help="as many pictures, spread over the folder (all)")
    parser.add_argument("--out", type=Path, default=config.ROOT / "build" / "validate")
    arguments = parser.parse_args()
    options = {
        "tier": "auto" if arguments.tier == "auto" else int(arguments.tier),
        "target_quality": arguments.target_quality,
        "time_budget": arguments.time_budget,
    }
    try:
        rows = run(arguments.folder, arguments.out, jobs=arguments.jobs, sample=arguments.sample, options=options)
    except FileNotFoundError as error:
        parser.error(str(error))
    for title, lines in tables(rows, arguments.time_budget):
        print(f"\n{aligned((title, *HEAD[1:]), lines)}")
    for line in remarks(rows):
        print(line)
    print(f"\n{arguments.out / 'report.html'}")
    return int(any(row.outcome == "failed" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
