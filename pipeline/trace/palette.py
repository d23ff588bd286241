"""Exactly so many colours, or none but given ones: a label map redrawn in them, or a picture's pixels mapped to them.

A label map is limited after its inks are known, so that no blend of two inks counts as a colour. The picture behind it is
recoloured too, each anti-aliased pixel as the same mixture of its inks' new colours: edges are then measured as exactly
as before. Smooth shading becomes bands of the new colours, with edges that are anti-aliased like all others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numba import njit

from ..picture import Picture
from ..plan import Finish
from .components import tidy
from .gradients import PROFILE, Inks, Shading, ink_colour
from .prepare import LabelMap

_INVISIBLE = 6
"""Alpha, 0–255, under which an ink is transparency and no colour."""
_FADE = 12
"""Range of alpha, 0–255, from which shading is a fade of opacity: it stays one, in a single colour."""
_SHARE = 0.5
"""Power of an ink's area that is its weight: by the area itself, a small mark in red would be lost to a large grey ground."""


_OWN = 0.3
"""Share of a group from which its heaviest colour, which is the artist's own, stands for all; shading has none so heavy."""


def limit(label_map: LabelMap, finish: Finish, *, smallest: float = 0.0) -> LabelMap:
    """The label map in as many colours, or in the colours, that the finish asks for; itself where it asks for none.

    Every ink is flat afterwards, but for fades of opacity, and no two of the same opacity share a colour. Regions under
    `smallest` px² are given to their neighbours where no colour is lost by it.
    """
    if not finish.limited:
        return label_map
    shades = _Shades(label_map)
    assigned, colours = _choose(shades.colours, shades.weights, finish)
    inks = Inks()
    index: dict[tuple[int, int], int] = {}

    def flat(colour: int, alpha: float) -> int:
        key = (colour, round(alpha)) if alpha >= _INVISIBLE else (-1, 0)
        if key not in index:
            opacity = 0.0 if key[0] < 0 else 255.0 if alpha > 252 else alpha
            rgb = colours[colour] if opacity else np.zeros(3)
            index[key] = inks.add_flat(np.append(rgb * opacity / 255, opacity))
        return index[key]

    table = np.zeros((len(label_map.inks), PROFILE), np.int32)
    for i in range(len(label_map.inks)):
        rows = assigned[shades.start[i] : shades.start[i + 1]]
        shading = label_map.inks.shadings[i]
        alpha = float(label_map.inks.means[i][3])
        if shading is None:
            table[i] = flat(int(rows[0]), alpha)
        elif np.ptp(shading.profile[:, 3]) >= _FADE:
            opacity = shading.profile[:, 3:]
            profile = np.hstack([colours[rows[0]] * opacity / 255, opacity]).astype(np.float32)
            table[i] = inks.add(Shading(shading.kind, shading.geometry, profile))
        else:
            table[i] = [flat(int(c), alpha) for c in rows]
    arrays, target = label_map.inks.arrays(), inks.arrays()
    labels = np.empty_like(label_map.labels)
    source = np.empty_like(label_map.source)
    _redraw(label_map.source, label_map.labels, *arrays, table, *target, labels, source)
    if smallest > 1:
        tidied = labels.copy()
        tidy(tidied, source, smallest)
        if len(np.unique(tidied)) == len(np.unique(labels)):
            labels = tidied
    return replace(label_map, labels=labels, inks=inks, source=source)


def quantise(picture: Picture, finish: Finish) -> tuple[Picture, list[str]]:
    """A picture's pixels in the colours that the finish asks for, and those as ``#rrggbb``; alpha stays.

    For photos and textures, which have no inks.
    """
    rgb, alpha = picture.pixels[..., :3], picture.pixels[..., 3]
    key = (rgb >> 3).astype(np.int32) @ np.array([1024, 32, 1], np.int32)
    seen, inverse = np.unique(key, return_inverse=True)
    inverse = inverse.reshape(key.shape)
    visible = (alpha >= _INVISIBLE).astype(np.float64)
    count = np.bincount(inverse.ravel(), visible.ravel(), len(seen))
    mean = (
        np.stack([np.bincount(inverse.ravel(), (rgb[..., k] * visible).ravel(), len(seen)) for k in range(3)], 1)
        / np.maximum(count, 1)[:, None]
    )
    assigned, colours = _choose(mean, count, finish, power=1.0)
    pixels = picture.pixels.copy()
    pixels[..., :3] = np.rint(colours).astype(np.uint8)[np.maximum(assigned, 0)][inverse]
    return replace(picture, pixels=pixels), [_text(c) for c in colours]


def nearest(colours: list[str]) -> Callable[[bytes], bytes]:
    """A function from three bytes of a colour to those of the nearest of the given ones."""
    allowed = [bytes.fromhex(c[1:]) for c in colours]
    lab = oklab(np.array([list(c) for c in allowed]))
    known = {c: c for c in allowed}

    def find(rgb: bytes) -> bytes:
        if rgb not in known:
            away = ((lab - oklab(np.array([list(rgb)]))) ** 2).sum(axis=1)
            known[rgb] = allowed[int(away.argmin())]
        return known[rgb]

    return find


