"""Bytes, a path or a PIL image → `Picture`: upright sRGB with alpha, within the limits."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile, UnidentifiedImageError

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

    def reduced(self, side: int) -> Picture:
        """The same picture with at most `side` working pixels on its long side."""
        if max(self.pixels.shape[:2]) <= side:
            return self
        return replace(self, pixels=_reduce(self.pixels, side))

    def busyness(self) -> int:
        """Working pixels that differ, at 5 bits a channel, from the one above and the one to the left.

        This is what a tracer's time grows with: a thousand in a logo, a third of all in a photo, all of them in noise.
        """
        rgb = (self.over(255) >> 3).astype(np.uint16)
        colour = (rgb[..., 0] << 10) | (rgb[..., 1] << 5) | rgb[..., 2]
        here = colour[1:, 1:]
        return int(((here != colour[:-1, 1:]) & (here != colour[1:, :-1])).sum())

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
    """Read a picture: the first frame, upright, in sRGB.

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
    width, height = image.size
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if fmt == "JPEG" and min(width, height) >= 2 * limits.work_side:
                image.draft(None, (limits.work_side, limits.work_side))  # decodes at a half, a quarter or an eighth
            rgba = _reduce(_to_rgba(image), limits.work_side)
            orientation = _orientation(image)
    except Exception as error:  # Pillow's decoders raise nearly anything on broken files
        reason = str(error) or type(error).__name__
        raise BadPicture(f"The {fmt} file is damaged and cannot be decoded ({reason}).", "unreadable") from error
    if orientation >= 5:
        width, height = height, width
    rgba = np.ascontiguousarray(_upright(rgba, orientation))
    hidden = cv2.inRange(cv2.extractChannel(rgba, 3), 0, 0)
    if cv2.countNonZero(hidden):
        rgba = cv2.bitwise_and(rgba, rgba, mask=cv2.bitwise_not(hidden))
    rgba.setflags(write=False)
    return Picture(rgba, width, height, fmt)


def _read(source: bytes | str | PathLike[str], limits: Limits) -> bytes:
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
    else:
        path = Path(source)
        try:
            if not path.is_file():  # a device or a pipe may never end
                reason = "it is a folder" if path.is_dir() else "there is no such file"
                raise BadPicture(f"Cannot read {path.name or path}: {reason}.", "unreadable")
            if path.stat().st_size > limits.bytes:
                raise _too_many_bytes(path.stat().st_size, limits)
            data = path.read_bytes()
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise BadPicture(f"Cannot read {path.name!r}: {why}.", "unreadable") from error
    if len(data) > limits.bytes:
        raise _too_many_bytes(len(data), limits)
    if not data:
        raise BadPicture("The file is empty.", "unreadable")
    return data


def _too_many_bytes(size: int, limits: Limits) -> BadPicture:
    return BadPicture(f"The file has {size / 1e6:.1f} MB; the limit is {limits.bytes / 1e6:.0f} MB.", "too_large")


_MAGIC = {"PNG": b"\x89PNG", "JPEG": b"\xff\xd8\xff", "GIF": b"GIF8", "BMP": b"BM", "WEBP": b"RIFF"}
_FOREIGN = {
    b"II*\x00": "a TIFF",
    b"MM\x00*": "a TIFF",
    b"%PDF": "a PDF",
    b"%!PS": "a PostScript file",
    b"8BPS": "a Photoshop file",
    b"PK\x03\x04": "a zip or an office document",
    b"\x00\x00\x01\x00": "an icon file (ICO)",
}


