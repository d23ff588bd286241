"""The vtracer recipe: the only import of vtracer. Transparency is drawn as it is, which vtracer alone does not do.

vtracer keys out alpha 0 alone, and only where enough of five scanlines is transparent; everything else it paints opaque.
So a picture with alpha is cut into layers of one opacity each, every layer is traced on its own with a transparent row
above it (which makes vtracer key it), and drawn with that opacity.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping

import cv2
import numpy as np
import vtracer as _vtracer

from ..errors import TraceFailed
from ..picture import Picture
from ..plan import Plan
from . import palette
from .emit import Item, arrange, document, hex_colour, number, numbers

_PATH = re.compile(r'<path d="([^"]*)" fill="#([0-9A-Fa-f]{6})"(?: transform="translate\(([-\d.]+),([-\d.]+)\)")?')
_LETTER = re.compile(r"[MLCZ]")
_LETTERS = re.compile(r"[MLCZ,]")
_POINTS = {"L": 1, "C": 3}
_TEXTS: dict[int, dict[int, str]] = {}
"""Texts of fixed-point integers, by decimals: a few thousand steps make up every path."""
_MOST_TEXTS = 50_000
_LEVELS = 6
"""Most layers of opacity that are drawn, the opaque one included."""
_FLAT_ALPHA = 6
"""Range of alpha in a 3 × 3 window up to which it counts as flat."""


def trace(picture: Picture, plan: Plan) -> str:
    """Trace with vtracer. Raises `TraceFailed` where it panics."""
    finish = plan.finish
    knobs = dict(plan.knobs)
    allowed: list[str] = []
    if finish.limited:
        picture, allowed = palette.quantise(picture, finish)
        knobs |= {"color_precision": 8, "layer_difference": 0, "filter_speckle": max(1, knobs["filter_speckle"])}
    height, width = picture.pixels.shape[:2]
    precision = int(knobs["path_precision"])
    nearest = palette.nearest(allowed) if allowed else None
    items: list[Item] = []
    for mask, opacity in opacity_layers(picture.pixels[..., 3]):
        rgb = picture.pixels[..., :3] if mask is None else bleed(picture.pixels[..., :3], mask)
        extra = "" if opacity >= 1 else f' fill-opacity="{number(opacity)}"'
        for rgb_, data, box in paths(rgb, mask, knobs, "spline", precision):
            colour = hex_colour(nearest(rgb_) if nearest else rgb_)
            items.append(Item(data, f' fill="{colour}"{extra}', box))
    if finish.background == "drop" and items and _fills_all(items[0].shapes, width, height):
        del items[0]
    if finish.grouping == "compact" and not finish.gap_filler:  # each shade its own shape: nothing to gather
        body = "".join(f'<path{item.fill} d="{item.shapes}"/>' for item in items)
    else:
        body = arrange(items, finish, precision)
    return document(body, picture.width, picture.height, (width, height))


def raw_default(picture: Picture) -> str:
    """vtracer's own output at its own defaults, byte for byte: the yardstick's bytes. Raises `TraceFailed`."""
    from ..plan import VTRACER_DEFAULT

    svg = _call(_bmp(picture.pixels), VTRACER_DEFAULT.knobs)
    height, width = picture.pixels.shape[:2]
    return svg.replace("<svg", f'<svg viewBox="0 0 {width} {height}"', 1)


def opacity_layers(alpha: np.ndarray) -> list[tuple[np.ndarray | None, float]]:
    """Cut (H, W) uint8 alpha into ``(mask, opacity)`` layers; ``(None, 1.0)`` alone for an opaque picture.

    Levels are the alphas that occur in flat areas; a pixel on a soft edge goes to the nearer of the levels around it, so
    that an edge is cut at half its opacity.
    """
    if (alpha == 255).all():
        return [(None, 1.0)]
    kernel = np.ones((3, 3), np.uint8)
    flat = (cv2.dilate(alpha, kernel).astype(np.int16) - cv2.erode(alpha, kernel)) <= _FLAT_ALPHA
    counts = np.bincount(alpha[flat], minlength=256).astype(np.int64)
    levels = [255]
    counts[0] = 0
    counts[240:] = 0
    while counts.max() >= max(9, alpha.size // 2000) and len(levels) < _LEVELS:
        peak = int(counts.argmax())
        levels.append(peak)
        counts[max(0, peak - 20) : peak + 21] = 0
    everything = np.array(sorted([0, *levels]), np.int16)
    distance = np.abs(alpha[..., None].astype(np.int16) - everything)
    near = distance.argmin(axis=2)
    if len(everything) > 2:
        label = np.where(flat, near, -1)
        reach = np.ones((5, 5), np.uint8)
        around = np.stack([cv2.dilate((label == i).astype(np.uint8), reach) > 0 for i in range(len(everything))], 2)
        among = np.where(around, distance, 999)
        near = np.where(flat | ~around.any(axis=2), near, among.argmin(axis=2))
    layers: list[tuple[np.ndarray | None, float]] = []
    for i, level in enumerate(everything.tolist()):
        if level and (mask := near == i).any():
            layers.append((mask, round(level / 255, 2)))
    return layers


def bleed(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8: every pixel outside the mask takes the colour of the nearest one inside."""
    if mask.all() or not mask.any():
        return rgb
    _, nearest = cv2.distanceTransformWithLabels(
        (~mask).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = np.zeros((nearest.max() + 1, 3), np.uint8)
    colours[nearest[mask]] = rgb[mask]
    return colours[nearest]


def paths(
    rgb: np.ndarray,
    mask: np.ndarray | None,
    knobs: Mapping[str, float],
    mode: str,
    precision: int,
    scale: float = 1.0,
) -> Iterator[tuple[bytes, str, tuple[float, float, float, float]]]:
    """Trace (H, W, 3) uint8 where the mask is set: colour, path data and box of each path, bottom to top.

    Coordinates are times `scale`, with so many decimals. Raises `TraceFailed`.
    """
    height, width = rgb.shape[:2]
    dy = 0
    if mask is not None:
        rgba = np.dstack([rgb, np.where(mask, 255, 0).astype(np.uint8)])
        rgba[~mask] = 0
        rgba = np.concatenate([np.zeros((1, width, 4), np.uint8), rgba])
        dy = -1
    else:
        rgba = np.dstack([rgb, np.full((height, width), 255, np.uint8)])
    for data, colour, tx, ty in _PATH.findall(_call(_bmp(rgba), knobs, mode)):
        if "M" not in data:  # a cluster that was smoothed away
            continue
        shift = np.array([float(tx or 0), float(ty or 0) + dy])
        text, box = _relative(data, shift, precision, scale)
        yield bytes.fromhex(colour), text, box


def _call(image: bytes, knobs: Mapping[str, float], mode: str = "spline") -> str:
    try:
        return _vtracer.convert_raw_image_to_svg(
            image, img_format="bmp", colormode="color", hierarchical="stacked", mode=mode, **knobs
        )
    except BaseException as error:  # a Rust panic is a BaseException
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        raise TraceFailed(f"vtracer gave up on this picture ({error}).") from None


def _bmp(rgba: np.ndarray) -> bytes:
    """A 32-bit BMP with an alpha mask (BITMAPV4HEADER), which decodes fastest."""
    height, width = rgba.shape[:2]
    size = width * height * 4
    masks = struct.pack("<4I", 0x00FF0000, 0x0000FF00, 0x000000FF, 0xFF000000)
    info = struct.pack("<IiiHHIIiiII", 108, width, -height, 1, 32, 3, size, 2835, 2835, 0, 0)
    head = b"BM" + struct.pack("<IHHI", 14 + 108 + size, 0, 0, 14 + 108)
    return head + info + masks + b"BGRs" + bytes(48) + rgba[..., [2, 1, 0, 3]].tobytes()


def _relative(
    data: str, shift: np.ndarray, precision: int, scale_by: float = 1.0
) -> tuple[str, tuple[float, float, float, float]]:
    """Absolute M, L, C, Z path data → the same in relative commands, and its box; rounding errors do not add up.

    The longest loop of a photo's conversion, hence one pass over plain integers, and a table of their texts.
    """
    scale = 10**precision
    values = np.fromstring(_LETTERS.sub(" ", data), sep=" ").reshape(-1, 2)
    values = (values + shift) * scale_by
    (left, top), (right, bottom) = values.min(axis=0).tolist(), values.max(axis=0).tolist()
    grid = np.rint(values * scale).astype(np.int64).tolist()
    texts = _TEXTS.setdefault(precision, {})
    parts: list[str] = []
    x = y = start_x = start_y = place = 0
    last = ""
    for letter in _LETTER.findall(data):
        if letter == "Z":
            parts.append("z")
            x, y, last = start_x, start_y, "z"
            continue
        if letter == "M":
            x, y = start_x, start_y = grid[place]
            place += 1
            parts.append("M" + numbers((x / scale, y / scale), precision))
            last = "M"
            continue
        name = "c" if letter == "C" else "l"
        separator = " " if last == name else name
        dotted = False
        for px, py in grid[place : place + _POINTS[letter]]:
            for step in (px - x, py - y):
                text = texts.get(step)
                if text is None:
                    text = number(step / scale, precision)
                    if len(texts) < _MOST_TEXTS:
                        texts[step] = text
                first = text[0]
                if separator == "c" or separator == "l" or not (first == "-" or (first == "." and dotted)):
                    parts.append(separator)
                parts.append(text)
                separator = " "
                dotted = "." in text
        place += _POINTS[letter]
        x, y = grid[place - 1]
        last = name
    return "".join(parts), (left, top, right, bottom)


def _fills_all(data: object, width: int, height: int) -> bool:
    """Whether path data are the rectangle of the whole picture."""
    return re.match(rf"M0 0(?:l{width} 0 0 {height}-{width} 0 0-{height}z|c)", str(data)) is not None
