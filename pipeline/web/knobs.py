"""The recipes and their knobs as one component, made from `plan.RECIPES`: a radio, and a slider with its number for each knob.

Its value is the text of ``{"plan": …, "recommended": …}``, both as `Plan.to_json` writes them; ``assets/style/tune.js`` keeps
text and sliders together, and triggers ``input`` at each move.
"""

from __future__ import annotations

import json
from html import escape

import gradio as gr

from ..errors import BadSetting
from ..plan import RECIPES, Knob, Plan, Recipe
from .texts import tune as t


def component(name: str) -> gr.HTML:
    """The component, with the id `name`; its ``input`` event comes at each move, its value is for `plan_of`."""
    return gr.HTML(
        value_of(Plan("planar"), None),
        html_template=knobs_html(),
        js_on_load=(
            "const start = () => window.truecurveKnobs(element, props, trigger, watch);"
            " if (window.truecurveKnobs) start(); else document.addEventListener('tc:knobs', start, {once: true});"
        ),
        elem_id=name,
        apply_default_css=False,
        padding=False,
    )


def value_of(plan: Plan, recommended: Plan | None) -> str:
    """The component's value that shows a plan, with marks where another one is recommended."""
    return json.dumps({"plan": plan.to_json(), "recommended": recommended.to_json() if recommended else None})


def plan_of(value: str | None) -> Plan:
    """The plan that the component shows. Raises `BadSetting` where a client sent what is none."""
    try:
        return Plan.from_json(json.loads(value or "")["plan"])
    except (ValueError, TypeError, KeyError) as error:
        raise BadSetting(f"Not a plan: {error}.") from error


def knobs_html() -> str:
    """The markup: every recipe's knobs, of which those of the chosen one are shown."""
    recipes = "".join(_recipe_html(recipe) for recipe in RECIPES.values())
    knobs = "".join(
        f'<div class="tc-recipe-knobs" role="group" aria-label="{escape(t.KNOBS.format(recipe=name))}" data-recipe="{name}"'
        f"{'' if name == 'planar' else ' hidden'}>{''.join(_knob_html(name, knob) for knob in recipe.knobs)}</div>"
        for name, recipe in RECIPES.items()
    )
    return (
        f'<section class="tc-knobs"><fieldset class="tc-recipes"><legend>{t.RECIPE}</legend>{recipes}</fieldset>'
        f'<div class="tc-resets"><button type="button" data-to="recommended" title="{t.RECOMMENDED_HOW}" disabled>'
        f'{t.RECOMMENDED}</button><button type="button" data-to="defaults" title="{t.DEFAULTS_HOW}">{t.DEFAULTS}</button>'
        f'</div>{knobs}<p class="tc-note">{t.TICKS}</p></section>'
    )


def _recipe_html(recipe: Recipe) -> str:
    about = recipe.title.removeprefix(recipe.name).removeprefix(":").strip()
    checked = " checked" if recipe.name == "planar" else ""
    return (
        f'<label><input type="radio" name="tc-recipe" value="{recipe.name}"{checked}>'
        f"<span><b>{recipe.name}</b><small>{escape(about)}</small></span></label>"
    )


STEPS = 1000
"""Steps of a slider whose knob is no whole number, or lies on a logarithmic scale."""


def _knob_html(recipe: str, knob: Knob) -> str:
    name = f"tc-knob-{recipe}-{knob.name}"
    words = knob.name.replace("_", " ")
    whole = knob.integer and not knob.log
    low, high = (knob.low, knob.high) if whole else (0, STEPS)
    place = knob.to_unit(knob.default)
    value = f"{knob.default:g}"
    return (
        f'<div class="tc-knob" data-knob="{knob.name}" data-low="{knob.low:g}" data-high="{knob.high:g}"'
        f' data-default="{value}"{" data-integer" if knob.integer else ""}{" data-log" if knob.log else ""}>'
        f'<label for="{name}">{words}</label>'
        f'<input type="number" aria-label="{words}" min="{knob.low:g}" max="{knob.high:g}"'
        f' step="{"1" if knob.integer else "any"}" value="{value}">'
        f'<div class="tc-track"><i class="default" style="--at:{place:.4f}"></i>'
        f'<i class="recommended" hidden></i>'
        f'<input type="range" id="{name}" min="{low:g}" max="{high:g}" step="1"'
        f' value="{(knob.default if whole else STEPS * place):g}" aria-valuetext="{value}" aria-describedby="{name}-help">'
        f'</div><small id="{name}-help">{escape(knob.help)}</small></div>'
    )
