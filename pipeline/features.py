"""Picture → `Features`: what a picture is like, in two dozen numbers with exact definitions.

All are measured over white; a light drawing on a transparent ground is measured over black, where it can be seen. Lengths are
relative to the long side, so a picture and its enlargement are alike. Pictures above 512 px on the long side are reduced
to that before everything but colour count, noise and blockiness, which a reduction would change.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from typing import NamedTuple

import cv2
import numpy as np

from .picture import Picture

SIDE = 512
"""Long side, px, that shapes are measured at, at most."""
CORNER_SIDE = 256
"""The same for corners, which are slow to find."""
FLAT = 2
"""Levels of a channel, 0–255, by which a 3 × 3 window may vary and still be flat."""
INTERIOR = 10
"""The same for the inside of a region, whether flat, shaded or slightly noisy."""
INK = 24
"""Levels of a channel by which a pixel differs from the ground to be ink."""
SHADED = 4.0
"""Standard deviation, levels, from which a region's inside counts as shaded."""
CORNER = 0.002
"""Smaller eigenvalue of the structure tensor from which a corner counts; a black right angle on white has about 0.03."""
LIGHT = 192
"""Mean luma of what is visible from which a picture with transparency is measured over black."""
MOST_PARTS = 256

_WINDOW = np.ones((3, 3), np.uint8)
_NOISE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


