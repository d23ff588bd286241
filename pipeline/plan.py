"""How a picture is converted: `Plan(recipe, knobs, finish)`, validated, and its way to and from the unit cube.

A recipe is one row of `RECIPES`: a way of drawing with at most eight continuous knobs. Predictor, tiers, app and command line
take names, ranges and defaults from that table.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np

from .errors import BadSetting

CUBE = 8
"""Dimensions of the unit cube in which every recipe's knobs lie."""


@dataclass(frozen=True)
class Knob:
    """One number of a recipe: its closed range, default, and what it does in words for people."""

    name: str
    low: float
    high: float
    default: float
    integer: bool = False
    log: bool = False
    help: str = ""

    def check(self, value: float) -> float:
        """The value, as an int where the knob is one. Raises `BadSetting` outside the range."""
        if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
            raise BadSetting(f"{self.name} must be a number, not {value!r}.")
        if not math.isfinite(value) or not self.low <= value <= self.high:
            raise BadSetting(f"{self.name} must lie between {self.low:g} and {self.high:g}, not {value!r}.")
        if self.integer:
            if value != int(value):
                raise BadSetting(f"{self.name} must be a whole number, not {value!r}.")
            return int(value)
        return float(value)

    def to_unit(self, value: float) -> float:
        """The value's place in its range, 0–1."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def from_unit(self, place: float) -> float:
        """The value at a place in the range, 0–1 (clipped)."""
        place = min(max(float(place), 0.0), 1.0)
        if self.log:
            value = self.low * (self.high / self.low) ** place
        else:
            value = self.low + place * (self.high - self.low)
        return self.check(round(value)) if self.integer else min(max(value, self.low), self.high)


@dataclass(frozen=True)
class Recipe:
    """A way of drawing: its name, what it is good for, and its knobs."""

    name: str
    title: str
    knobs: tuple[Knob, ...]

    def __post_init__(self) -> None:
        if len(self.knobs) > CUBE:
            raise ValueError(f"{self.name} has {len(self.knobs)} knobs; at most {CUBE} fit the cube")

    @property
    def defaults(self) -> dict[str, float]:
        """Default value by knob name."""
        return {knob.name: knob.default for knob in self.knobs}


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "vtracer",
            "vtracer: every shade its own shape, for photos and textures",
            (
                Knob("color_precision", 1, 8, 6, integer=True, help="bits kept of each colour channel"),
                Knob("layer_difference", 0, 255, 16, integer=True, help="difference between colour layers"),
                Knob("corner_threshold", 0, 180, 60, integer=True, help="degrees from which a turn is a corner"),
                Knob("length_threshold", 3.5, 10, 4.0, help="shortest segment, px"),
                Knob("max_iterations", 1, 20, 10, integer=True, help="rounds of smoothing"),
                Knob("splice_threshold", 0, 180, 45, integer=True, help="degrees at which a spline is cut"),
                Knob("filter_speckle", 0, 128, 4, integer=True, help="side of the smallest spot kept, px"),
                Knob("path_precision", 0, 8, 8, integer=True, help="decimals of the coordinates"),
            ),
        ),
        Recipe(
            "planar",
            "planar: flat and shaded regions with edges at sub-pixel accuracy, for logos, icons and drawings",
            (
                Knob("palette_distance", 1, 40, 3, log=True, help="levels up to which two colours are one ink"),
                Knob("smallest_region", 1, 64, 4, log=True, help="area of the smallest region kept, px²"),
                Knob("price", 0.5, 60, 16, log=True, help="cost of a number: higher draws with fewer nodes"),
                Knob("tolerance", 0.03, 1.0, 0.12, log=True, help="px within which breakpoints are sought"),
                Knob("corner_angle", 10, 80, 26, help="degrees from which a turn is a corner"),
                Knob("cleaning", 0, 2, 1, help="how much of the measured damage is smoothed away"),
                Knob("gradients", 0, 1, 1, integer=True, help="1 draws smooth shading as gradients, 0 in bands"),
                Knob("precision", 0, 4, 2, integer=True, help="decimals of the coordinates"),
            ),
        ),
        Recipe(
            "vtracer-flat",
            "vtracer on the prepared picture: each pixel its ink, enlarged, so that edges fall where they are",
            (
                Knob("palette_distance", 1, 40, 3, log=True, help="levels up to which two colours are one ink"),
                Knob("smallest_region", 1, 64, 4, log=True, help="area of the smallest region kept, px²"),
                Knob("cleaning", 0, 2, 1, help="how much of the measured damage is smoothed away"),
                Knob("gradients", 0, 1, 1, integer=True, help="1 draws smooth shading as gradients, 0 in bands"),
                Knob("enlargement", 1, 4, 3, integer=True, help="times that the picture is enlarged before tracing"),
                Knob("curves", 0, 1, 0, integer=True, help="1 draws splines, 0 polygons"),
                Knob("corner_threshold", 0, 180, 60, integer=True, help="degrees from which a turn is a corner"),
                Knob("precision", 0, 4, 2, integer=True, help="decimals of the coordinates"),
            ),
        ),
    )
}

STEPS = ("cleaning", "unmixing", "gradients", "shapes", "strokes", "alignment", "arcs", "corners", "stacking", "ground")
"""Steps of our own drawing that a plan can leave out, so that each can show its worth."""

Background = Literal["keep", "drop"]
Grouping = Literal["compact", "shape", "colour", "layer"]
Detail = Literal["low", "normal", "high"]

MOST_COLOURS = 256
"""Most colours that a user can ask for, and most of a palette."""

DETAIL: dict[Detail, dict[str, dict[str, float]]] = {
    "low": {
        "vtracer": {"filter_speckle": 2.0, "layer_difference": 1.75, "path_precision": 0.0},
        "vtracer-flat": {"palette_distance": 2.0, "smallest_region": 4.0, "precision": 0.5},
        "planar": {"palette_distance": 2.0, "smallest_region": 4.0, "price": 2.0, "precision": 0.5},
    },
    "normal": {},
    "high": {
        "vtracer": {"filter_speckle": 0.5, "layer_difference": 0.5},
        "vtracer-flat": {"palette_distance": 0.6, "smallest_region": 0.4},
        "planar": {"palette_distance": 0.6, "smallest_region": 0.4, "price": 0.4},
    },
}
"""By what each knob of a recipe is multiplied for a detail other than the normal one."""

_COLOUR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")


@dataclass(frozen=True)
class Finish:
    """What the user asks of the file, whatever the recipe.

    Attributes
    ----------
    background
        ``drop`` leaves out the one colour that fills the whole border.
    colours
        The number of colours to draw with, 1–256; as many as the picture has where None. Transparency is not one of them.
    palette
        The only colours to draw with, as ``#rrggbb`` (``#rgb`` is taken too); any where empty.
    grouping
        ``compact``: few elements, shapes of one colour share a path. ``shape``: a path for each region. ``colour``: a group
        for each colour, as far as the order of painting allows. ``layer``: a group for each layer, bottom to top.
    gap_filler
        Draws every shape's edge as a thin line of its own colour beneath all shapes, for programs that leave gaps between.
    detail
        ``low`` for fewer and simpler shapes, ``high`` for more of what is faint and small: see `detailed`.
    """

    background: Background = "keep"
    colours: int | None = None
    palette: tuple[str, ...] = ()
    grouping: Grouping = "compact"
    gap_filler: bool = False
    detail: Detail = "normal"

    def __post_init__(self) -> None:
        _one_of("background", self.background, get_args(Background))
        _one_of("grouping", self.grouping, get_args(Grouping))
        _one_of("detail", self.detail, get_args(Detail))
        if not isinstance(self.gap_filler, bool):
            raise BadSetting(f"gap_filler must be true or false, not {self.gap_filler!r}.")
        if self.colours is not None:
            whole = isinstance(self.colours, (int, np.integer)) and not isinstance(self.colours, bool)
            if not whole or not 1 <= self.colours <= MOST_COLOURS:
                raise BadSetting(f"colours must be a whole number from 1 to {MOST_COLOURS}, not {self.colours!r}.")
        given: object = self.palette
        if not isinstance(given, (tuple, list)):
            raise BadSetting(f"palette must be a list of colours such as #d1006c, not {self.palette!r}.")
        if len(self.palette) > MOST_COLOURS:
            raise BadSetting(f"palette may have {MOST_COLOURS} colours at most, not {len(self.palette)}.")
        if self.palette and self.colours is not None:
            raise BadSetting("Ask for a number of colours or for a palette, not for both.")
        object.__setattr__(self, "palette", tuple(dict.fromkeys(_hex(colour) for colour in self.palette)))

    @property
    def limited(self) -> bool:
        """Whether the user says which or how many colours there may be."""
        return self.colours is not None or bool(self.palette)


def read_palette(text: str) -> tuple[str, ...]:
    """The colours of a text such as ``#000, #d1006c``, as the command line and forms send it. Raises `BadSetting`."""
    return tuple(_hex(word) for word in re.split(r"[\s,;]+", text) if word)


