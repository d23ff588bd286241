"""A `Result` as the page shows it: the pictures, the numbers beside them; and what stands there before there is one."""

from __future__ import annotations

import base64
import math
from html import escape
from pathlib import Path

from ..convert import Result
from . import texts as t
from .colours import MOST_SWATCHES, colours_of
from .progress import Progress

PIXELATED_BELOW = 300
"""Longest side, in pixels, of an input that is shown with its pixels sharp, since it is enlarged much."""
MOST_PREVIEW = 150_000
"""Characters of a drawing that is shown before the last one is there."""


def working_html(progress: Progress, *, name: str, url: str) -> str:
    """What stands where the result will be: the stage that the conversion is at, and the best drawing so far.

    Gradio writes new HTML into the elements that are there where their tags are the same. So this is a ``div``, which keeps
    its pictures from one stage to the next, and a result a ``section``, which is all new.
    """
    best = progress.best if progress.best and len(progress.best.svg) <= MOST_PREVIEW else None
    after = ""
    if best:
        caption = t.FIRST if best.candidates <= 1 else t.BEST.format(count=best.candidates)
        after = (
            f'<figure class="after"><div class="tc-frame"><img src="{data_url(best.svg)}" alt="{t.OUTPUT}" decoding="sync">'
            f"</div><figcaption>{caption}</figcaption></figure>"
        )
    now = escape(t.STEP.get(progress.stage, progress.stage)) if progress.stage else t.STEP_WAIT
    steps = list(dict.fromkeys(t.STEP.get(stage, stage) for stage in progress.stages)) or [t.STEP_WAIT]
    rows = "".join(
        f'<li aria-current="step">{escape(step)}</li>' if escape(step) == now else f"<li>{escape(step)}</li>"
        for step in steps
    )
    notes = []
    if progress.best and not best:
        notes.append(t.LATER.format(size=size(len(progress.best.svg))))
    if progress.best and progress.best.actual_quality is not None:
        notes.append(t.SO_FAR.format(quality=f"{progress.best.actual_quality:.4f}"))
    return f"""<div class="tc-result tc-working" aria-busy="true" data-ground="checker" data-news="{now}"
 data-view="{"slider" if best else "input"}">
<header class="tc-bar"><div class="tc-file"><h1 class="tc-name"><b>{escape(name)}</b></h1></div></header>
<div class="tc-body"><div class="tc-views"><div class="tc-stage">
<figure class="before"><div class="tc-frame"><img src="{escape(url)}" alt="{t.INPUT}" decoding="sync"></div>
<figcaption>{t.INPUT}</figcaption></figure>{after}<span class="tc-line" aria-hidden="true"></span></div></div>
<aside class="tc-panel"><section class="tc-steps"><h2>{t.WORKING}</h2><ol>{rows}</ol>
{"".join(f"<p>{note}</p>" for note in notes)}</section></aside></div>
</div>"""


def error_html(message: str, hint: str = "") -> str:
    """An error, in the place of a result."""
    return (
        f'<section class="tc-error" role="alert"><h2>{t.ERROR}</h2><p>{escape(message)}</p>'
        + (f"<p>{escape(hint)}</p>" if hint else "")
        + "</section>"
    )


def data_url(svg: str) -> str:
    """An SVG as a link that an image can show."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def result_html(result: Result, *, name: str, url: str, token: str, default: str | None = None) -> str:
    """A result: the pictures over one another, and the numbers. SVGs are shown as images only.

    By `token` its other formats and colours are fetched, by the token `default` vtracer's drawing, where there is one.
    """
    stem = escape(Path(name).stem or "picture")
    sharp = ' class="sharp"' if max(result.width, result.height) < PIXELATED_BELOW else ""
    grounds = "".join(
        f'<button type="button" data-ground="{key}" aria-pressed="{str(key == "checker").lower()}" aria-label="{text}"'
        f' title="{text}"></button>'
        for key, text in t.GROUNDS
    )
    views = "".join(
        f'<button type="button" data-view="{key}" aria-pressed="{str(key == "slider").lower()}">{text}</button>'
        for key, text in t.VIEWS
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
    return f"""<section class="tc-result" data-view="slider" data-ground="checker" data-token="{token}"
 data-news="{news_of(result)}">
