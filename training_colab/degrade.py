"""What happens to a picture between the artist and the person who wants it traced: the conditions and the damage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.picture import composite

Rgb = np.ndarray
"""(H, W, 3) uint8, sRGB."""


def jpeg(rgb: Rgb, quality: int, *, chroma_halved: bool = True) -> Rgb:
    """Through a JPEG file and back; `quality` 1–100, chroma 4:2:0 or 4:4:4."""
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420 if chroma_halved else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    _, data = cv2.imencode(".jpg", rgb[..., ::-1], flags)
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def double_jpeg(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Saved twice, shifted by a few pixels between, as screenshots of web pages are."""
    dy, dx = rng.integers(0, 8, 2)
    padded = cv2.copyMakeBorder(jpeg(rgb, int(rng.integers(55, 90))), dy, 0, dx, 0, cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(jpeg(padded, int(rng.integers(60, 92)))[dy:, dx:])


def blur(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Gaussian, sigma 0.5–1.5 px."""
    return cv2.GaussianBlur(rgb, (0, 0), float(rng.uniform(0.5, 1.5)))


def resample(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Shrunk to 40–80 % and enlarged again."""
    height, width = rgb.shape[:2]
    factor = float(rng.uniform(0.4, 0.8))
    small = cv2.resize(
        rgb, (max(8, round(width * factor)), max(8, round(height * factor))), interpolation=cv2.INTER_AREA
    )
    way = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)[int(rng.integers(3))]
    return cv2.resize(small, (width, height), interpolation=way)


def noise(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Gaussian noise, sigma 2–8 levels, as of scans."""
    return np.clip(rgb + rng.normal(0, rng.uniform(2, 8), rgb.shape), 0, 255).astype(np.uint8)


def palette(rgb: Rgb, rng: np.random.Generator) -> Rgb:
    """Reduced to 16–64 colours without dithering, as GIFs are."""
    from PIL import Image

    return np.asarray(Image.fromarray(rgb).quantize(int(rng.integers(16, 65)), dither=Image.Dither.NONE).convert("RGB"))


DAMAGE: dict[str, Callable[[Rgb, np.random.Generator], Rgb]] = {
    "jpeg": lambda rgb, rng: jpeg(rgb, int(rng.integers(40, 95)), chroma_halved=bool(rng.integers(2))),
    "double_jpeg": double_jpeg,
    "blur": blur,
    "resample": resample,
    "noise": noise,
    "palette": palette,
}

CONDITIONS = ("512", "128", "web", "rgba", "damaged")
"""``512`` and ``128``: the long side, on white. ``web``: 400 px, JPEG quality 80 with 4:2:0. ``rgba``: 512 px, with its
transparency. ``damaged``: 200–512 px on white, one or two kinds of `DAMAGE`."""


def condition(name: str, draw: Callable[[int], np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """A picture at one of `CONDITIONS`.

    Parameters
    ----------
    draw
        Long side in pixels → (H, W, 4) uint8.

    Returns
    -------
    (H, W, 4) uint8
    """
    if name == "rgba":
        return draw(512)
    if name in ("512", "128"):
        rgb = composite(draw(int(name)), 255)
    elif name == "web":
        big = composite(draw(512), 255)
        height, width = big.shape[:2]
        size = (max(1, round(width * 400 / max(big.shape))), max(1, round(height * 400 / max(big.shape))))
        rgb = jpeg(cv2.resize(big, size, interpolation=cv2.INTER_CUBIC), 80)
    elif name == "damaged":
        rgb = composite(draw(int(rng.integers(200, 513))), 255)
        for kind in rng.choice(list(DAMAGE), int(rng.integers(1, 3)), replace=False):
            rgb = DAMAGE[kind](rgb, rng)
    else:
        raise ValueError(f"condition must be one of {', '.join(CONDITIONS)}, not {name!r}")
    return np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])


SIDES = (32, 48, 64, 96, 128, 160, 200, 256, 300, 400, 512, 640, 800, 1024)
"""Long sides, px, that people send: avatars and icons of pages, previews, exports; mostly at most 512."""
_OFTEN = np.array([3, 4, 7, 8, 14, 6, 8, 12, 8, 12, 14, 2, 1, 1]) / 100
_GROUNDS = ((0, 0, 0), (30, 41, 59), (240, 240, 245), (220, 38, 38), (37, 99, 235), (253, 224, 71), (22, 101, 52))
"""Colours that logos are put on, beside white."""


@dataclass(frozen=True)
class Wear:
    """What happened to one picture.

    Attributes
    ----------
    side : int
        Long side, px, that it was exported at.
    ground : tuple of int or None
        The colour it was put on; None where it kept its transparency.
    damage : tuple of str
        Kinds of `DAMAGE`, in the order in which they happened; none where transparency was kept.
    """

    side: int
    ground: tuple[int, int, int] | None = (255, 255, 255)
    damage: tuple[str, ...] = ()

    def on_ground(self, rgba: np.ndarray) -> np.ndarray:
        """(H, W, 4) uint8: the artwork as it was before any damage, on its ground."""
        if self.ground is None:
            out = rgba.copy()
            out[out[..., 3] == 0] = 0
            return out
        alpha = rgba[..., 3:].astype(np.float32) / 255
        rgb = rgba[..., :3] * alpha + np.array(self.ground, np.float32) * (1 - alpha)
        return np.dstack([(rgb + 0.5).astype(np.uint8), np.full(rgba.shape[:2], 255, np.uint8)])

    def apply(self, rgba: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(H, W, 4) uint8: the picture as it arrives, from the artwork's render at `side`."""
        out = self.on_ground(rgba)
        rgb = np.ascontiguousarray(out[..., :3])
        for kind in self.damage:
            rgb = DAMAGE[kind](rgb, rng)
        return np.dstack([rgb, out[..., 3]]) if self.damage else out

    def __str__(self) -> str:
        ground = "alpha" if self.ground is None else "#{:02x}{:02x}{:02x}".format(*self.ground)
        return " ".join([str(self.side), ground, *self.damage])


def wear(rng: np.random.Generator, *, most: int = SIDES[-1], opaque: bool = False) -> Wear:
    """A picture's fate by chance: half of them are damaged, a third of these twice; one in eight keeps its transparency.

    `most` bounds the side, and `opaque` pictures have no transparency to keep.
    """
    side = min(int(rng.choice(SIDES, p=_OFTEN)), most)
    place, fate = rng.random(), rng.random()
    if place < 0.125 and not opaque:
        return Wear(side, None)
    ground = (255, 255, 255) if place < 0.8 or opaque else _GROUNDS[int(rng.integers(len(_GROUNDS)))]
    count = 0 if fate < 0.5 else 1 if fate < 0.83 else 2
    kinds = rng.choice(list(DAMAGE), count, replace=False, p=_KINDS)
    return Wear(side, ground, tuple(map(str, kinds)))


_KINDS = np.array([0.35, 0.2, 0.1, 0.15, 0.12, 0.08])
"""How often each kind of `DAMAGE` comes: most of what people have went through JPEG."""
