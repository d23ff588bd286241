"""What lies behind a result: kind, tiers as they were expected, how it was drawn, and what was measured of the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from ..classify import LABELS, load_rules
from ..convert import Result
from ..errors import ModelUnavailable
from ..route import Route
from . import texts
from .result import duration, percent, size
from .texts import insights as t

Unit = Literal["share", "count", "bits", "levels", "number", "ratio", "megapixels"]


@dataclass(frozen=True)
class Scale:
    """How a feature is shown: its unit, and the range that a bar runs over, which what lies beyond fills or leaves empty.

    A ``count``'s bar grows with the logarithm of 1 + count; a ``ratio`` is a logarithm to base 2, and its bar starts at 1 : 1.
    """

    unit: Unit
    high: float

    def bar(self, value: float) -> tuple[float, float]:
        """Where the bar starts and ends, 0–1."""
        if self.unit == "ratio":
            end = min(max(0.5 + 0.5 * value / self.high, 0.0), 1.0)
            return min(0.5, end), max(0.5, end)
        share = math.log1p(max(value, 0.0)) / math.log1p(self.high) if self.unit == "count" else value / self.high
        return 0.0, min(max(share, 0.0), 1.0)

    def text(self, value: float) -> str:
        """The value for people, to three digits."""
        if self.unit == "ratio":
            return t.UNITS["wide" if value >= 0 else "tall"].format(value=2 ** abs(value))
        return t.UNITS[self.unit].format(value=100 * value if self.unit == "share" else value)


SCALES: dict[str, dict[str, Scale]] = {
    "colour": {
        "unique_colours": Scale("count", 100_000),
        "palette_size": Scale("count", 300),
        "entropy": Scale("bits", 8),
    },
    "shape": {
        "regions": Scale("count", 500),
        "largest_region": Scale("share", 0.5),
        "parts": Scale("count", 256),
        "alignment": Scale("number", 1),
        "ink_share": Scale("share", 1),
        "ink_fill": Scale("share", 1),
        "ink_aspect": Scale("ratio", 4),
    },
    "line": {
        "edge_density": Scale("share", 0.25),
        "gradient_strength": Scale("number", 0.12),
        "corner_density": Scale("number", 12),
        "stroke_width": Scale("share", 0.6),
        "stroke_variation": Scale("number", 1.5),
    },
    "shade": {
        "flat_share": Scale("share", 1),
        "smooth_share": Scale("share", 1),
        "shaded_share": Scale("share", 1),
        "shading": Scale("levels", 80),
        "texture_share": Scale("share", 0.8),
    },
    "damage": {"noise": Scale("levels", 8), "blockiness": Scale("levels", 3)},
    "picture": {
        "aspect": Scale("ratio", 4),
        "megapixels": Scale("megapixels", 1.05),
        "transparent_share": Scale("share", 1),
        "soft_alpha_share": Scale("share", 0.2),
    },
}
"""Each feature's scale, by group. The ranges are what pictures usually have, from icons to photos."""

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 54, 16, 26, 40
"""Margins of the plot for the numbers of its axes, in units of its view box."""
POINT = 11
"""Radius of a tier's point."""
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60)
"""Seconds that the plot may number."""
STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""SSIM between two of its lines."""
LEAST_SPAN = 0.01
"""SSIM that the plot spans at least, so that what is nearly equal looks nearly equal."""


def insights_html(result: Result, *, target: float | None = None, budget: float | None = None) -> str:
    """All of it, folded.

    Parameters
    ----------
    target, budget
        The SSIM and the seconds that were asked for, where they were; lines of the plot.
    """
    many = result.candidates > 1
    summary = t.SUMMARY.format(
        kind=texts.CLASSES[result.logo_type],
        sure=percent(result.confidence),
        tier=result.selected_tier,
        drawings=t.DRAWINGS.format(count=result.candidates) if many else t.DRAWING,
    )
    return (
        f'<details class="tc-insights"><summary><strong>{t.TITLE}</strong><span>{summary}</span></summary>'
        f'<div class="tc-insights-body"><div>{kind_html(result)}{drawn_html(result)}</div>'
        f"{route_html(result, target, budget)}{features_html(result)}</div></details>"
    )


def kind_html(result: Result) -> str:
    """The chance of each kind as bars, the likeliest first; of the one that was found alone where no more is known."""
    chances = _chances(result)
    rows = "".join(
        f'<div class="{"found" if label == result.logo_type else ""}" style="--share:{100 * chance:.1f}%">'
        f"<dt>{texts.CLASSES[label]}</dt><dd>{percent(chance)}</dd></div>"
        for label, chance in sorted(chances.items(), key=lambda item: -item[1])
    )
    note = t.KIND_NOTE if len(chances) > 1 else t.KIND_ALONE
    return f'<section class="tc-kinds"><h2>{t.KIND}</h2><dl>{rows}</dl><p class="tc-note">{note}</p></section>'


def _chances(result: Result) -> dict[str, float]:
    """The chance of each label by the rules that the picture was sorted by, or of its own label alone."""
    alone = {result.logo_type: result.confidence}
    version = result.model_versions.get("classifier")
    if version is None:
        return alone
    try:
        rules = load_rules()
        if rules.version != version:
            rules = load_rules(version)
    except ModelUnavailable:
        return alone
    chances: dict[str, float] = dict(
        zip(LABELS, map(float, rules.probabilities(result.features.vector())), strict=True)
    )
    same = rules.version == version and abs(chances.get(result.logo_type, -1.0) - result.confidence) < 1e-3
    return chances if same else alone


def drawn_html(result: Result) -> str:
    """The way of drawing, how many drawings were made, the prediction beside what was measured, models, what was degraded."""

    def known(value: float | None, otherwise: str) -> str:
        return otherwise if value is None else f"{value:.4f}"

    models = "".join(
        f"<li>{escape(t.MODEL_NAMES.get(name, name))} <small>{escape(version)}</small></li>"
        for name, version in sorted(result.model_versions.items())
    )
    rows = (
        (t.RECIPE, escape(t.RECIPES.get(result.plan.recipe, result.plan.recipe))),
        (t.CANDIDATES, f"{result.candidates}"),
        (t.PREDICTED, known(result.predicted_quality, t.NOT_PREDICTED)),
        (t.ACTUAL, known(result.actual_quality, t.NOT_MEASURED)),
        (t.MODELS, f'<ul class="tc-models">{models}</ul>' if models else t.NO_MODELS),
    )
    notes = "".join(f"<li>{escape(note)}</li>" for note in result.degraded)
    wrong = f'<div class="tc-amiss"><h3>{t.DEGRADED}</h3><ul>{notes}</ul></div>' if notes else f"<p>{t.ALL_WELL}</p>"
    return (
        f'<section class="tc-drawn"><h2>{t.DRAWN}</h2><dl>'
        + "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows)
        + f"</dl>{wrong}</section>"
    )


def route_html(result: Result, target: float | None = None, budget: float | None = None) -> str:
    """What each tier was expected to give, as a plot and in numbers, and why one was taken; or why nothing was expected."""
    way = result.route
    if way is None:
        body = f"<p>{t.FIXED.format(tier=result.selected_tier)}</p>"
    elif not way.predictions:
        unknown = "" if "predictor" in result.model_versions else f"<p>{t.NO_PREDICTOR}</p>"
        body = f"{unknown}<p>{escape(way.reason)}</p>"
    else:
        body = f"{_plot(way, _outcome(result), target, budget)}<p>{escape(way.reason)}</p>{_table(way)}"
    return f'<section class="tc-route"><h2>{t.ROUTE}</h2>{body}</section>'


def _outcome(result: Result) -> tuple[float, float] | None:
    """Measured seconds and SSIM, as the tiers' predictions count them.

    What validating alone takes is no part of tier 1: vtracer's default and, unless the router looked at it, measuring.
    """
    if result.actual_quality is None:
        return None
    seconds = result.processing_time
    if result.selected_tier == 1:
        looked = result.route is not None and any(e.measured for e in result.route.predictions)
        extra = ("default",) if looked else ("reference", "measure", "default")
        seconds -= sum(result.stages.get(stage, 0.0) for stage in extra)
    return max(seconds, 1e-3), result.actual_quality


def _table(way: Route) -> str:
    rows = "".join(
        f'<tr class="{"taken" if e.tier == way.tier else ""}"><th scope="row">{t.TIER.format(tier=e.tier)}'
        f"{f' <small>{t.CHOSEN}</small>' if e.tier == way.tier else ''}"
        f"{f' <small>{t.LOOKED}</small>' if e.measured else ''}</th>"
        f"<td>{e.quality:.4f}</td><td>{duration(e.seconds)}</td><td>{size(e.bytes)}</td></tr>"
        for e in way.predictions
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in (t.EXPECTED, t.QUALITY, t.SECONDS, t.BYTES))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _plot(way: Route, outcome: tuple[float, float] | None, target: float | None, budget: float | None) -> str:
    """Quality over the logarithm of the seconds; what meets target and budget both is tinted."""
    seconds = [max(e.seconds, 1e-3) for e in way.predictions]
    qualities = [e.quality for e in way.predictions]
    across, up = (
        _time_span([*seconds, *([budget] if budget else []), *(outcome or ())[:1]]),
        _quality_span([*qualities, *([target] if target is not None else []), *(outcome or ())[1:]]),
    )

    def x(value: float) -> float:
        share = math.log(value / across[0]) / math.log(across[1] / across[0])
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        share = (min(max(value, up[0]), up[1]) - up[0]) / (up[1] - up[0])
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    if target is not None and budget:
        parts.append(
            f'<rect class="met" x="{LEFT}" y="{TOP}" width="{x(budget) - LEFT:.1f}" height="{y(target) - TOP:.1f}"/>'
        )
    for value in _levels(up):
        parts.append(f'<path class="grid" d="M{LEFT} {y(value):.1f}H{right}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.4g}</text>')
    for value in TICKS:
        if across[0] <= value <= across[1]:
            parts.append(f'<path class="grid" d="M{x(value):.1f} {bottom}v5"/>')
            parts.append(
                f'<text class="tick" x="{x(value):.1f}" y="{bottom + 19}" text-anchor="middle">{value:g} s</text>'
            )
    ordered = sorted(way.predictions, key=lambda e: e.tier != way.tier)  # the one that was taken keeps its place
    trues = [(x(max(e.seconds, 1e-3)), y(e.quality)) for e in ordered]
    placed = _apart(trues)
    if target is not None:
        parts.append(f'<path class="asked" d="M{LEFT} {y(target):.1f}H{right}"/>')
        taken = [
            *placed,
            *([(x(outcome[0]), y(outcome[1]))] if outcome else []),
            *([(x(budget), y(target))] if budget else []),
        ]
        parts.append(_label(t.TARGET.format(value=target), y(target), taken))
    if budget:
        side = "end" if x(budget) > (LEFT + right) / 2 else "start"
        parts.append(f'<path class="asked" d="M{x(budget):.1f} {TOP}V{bottom}"/>')
        parts.append(
            f'<text class="asked" x="{x(budget):.1f}" y="{TOP - 9}" text-anchor="{side}">{t.BUDGET.format(value=budget)}</text>'
        )
    for e, true, (px, py) in reversed(list(zip(ordered, trues, placed, strict=True))):
        if (px, py) != true:
            parts.append(f'<path class="lead" d="M{true[0]:.1f} {true[1]:.1f}L{px:.1f} {py:.1f}"/>')
        parts.append(
            f'<g class="tier{" taken" if e.tier == way.tier else ""}" transform="translate({px:.1f} {py:.1f})">'
            f'<circle r="{POINT}"/><text y="4.5" text-anchor="middle">{e.tier}</text></g>'
        )
    said = [t.POINT.format(tier=e.tier, quality=e.quality, seconds=e.seconds) for e in way.predictions]
    legend = ""
    if outcome:
        parts.append(
            f'<path class="outcome" transform="translate({x(outcome[0]):.1f} {y(outcome[1]):.1f})" d="{_CROSS}"/>'
        )
        said.append(t.MEASURED_POINT.format(quality=outcome[1], seconds=outcome[0]))
        legend = f'<svg viewBox="-7 -7 14 14" aria-hidden="true"><path class="outcome" d="{_CROSS}"/></svg>{t.MEASURED}'
    about = t.PLOT.format(points=" ".join(said), chosen=t.TAKEN.format(tier=way.tier))
    return (
        f'<figure><svg class="tc-tiers" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(about)}">'
        f"{''.join(parts)}</svg><figcaption><span>{t.AXES}</span><span>{legend}</span></figcaption></figure>"
    )


def _apart(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points, those that would lie on an earlier one moved beside it: tiers are often expected to give the same."""
    step = 2 * POINT + 4
    placed: list[tuple[float, float]] = []
    for x, y in points:
        near = sorted(
            ((x + step * i, y + step * j) for i in (0, 1, -1, 2, -2) for j in (0, 1, -1)),
            key=lambda p: (abs(p[0] - x) + 1.01 * abs(p[1] - y), -p[0]),
        )
        free = (
            (px, py)
            for px, py in near
            if LEFT <= px <= WIDTH - RIGHT
            and TOP <= py <= HEIGHT - BOTTOM
            and all(max(abs(px - qx), abs(py - qy)) >= 2 * POINT for qx, qy in placed)
        )
        placed.append(next(free, (x, y)))
    return placed