<header class="tc-bar">
<div class="tc-file"><h1><strong>{escape(name)}</strong></h1><span>{result.width} × {result.height}</span></div>
<div class="tc-controls">
<div class="tc-seg" role="group" aria-label="{t.VIEW}">{views}</div>
<div class="tc-grounds" role="group" aria-label="{t.GROUND}">{grounds}</div>
</div>
<div class="tc-actions"><button type="button" class="tc-button" data-copy data-done="{t.COPIED}">{t.COPY}</button>
<a class="tc-button primary" data-download download="{stem}.svg" href="api/exports/{token}.svg">{t.DOWNLOAD}</a></div>
</header>
<div class="tc-body">
<div class="tc-views">
<div class="tc-stage" tabindex="0" role="group" aria-label="{t.PICTURES}" aria-describedby="tc-how-{token}"
 data-width="{result.width}" data-height="{result.height}">
<figure class="before"><div class="tc-frame"><img{sharp} src="{escape(url)}" alt="{t.INPUT}"></div>
<figcaption>{t.INPUT}</figcaption></figure>
<figure class="after"><div class="tc-frame"><img class="tc-svg" src="{data_url(result.svg)}" alt="{t.OUTPUT}"></div>
<figcaption>{t.OUTPUT}</figcaption></figure>
{default_html(default)}
<figure class="difference"><div class="tc-frame" data-refused="{t.NO_READING}"></div>
<figcaption>{t.DIFFERENCE}</figcaption></figure>
<span class="tc-line" aria-hidden="true"></span>
<input class="tc-range" type="range" min="0" max="100" step="0.5" value="50" aria-label="{t.COMPARE}">
</div>
{zoom_html(token)}
</div>
<aside class="tc-panel">{panel}</aside>
</div>
</section>"""


def news_of(result: Result) -> str:
    """What a screen reader says when a result is there."""
    if result.actual_quality is None:
        return t.DONE
    return t.DONE_MEASURED.format(quality=f"{result.actual_quality:.4f}")


def default_html(token: str | None) -> str:
    """The place of vtracer's drawing, which is fetched when it is looked at; without one, words that say so."""
    inner = (
        f'<div class="tc-frame" data-src="api/exports/{token}.svg" data-alt="{t.DEFAULT}" data-gone="{t.GONE_DEFAULT}"></div>'
        if token
        else f'<p class="tc-missing">{t.NO_DEFAULT}</p>'
    )
    return f'<figure class="theirs">{inner}<figcaption>{t.DEFAULT}</figcaption></figure>'


def zoom_html(token: str) -> str:
    """The buttons that zoom, what keys and fingers do (by an id with the `token`), and what the difference map shows."""
    return f"""<div class="tc-under">
<div class="tc-zoom" role="group" aria-label="{t.ZOOM}">
<button type="button" data-zoom="out" aria-label="{t.ZOOM_OUT}" title="{t.ZOOM_OUT}">−</button><output>×1</output>
<button type="button" data-zoom="in" aria-label="{t.ZOOM_IN}" title="{t.ZOOM_IN}">+</button>
<button type="button" data-zoom="fit">{t.ZOOM_FIT}</button></div>
<div class="tc-legend"><p id="tc-how-{token}">{t.ZOOM_HOW.format(ctrl=f"<span>{t.ZOOM_CTRL}</span>")}</p>
<p class="tc-difference-note"><i aria-hidden="true"></i><span>{t.DIFFERENCE_LEGEND}</span>
<b data-words="{t.DIFFERENCE_SHARE}"></b></p></div>
</div>"""


def formats_html(stem: str, token: str) -> str:
    """Links to the other formats; they are made when they are asked for."""
    links = "".join(
        f'<a class="tc-button" data-export download="{stem}.{ending}" href="api/exports/{token}.{ending}">{title}</a>'
        for title, ending in t.FORMATS
    )
    return f'<section class="tc-formats"><h2>{t.MORE_FORMATS}</h2><div>{links}</div></section>'


