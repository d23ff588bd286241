"""A `Result` as the page shows it: both pictures, the numbers beside them; and what stands there before there is one."""

from __future__ import annotations

import base64
import math
import re
from html import escape
from pathlib import Path

from PIL import ImageColor

from ..convert import Result
from . import texts as t

PIXELATED_BELOW = 300
"""Longest side, in pixels, of an input that is shown with its pixels sharp, since it is enlarged much."""


MOST_SWATCHES = 64
"""Colours up to which each is shown."""


def working_html(name: str) -> str:
    """What stands where the result will be."""
    return (
        f'<section class="tc-result tc-working" aria-busy="true"><div class="tc-stage"></div>'
        f'<p role="status">{t.WORKING.format(name=escape(name))}</p></section>'
    )


def error_html(message: str, hint: str = "") -> str:
    """An error, in the place of a result."""
    return (
        f'<section class="tc-error" role="alert"><h2>{t.ERROR}</h2><p>{escape(message)}</p>'
        + (f"<p>{escape(hint)}</p>" if hint else "")
        + "</section>"
    )


def result_html(result: Result, *, name: str, url: str, token: str) -> str:
    """A result: both pictures over one another, and the numbers. The SVG is shown as an image only.

    By `token` its other formats are fetched.
    """
    svg = "data:image/svg+xml;base64," + base64.b64encode(result.svg.encode()).decode()
    stem = escape(Path(name).stem or "picture")
    sharp = ' class="sharp"' if max(result.width, result.height) < PIXELATED_BELOW else ""
    grounds = "".join(
        f'<button type="button" data-ground="{key}" aria-pressed="{str(key == "checker").lower()}" aria-label="{text}"'
        f' title="{text}"></button>'
        for key, text in t.GROUNDS
    )
    panel = "".join(
        (
            quality_html(result),
            tiles_html(result),
            swatches_html(result.svg),
            formats_html(stem, token),
            how_html(result),
        )
    )
    return f"""<section class="tc-result" data-view="slider" data-ground="checker">
<header class="tc-bar">
<div class="tc-file"><h1><strong>{escape(name)}</strong></h1><span>{result.width} × {result.height}</span></div>
<div class="tc-controls">
<div class="tc-seg" role="group" aria-label="{t.VIEW}">
<button type="button" data-view="slider" aria-pressed="true">{t.SLIDER}</button>
<button type="button" data-view="side" aria-pressed="false">{t.SIDE}</button></div>
<div class="tc-grounds" role="group" aria-label="{t.GROUND}">{grounds}</div>
</div>
<div class="tc-actions"><button type="button" class="tc-button" data-copy data-done="{t.COPIED}">{t.COPY}</button>
<a class="tc-button primary" download="{stem}.svg" href="{svg}">{t.DOWNLOAD}</a></div>
</header>
<div class="tc-body">
<div class="tc-stage">
<figure class="before"><img{sharp} src="{escape(url)}" alt="{t.INPUT}"><figcaption>{t.INPUT}</figcaption></figure>
<figure class="after"><img class="tc-svg" src="{svg}" alt="{t.OUTPUT}"><figcaption>{t.OUTPUT}</figcaption></figure>
<span class="tc-line" aria-hidden="true"></span>
<input class="tc-range" type="range" min="0" max="100" step="0.5" value="50" aria-label="{t.COMPARE}">
</div>
<aside class="tc-panel">{panel}</aside>
</div>
</section>"""


def formats_html(stem: str, token: str) -> str:
    """Links to the other formats; they are made when they are asked for."""
    links = "".join(
        f'<a class="tc-button" download="{stem}.{ending}" href="api/exports/{token}.{ending}">{title}</a>'
        for title, ending in t.FORMATS
    )
    return f'<section class="tc-formats"><h2>{t.MORE_FORMATS}</h2><div>{links}</div></section>'


def colours_of(svg: str) -> list[str]:
    """The colours of an SVG of ours, as ``#rrggbb``, in the order in which they are first painted."""
    found: dict[str, None] = {}
    inherited = [["#000"]]
    for name, rest in _TAG.findall(svg):
        if name == "/g":
            inherited.pop()
            continue
        own = _PAINT.findall(rest)
        paints = own or (["#000"] if name == "stop" else inherited[-1])
        if name == "g":
            inherited.append(paints)
            continue
        for paint in paints:
            if paint != "none" and not paint.startswith("url("):
                found["#" + bytes(ImageColor.getrgb(paint)[:3]).hex()] = None
        if len(found) > MOST_SWATCHES:
            break
    return list(found)


_TAG = re.compile(r"<(/?g|path|circle|ellipse|rect|stop)\b([^>]*)>")
_PAINT = re.compile(r'\b(?:fill|stroke|stop-color)="([^"]+)"')


