"""The batch tab: many pictures into one drop zone, a table that fills while they are converted, and a zip at the end."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

import gradio as gr

from .. import config
from ..converter import Converter
from ..errors import BadPicture, VectorizeError
from ..serve.inputs import SUFFIXES, open_files
from . import options as options_panel
from . import texts
from .batches import BATCHES, Batch, Row, View, zip_name
from .intake import BATCH_QUEUE, uploaded
from .markup import markup
from .result import error_html, percent, size
from .shared import Shared
from .texts import batch as t

log = logging.getLogger("truecurve.web")

PAGE = 25
"""Rows of the table that are sent at once."""
PERIOD = 0.5
"""Seconds between two states of the table."""
LONGEST_NAME = 1_000
"""Characters of a file's name with its folders."""

_UPLOAD = "element.addEventListener('tc:upload', e => trigger('upload', e.detail));"
_BOARD = (
    "element.addEventListener('click', e => { const b = e.target.closest('[data-page], [data-show], [data-stop]');"
    " if (!b || b.disabled) return;"
    " if ('stop' in b.dataset) trigger('clear'); else trigger('select', {...b.dataset}); });"
    "watch('value', () => document.dispatchEvent(new Event('tc:batch')));"
)


def build(converter: Converter, shared: Shared, tab: gr.Tab) -> None:
    """Lay out the tab within the current Blocks."""

    def on_files(event: gr.EventData, *choices: Any) -> Iterator[tuple[Any, Any]]:
        try:
            files = given(event._data)
            batch = Batch(
                open_files(files),
                options_panel.request_of(*choices),
                converter,
                name=zip_name([name for name, _ in files]),
                swept=board.temp_files,
            )
        except VectorizeError as error:
            yield error_html(error.message, texts.HINTS.get(error.code, "")), None
            return
        except Exception:
            log.exception("a batch could not begin")
            yield error_html(texts.UNEXPECTED), None
            return
        BATCHES.put(batch)
        try:
            shown = board_html(batch)
            yield shown, batch.token
            over = False
            while not over:
                over = batch.wait(PERIOD)
                before, shown = shown, board_html(batch)
                yield gr.skip() if shown == before else shown, gr.skip()
        finally:  # where it is not over, the page was closed
            batch.leave()

    def on_view(token: str | None, event: gr.EventData) -> Any:
        batch = BATCHES.get(token)
        if batch is None:
            return gr.skip()
        batch.view = turned(batch.view, event._data, pages_of(batch))
        return board_html(batch)

    def on_stop(token: str | None) -> Any:
        batch = BATCHES.get(token)
        if batch is None:
            return gr.skip()
        batch.cancel()
        return board_html(batch)

    token = gr.State(None)
    with gr.Column(elem_id="tc-batch"):
        drop = markup(drop_html(), "tc-batch-drop", _UPLOAD)
        board = markup("", "tc-batch-board", _BOARD)
        chosen = options_panel.build("tc-batch-options", t.OPTIONS_NOTE)
    drop.upload(
        on_files,
        [*chosen.inputs, shared.models],
        [board, token],
        show_progress="hidden",
        api_visibility="private",
        **BATCH_QUEUE,
    )
    at_once: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    board.select(on_view, token, board, trigger_mode="multiple", **at_once)
    board.clear(on_stop, token, board, **at_once)
    chosen.preset_chosen()


def given(data: Any) -> list[tuple[str, Path | None]]:
    """Names and places of the files that the page has sent; the place is None where one was too large to send.

    Raises
    ------
    BadPicture
        It is not what our page sends, or a file is not there: a client may send anything.
    """
    files = data.get("files") if isinstance(data, Mapping) else None
    if not isinstance(files, list) or not files:
        raise BadPicture(t.NOTHING, "not_an_image")
    if len(files) > config.BATCH_LIMITS.files:
        raise BadPicture(t.TOO_MANY.format(count=len(files), most=config.BATCH_LIMITS.files), "too_large")
    found: list[tuple[str, Path | None]] = []
    for file in files:
        name, path = (file.get("name"), file.get("path")) if isinstance(file, Mapping) else (None, None)
        if not isinstance(name, str) or not isinstance(path, str) or len(name) > LONGEST_NAME:
            raise BadPicture(texts.GONE)
        found.append((name, uploaded(path) if path else None))
    return found


