"""Shapes → SVG text: viewBox, short numbers, relative commands, nothing that is the default anyway."""

from __future__ import annotations

import numpy as np


def document(body: str, width: int, height: int, inner: tuple[float, float] | None = None) -> str:
    """An SVG of ``width × height`` px around `body`, whose coordinates run over `inner` (the same where None)."""
    w, h = inner or (width, height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {number(w, 3)} {number(h, 3)}"'
        + ("" if abs(w * height - h * width) < 1e-6 * w * h else ' preserveAspectRatio="none"')
        + f">{body}</svg>"
    )


def number(value: float, decimals: int = 2) -> str:
    """The shortest text of a number at so many decimals: ``0.50 → .5``, ``-0.0 → 0``."""
    text = f"{value:.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if text in ("-0", ""):
        return "0"
    if text.startswith("0."):
        return text[1:]
    if text.startswith("-0."):
        return "-" + text[2:]
    return text


def numbers(values, decimals: int = 2) -> str:
    """Numbers with a separator only where one is needed."""
    out: list[str] = []
    dotted = False
    for value in values:
        text = number(value, decimals)
        if out and not (text[0] == "-" or (text[0] == "." and dotted)):
            out.append(" ")
        out.append(text)
        dotted = "." in text
    return "".join(out)


def integers(values: np.ndarray, decimals: int) -> list[str]:
    """Texts of fixed-point integers, ``value / 10**decimals`` each, as `number` writes them."""
    scale = 10**decimals
    return [number(v / scale, decimals) for v in values.tolist()]


def hex_colour(rgb) -> str:
    """``#rgb`` or ``#rrggbb`` of three integers, 0–255."""
    r, g, b = (int(x) for x in rgb)
    if r % 17 == g % 17 == b % 17 == 0:
        return f"#{r // 17:x}{g // 17:x}{b // 17:x}"
    return f"#{r:02x}{g:02x}{b:02x}"