def swatches_html(svg: str) -> str:
    """The SVG's colours, each to be changed; words in their place where they are as many as a photo's."""
    colours = colours_of(svg)
    if not colours:
        return ""
    if len(colours) > MOST_SWATCHES:
        words = t.SWATCHES_MANY.format(count=MOST_SWATCHES)
        return f'<section class="tc-swatches"><h2>{t.SWATCHES}</h2><p class="tc-note">{words}</p></section>'
    inputs = "".join(
        f'<input type="color" value="{c}" data-colour="{c}" title="{c}" aria-label="{t.SWATCH.format(colour=c)}">'
        for c in colours
    )
    return (
        f'<section class="tc-swatches" data-failed="{t.RECOLOUR_FAILED}"><header><h2>{t.SWATCHES} '
        f'<span>{len(colours)}</span></h2><button type="button" data-copy-colours data-done="{t.COPIED}">{t.COPY_COLOURS}'
        f'</button><button type="button" data-reset hidden>{t.RESET}</button></header><div>{inputs}</div>'
        f'<p class="tc-note">{t.SWATCH_HOW}</p><output aria-live="polite"></output></section>'
    )


def quality_html(result: Result) -> str:
    """The measured quality beside vtracer's default, and what was predicted beside what was measured."""
    actual, default, predicted = result.actual_quality, result.default_quality, result.predicted_quality
    verdict = ""
    if actual is not None and default is not None and default < 1:
        less = 1 - (1 - actual) / (1 - default)
        kind, words = ("even", t.EVEN) if abs(less) < 0.01 else ("better", t.BETTER) if less > 0 else ("worse", t.WORSE)
        verdict = f'<p class="tc-verdict {kind}">{words.format(percent=percent(abs(less)))}</p>'
    worst = max([1 - q for q in (actual, default, predicted) if q is not None] + [1e-4])

    def row(label: str, value: float | None, kind: str) -> str:
        share = 0 if value is None else max(1.5, 100 * (1 - value) / worst)
        text = f"{value:.4f}" if value is not None else t.NOT_MEASURED
        return f'<div class="tc-row {kind}" style="--left:{share:.1f}%"><dt>{label}</dt><dd>{text}</dd></div>'

    foretold = row(t.PREDICTED, predicted, "predicted") if predicted is not None else ""
    apart = ""
    if result.ssim_to_input is not None and actual is not None and abs(result.ssim_to_input - actual) > SAME:
        apart = f"<p>{t.TO_INPUT.format(quality=f'{result.ssim_to_input:.4f}')}</p>"
    return (
        f'<section class="tc-quality"><h2>{t.QUALITY}</h2>'
        f'<p class="tc-big">{f"{actual:.4f}" if actual is not None else "–"}<span>{t.QUALITY_UNIT}</span></p>{verdict}'
        f"<dl>{row(t.OURS, actual, 'ours')}{row(t.DEFAULT, default, 'theirs')}{foretold}</dl>"
        f'<div class="tc-note"><p class="tc-predicted">{escape(prediction_words(result))}</p>{apart}'
        f"<p>{t.SCALE_NOTE}</p></div></section>"
    )


SAME = 5e-5
"""Qualities nearer than this are written alike."""


def prediction_words(result: Result) -> str:
    """How far the prediction was off, or why there is none."""
    predicted, actual = result.predicted_quality, result.actual_quality
    if predicted is None:
        return t.NOT_PREDICTED if "predictor" in result.model_versions else t.NO_MODEL
    if actual is None:
        return t.PREDICTED_ONLY
    if abs(predicted - actual) < SAME:
        return t.PREDICTED_RIGHT
    words = t.PREDICTED_HIGH if predicted > actual else t.PREDICTED_LOW
    return words.format(error=f"{abs(predicted - actual):.4f}")


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
    tier = t.TIER_SHORT.format(tier=result.selected_tier)
    why = result.reason if result.reason.startswith(tier) else f"{tier}. {result.reason}"  # a route's begins with it
    return (
        f'<section class="tc-how"><h2>{t.CHOSEN}</h2><p>{escape(why)}</p>'
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