def pages_of(batch: Batch) -> int:
    """How many pages the table has; at least one."""
    count = len(batch.rows) if batch.view.show == "all" else batch.counts["failed"]
    return max(1, -(-count // PAGE))


def turned(view: View, data: Any, pages: int) -> View:
    """The view after a press on a page or a choice of rows."""
    data = data if isinstance(data, Mapping) else {}
    if data.get("show") in ("all", "failed"):
        return View(None if data["show"] == "all" else 0, data["show"])
    page = data.get("page")
    if page == "follow":
        return replace(view, page=None)
    if isinstance(page, str) and page.isdecimal() and len(page) < 6:
        return replace(view, page=min(int(page), pages - 1))
    return view


def drop_html() -> str:
    """The drop zone, and where it says how the sending goes."""
    endings = ",".join(sorted(SUFFIXES))
    files = (
        f'<label><u>{t.CHOOSE_FILES}</u><input type="file" multiple accept="image/*,{endings},.zip" data-files></label>'
    )
    folder = f'<label><u>{t.CHOOSE_FOLDER}</u><input type="file" webkitdirectory data-files></label>'
    limits = t.DROP_LIMITS.format(
        files=f"{config.BATCH_LIMITS.files:,}",
        megabytes=config.LIMITS.bytes // 1_000_000,
        entries=config.ZIP_LIMITS.entries,
        zip_megabytes=config.ZIP_LIMITS.bytes // 1_000_000,
    )
    words = "".join(
        f' data-{name}="{escape(text)}"'
        for name, text in (
            ("sending", t.SENDING), ("sent", t.SENT), ("failed", t.SEND_FAILED), ("many", t.TOO_MANY),
            ("nothing", t.NOTHING), ("busy", t.BUSY), ("endings", endings),
        )
    )  # fmt: skip
    numbers = (
        f' data-most="{config.BATCH_LIMITS.files}" data-bytes="{config.LIMITS.bytes}"'
        f' data-zip-bytes="{config.ZIP_LIMITS.bytes}"'
    )
    return (
        f'<section class="tc-zone"{words}{numbers}>'
        '<svg viewBox="0 0 96 56" aria-hidden="true"><path d="M8 20h22v22H8z"/><path d="M20 12h22v22H20z"/>'
        '<path d="M32 4h22v22H32z"/><path class="cv" d="M62 44c0-14 8-22 22-22"/><circle cx="62" cy="44" r="3"/>'
        '<circle cx="84" cy="22" r="3"/></svg>'
        f'<p class="tc-zone-title"><b>{t.DROP}</b>, {t.DROP_HOW.format(files=files, folder=folder)}</p>'
        f'<p class="tc-zone-limits">{limits}</p>'
        f'<div class="tc-zone-status" hidden><progress max="1" value="0" aria-label="{t.PROGRESS_LABEL}"></progress>'
        f'<p role="status"></p><button type="button" data-stop-sending>{t.STOP_SENDING}</button></div></section>'
    )


def board_html(batch: Batch) -> str:
    """How the batch goes, and a page of its table."""
    if batch.over and batch.error:
        return error_html(batch.error)
    running = "" if batch.over else " data-running"
    return f'<section class="tc-batch"{running}>{head_html(batch)}{table_html(batch)}</section>'


def head_html(batch: Batch) -> str:
    """Progress with its numbers, and what can be done: stop, or fetch the zip."""
    counts, total = batch.counts, len(batch.rows)
    done = counts["done"] + counts["failed"]
    facts = [t.PROGRESS.format(done=f"{done:,}", total=f"{total:,}")]
    if counts["failed"]:
        facts.append(f'<span class="bad">{t.FAILED.format(count=counts["failed"])}</span>')
    if batch.passed_over:
        facts.append(t.PASSED_OVER.format(count=batch.passed_over))
    if batch.over:
        title, note = (t.STOPPED if batch.cancelled else t.OVER), verdict_html(batch.rows)
        facts.append(t.TOOK.format(time=span(batch.seconds)))
        bytes_ = batch.zip.stat().st_size if batch.zip and batch.zip.is_file() else 0
        action = (
            f'<a class="tc-batch-button primary" href="api/batches/{batch.token}/results.zip" '
            f'download="{escape(batch.zip.name)}">{t.DOWNLOAD} <small>{size(bytes_)}</small></a>'
            if batch.zip
            else ""
        )
    else:
        stages = {"preparing": t.PREPARING, "converting": t.CONVERTING, "packing": t.PACKING}
        title, note = t.STOPPING if batch.cancelled else stages.get(batch.stage, t.PACKING), t.BEHIND
        left = batch.seconds_left
        if not batch.cancelled and batch.stage == "converting":
            facts.append(t.LEFT_UNKNOWN if left is None else t.LEFT.format(time=span(left)))
        disabled = " disabled" if batch.cancelled or batch.stage == "packing" else ""
        action = f'<button type="button" class="tc-batch-button" data-stop{disabled}>{t.CANCEL}</button>'
    share = 100 * done / total
    bad = 100 * counts["failed"] / total
    return (
        f'<header class="tc-batch-head"><div><h2>{title}</h2><p role="status">{" · ".join(facts)}</p></div>{action}'
        f'<div class="tc-batch-bar" role="progressbar" aria-label="{t.PROGRESS_LABEL}" aria-valuemin="0" '
        f'aria-valuemax="{total}" aria-valuenow="{done}" style="--done:{share:.2f}%;--bad:{bad:.2f}%"></div>'
        f'<p class="tc-note">{note}</p></header>'
    )


def verdict_html(rows: list[Row]) -> str:
    """How the batch compares with vtracer's default, as a sentence; nothing where nothing was measured."""
    pairs = [(row.actual, row.default) for row in rows if row.actual is not None and row.default is not None]
    if not pairs:
        return ""
    closer = t.CLOSER.format(count=sum(ours > theirs for ours, theirs in pairs), total=len(pairs))
    theirs = sum(1 - default for _, default in pairs)
    less = 1 - sum(1 - actual for actual, _ in pairs) / theirs if theirs > 0 else 0.0
    average = t.ERROR_REMOVED.format(percent=percent(less)) if less >= 0.001 else t.NOT_CLOSER
    return f"{closer}. {average}."


def table_html(batch: Batch) -> str:
    """One page of the table, the choice of rows and the way to other pages."""
    view, failed = batch.view, batch.counts["failed"]
    rows = [(i, row) for i, row in enumerate(batch.rows) if view.show == "all" or row.state == "failed"]
    page = min(view.page, pages_of(batch) - 1) if view.page is not None else _page_of_work(batch)
    here = rows[page * PAGE : (page + 1) * PAGE]
    choices = "".join(
        f'<button type="button" data-show="{key}" aria-pressed="{str(view.show == key).lower()}">{text}</button>'
        for key, text in (
            ("all", t.SHOW_ALL.format(count=f"{len(batch.rows):,}")),
            ("failed", t.SHOW_FAILED.format(count=f"{failed:,}")),
        )
    )
    head = "".join(f'<th scope="col" class="{name}">{text}</th>' for name, text in t.COLUMNS.items())
    body = "".join(row_html(batch.token, i, row) for i, row in here)
    if not here:
        body = f'<tr class="none"><td colspan="{len(t.COLUMNS)}">{t.NO_FAILURES}</td></tr>'
    return (
        f'<div class="tc-batch-choice"><div role="group" aria-label="{t.SHOW}">{choices}</div>'
        f"{pager_html(page, len(rows), following=view.page is None, running=not batch.over)}</div>"
        f'<table class="tc-batch-table"><caption>{t.TABLE}</caption><thead><tr>{head}</tr></thead>'
        f'<tbody>{body}</tbody></table><p class="tc-note">{t.QUALITY_NOTE}</p>'
    )


def _page_of_work(batch: Batch) -> int:
    """The page of the first picture that is not done yet; the first page where all are."""
    if batch.view.show == "failed" or batch.over:
        return 0
    return next((i for i, row in enumerate(batch.rows) if row.state in ("waiting", "working")), 0) // PAGE


def pager_html(page: int, count: int, *, following: bool, running: bool) -> str:
    """The way to the pages before and after, where there is more than one."""
    if count <= PAGE:
        return ""
    last = (count - 1) // PAGE
    where = t.PAGE.format(first=page * PAGE + 1, last=min(count, (page + 1) * PAGE), total=f"{count:,}")
    follow = (
        f'<button type="button" data-page="follow" aria-pressed="{str(following).lower()}">{t.FOLLOW}</button>'
        if running
        else ""
    )

    def step(to: int, text: str, arrow: str) -> str:
        disabled = "" if 0 <= to <= last else " disabled"
        return (
            f'<button type="button" class="step" data-page="{min(max(to, 0), last)}" aria-label="{text}" title="{text}"'
            f"{disabled}>{arrow}</button>"
        )

    return (
        f'<nav aria-label="{t.PAGES}">{follow}{step(page - 1, t.PREVIOUS, "‹")}<span>{where}</span>'
        f"{step(page + 1, t.NEXT, '›')}</nav>"
    )


def row_html(token: str, index: int, row: Row) -> str:
    """A picture's row."""
    name = escape(row.name)
    folder, _, file = name.rpartition("/")
    picture = f'<span class="tc-thumb {row.state}"></span>'
    if row.svg:
        link, saved = f"api/batches/{token}/{index}.svg", escape(PurePosixPath(row.svg).name)
        picture = (
            f'<a class="tc-thumb" href="{link}" download="{saved}" title="{t.SAVE.format(name=name)}">'
            f'<img src="{link}" alt="{t.SVG_OF.format(name=name)}" width="44" height="44" loading="lazy"></a>'
        )
    ours, theirs = row.actual, row.default
    cells = {
        "kind": texts.CLASSES.get(row.kind or "", ""),
        "tier": str(row.tier or ""),
        "predicted": _quality(row.predicted),
        "actual": _better(ours, theirs),
        "default": _better(theirs, ours),
        "bytes": size(row.bytes) if row.bytes else "",
    }
    values = "".join(
        f'<td class="{key}" data-label="{t.COLUMNS[key]}">{text or ("–" if row.state == "done" else "")}</td>'
        for key, text in cells.items()
    )
    why = f"<small>{escape(row.error)}</small>" if row.error else ""
    return (
        f'<tr class="{row.state}"><td class="picture">{picture}</td>'
        f'<th scope="row" class="name" title="{name}"><span>{f"<i>{folder}/</i>" if folder else ""}{file}</span>{why}</th>'
        f'{values}<td class="state">{t.STATES[row.state]}</td></tr>'
    )


def _quality(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _better(value: float | None, other: float | None) -> str:
    text = _quality(value)
    return f"<b>{text}</b>" if value is not None and other is not None and value > other else text


def span(seconds: float) -> str:
    """A time for people who wait: ``8 s``, ``4 min``, ``1 h 20 min``."""
    if seconds < 20:
        return t.SECONDS.format(count=max(1, round(seconds)))
    if seconds < 90:
        return t.SECONDS.format(count=5 * round(seconds / 5))
    minutes = round(seconds / 60)
    if minutes < 90:
        return t.MINUTES.format(count=minutes)
    return t.HOURS.format(hours=minutes // 60, minutes=minutes % 60)
