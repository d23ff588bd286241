"""Bytes, a path or a PIL image → `Picture`: upright sRGB with alpha, within the limits."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageFile, ImageOps, UnidentifiedImageError

from .config import LIMITS, Limits
from .errors import BadPicture

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
Image.MAX_IMAGE_PIXELS = None  # the limits below are checked on the header, with clearer words
ImageFile.LOAD_TRUNCATED_IMAGES = False

Source = bytes | str | PathLike[str] | Image.Image


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture to convert.

    Attributes
    ----------
    pixels : (H, W, 4) uint8
        sRGB, straight alpha, colour zeroed where alpha is 0. At most `Limits.work_side` on its long side.
    width, height : int
        The original size in pixels, after turning it upright.
    format : str
        One of `FORMATS`, or ``"PIL"`` for an image object.
    """

    pixels: np.ndarray
    width: int
    height: int
    format: str

    def __post_init__(self) -> None:
        p = self.pixels
        if p.ndim != 3 or p.shape[2] != 4 or p.dtype != np.uint8:
            raise ValueError(f"pixels must be (H, W, 4) uint8, not {p.shape} {p.dtype}")

    @property
    def has_alpha(self) -> bool:
        """Whether any pixel is not opaque."""
        return bool((self.pixels[..., 3] < 255).any())

    @property
    def scale(self) -> float:
        """Original pixels per working pixel, ≥ 1."""
        return self.width / self.pixels.shape[1]

    def over(self, ground: int = 255) -> np.ndarray:
        """(H, W, 3) uint8: composited over a grey ground, 0–255."""
        return composite(self.pixels, ground)


def composite(rgba: np.ndarray, ground: int = 255) -> np.ndarray:
    """(H, W, 4) uint8 straight alpha → (H, W, 3) uint8 over a grey ground, in sRGB as browsers do."""
    alpha = cv2.extractChannel(rgba, 3)
    rgb = cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB)
    if (alpha == 255).all():
        return rgb
    sum_ = rgb.astype(np.uint16)
    sum_ *= alpha[..., None]
    sum_ += (np.uint16(ground) * (255 - alpha.astype(np.uint16)) + np.uint16(128))[..., None]
    sum_ += sum_ >> 8  # with the 128 above, exactly ÷ 255 and rounded
    return (sum_ >> 8).astype(np.uint8)


def load(source: Source, limits: Limits = LIMITS) -> Picture:
    """Read a picture.

    Raises
    ------
    BadPicture
        ``not_an_image`` if no supported format is recognised, ``too_large`` if the file has too many bytes,
        ``out_of_limits`` if its header declares too many pixels, ``unreadable`` if it cannot be decoded.
    """
    if isinstance(source, Image.Image):
        image, fmt = source, "PIL"
        check_size(image.size, limits)
    else:
        image, fmt = _open(_read(source, limits), limits)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rgba = _to_rgba(image)
    except BadPicture:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on broken files
        raise BadPicture(f"The {fmt} file is damaged and cannot be decoded ({error}).", "unreadable") from error
    height, width = rgba.shape[:2]
    rgba = _reduce(rgba, limits.work_side)
    rgba[rgba[..., 3] == 0] = 0
    rgba.setflags(write=False)
    return Picture(rgba, width, height, fmt)


def _read(source: bytes | str | PathLike[str], limits: Limits) -> bytes:
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
    else:
        path = Path(source)
        try:
            if path.stat().st_size > limits.bytes:
                raise _too_many_bytes(path.stat().st_size, limits)
            data = path.read_bytes()
        except OSError as error:
            raise BadPicture(f"Cannot read {path.name}: {error.strerror or error}.", "unreadable") from error
    if len(data) > limits.bytes:
        raise _too_many_bytes(len(data), limits)
    if not data:
        raise BadPicture("The file is empty.", "unreadable")
    return data


def _too_many_bytes(size: int, limits: Limits) -> BadPicture:
    return BadPicture(f"The file has {size / 1e6:.1f} MB; the limit is {limits.bytes / 1e6:.0f} MB.", "too_large")


def _open(data: bytes, limits: Limits) -> tuple[Image.Image, str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        if data[:8] == b"\x89PNG\r\n\x1a\n" or data[:3] == b"\xff\xd8\xff":
            raise BadPicture("The file's header is damaged.", "unreadable") from error
        raise BadPicture(f"Not a picture in a supported format ({', '.join(FORMATS)}).", "not_an_image") from error
    except Exception as error:
        raise BadPicture(f"The file's header is damaged ({error}).", "unreadable") from error
    check_size(image.size, limits)
    return image, image.format or "?"


def check_size(size: tuple[int, int], limits: Limits = LIMITS) -> None:
    """Raise `BadPicture` where a picture of that width and height is out of the limits."""
    width, height = size
    if width < 1 or height < 1:
        raise BadPicture("The picture has no pixels.", "out_of_limits")
    if max(width, height) > limits.side or width * height > limits.pixels:
        raise BadPicture(
            f"The picture is {width} × {height} pixels; the limit is {limits.side} on a side "
            f"and {limits.pixels / 1e6:.0f} million in all.",
            "out_of_limits",
        )


def _to_rgba(image: Image.Image) -> np.ndarray:
    """(H, W, 4) uint8 sRGB of the first frame, upright."""
    image.seek(0) if getattr(image, "n_frames", 1) > 1 else image.load()
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        deep = np.asarray(image).astype(np.float64)
        top = 65535.0 if deep.max() > 255 or image.mode.startswith("I;16") else 255.0
        grey = (np.clip(deep / top, 0, 1) * 255 + 0.5).astype(np.uint8)
        return np.dstack([grey, grey, grey, np.full_like(grey, 255)])
    alpha = None
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        converted = image.convert("RGBA")
        alpha = np.asarray(converted)[..., 3]
        image = converted.convert("RGB") if image.mode not in ("LA", "L") else converted.convert("L")
    elif image.mode not in ("RGB", "CMYK", "L", "LAB"):
        image = image.convert("RGB")
    rgb = np.asarray(_to_srgb(image, profile))
    if alpha is None:
        alpha = np.full(rgb.shape[:2], 255, np.uint8)
    return np.dstack([rgb, alpha])


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB in sRGB. A profile that is broken or of another colour space than the pixels is passed over."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            space = source.profile.xcolor_space.strip()
            if space == {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}.get(image.mode):
                target = ImageCms.createProfile("sRGB")
                converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, OSError, ValueError, AttributeError):
            pass  # browsers do the same: an unusable profile means sRGB
    return image.convert("RGB")


def _reduce(rgba: np.ndarray, side: int) -> np.ndarray:
    """Shrink to `side` on the long side by area averaging of premultiplied colour."""
    height, width = rgba.shape[:2]
    if max(height, width) <= side:
        return np.ascontiguousarray(rgba).copy()
    factor = side / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    alpha = rgba[..., 3:].astype(np.float32)
    small = cv2.resize(
        np.concatenate([rgba[..., :3] * (alpha / 255), alpha], axis=2), size, interpolation=cv2.INTER_AREA
    )
    a = small[..., 3:]
    colour = np.where(a > 0, small[..., :3] * 255 / np.maximum(a, 1e-6), 0)
    return np.clip(np.concatenate([colour, a], axis=2) + 0.5, 0, 255).astype(np.uint8)
