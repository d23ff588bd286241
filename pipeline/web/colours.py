"""The colours of an SVG of ours: which there are, and the SVG with others in their place.

Colours are ``#rrggbb``. What has no fill of its own, nor from a group around it, is black, as is a stop without a colour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from PIL import ImageColor

from ..errors import BadSetting

MOST_SWATCHES = 64
"""Colours up to which each is shown and can be changed."""

_TAG = re.compile(r"<(/?g|path|circle|ellipse|rect|stop)\b([^>]*)>")
_PAINT = re.compile(r'\b(fill|stroke|stop-color)="([^"]+)"')
_CHANGE = re.compile(r"([0-9a-f]{6}):([0-9a-f]{6})")
_BLACK = "#000000"


class _Paint(NamedTuple):
    """A place where a colour is written, or would be if it were not black: it is written with `attribute` then."""

    colour: str
    start: int
    end: int
    attribute: str = ""


def colours_of(svg: str) -> list[str]:
    """The colours of an SVG of ours, in the order in which they are first written; not many more than `MOST_SWATCHES`."""
    found: dict[str, None] = {}
    for paint in _paints(svg):
        found[paint.colour] = None
        if len(found) > MOST_SWATCHES:
            break
    return list(found)


def recoloured(svg: str, changes: Mapping[str, str]) -> str:
    """An SVG of ours with other colours, those of gradients' stops among them; all are changed at once.

    Parameters
    ----------
    changes
        New colour by old one; an old one that the SVG does not have changes nothing.
    """
    parts: list[str] = []
    at = 0
    for paint in _paints(svg):
        new = changes.get(paint.colour)
        if new is None or new == paint.colour:
            continue
        text = f' {paint.attribute}="{new}"' if paint.attribute else new
        parts += [svg[at : paint.start], text]
        at = paint.end
    return "".join([*parts, svg[at:]])


def read_changes(text: str) -> dict[str, str]:
    """The changes of a text such as ``d1006c:000000,ffffff:f3f4f6``: old and new colours, hexadecimal.

    Raises `BadSetting` for anything else, and for more than `MOST_SWATCHES`.
    """
    changes: dict[str, str] = {}
    for pair in filter(None, text.lower().split(",")):
        found = _CHANGE.fullmatch(pair)
        if not found:
            raise BadSetting(f"colours takes pairs such as d1006c:000000, not {pair[:40]!r}.")
        changes["#" + found[1]] = "#" + found[2]
    if len(changes) > MOST_SWATCHES:
        raise BadSetting(f"colours takes {MOST_SWATCHES} changes at most, not {len(changes)}.")
    return changes


def _paints(svg: str) -> Iterator[_Paint]:
    """Where colours are written, or would be, in order."""
    filled = [False]  # whether a fill stands on a group around
    for tag in _TAG.finditer(svg):
        name, rest = tag[1], tag.start(2)
        if name == "/g":
            filled.pop()
            continue
        own = False
        for paint in _PAINT.finditer(tag[2]):
            own = own or paint[1] != "stroke"
            if paint[2] != "none" and not paint[2].startswith("url("):
                colour = "#" + bytes(ImageColor.getrgb(paint[2])[:3]).hex()
                yield _Paint(colour, rest + paint.start(2), rest + paint.end(2))
        if name == "g":
            filled.append(own or filled[-1])
        elif not own and (name == "stop" or not filled[-1]):
            yield _Paint(_BLACK, rest, rest, "stop-color" if name == "stop" else "fill")
