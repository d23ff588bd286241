"""The vtracer-flat recipe: the prepared picture, enlarged, traced by vtracer.

Each pixel becomes its ink. The picture is enlarged by cubic interpolation, and each part of a pixel takes the nearest of the
inks around it, so that vtracer's boundaries, which follow pixels' sides, fall where coverage says that the edges are.
"""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit

from ..errors import NotADrawing
from ..picture import Picture
from ..plan import Plan
from . import vtracer
from .emit import Item, arrange, definitions, document, paints
from .gradients import ink_colour
from .labels import label_map_of
from .prepare import LabelMap

_MOST_INKS = 400
"""Inks above which a picture is a photo, and better traced as it is."""
_MOST_PIXELS = 9_000_000
"""Pixels of the enlarged picture at most: vtracer takes a tenth of a second for a million."""


def trace(picture: Picture, plan: Plan) -> str:
    """Trace the prepared picture. Raises `TraceFailed`, of which `NotADrawing` for a photo."""
    knobs, off, finish = plan.knobs, plan.without, plan.finish
    label_map = label_map_of(picture, plan)
    if len(label_map.inks) > _MOST_INKS:
        raise NotADrawing(f"The picture has {len(label_map.inks)} shades: no drawing.")
    height, width = label_map.labels.shape
    times = int(knobs["enlargement"]) if "unmixing" not in off else 1
    while times > 1 and times * times * width * height > _MOST_PIXELS:
        times -= 1
    labels = enlarged(label_map, times)
    precision = int(knobs["precision"])
    settings = {
        "color_precision": 8,
        "layer_difference": 0,
        "filter_speckle": max(1, round(np.sqrt(knobs["smallest_region"]) * times / 2)),
        "corner_threshold": int(knobs["corner_threshold"]),
        "length_threshold": 4.0,
        "max_iterations": 10,
        "splice_threshold": 45,
        "path_precision": 8,
    }
    used = np.unique(labels)
    fills, defs = paints(label_map.inks, used, picture.scale, precision)
    code, ink_of = _codes(label_map, used)
    opacity = np.array([_opacity(label_map, i) for i in range(len(label_map.inks))])
    items: list[Item] = []
    for level in sorted(set(opacity[used].tolist()) - {0}):
        mask = opacity[labels] == level
        rgb = code[labels]
        whole = bool(mask.all())
        for colour, data, box in vtracer.paths(
            rgb if whole else vtracer.bleed(rgb, mask),
            None if whole else mask,
            settings,
            "spline" if knobs["curves"] >= 0.5 else "polygon",
            precision,
            picture.scale / times,
        ):
            items.append(Item(data, fills[_ink(colour, code, ink_of, used)], box))
    scale = picture.scale
    if finish.background == "drop" and items and _whole(items[0].box, width * scale, height * scale):
        del items[0]
    body = definitions(defs) + arrange(items, finish, precision, scale)
    return document(body, picture.width, picture.height, (width * scale, height * scale))


def enlarged(label_map: LabelMap, times: int) -> np.ndarray:
    """(times · H, times · W) int32: each part of a pixel takes the nearest of the inks within one pixel of it."""
    if times == 1:
        return label_map.labels
    height, width = label_map.labels.shape
    large = cv2.resize(label_map.source, (width * times, height * times), interpolation=cv2.INTER_CUBIC)
    out = np.empty(large.shape[:2], np.int32)
    _nearest_inks(large, label_map.labels, times, *label_map.inks.arrays(), out)
    return out


@njit(cache=True)
def _nearest_inks(p, labels, times, kind, colour, geom, profile, out):
    h, w = labels.shape
    ids = np.empty(9, np.int32)
    near = np.empty((9, 4))
    tmp = np.empty(4)
    for y in range(h):
        for x in range(w):
            n = 0
            for yy in range(max(y - 1, 0), min(y + 2, h)):
                for xx in range(max(x - 1, 0), min(x + 2, w)):
                    q = labels[yy, xx]
                    seen = False
                    for i in range(n):
                        if ids[i] == q:
                            seen = True
                    if not seen:
                        ids[n] = q
                        ink_colour(q, x, y, kind, colour, geom, profile, tmp)
                        for k in range(4):
                            near[n, k] = tmp[k]
                        n += 1
            for v in range(y * times, (y + 1) * times):
                for u in range(x * times, (x + 1) * times):
                    best = 1e12
                    for i in range(n):
                        d = 0.0
                        for k in range(4):
                            d += (p[v, u, k] - near[i, k]) ** 2
                        if d < best:
                            best = d
                            out[v, u] = ids[i]


def _opacity(label_map: LabelMap, ink: int) -> int:
    """The layer of opacity that an ink is traced in: 0 is not drawn, 255 opaque, 256 a fade."""
    shading = label_map.inks.shadings[ink]
    if shading is not None and np.ptp(shading.profile[:, 3]) > 4:
        return 256
    alpha = float(label_map.inks.means[ink][3])
    return 0 if alpha < 6 else 255 if alpha >= 252 else round(alpha)


def _codes(label_map: LabelMap, used: np.ndarray) -> tuple[np.ndarray, dict[bytes, int]]:
    """A colour for each ink that no other has, near its own: (n, 3) uint8, and the inks by it."""
    means = label_map.inks.colours
    code = np.zeros((len(means), 3), np.uint8)
    taken: dict[bytes, int] = {}
    for i in used.tolist():
        rgb = np.clip(np.rint(means[i, :3] * 255 / max(means[i, 3], 1.0)), 0, 255).astype(int)
        step = 0
        while (key := bytes(np.abs(rgb - [0, 0, step]).astype(np.uint8))) in taken:
            step += 1
        taken[key] = i
        code[i] = list(key)
    return code, taken


def _ink(colour: bytes, code: np.ndarray, ink_of: dict[bytes, int], used: np.ndarray) -> int:
    """The ink of a path's colour; vtracer means the colours of a cluster, which may be off by a speck."""
    if colour not in ink_of:
        away = np.abs(code[used].astype(int) - list(colour)).sum(axis=1)
        ink_of[colour] = int(used[away.argmin()])
    return ink_of[colour]


def _whole(box: tuple[float, float, float, float], width: float, height: float) -> bool:
    return box[0] <= 0 and box[1] <= 0 and box[2] >= width and box[3] >= height
