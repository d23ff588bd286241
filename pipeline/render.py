"""SVG → pixels by resvg, → PDF and EPS by cairo, → DXF by `dxf`.

For our own SVG only: resvg reads local files that an SVG from elsewhere may name.
"""

from __future__ import annotations

import math
import re
from typing import Literal, get_args

import cv2
import numpy as np
import resvg_py

from .errors import BadSetting, ExportFailed, TraceFailed

Format = Literal["svg", "pdf", "eps", "png", "dxf"]
FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA_TYPES: dict[Format, str] = {
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "eps": "application/postscript",
    "png": "image/png",
    "dxf": "image/vnd.dxf",
}
MOST_PIXELS = 64_000_000
"""Pixels of an exported PNG at most."""


def render(svg: str, width: int, height: int) -> np.ndarray:
    """Render an SVG that has a viewBox, stretched to exactly ``width × height``.

    Returns
    -------
    (height, width, 4) uint8
        sRGB, straight alpha.

    Raises
    ------
    TraceFailed
        resvg refused the SVG.
    """
    start = svg.index("<svg")
    end = svg.index(">", start)
    head = svg[start:end]
    if ' preserveAspectRatio="' not in head:
        head = head.replace("<svg", '<svg preserveAspectRatio="none"', 1)
    for name, value in (("width", width), ("height", height), ("preserveAspectRatio", "none")):
        before, found, after = head.partition(f' {name}="')
        if found:
            head = f'{before} {name}="{value}"{after[after.index(chr(34)) + 1 :]}'
    try:
        png = bytes(resvg_py.svg_to_bytes(svg_string=head + svg[end:], width=width, height=height))
    except BaseException as error:  # a Rust panic is a BaseException
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        raise TraceFailed(f"The SVG cannot be rendered ({error}).") from None
    bgra = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    if bgra is None:
        raise TraceFailed("The rendered SVG cannot be decoded.")
    if bgra.ndim == 2:
        return cv2.cvtColor(bgra, cv2.COLOR_GRAY2RGBA)
    return cv2.cvtColor(bgra, cv2.COLOR_BGR2RGBA if bgra.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)


def export(svg: str, format: Format, *, width: int | None = None) -> bytes:
    """The SVG as a file of another format.

    Parameters
    ----------
    format
        ``svg``; ``pdf`` and ``eps`` keep every shape a vector; ``png`` has transparency; ``dxf`` has outlines only, curves as
        polylines, on a layer for each colour, for cutters and plotters.
    width
        Of the PNG, pixels, or of the PDF, EPS and DXF, CSS pixels (1/96 inch); the picture's own where None. The height
        follows.

    Raises
    ------
    BadSetting
        No such format, or a width that makes no picture or one of more than `MOST_PIXELS`.
    ExportFailed
        A library that the format takes is missing, which the message names, or failed.
    """
    if format not in FORMATS:
        raise BadSetting(f"format must be {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, not {format!r}.")
    own_width, own_height = _size(svg)
    if width is None:
        width = max(1, round(own_width))
    height = max(1, round(own_height * width / own_width))
    if isinstance(width, bool) or not isinstance(width, int) or width < 1 or width * height > MOST_PIXELS:
        most = math.isqrt(int(MOST_PIXELS * own_width / own_height))
        raise BadSetting(f"width must be a whole number from 1 to {most} px, not {width!r}.")
    if format == "svg":
        return (svg if width == round(own_width) else _resized(svg, width, height)).encode()
    if format == "png":
        rgba = render(svg, width, height)
        done, data = cv2.imencode(".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))
        if not done:
            raise ExportFailed("The PNG could not be written.")
        return data.tobytes()
    if format == "dxf":
        from . import dxf

        return dxf.write(svg, own_width, own_height, width)
    return _by_cairo(_resized(svg, width, height), format)


def _size(svg: str) -> tuple[float, float]:
    """Width and height of our SVG."""
    head = svg[: svg.index(">")]
    found = re.search(r'width="([\d.]+)" height="([\d.]+)"', head)
    if not found:
        raise ExportFailed("This is not an SVG of ours.")
    return float(found[1]), float(found[2])


def _resized(svg: str, width: int, height: int) -> str:
    return re.sub(r'width="[\d.]+" height="[\d.]+"', f'width="{width}" height="{height}"', svg, count=1)


def _by_cairo(svg: str, format: Format) -> bytes:
    try:
        import cairosvg
    except OSError as error:
        raise ExportFailed(
            f"{format.upper()} takes the cairo library, which is not installed (package libcairo2, or brew install cairo)."
        ) from error
    convert = cairosvg.svg2pdf if format == "pdf" else cairosvg.svg2eps
    try:
        data: bytes = convert(bytestring=svg.encode())
    except Exception as error:  # cairosvg raises nearly anything
        raise ExportFailed(f"The {format.upper()} could not be written ({error}).") from error
    return data if format == "pdf" else _whole_page(data, *_size(svg))


def _whole_page(eps: bytes, width: float, height: float) -> bytes:
    """The EPS with the picture's own frame, in points of 1/72 inch: cairo's ends where the paint does."""
    frame = f"{width * 0.75:g} {height * 0.75:g}"
    outer = f"{math.ceil(width * 0.75)} {math.ceil(height * 0.75)}"
    eps = re.sub(rb"%%(PageBoundingBox|BoundingBox): [-\d. ]+", rb"%%\1: 0 0 " + outer.encode(), eps)
    return re.sub(rb"%%(\w*HiResBoundingBox): [-\d. ]+", rb"%%\1: 0 0 " + frame.encode(), eps)