def _label(words: str, height: float, points: Sequence[tuple[float, float]]) -> str:
    """Words on a level line, at an end of it and on a side of it where no point lies, if there is such a place."""
    wide, free = 7 * len(words) + POINT, 18 + POINT
    ends = ((WIDTH - RIGHT, "end"), (LEFT + 6, "start"))
    places = [
        (end, anchor, height + shift)
        for shift in (-6, 16)
        for end, anchor in ends
        if TOP < height + shift < HEIGHT - BOTTOM
    ]
    clear = (
        place
        for place in places
        if not any(abs(px - place[0]) < wide and abs(py - place[2] + 4) < free for px, py in points)
    )
    end, anchor, up = next(clear, places[0])
    return f'<text class="asked" x="{end}" y="{up:.1f}" text-anchor="{anchor}">{words}</text>'


_CROSS = "M-5 -5L5 5M5 -5L-5 5"


def _time_span(seconds: Sequence[float]) -> tuple[float, float]:
    low, high = min(seconds) / 1.6, max(seconds) * 1.6
    if high < 5 * low:
        middle = math.sqrt(low * high)
        low, high = middle / math.sqrt(5), middle * math.sqrt(5)
    return low, high


def _quality_span(qualities: Sequence[float]) -> tuple[float, float]:
    """From a level below the least to 1."""
    low = max(0.0, min(qualities))
    room = max(1.15 * (1 - low), LEAST_SPAN)
    step = _step(room)
    return max(0.0, math.floor((1 - room) / step + 1e-9) * step), 1.0


def _step(room: float) -> float:
    return next((step for step in STEPS if room / step <= 5), STEPS[-1])


def _levels(up: tuple[float, float]) -> list[float]:
    step = _step(up[1] - up[0])
    return [1 - step * i for i in range(int((up[1] - up[0]) / step + 1e-9) + 1)]


def features_html(result: Result) -> str:
    """Every feature by group: its name, its value, and a bar for where that lies among pictures."""

    def row(name: str, scale: Scale) -> str:
        value = float(getattr(result.features, name))
        start, end = scale.bar(value)
        label, about = t.NAMES[name]
        return (
            f'<div title="{escape(about)} {name} = {value:.6g}" style="--from:{100 * start:.1f}%;--to:{100 * end:.1f}%">'
            f"<dt>{label}</dt><dd>{scale.text(value)}</dd></div>"
        )

    groups = "".join(
        f"<div><h3>{t.GROUPS[group]}</h3><dl>{''.join(row(name, scale) for name, scale in scales.items())}</dl></div>"
        for group, scales in SCALES.items()
    )
    return (
        f'<section class="tc-features"><h2>{t.FEATURES}</h2><div>{groups}</div>'
        f'<p class="tc-note">{t.FEATURES_NOTE}</p></section>'
    )