def oklab(rgb: np.ndarray) -> np.ndarray:
    """(n, 3) sRGB, 0–255 → (n, 3) Oklab (Ottosson 2020), in which distances are as people see them."""
    c = np.asarray(rgb, np.float64) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    lms = np.cbrt(linear @ _TO_LMS.T)
    return lms @ _TO_LAB.T


_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


class _Shades:
    """The straight colours that a label map is painted in, and how many pixels each has.

    A flat ink is one shade, a gradient `PROFILE` of them (a fade of opacity again one): those of ink i are
    ``start[i]:start[i + 1]``.
    """

    def __init__(self, label_map: LabelMap) -> None:
        inks = label_map.inks
        places = np.zeros((len(inks), PROFILE), np.int64)
        _count(label_map.labels, *inks.arrays(), places)
        rows: list[np.ndarray] = []
        weights: list[np.ndarray] = []
        self.start = [0]
        for i, shading in enumerate(inks.shadings):
            if shading is None or np.ptp(shading.profile[:, 3]) >= _FADE:
                rows.append(_straight(inks.means[i][None]))
                weights.append(np.array([places[i].sum() if inks.means[i][3] >= _INVISIBLE else 0]))
            else:
                rows.append(_straight(shading.profile))
                weights.append(places[i])
            self.start.append(self.start[-1] + len(rows[-1]))
        self.colours = np.concatenate(rows)
        self.weights = np.concatenate(weights).astype(np.float64)


def _straight(premultiplied: np.ndarray) -> np.ndarray:
    return np.clip(premultiplied[:, :3] * 255 / np.maximum(premultiplied[:, 3:], 1.0), 0, 255)


def _choose(
    shades: np.ndarray, weights: np.ndarray, finish: Finish, power: float = _SHARE
) -> tuple[np.ndarray, np.ndarray]:
    """Which colour each shade becomes, (n,), and the colours, (m, 3) whole numbers 0–255."""
    lab = oklab(shades)
    if finish.palette:
        colours = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in finish.palette], np.float64)
        away = ((lab[:, None] - oklab(colours)[None]) ** 2).sum(axis=2)
        return away.argmin(axis=1), colours
    assert finish.colours is not None
    used = np.flatnonzero(weights > 0)
    group = np.full(len(shades), -1)
    if len(used) == 0:
        return np.zeros(len(shades), int), np.zeros((1, 3))
    exact = np.rint(shades[used])
    distinct, which = np.unique(exact, axis=0, return_inverse=True)
    weight = np.bincount(which.ravel(), weights[used], len(distinct))
    group[used] = _cluster(oklab(distinct), weight**power, finish.colours)[which.ravel()]
    colours = np.empty((group.max() + 1, 3))
    taken: set[tuple[float, ...]] = set()
    for g in range(len(colours)):
        inside = group == g
        share = weights[inside]
        own = np.rint(shades[inside])
        heaviest = own[share.argmax()]
        mean = np.rint((shades[inside] * share[:, None]).sum(axis=0) / share.sum())
        ranked = [heaviest, mean] if share.max() > _OWN * share.sum() else [mean, heaviest]
        colour = next((c for c in [*ranked, *own] if tuple(c) not in taken), mean)
        taken.add(tuple(colour))
        colours[g] = colour
    rest = group < 0
    if rest.any():
        away = ((lab[rest][:, None] - oklab(colours)[None]) ** 2).sum(axis=2)
        group[rest] = away.argmin(axis=1)
    return group, colours


