"""The models tab: what was learned, which version is in use, how it does, and which one this visitor wants instead."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import gradio as gr
import psutil

from ..converter import Converter
from ..errors import ModelUnavailable
from ..models import Health, Store, store
from .markup import markup
from .result import duration, size
from .shared import Shared
from .texts import models as t

ASK_EVERY = 60.0
"""Seconds between two times that visitors may have the Hub asked."""
MOST_GROUPS = 6
"""Columns of a table of figures; what has more is listed."""
AGAIN = 3000
"""Milliseconds after which the page looks again while the workers start."""

_EVENTS = (
    f"""
setInterval(() => {{
  if (element.querySelector('[data-again]') && element.offsetParent) trigger('select', {{do: 'look'}});
}}, {AGAIN});
"""
    + """
element.addEventListener('change', e => {
  const choice = e.target.closest('select[data-model]');
  if (choice) trigger('select', {model: choice.dataset.model, version: choice.value});
});
element.addEventListener('click', e => {
  const button = e.target.closest('button[data-do]');
  if (button) trigger('select', {do: button.dataset.do});
});
"""
)


def build(converter: Converter, shared: Shared, tab: gr.Tab) -> None:
    """Lay out the tab within the current Blocks."""
    asked = _Asked()

    def look(chosen: Mapping[str, str]) -> str:
        return page_html(converter, store(), chosen)

    def on_event(chosen: dict[str, str], event: gr.EventData) -> Iterator[tuple[str, dict[str, str]]]:
        data = event._data if isinstance(event._data, dict) else {}
        here, note = store(), ""
        if data.get("do") == "refresh" and here.hub:
            if asked.again():
                yield page_html(converter, here, chosen, note=t.HUB_ASKING), chosen
                here.refresh()
            else:
                note = t.HUB_SOON
        elif "model" in data:
            chosen, note = choose(here, chosen, str(data["model"]), str(data.get("version", "")))
        yield page_html(converter, here, chosen, note=note), chosen

    with gr.Column(elem_id="tc-models"):
        panel = markup(f'<p role="status">{t.LOOKING}</p>', "tc-models-panel", _EVENTS)
    events: dict[str, Any] = {
        "api_visibility": "private",
        "show_progress": "hidden",
        "concurrency_id": "models",
        "concurrency_limit": 2,
    }
    tab.select(look, shared.models, panel, **events)
    panel.select(on_event, shared.models, [panel, shared.models], **events)


def choose(here: Store, chosen: Mapping[str, str], name: str, version: str) -> tuple[dict[str, str], str]:
    """One visitor's choices with one more, or one less where `version` is empty; and what is wrong with it, or nothing."""
    others = {key: value for key, value in chosen.items() if key != name}
    if not version:
        return others, ""
    if name not in here.names() or version not in (there for there, _ in here.versions(name)):
        return dict(chosen), t.NOT_THERE.format(version=version[:40], name=name[:40])
    try:
        here.load(name, version)
    except ModelUnavailable as error:
        return dict(chosen), error.message
    return {**others, name: version}, ""