def _hex(colour: str) -> str:
    """``#rrggbb`` of ``#rgb``, ``rgb``, ``rrggbb`` in any case."""
    text = str(colour).strip().lower()
    text = text if text.startswith("#") else "#" + text
    if not _COLOUR.fullmatch(text):
        raise BadSetting(f"palette takes colours such as #d1006c, not {colour!r}.")
    return text if len(text) == 7 else "#" + "".join(c * 2 for c in text[1:])


def _one_of(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise BadSetting(f"{name} must be {', '.join(choices[:-1])} or {choices[-1]}, not {value!r}.")


@dataclass(frozen=True)
class Plan:
    """A recipe, a value for each of its knobs (missing ones take their defaults), the finish, and `STEPS` to leave out.

    Raises `BadSetting` for an unknown recipe, knob or step, or a value out of range.
    """

    recipe: str = "vtracer"
    knobs: Mapping[str, float] = field(default_factory=dict)
    finish: Finish = Finish()
    without: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if unknown := set(self.without) - set(STEPS):
            raise BadSetting(f"There is no step {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}.")
        if self.recipe not in RECIPES:
            raise BadSetting(f"recipe must be one of {', '.join(RECIPES)}, not {self.recipe!r}.")
        recipe = RECIPES[self.recipe]
        if unknown := set(self.knobs) - set(recipe.defaults):
            raise BadSetting(f"{self.recipe} has no knob {', '.join(sorted(unknown))}.")
        values = {k.name: k.check(self.knobs.get(k.name, k.default)) for k in recipe.knobs}
        if self.recipe == "vtracer" and values["filter_speckle"] == 0 and values["layer_difference"] == 0:
            raise BadSetting("layer_difference must be at least 1 where filter_speckle is 0.")
        object.__setattr__(self, "knobs", values)

    def to_cube(self) -> np.ndarray:
        """(8,) float32 in 0–1; unused dimensions are 0.5."""
        point = np.full(CUBE, 0.5, np.float32)
        for i, knob in enumerate(RECIPES[self.recipe].knobs):
            point[i] = knob.to_unit(self.knobs[knob.name])
        return point

    @classmethod
    def from_cube(cls, recipe: str, point: np.ndarray, finish: Finish | None = None) -> Plan:
        """The plan at a point of the cube, (8,) in 0–1; every point is a valid plan."""
        values = {knob.name: knob.from_unit(p) for knob, p in zip(RECIPES[recipe].knobs, point, strict=False)}
        if recipe == "vtracer" and values["filter_speckle"] == 0:
            values["layer_difference"] = max(1, values["layer_difference"])
        return cls(recipe, values, finish or Finish())

    def to_json(self) -> dict[str, Any]:
        """A dict that `from_json` reads back."""
        data = {"recipe": self.recipe, "knobs": dict(self.knobs), "finish": _finish_json(self.finish)}
        return {**data, "without": sorted(self.without)} if self.without else data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """Read what `to_json` wrote. Raises `BadSetting`."""
        try:
            return cls(
                data["recipe"],
                data.get("knobs", {}),
                Finish(**data.get("finish", {})),
                frozenset(data.get("without", ())),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise BadSetting(f"Not a plan: {error}.") from error


def detailed(plan: Plan) -> Plan:
    """The plan with its knobs moved as its finish's detail asks, within their ranges; at normal detail the plan itself."""
    factors = DETAIL[plan.finish.detail].get(plan.recipe, {})
    if not factors:
        return plan
    knobs = dict(plan.knobs)
    for knob in RECIPES[plan.recipe].knobs:
        if knob.name in factors:
            value = min(max(knobs[knob.name] * factors[knob.name], knob.low), knob.high)
            knobs[knob.name] = round(value) if knob.integer else value
    if plan.recipe == "vtracer" and knobs["filter_speckle"] == 0:
        knobs["layer_difference"] = max(1, knobs["layer_difference"])
    return replace(plan, knobs=knobs)


def _finish_json(finish: Finish) -> dict[str, Any]:
    return {**asdict(finish), "palette": list(finish.palette)}


VTRACER_DEFAULT = Plan("vtracer")
"""What a person gets who types `vtracer` and nothing else: the yardstick."""