def _cluster(lab: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
    """Ward's clustering into `count` groups: always the two whose union costs least; (n,) group of each point."""
    most = 600
    if len(lab) > most:  # the heaviest lead, the others follow the nearest of them
        lead = np.argsort(-weight, kind="stable")[:most]
        near = np.concatenate(
            [((part[:, None] - lab[lead][None]) ** 2).sum(axis=2).argmin(axis=1) for part in np.array_split(lab, 32)]
        )
        weight = np.bincount(near, weight, most)
        return _cluster(lab[lead], weight, count)[near]
    n = len(lab)
    group = np.arange(n)
    if n > count:
        _merge(lab.copy(), weight.copy(), group, n - count)
    return np.unique(group, return_inverse=True)[1]


@njit(cache=True)
def _merge(centre, weight, group, times):
    n = len(centre)
    alive = np.ones(n, np.bool_)
    cost = np.full((n, n), np.inf)
    for i in range(n):
        for j in range(i):
            d = 0.0
            for k in range(3):
                d += (centre[i, k] - centre[j, k]) ** 2
            cost[i, j] = d * weight[i] * weight[j] / (weight[i] + weight[j])
    for _ in range(times):
        best, a, b = np.inf, -1, -1
        for i in range(n):
            if alive[i]:
                for j in range(i):
                    if alive[j] and cost[i, j] < best:
                        best, a, b = cost[i, j], i, j
        if a < 0:
            break
        total = weight[a] + weight[b]
        for k in range(3):
            centre[b, k] = (centre[a, k] * weight[a] + centre[b, k] * weight[b]) / total
        weight[b] = total
        alive[a] = False
        for i in range(n):
            if group[i] == a:
                group[i] = b
            if alive[i] and i != b:
                d = 0.0
                for k in range(3):
                    d += (centre[i, k] - centre[b, k]) ** 2
                value = d * weight[i] * total / (weight[i] + total)
                if i > b:
                    cost[i, b] = value
                else:
                    cost[b, i] = value


@njit(cache=True)
def _place(i, x, y, kind, geom):
    """The place, 0–1, in gradient i's profile."""
    u = geom[i, 0] * x + geom[i, 2] * y + geom[i, 4]
    if kind[i] == 2:
        v = geom[i, 1] * x + geom[i, 3] * y + geom[i, 5]
        u = np.sqrt(u * u + v * v)
    return min(1.0, max(0.0, u))


@njit(cache=True)
def _count(labels, kind, colour, geom, profile, out):
    h, w = labels.shape
    last = profile.shape[1] - 1
    for y in range(h):
        for x in range(w):
            i = labels[y, x]
            if kind[i] == 0:
                out[i, 0] += 1
            else:
                out[i, int(_place(i, x, y, kind, geom) * last + 0.5)] += 1


@njit(cache=True)
def _redraw(p, labels, kind, colour, geom, profile, table, new_kind, new_colour, new_geom, new_profile, out, source):
    """Relabel by `table` ((ink, place in its profile) → new ink), and recolour the picture to match.

    A pixel between two inks becomes the same mixture of their new colours. Within a gradient, the share of each band is
    counted on 4 × 4 points of the pixel.
    """
    h, w = labels.shape
    last = profile.shape[1] - 1
    own, other, new_own, new_other = np.empty(4), np.empty(4), np.empty(4), np.empty(4)
    for y in range(h):
        for x in range(w):
            i = labels[y, x]
            out[y, x] = table[i, 0] if kind[i] == 0 else table[i, int(_place(i, x, y, kind, geom) * last + 0.5)]
    for y in range(h):
        for x in range(w):
            i = labels[y, x]
            _ink_now(i, x, y, kind, geom, last, table, new_kind, new_colour, new_geom, new_profile, out[y, x], new_own)
            for k in range(4):
                source[y, x, k] = new_own[k]
            ink_colour(i, x, y, kind, colour, geom, profile, own)
            rest = 0.0
            for k in range(4):
                rest += (p[y, x, k] - own[k]) ** 2
            if rest < 1.0:
                continue
            share = 0.0
            for yy in range(max(y - 1, 0), min(y + 2, h)):
                for xx in range(max(x - 1, 0), min(x + 2, w)):
                    j = labels[yy, xx]
                    if j == i:
                        continue
                    ink_colour(j, x, y, kind, colour, geom, profile, other)
                    num, den = 0.0, 0.0
                    for k in range(4):
                        d = other[k] - own[k]
                        num += (p[y, x, k] - own[k]) * d
                        den += d * d
                    if den < 1e-6:
                        continue
                    t = min(0.5, max(0.0, num / den))
                    left = 0.0
                    for k in range(4):
                        left += (p[y, x, k] - own[k] - t * (other[k] - own[k])) ** 2
                    if left < rest - 0.25:
                        rest = left
                        share = t
                        _ink_now(
                            j, x, y, kind, geom, last, table, new_kind, new_colour, new_geom, new_profile, out[yy, xx],
                            new_other,
                        )  # fmt: skip
            if share > 0:
                for k in range(4):
                    source[y, x, k] = new_own[k] + share * (new_other[k] - new_own[k])


@njit(cache=True)
def _ink_now(i, x, y, kind, geom, last, table, new_kind, new_colour, new_geom, new_profile, flat, out):
    """The new colour of old ink i over a pixel, into out (4,)."""
    tmp = np.empty(4)
    if kind[i] == 0 or new_kind[flat] != 0:
        ink_colour(flat, x, y, new_kind, new_colour, new_geom, new_profile, out)
        return
    for k in range(4):
        out[k] = 0
    for sy in range(4):
        for sx in range(4):
            place = _place(i, x + (sx - 1.5) / 4, y + (sy - 1.5) / 4, kind, geom)
            ink_colour(table[i, int(place * last + 0.5)], x, y, new_kind, new_colour, new_geom, new_profile, tmp)
            for k in range(4):
                out[k] += tmp[k] / 16


def _text(colour: np.ndarray) -> str:
    return "#" + "".join(f"{round(float(v)):02x}" for v in colour)


__all__ = ["limit", "nearest", "oklab", "quantise"]
