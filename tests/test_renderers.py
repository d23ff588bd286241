"""Our SVG looks the same in every renderer: Chromium, librsvg and cairosvg beside resvg."""

from __future__ import annotations

import base64
import io
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image

from benchmarks.drawn import Layer, box, disc, draw, oval, pixels, polygon, stroke
from pipeline.measure import ssim
from pipeline.picture import composite
from pipeline.render import render

SIDE, SHOWN = 96, 288
"""Side of the pictures, and of their drawings as rendered, px."""
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WHITE, NAVY, RED, GREEN = (255, 255, 255), (20, 40, 160), (210, 30, 40), (30, 150, 60)

Rasteriser = Callable[[str], np.ndarray]


def _sloped() -> np.ndarray:
    t = ((np.arange(SIDE) + 0.5) / SIDE)[None, :, None]
    return np.repeat(np.array((250, 120, 40)) * (1 - t) + np.array((60, 40, 200)) * t, SIDE, axis=0)


def _radial() -> np.ndarray:
    y, x = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    t = np.clip(np.hypot(x - 44, y - 40) / 50, 0, 1)[..., None]
    return np.array((255, 230, 120)) * (1 - t) + np.array((180, 30, 60)) * t


def _ring(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return disc(48, 48, 38.3)(x, y) & ~disc(48, 48, 21.8)(x, y)


def _letter(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    outside = polygon((10.5, 88.2), (40.1, 8.7), (56.3, 8.7), (86.1, 88.2), (70.4, 88.2), (48.2, 26.4), (26.3, 88.2))
    return outside(x, y) | box(48, 62, 44, 11)(x, y)


EVERYWHERE = box(48, 48, 200, 200)
DRAWINGS: dict[str, tuple[tuple[int, int, int] | None, tuple[Layer, ...]]] = {
    "flat": (
        WHITE,
        ((box(36, 40, 40.5, 50.3, 12), NAVY), (disc(62, 60, 22.4), RED), (stroke(6, 90, 90, 70, 3), GREEN)),
    ),
    "ellipse": (WHITE, ((oval(48.3, 47.6, 40.2, 18.8, 33), NAVY), (oval(48, 48, 12, 20), RED))),
    "arcs": (WHITE, ((box(48, 48, 76.4, 56.2, r=15.5), GREEN), (box(48, 48, 40, 22, 30, r=9), WHITE))),
    "linear gradient": (WHITE, ((disc(48, 48, 40.2), _sloped()),)),
    "radial gradient": (WHITE, ((box(48, 48, 80.3, 80.3, r=12), _radial()), (disc(40, 40, 9), WHITE))),
    "opacity": (None, ((disc(36, 48, 26.3), RED, 0.5), (disc(60, 48, 26.3), NAVY, 0.5))),
    "ring without ground": (None, ((_ring, NAVY), (disc(48, 48, 9.3), RED))),
    "letter without ground": (None, ((_letter, (30, 30, 30)),)),
    "touching triangles": (
        GREEN,
        ((lambda x, y: (x + y) % 41.3 < 20, NAVY), (polygon((-1, 30.3), (97, 52.1), (97, 70.2), (-1, 64.9)), RED)),
    ),
}


@pytest.fixture(scope="module")
def drawings() -> dict[str, str]:
    """Our SVG of every picture."""
    return {name: draw(pixels(SIDE, SIDE, ground, *layers)) for name, (ground, layers) in DRAWINGS.items()}


def _of_png(png: bytes) -> np.ndarray:
    return composite(np.asarray(Image.open(io.BytesIO(png)).convert("RGBA")), 255)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Rasteriser]:
    """Chromium, showing an SVG as the picture of a page."""
    playwright = pytest.importorskip("playwright.sync_api")
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=FLAGS)
        page = browser.new_page(viewport={"width": SHOWN, "height": SHOWN})

        def rasterise(svg: str) -> np.ndarray:
            data = base64.b64encode(svg.encode()).decode()
            style = f"position:absolute;left:0;top:0;width:{SHOWN}px;height:{SHOWN}px"
            page.set_content(
                f'<body style="background:#fff"><img style="{style}" src="data:image/svg+xml;base64,{data}">'
            )
            page.wait_for_function("document.images[0].complete && document.images[0].naturalWidth > 0")
            return _of_png(page.screenshot())

        yield rasterise
        browser.close()


@pytest.fixture(scope="module")
def librsvg() -> Rasteriser:
    """rsvg-convert."""
    command = shutil.which("rsvg-convert")
    if command is None:
        pytest.skip("rsvg-convert is not installed (librsvg2-bin)")

    def rasterise(svg: str) -> np.ndarray:
        done = subprocess.run(
            [command, "-w", str(SHOWN), "-h", str(SHOWN)],
            input=svg.encode(),
            capture_output=True,
            check=True,
            timeout=60,
        )
        return _of_png(done.stdout)

    return rasterise


@pytest.fixture(scope="module")
def cairo() -> Rasteriser:
    """cairosvg."""
    cairosvg = pytest.importorskip("cairosvg")
    return lambda svg: _of_png(cairosvg.svg2png(svg.encode(), output_width=SHOWN, output_height=SHOWN))


@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("renderer", [pytest.param("chromium", marks=pytest.mark.browser), "librsvg", "cairo"])
def test_it_looks_the_same(request, drawings, renderer, name):
    shown = request.getfixturevalue(renderer)(drawings[name])
    expected = composite(render(drawings[name], SHOWN, SHOWN))
    assert np.abs(shown.astype(float) - expected).mean() < 1.5
    assert ssim(shown, expected) > 0.99


@pytest.mark.browser
def test_no_page_shows_between_touching_shapes(chromium, drawings):
    """The same drawing with the page's colour turned to magenta differs nowhere."""
    svg = drawings["touching triangles"]
    magenta = svg.replace("<svg ", '<svg style="background:#f0f" ', 1)
    away = np.abs(chromium(svg).astype(int) - chromium(magenta))
    assert away[2:-2, 2:-2].max() <= 2