def _open(data: bytes, limits: Limits) -> tuple[Image.Image, str]:
    """The image, its header read and within the limits, and its format."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            size = image.size
    except UnidentifiedImageError as error:
        raise _unknown(data) from error
    except Exception as error:
        raise BadPicture(f"The file's header is damaged ({error}).", "unreadable") from error
    check_size(size, limits)
    return image, "JPEG" if image.format == "MPO" else image.format or "?"


def _unknown(data: bytes) -> BadPicture:
    for name, magic in _MAGIC.items():
        if data.startswith(magic) and (name != "WEBP" or data[8:12] == b"WEBP"):
            return BadPicture(f"The {name} file's header is damaged.", "unreadable")
    formats = ", ".join(FORMATS[:-1]) + " and " + FORMATS[-1]
    if b"<svg" in data[:2048]:
        return BadPicture(f"This is an SVG, which is a vector drawing already; {formats} are read.", "not_an_image")
    if data[4:8] == b"ftyp":
        return BadPicture(f"This is an AVIF, HEIC or video file; {formats} are read.", "not_an_image")
    for magic, name in _FOREIGN.items():
        if data.startswith(magic):
            return BadPicture(f"This is {name}; {formats} are read.", "not_an_image")
    return BadPicture(f"This is not a picture in a supported format; {formats} are read.", "not_an_image")


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
    """(H, W, 4) uint8 sRGB of the current frame, as it lies in the file."""
    image.load()
    profile = image.info.get("icc_profile")
    if image.mode == "RGB" and not profile and "transparency" not in image.info:
        return cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2RGBA)
    if image.mode == "RGBA" and not profile:
        return np.asarray(image)
    image, alpha = _split(image)
    rgb = np.asarray(_to_srgb(image, profile))
    if alpha is None:
        return cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA)
    return cv2.merge([*cv2.split(rgb), alpha])


def _split(image: Image.Image) -> tuple[Image.Image, np.ndarray | None]:
    """The colours in a mode that a profile can speak of (RGB, L, CMYK, LAB), and the (H, W) uint8 alpha if there is one."""
    mode, key = image.mode, image.info.get("transparency")
    if mode.startswith("I") or mode == "F":
        return _from_deep(image, key)
    if mode == "RGB" and isinstance(key, tuple) and max(key) > 255:  # of a picture with 16 bits a channel
        matches = np.all(np.asarray(image) == np.array([value >> 8 for value in key]), axis=2)
        return image, np.where(matches, 0, 255).astype(np.uint8)
    if mode in ("RGBA", "LA", "PA", "RGBa", "La") or key is not None:
        rgba = (image.convert("LA") if mode == "La" else image).convert("RGBA")
        alpha = np.asarray(rgba)[..., 3]
        return rgba.convert("L" if mode in ("LA", "La", "L") else "RGB"), alpha
    if mode in ("RGB", "CMYK", "L", "LAB"):
        return image, None
    return image.convert("RGB"), None


def _from_deep(image: Image.Image, key: int | None) -> tuple[Image.Image, np.ndarray | None]:
    """Grey of 16 or 32 bits, or of floats, as 8 bits; floats run from 0 to 1, or to 255 where any is larger."""
    deep = np.nan_to_num(np.asarray(image).astype(np.float64))
    if image.mode.startswith("I;16"):
        top = 65535.0
    elif image.mode == "F":
        top = 1.0 if deep.max() <= 1 else 255.0
    else:
        top = 65535.0 if deep.max() > 255 else 255.0
    grey = (np.clip(deep / top, 0, 1) * 255 + 0.5).astype(np.uint8)
    alpha = None if not isinstance(key, int) else np.where(deep == key, 0, 255).astype(np.uint8)
    return Image.fromarray(grey), alpha


_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB in sRGB. A profile that is broken or of another colour space than the pixels is passed over, as browsers do."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            fits = source.profile.xcolor_space.strip() == _SPACES.get(image.mode)
            plain = image.mode == "RGB" and "srgb" in (source.profile.profile_description or "").lower()
            if fits and not plain:
                return _transform(image, source)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError):
            pass
    if image.mode == "LAB":
        return _transform(image, ImageCms.createProfile("LAB"))
    return image.convert("RGB")


def _transform(image: Image.Image, source: ImageCms.core.CmsProfile | ImageCms.ImageCmsProfile) -> Image.Image:
    converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert converted is not None  # it is only where it works in place
    return converted


def _orientation(image: Image.Image) -> int:
    """EXIF's, 1–8; 1 where it is missing or unreadable."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # a damaged EXIF block says nothing about the pixels
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(rgba: np.ndarray, orientation: int) -> np.ndarray:
    """Turned and mirrored as EXIF's orientation asks."""
    if orientation >= 5:
        rgba = rgba.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        rgba = rgba[::-1]
    if orientation in (2, 3, 6, 7):
        rgba = rgba[:, ::-1]
    return rgba


_STRIP = 256
"""Rows that are widened to floats at a time."""


def _reduce(rgba: np.ndarray, side: int) -> np.ndarray:
    """Shrink to `side` on the long side by area averaging of premultiplied colour."""
    height, width = rgba.shape[:2]
    if max(height, width) <= side:
        return rgba.copy()
    factor = side / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    if (rgba[..., 3] == 255).all():
        return cv2.resize(rgba, size, interpolation=cv2.INTER_AREA)
    strips = []
    for top in range(0, height, _STRIP):
        strip = rgba[top : top + _STRIP].astype(np.float32)
        strip[..., :3] *= strip[..., 3:] / 255
        strips.append(cv2.resize(strip, (size[0], len(strip)), interpolation=cv2.INTER_AREA))
    small = cv2.resize(np.concatenate(strips), size, interpolation=cv2.INTER_AREA)
    alpha = small[..., 3:]
    small[..., :3] *= np.where(alpha > 0, 255 / np.maximum(alpha, 1e-6), 0)
    return np.clip(small + 0.5, 0, 255).astype(np.uint8)
