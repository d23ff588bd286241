"""The settings of a conversion in a page's address: only what differs from the defaults, and nothing taken on trust."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ..errors import BadSetting
from ..plan import read_palette
from . import texts as t
from .options import Options

KEYS = ("tier", "target", "budget", "background", "colours", "palette", "grouping", "detail", "gaps")
"""The settings' names in an address, in the order of `Options.inputs`."""
MOST = 2400
"""Characters of a value that are read: a palette of the most colours takes as many."""


@dataclass(frozen=True)
class Setting:
    """One setting: its name in the address, its default, and how its value is read. `read` raises `BadSetting`."""

    key: str
    default: Any
    read: Callable[[str], Any]


def settings_of(panel: Options) -> tuple[Setting, ...]:
    """The settings of a panel, in the order of its `inputs`; their ranges and defaults are the components'."""
    read = (
        _choice(panel.tier), _number(panel.target), _number(panel.budget), _choice(panel.background),
        _number(panel.colours), _palette, _choice(panel.grouping), _choice(panel.detail), _switch,
    )  # fmt: skip
    return tuple(
        Setting(key, component.value, reader) for key, component, reader in zip(KEYS, panel.inputs, read, strict=True)
    )


def query(values: Sequence[Any], settings: Sequence[Setting]) -> str:
    """The address's query for values in the order of the settings: ``?tier=2&colours=4``; empty where all are defaults."""
    pairs = [
        (setting.key, _text(value))
        for setting, value in zip(settings, values, strict=True)
        if _text(value) != _text(setting.default)
    ]
    return "?" + urlencode(pairs, safe=",") if pairs else ""


def read(given: Mapping[str, str], settings: Sequence[Setting]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The values that an address asks for, by key, and in words which of them cannot be; other keys are not ours."""
    values: dict[str, Any] = {}
    notes: list[str] = []
    for setting in settings:
        if setting.key not in given:
            continue
        text = str(given[setting.key])[:MOST]
        try:
            values[setting.key] = setting.read(text)
        except BadSetting as error:
            notes.append(t.LINK_IGNORED.format(setting=f"{setting.key}={text[:40]}", why=error.message))
    if values.get("palette") and values.get("colours"):
        del values["colours"]
        notes.append(t.LINK_EITHER)
    return values, tuple(notes)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, float)):
        return f"{value:.6g}"
    return ",".join(word.lstrip("#") for word in str(value or "").replace(",", " ").split())


def _choice(component: Any) -> Callable[[str], str]:
    choices = [value for _, value in component.choices]

    def read(text: str) -> str:
        if text not in choices:
            raise BadSetting(t.LINK_ONE_OF.format(choices=", ".join(choices)))
        return text

    return read


def _number(component: Any) -> Callable[[str], float]:
    low, high, whole = component.minimum, component.maximum, component.step == 1

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high or (whole and value != int(value)):
            raise BadSetting((t.LINK_WHOLE if whole else t.LINK_NUMBER).format(low=f"{low:g}", high=f"{high:g}"))
        return int(value) if whole else value

    return read


def _palette(text: str) -> str:
    return ", ".join(read_palette(text))


def _switch(text: str) -> bool:
    if text not in ("0", "1"):
        raise BadSetting(t.LINK_ONE_OF.format(choices="0, 1"))
    return text == "1"