class _Asked:
    """When the Hub was last asked on behalf of a visitor."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = -ASK_EVERY

    def again(self) -> bool:
        """Whether it may be asked again; if so, that counts as asking."""
        with self._lock:
            if time.monotonic() - self._last < ASK_EVERY:
                return False
            self._last = time.monotonic()
            return True


def page_html(converter: Converter, here: Store, chosen: Mapping[str, str], *, note: str = "") -> str:
    """The whole tab: health, what is missing, each model, the release."""
    health = converter.health()
    found = {model.name: model for model in here.health()}
    # only the workers have them loaded
    for model in converter.models():
        if model.name in found and model.version == found[model.name].version:
            found[model.name] = model
    cards = "".join(model_html(model, here, chosen.get(model.name)) for model in found.values())
    told = f'<p class="tc-models-told" role="status">{escape(note)}</p>' if note else ""
    return (
        f"<header><div><h1>{t.TITLE}</h1><p>{t.LEAD}</p></div>"
        f'<button type="button" class="tc-button" data-do="look">{t.LOOK}</button></header>'
        f'{told}{health_html(health)}<div class="tc-models-list">{cards}</div>'
        f'<p class="tc-note">{t.CHOOSE_NOTE}</p>{hub_html(here)}'
    )


def health_html(health: Mapping[str, Any]) -> str:
    """Whether it works, with what, and what is missing."""
    workers, missing = health["workers"], health["degraded"]
    again = ""
    if not health["available"]:
        kind, words = "down", t.DOWN
    elif workers["alive"] < workers["count"]:
        kind, words, again = "reduced", t.STARTING, " data-again"
    else:
        kind, words = ("reduced", t.REDUCED) if missing else ("well", t.ANSWERING)
    server, total = memory()
    tiles = (
        (t.VERSION, health["version"], ""),
        (t.WORKERS, t.WORKERS_VALUE.format(**workers), t.WORKERS_NOTE.format(**workers)),
        (t.RESTARTS, str(workers["restarts"]), t.RESTARTS_NOTE),
        (t.MEMORY, size(total), t.MEMORY_NOTE.format(server=size(server))),
    )
    return (
        f'<section class="tc-health {kind}"{again}><h2>{words}</h2><dl>'
        + "".join(
            f"<div><dt>{label}</dt><dd>{escape(value)}<small>{escape(note)}</small></dd></div>"
            for label, value, note in tiles
        )
        + "</dl>"
        + (
            f"<h3>{t.MISSING}</h3><ul>{''.join(f'<li>{escape(line)}</li>' for line in missing)}</ul>"
            if missing
            else f"<p>{t.NOTHING_MISSING}</p>"
        )
        + "</section>"
    )


def memory() -> tuple[int, int]:
    """Resident bytes of this process, and of it and its workers together; pages that they share count in each."""
    me = psutil.Process()
    own = total = int(me.memory_info().rss)
    for child in me.children(recursive=True):
        try:
            total += int(child.memory_info().rss)
        except psutil.Error:  # it ended meanwhile
            continue
    return own, total


def model_html(model: Health, here: Store, chosen: str | None) -> str:
    """One model: what it does, version and state, where it comes from, its figures, the versions to choose from."""
    name = escape(model.name)
    rows = (
        (t.SOURCE, source_words(model.source)),
        (t.SIZE, size(model.bytes) if model.bytes else ""),
        (t.LOADED_IN, duration(model.load_seconds) if model.load_seconds is not None else t.NOT_LOADED),
    )
    facts = "".join(f"<div><dt>{label}</dt><dd>{escape(value)}</dd></div>" for label, value in rows if value)
    why = f'<p class="tc-model-why">{escape(model.why)}</p>' if model.why else ""
    mine = f'<span class="tc-chip mine">{t.CHOSEN.format(version=escape(chosen))}</span>' if chosen else ""
    return (
        f'<article class="tc-model {model.state}" data-name="{name}"><header><h2>{name}'
        f" <span>{escape(model.version or t.NO_VERSION)}</span></h2>"
        f'{mine}<span class="tc-chip">{t.STATES[model.state]}</span></header>'
        f"<p>{t.DOES.get(model.name, '')}</p>{why}"
        + (f"<dl>{facts}</dl>{choice_html(model, here, chosen)}{card_html(model, here)}" if model.version else "")
        + "</article>"
    )


def source_words(source: str | None) -> str:
    """Where a model lies, for people."""
    if not source:
        return ""
    kind, _, revision = source.partition(" ")
    return t.HUB_SOURCE.format(revision=revision) if kind == "hub" else t.SOURCES.get(source, source)


def choice_html(model: Health, here: Store, chosen: str | None) -> str:
    """The versions that this visitor may take instead of the one that is served."""
    others = list(dict.fromkeys(version for version, _ in here.versions(model.name) if version != model.version))
    if not others:
        return f'<p class="tc-model-only">{t.ONE_VERSION}</p>'
    name = escape(model.name)
    options = "".join(
        f'<option value="{escape(version)}"{" selected" if version == chosen else ""}>'
        f"{t.CHOOSE_OTHER.format(version=escape(version))}</option>"
        for version in others
    )
    return (
        f"<label>{t.CHOOSE}"
        f'<select data-model="{name}" aria-label="{t.CHOOSE_LABEL.format(name=name)}">'
        f'<option value="">{t.CHOOSE_SERVED.format(version=escape(model.version or ""))}</option>{options}'
        "</select></label>"
    )


def card_html(model: Health, here: Store) -> str:
    """The figures that the card of the version has, folded."""
    try:
        metrics = here.card(model.name, version=model.version).get("metrics")
    except ModelUnavailable:  # its state says so
        return ""
    tables = figures_html(metrics)
    return f"<details><summary>{t.FIGURES}</summary>{tables or f'<p>{t.NO_FIGURES}</p>'}</details>"


def figures_html(metrics: Any) -> str:
    """Nested figures as tables: groups of the same figures share one; lists, such as confusion matrices, stay on the card."""
    groups = list(_groups(metrics, ())) if isinstance(metrics, dict) else []
    columns = list(groups[0][1]) if groups else []
    if len(groups) > 1 and len(groups) <= MOST_GROUPS and all(list(figures) == columns for _, figures in groups):
        head = "".join(f'<th scope="col">{_words(" · ".join(path))}</th>' for path, _ in groups)
        body = "".join(
            f'<tr><th scope="row">{_words(column)}</th>'
            + "".join(f"<td>{_number(figures[column])}</td>" for _, figures in groups)
            + "</tr>"
            for column in columns
        )
        return _table(f"<td></td>{head}", body)
    rows = "".join(
        f'<tr><th scope="row">{_words(" · ".join((*path, name)))}</th><td>{_number(value)}</td></tr>'
        for path, figures in groups
        for name, value in figures.items()
    )
    return _table(f'<th scope="col">{t.FIGURE}</th><th scope="col">{t.VALUE}</th>', rows) if rows else ""


def _groups(metrics: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Each level's own figures, by the path to it."""
    own = {str(key): value for key, value in metrics.items() if isinstance(value, int | float | str)}
    if own:
        yield path, own
    for key, value in metrics.items():
        if isinstance(value, dict):
            yield from _groups(value, (*path, str(key)))


def _table(head: str, body: str) -> str:
    return (
        f'<div class="tc-figures" tabindex="0" role="region" aria-label="{t.FIGURES}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _words(key: str) -> str:
    return escape(key.replace("_", " "))


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else escape(str(value))


def hub_html(here: Store) -> str:
    """The release that is followed, and whether it is in use; or how one is named."""
    if here.hub is None:
        return f'<section class="tc-hub"><h2>{t.HUB}</h2><p>{t.HUB_NONE}</p></section>'
    words = here.note or t.HUB_IN_USE.format(revision=here.hub.revision, repository=here.hub.repository)
    return (
        f'<section class="tc-hub"><h2>{t.HUB}</h2><p>{escape(words)}</p>'
        f'<button type="button" class="tc-button" data-do="refresh">{t.HUB_REFRESH}</button></section>'
    )