@dataclass(frozen=True)
class Features:
    """What is measured. Shares are 0–1.

    The ground is the commonest colour along the border; ink is what differs from it by more than `INK` levels. A region is a
    4-connected set of ink pixels whose 3 × 3 windows vary by no more than `INTERIOR` levels in any channel, of at
    least 1/20,000 of the picture and 4 px. A part is an 8-connected piece of ink of at least that size.

    Attributes
    ----------
    edge_density : float
        Share of pixels on an edge: Canny (1986) on luma, thresholds 50 and 150 on the L1 norm of the 3 × 3 Sobel gradient.
    unique_colours : float
        How many different RGB triples occur.
    entropy : float
        Shannon entropy of the luma histogram of 256 bins, 0–8 bits.
    corner_density : float
        Corners for each 1,000 px at 256 px long side: 3 × 3 maxima of the smaller eigenvalue of the structure tensor
        (Shi & Tomasi 1994) over `CORNER`.
    gradient_strength : float
        Mean length of the luma gradient (3 × 3 Sobel ÷ 4), in units of a black-to-white step: 0 for a flat picture.
    flat_share : float
        Share of pixels whose 3 × 3 window varies by at most `FLAT` levels in every channel.
    texture_share : float
        Share of pixels whose window varies by more than `INTERIOR` and at most 60 levels: texture, blur and weak edges.
    palette_size : float
        The fewest cells of 4 bits a channel that hold 95 % of the pixels.
    regions : float
        How many regions there are.
    largest_region : float
        Share of the picture in the largest of them.
    shaded_share : float
        Share of the ink in regions whose colour has a standard deviation of at least `SHADED` levels in some channel.
    shading : float
        That standard deviation, levels, averaged over the regions by area. It is taken of every second row and column.
    smooth_share : float
        Share of ink pixels whose window varies by 1 to `INTERIOR` levels: smooth slopes, and JPEG's ripples.
    ink_share : float
        Share of pixels that are ink.
    ink_aspect : float
        log2 of width over height of the ink's bounding box; 0 without ink.
    ink_fill : float
        Share of that box that is ink.
    stroke_width : float
        Mean width of the strokes ÷ long side: four times the mean distance of ink pixels to the nearest that is not, as in a
        long straight stroke the distances run evenly from 0 to half its width.
    stroke_variation : float
        Standard deviation of those distances ÷ their mean: 0.58 for strokes of one width, more where widths differ.
    parts : float
        How many parts there are, at most 256.
    alignment : float
        How much the parts stand in rows, as letters do: the chance that two of them overlap by half of the lower one's height
        and are within a factor of 2.5 of each other's height. 0 for a single part.
    noise : float
        Standard deviation of noise, levels, from the second difference of luma (Immerkær 1996) off the edges.
    blockiness : float
        JPEG's 8 × 8 grid: by how many levels the mean step between neighbours (steps over 12 left out) at the strongest of
        the eight phases is above the median phase's; the mean over rows and columns.
    transparent_share : float
        Share of pixels of alpha under 255.
    soft_alpha_share : float
        Share of pixels of alpha 1–254.
    aspect : float
        log2 of width over height.
    megapixels : float
        Working pixels in millions.
    """

    edge_density: float
    unique_colours: float
    entropy: float
    corner_density: float
    gradient_strength: float
    flat_share: float
    texture_share: float
    palette_size: float
    regions: float
    largest_region: float
    shaded_share: float
    shading: float
    smooth_share: float
    ink_share: float
    ink_aspect: float
    ink_fill: float
    stroke_width: float
    stroke_variation: float
    parts: float
    alignment: float
    noise: float
    blockiness: float
    transparent_share: float
    soft_alpha_share: float
    aspect: float
    megapixels: float

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names in the order of the vector."""
        return tuple(f.name for f in fields(cls))

    def vector(self) -> np.ndarray:
        """(n,) float32, in the order of `names`."""
        return np.array(astuple(self), np.float32)


def extract(picture: Picture) -> Features:
    """Measure a picture."""
    height, width = picture.pixels.shape[:2]
    full, transparent, soft = _ground(picture)
    full_grey = cv2.cvtColor(full, cv2.COLOR_RGB2GRAY)
    rgb, grey = _at_most(full, SIDE), _at_most(full_grey, SIDE)
    spread = _spread(rgb)
    ink = _ink(rgb)
    gx, gy = cv2.Sobel(grey, cv2.CV_16S, 1, 0), cv2.Sobel(grey, cv2.CV_16S, 0, 1)
    least = max(4, grey.size // 20_000)
    shape = _shape(ink, least)
    region = _regions(rgb, spread, ink, least)
    ink_pixels = max(cv2.countNonZero(ink), 1)
    return Features(
        edge_density=cv2.countNonZero(cv2.Canny(gx, gy, 50, 150)) / grey.size,
        unique_colours=float(_count_colours(full)),
        entropy=_entropy(grey),
        corner_density=_corners(_at_most(grey, CORNER_SIDE)),
        gradient_strength=cv2.mean(cv2.magnitude(gx.astype(np.float32), gy.astype(np.float32)))[0] / (4 * 255),
        flat_share=_share(spread, 0, FLAT),
        texture_share=_share(spread, INTERIOR + 1, 60),
        palette_size=float(_palette_size(rgb)),
        regions=region.number,
        largest_region=region.largest,
        shaded_share=region.shaded / ink_pixels,
        shading=region.deviation,
        smooth_share=cv2.countNonZero(cv2.inRange(spread, 1, INTERIOR) & ink) / ink_pixels,
        ink_share=cv2.countNonZero(ink) / ink.size,
        ink_aspect=shape.aspect,
        ink_fill=shape.fill,
        stroke_width=shape.stroke,
        stroke_variation=shape.variation,
        parts=shape.parts,
        alignment=shape.alignment,
        noise=_noise(full_grey),
        blockiness=_blockiness(full_grey),
        transparent_share=transparent,
        soft_alpha_share=soft,
        aspect=float(np.log2(width / height)),
        megapixels=height * width / 1e6,
    )


def _ground(picture: Picture) -> tuple[np.ndarray, float, float]:
    """(H, W, 3) over white or black, and the shares of transparent and of half-transparent pixels."""
    alpha = cv2.extractChannel(picture.pixels, 3)
    clear = alpha.size - int(np.count_nonzero(alpha == 255))
    if not clear:
        return picture.over(255), 0.0, 0.0
    none = alpha.size - cv2.countNonZero(alpha)
    luma = cv2.cvtColor(cv2.cvtColor(picture.pixels, cv2.COLOR_RGBA2RGB), cv2.COLOR_RGB2GRAY)
    visible = cv2.mean(luma, cv2.inRange(alpha, 128, 255))[0]
    rgb = picture.over(0 if visible >= LIGHT else 255)
    return rgb, clear / alpha.size, (clear - none) / alpha.size


def _at_most(image: np.ndarray, side: int) -> np.ndarray:
    height, width = image.shape[:2]
    if max(height, width) <= side:
        return image
    factor = side / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _spread(rgb: np.ndarray) -> np.ndarray:
    """(H, W) uint8: the range of the 3 × 3 window, in the channel where it is largest."""
    ranges = cv2.dilate(rgb, _WINDOW) - cv2.erode(rgb, _WINDOW)
    red, green, blue = cv2.split(ranges)
    return cv2.max(cv2.max(red, green), blue)


def _share(spread: np.ndarray, low: int, high: int) -> float:
    return cv2.countNonZero(cv2.inRange(spread, low, high)) / spread.size


def _cells(rgb: np.ndarray) -> np.ndarray:
    """uint16: the 4-bit cell of every colour, 0–4095."""
    high = (rgb >> 4).astype(np.uint16)
    return (high[..., 0] << 8) | (high[..., 1] << 4) | high[..., 2]


def _ink(rgb: np.ndarray) -> np.ndarray:
    """(H, W) uint8, 255 where a pixel differs from the ground."""
    border = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    cells = _cells(border)
    ground = border[cells == np.bincount(cells).argmax()].mean(axis=0)
    low, high = np.ceil(ground - INK), np.floor(ground + INK)
    return 255 - cv2.inRange(rgb, np.clip(low, 0, 255), np.clip(high, 0, 255))


def _count_colours(rgb: np.ndarray) -> int:
    codes = cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA).view(np.uint32).ravel()
    starts = np.concatenate([codes[:1], codes[1:][codes[1:] != codes[:-1]]])  # one of each run: flat art sorts fast
    ordered = np.sort(starts)
    return 1 + int(np.count_nonzero(ordered[1:] != ordered[:-1]))


def _entropy(grey: np.ndarray) -> float:
    share = cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel() / grey.size
    share = share[share > 0].astype(np.float64)
    return float(abs((share * np.log2(share)).sum()))


def _corners(grey: np.ndarray) -> float:
    if min(grey.shape) < 3:
        return 0.0
    strength = cv2.cornerMinEigenVal(grey, 3, ksize=3)
    peaks = (strength == cv2.dilate(strength, _WINDOW)) & (strength > CORNER)
    return 1000 * int(np.count_nonzero(peaks)) / grey.size


def _palette_size(rgb: np.ndarray) -> int:
    cells = cv2.calcHist([rgb], [0, 1, 2], None, [16, 16, 16], [0, 256] * 3)
    counts = np.sort(cells.ravel())[::-1].cumsum(dtype=np.float64)
    return 1 + int(np.searchsorted(counts, 0.95 * counts[-1]))


class _Regions(NamedTuple):
    number: float
    largest: float
    shaded: int
    deviation: float


def _regions(rgb: np.ndarray, spread: np.ndarray, ink: np.ndarray, least: int) -> _Regions:
    inside = cv2.inRange(spread, 0, INTERIOR) & ink
    count, labels = cv2.connectedComponents(inside, connectivity=4, ltype=cv2.CV_32S)
    area = np.bincount(labels.ravel(), minlength=count).astype(np.float64)
    area[0] = 0
    kept = area >= least
    if not kept.any():
        return _Regions(0.0, 0.0, 0, 0.0)
    label = labels[::2, ::2].astype(np.intp).ravel()
    samples = np.maximum(np.bincount(label, minlength=count), 1)
    variance = np.zeros(count)
    for channel in cv2.split(rgb[::2, ::2]):
        value = channel.ravel().astype(np.float64)
        mean = np.bincount(label, value, count) / samples
        square = np.bincount(label, value * value, count) / samples
        variance = np.maximum(variance, square - mean * mean)
    deviation = np.sqrt(np.where(kept, variance, 0))
    return _Regions(
        number=float(kept.sum()),
        largest=float(area.max() / ink.size),
        shaded=int(area[kept & (deviation >= SHADED)].sum()),
        deviation=float((deviation * area)[kept].sum() / area[kept].sum()),
    )


class _Shape(NamedTuple):
    aspect: float = 0.0
    fill: float = 0.0
    stroke: float = 0.0
    variation: float = 0.0
    parts: float = 0.0
    alignment: float = 0.0


def _shape(ink: np.ndarray, least: int) -> _Shape:
    pixels = cv2.countNonZero(ink)
    if not pixels:
        return _Shape()
    _, _, width, height = cv2.boundingRect(ink)
    framed = cv2.copyMakeBorder(ink, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform(framed, cv2.DIST_L2, 3)
    mean, deviation = (float(x[0, 0]) for x in cv2.meanStdDev(distance, mask=framed))
    mean -= 0.5  # a pixel's centre lies half a pixel inside the edge next to it
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8, ltype=cv2.CV_32S)
    stats = stats[1:]
    stats = stats[stats[:, cv2.CC_STAT_AREA] >= least]
    parts = stats[np.argsort(-stats[:, cv2.CC_STAT_AREA], kind="stable")[:MOST_PARTS]]
    return _Shape(
        aspect=float(np.log2(width / height)),
        fill=pixels / (width * height),
        stroke=4 * mean / max(ink.shape),
        variation=deviation / mean,
        parts=float(len(parts)),
        alignment=_alignment(parts[:, cv2.CC_STAT_TOP], parts[:, cv2.CC_STAT_HEIGHT]),
    )


def _alignment(top: np.ndarray, height: np.ndarray) -> float:
    count = len(top)
    if count < 2:
        return 0.0
    bottom = top + height
    overlap = np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top)
    lower, taller = np.minimum(height[:, None], height), np.maximum(height[:, None], height)
    beside = (overlap >= 0.5 * lower) & (taller <= 2.5 * lower)
    return float((beside.sum() - count) / (count * (count - 1)))


def _noise(grey: np.ndarray) -> float:
    if min(grey.shape) < 3:
        return 0.0
    range_ = cv2.dilate(grey, _WINDOW) - cv2.erode(grey, _WINDOW)
    quiet = cv2.inRange(range_, 0, 48)
    second = cv2.convertScaleAbs(cv2.filter2D(grey, cv2.CV_16S, _NOISE))
    return float(np.sqrt(np.pi / 2) / 6 * cv2.mean(second[1:-1, 1:-1], quiet[1:-1, 1:-1])[0])


def _blockiness(grey: np.ndarray) -> float:
    found = []
    for first, second, axis in ((grey[:, 1:], grey[:, :-1], 0), (grey[1:], grey[:-1], 1)):
        step = cv2.absdiff(np.ascontiguousarray(first), np.ascontiguousarray(second)) if first.size else first
        if step.size == 0 or step.shape[1 - axis] < 24:
            continue
        _, small = cv2.threshold(step, 12, 0, cv2.THRESH_TOZERO_INV)
        line = cv2.reduce(small, axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()[: step.shape[1 - axis] // 8 * 8]
        phases = line.reshape(-1, 8).sum(axis=0) / (line.size * step.shape[axis] / 8)
        found.append(float(phases.max() - np.median(phases)))
    return float(np.mean(found)) if found else 0.0