def swatches_html(svg: str) -> str:
    """The SVG's colours, each to be copied; nothing where they are as many as a photo's."""
    colours = colours_of(svg)
    if not 0 < len(colours) <= MOST_SWATCHES:
        return ""
    buttons = "".join(
        f'<button type="button" data-colour="{c}" style="--c:{c}" title="{c}" aria-label="{t.SWATCH_COPY.format(colour=c)}">'
        f"</button>"
        for c in colours
    )
    return (
        f'<section class="tc-swatches"><h2>{t.SWATCHES} <span>{len(colours)}</span></h2><div>{buttons}</div>'
        '<output aria-live="polite"></output></section>'
    )


def quality_html(result: Result) -> str:
    """The measured quality beside vtracer's default and what was predicted."""
    actual, default = result.actual_quality, result.default_quality
    verdict = ""
    if actual is not None and default is not None and default < 1:
        less = 1 - (1 - actual) / (1 - default)
        kind, words = ("even", t.EVEN) if abs(less) < 0.01 else ("better", t.BETTER) if less > 0 else ("worse", t.WORSE)
        verdict = f'<p class="tc-verdict {kind}">{words.format(percent=percent(abs(less)))}</p>'
    worst = max([1 - q for q in (actual, default) if q is not None] + [1e-4])

    def row(label: str, value: float | None, kind: str) -> str:
        share = 0 if value is None else max(1.5, 100 * (1 - value) / worst)
        text = f"{value:.4f}" if value is not None else t.NOT_MEASURED
        return f'<div class="tc-row {kind}" style="--left:{share:.1f}%"><dt>{label}</dt><dd>{text}</dd></div>'

    predicted = f"{result.predicted_quality:.4f}" if result.predicted_quality is not None else t.NO_MODEL
    return (
        f'<section class="tc-quality"><h2>{t.QUALITY}</h2>'
        f'<p class="tc-big">{f"{actual:.4f}" if actual is not None else "–"}<span>{t.QUALITY_UNIT}</span></p>{verdict}'
        f"<dl>{row(t.OURS, actual, 'ours')}{row(t.DEFAULT, default, 'theirs')}"
        f'<div class="tc-row"><dt>{t.PREDICTED}</dt><dd class="quiet">{predicted}</dd></div></dl>'
        f'<p class="tc-note">{t.SCALE_NOTE}</p></section>'
    )


def tiles_html(result: Result) -> str:
    """Class, bytes, paths and time as tiles."""
    share = (
        f"{t.SIZE_VS.format(percent=percent(result.svg_bytes / result.default_bytes))}" if result.default_bytes else ""
    )
    tiles = (
        ("class", t.CLASS, t.CLASSES[result.logo_type], t.SURE.format(percent=percent(result.confidence))),
        ("bytes", t.SIZE, size(result.svg_bytes), share),
        ("paths", t.PATHS, f"{result.paths:,}", t.NUMBERS.format(count=f"{result.parameters:,}")),
        ("time", t.TIME, duration(result.processing_time), t.TIME_NOTE),
    )
    return (
        '<dl class="tc-tiles">'
        + "".join(
            f'<div data-tile="{key}"><dt>{label}</dt><dd>{value}<small>{note}</small></dd></div>'
            for key, label, value, note in tiles
        )
        + "</dl>"
    )


def how_html(result: Result) -> str:
    """Why it was drawn this way, where the time went, and what was degraded."""
    stages = "".join(
        f"<li><span>{escape(t.STAGE.get(name, name))}</span><span>{duration(seconds)}</span></li>"
        for name, seconds in result.stages.items()
    )
    notes = "".join(f"<li>{escape(note)}</li>" for note in result.degraded)
    return (
        f'<section class="tc-how"><h2>{t.CHOSEN}</h2><p>{t.TIER_SHORT.format(tier=result.selected_tier)}. '
        f"{escape(result.reason)}</p>"
        + (f'<div class="tc-degraded"><h2>{t.DEGRADED}</h2><ul>{notes}</ul></div>' if notes else "")
        + f"<details><summary>{t.STAGES}</summary><ul>{stages}</ul></details></section>"
    )


def percent(share: float) -> str:
    """0.124 → ``12 %``; small ones keep a decimal."""
    value = 100 * share
    return f"{value:.1f} %" if value < 10 else f"{value:.0f} %"


def size(count: int) -> str:
    """Bytes for people: ``812 B``, ``3.4 kB``, ``1.2 MB``."""
    if count < 1000:
        return f"{count} B"
    unit = min(int(math.log10(count) // 3), 2)
    return f"{count / 1000**unit:.1f} {['B', 'kB', 'MB'][unit]}"


def duration(seconds: float) -> str:
    """Seconds for people: ``84 ms``, ``1.2 s``."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
