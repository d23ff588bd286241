"""Everything that is loaded or compiled on first use, loaded and compiled before anybody waits for it.

    python -m pipeline.warm      # compiles what is not compiled yet: about a minute, once

A process that workers are forked from calls `warm` first. Where our own drawing was never compiled on this machine, `warm`
leaves it out, so that the app answers at once; `catch_up`, called while there is nothing else to do, then has it compiled by a
process of its own, and loads it when that is done.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

from . import compiled
from .convert import Request, convert
from .errors import TraceFailed
from .picture import Picture, load
from .plan import RECIPES, STEPS, Finish, Plan
from .trace import trace

SIDE = 96
_FINE = 4
"""How many times larger pictures are drawn than they are used, for soft edges."""
TRIES = 2
"""How often compiling is begun by one process, should it be killed."""

_compiler = 0
_tries = 0


def pictures() -> Iterator[Picture]:
    """Small pictures that between them use every loop of our drawing, in every type it is called with."""
    flat = _artwork()
    for image in (flat, _shaded(), _mosaic(), _on_nothing(), _photo()):
        yield load(_encoded(image))
    for image in (flat, _shaded()):
        yield load(_encoded(image.convert("RGB"), "JPEG", quality=40))
    yield load(_encoded(flat)).reduced(SIDE // 2)
    yield load(_encoded(Image.new("RGB", (7, 3), "red")))


def _canvas(mode: str = "RGB", ground: str | tuple[int, ...] = "white") -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new(mode, (SIDE * _FINE, SIDE * _FINE), ground)
    return image, ImageDraw.Draw(image)


def _small(image: Image.Image) -> Image.Image:
    return image.resize((SIDE, SIDE), Image.Resampling.BOX)


def _artwork() -> Image.Image:
    """Discs, rings, rectangles, letters, a rounded thing, thin strokes and spots, some beside others."""
    image, draw = _canvas()
    draw.ellipse((20, 20, 140, 140), "#d03020")
    draw.ellipse((50, 50, 110, 110), "white")
    draw.rectangle((160, 24, 260, 120), "#2050c0")
    draw.rectangle((260, 24, 350, 120), "#f0c020")
    draw.ellipse((160, 150, 250, 210), "#30a060")
    draw.rounded_rectangle((20, 170, 140, 260), 24, "#202020")
    draw.polygon([(280, 150), (360, 200), (300, 260), (250, 240)], "#8040a0")
    draw.arc((180, 220, 300, 360), 20, 250, "#c02080", 14)
    for k in range(4):
        draw.line((20 + 40 * k, 280, 50 + 44 * k, 370), "#204060", 3 + 2 * k)
    draw.text((190, 300), "Rag&2", "#000000", font_size=60)
    for k in range(6):
        draw.ellipse((330 + 6 * k, 340 - 14 * k, 338 + 6 * k, 348 - 14 * k), "#e06000")
    return _small(image)


def _shaded() -> Image.Image:
    """A slope along a line and one around a point, in shapes that lie on and beside each other."""
    side = SIDE * _FINE
    y, x = np.mgrid[:side, :side] / side
    along = np.stack([40 + 200 * x, 90 + 60 * y, 220 - 160 * x], axis=2)
    around = np.clip(np.hypot(x - 0.7, y - 0.68) / 0.3, 0, 1)
    around = np.stack([250 - 120 * around, 220 - 180 * around, 40 + 30 * around], axis=2)
    image, _ = _canvas()
    for colours, box in ((along, (20, 30, 250, 180)), (around, (170, 160, 370, 370)), (along, (30, 220, 130, 360))):
        mask, draw = _canvas("L", "black")
        draw.ellipse(box, 255) if colours is around else draw.rounded_rectangle(box, 30, 255)
        image.paste(Image.fromarray(colours.astype(np.uint8)), mask=mask)
    ImageDraw.Draw(image).line((30, 200, 350, 120), "#102030", 12)
    return _small(image)


def _mosaic() -> Image.Image:
    """Regions that cover the picture, of which three and more meet in points."""
    side = SIDE * _FINE
    rng = np.random.default_rng(3)
    points = rng.uniform(0, side, (24, 2))
    y, x = np.mgrid[:side, :side]
    nearest = np.argmin([(x - px) ** 2 + (y - py) ** 2 for px, py in points], axis=0)
    return _small(Image.fromarray(rng.integers(0, 256, (24, 3), np.uint8)[nearest]))


def _on_nothing() -> Image.Image:
    """Solid and half-transparent shapes, flat and shaded, on no ground."""
    image, draw = _canvas("RGBA", (0, 0, 0, 0))
    draw.ellipse((30, 30, 240, 240), (200, 40, 60, 255))
    draw.rectangle((200, 180, 350, 340), (30, 90, 200, 140))
    draw.line((20, 360, 360, 260), (0, 0, 0, 255), 6)
    fade = np.zeros((SIDE * _FINE, SIDE * _FINE, 4), np.uint8)
    fade[40:160, 260:370] = (20, 120, 60, 0)
    fade[40:160, 260:370, 3] = np.linspace(20, 255, 110)
    image.alpha_composite(Image.fromarray(fade))
    return _small(image)


def _photo() -> Image.Image:
    """Texture, which is no drawing."""
    rng = np.random.default_rng(5)
    coarse = Image.fromarray(rng.integers(0, 256, (24, 24, 3), np.uint8)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    noise = rng.normal(0, 12, (SIDE, SIDE, 3))
    return Image.fromarray(np.clip(np.asarray(coarse) + noise, 0, 255).astype(np.uint8))


def _encoded(image: Image.Image, fmt: str = "PNG", **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, fmt, **options)
    return out.getvalue()


def plans() -> Iterator[Plan]:
    """Every recipe that is compiled, whole, in few colours, and with each of its steps left out."""
    for recipe in RECIPES:
        if recipe != "vtracer":
            yield Plan(recipe)
            yield Plan(recipe, {}, Finish(colours=3))
            yield from (Plan(recipe, without=frozenset((step,))) for step in STEPS)


def warm() -> None:
    """Load whatever is loaded on first use; our own drawing only where it was compiled before."""
    compiled.pending = not compiled.complete()
    flat = _encoded(_artwork())
    for tier in (1, 2, 3):
        convert(flat, Request(tier=tier))
    if not compiled.pending:
        draw(thoroughly=False)


def draw(*, thoroughly: bool) -> list[str]:
    """Draw every picture by every recipe and, where thoroughly, the first by each of `plans`; what failed, in words."""
    failed = []
    for index, picture in enumerate(pictures()):
        for plan in plans():
            if plan.without and (index or not thoroughly):
                continue
            try:
                trace(picture, plan)
            except TraceFailed:  # a photo is refused
                continue
            except Exception:  # what is broken there must not keep the rest from being compiled
                failed.append(traceback.format_exc())
    return failed


def compile_all(*, wait: bool = True) -> bool:
    """Compile what is not compiled yet; False where another process is at it, and `wait` is False."""
    with compiled.only_compiler(wait=wait) as alone:
        if not alone:
            return False
        if not compiled.complete():
            for trace_back in draw(thoroughly=True):
                print(trace_back, file=sys.stderr)
            compiled.mark_complete()
    return True


def catch_up(*, begin: bool = False) -> None:
    """Load our own drawing once it is compiled; with `begin`, have a child process compile it if nobody does."""
    global _compiler, _tries
    if not compiled.pending:
        return
    if compiled.complete():
        draw(thoroughly=False)
        compiled.pending = False
    elif begin and not _alive(_compiler) and _tries < TRIES:
        _tries += 1
        _compiler = os.fork()
        if _compiler == 0:
            _compile_and_exit()


def _alive(process: int) -> bool:
    if not process:
        return False
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(process, os.WNOHANG) == (0, 0)
    return False


def _compile_and_exit() -> None:
    try:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: gone with its parent
        os.nice(10)  # those who convert come first
        compiled.pending = False
        compile_all(wait=True)
    finally:
        os._exit(0)


def main() -> None:
    """Compile, and say so."""
    if compiled.complete():
        print("Our own drawing is compiled.")
        return
    print("Compiling our own drawing: about a minute, once.", flush=True)
    start = time.monotonic()
    compile_all()
    print(f"Done in {time.monotonic() - start:.0f} s: {compiled.folder()}")


if __name__ == "__main__":
    main()
