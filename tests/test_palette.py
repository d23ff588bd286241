"""Exactly so many colours, or none but given ones: counted in the SVGs that come out."""

from __future__ import annotations

import io
import re

import cv2
import numpy as np
import pytest
from PIL import Image

from pipeline.picture import Picture, load
from pipeline.plan import Finish, Plan
from pipeline.render import render
from pipeline.trace import trace
from pipeline.trace.emit import NAMES
from pipeline.trace.palette import oklab

DRAWN = ("planar", "vtracer-flat")
HEX = {name: "#" + bytes(rgb).hex() for rgb, name in NAMES.items()}


def fills(svg: str) -> set[str]:
    """The distinct fills of an SVG's shapes, as ``#rrggbb`` or as they are written."""
    found = set()
    inherited: list[str | None] = [None]
    for tag in re.findall(r"<[^>]+>", svg):
        own = re.search(r'\bfill="([^"]+)"', tag)
        fill = own.group(1) if own else inherited[-1]
        if tag.startswith("<g"):
            inherited.append(fill)
        elif tag == "</g>":
            inherited.pop()
        elif re.match(r"<(path|circle|ellipse|rect|polygon)\b", tag):
            fill = HEX.get(fill or "#000", fill or "#000")
            found.add("#" + "".join(c * 2 for c in fill[1:]) if re.fullmatch("#...", fill) else fill)
    return found


def picture_of(pixels: np.ndarray) -> Picture:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return load(out.getvalue())


def discs(*, clear: bool = False) -> Picture:
    """Nine anti-aliased discs, each of its own colour, on white or on nothing."""
    colours = [
        (200, 30, 30), (210, 40, 38), (30, 120, 40), (40, 130, 60), (30, 40, 200), (20, 60, 190), (240, 200, 20),
        (230, 180, 40), (20, 20, 20),
    ]  # fmt: skip
    large = np.full((240 * 4, 240 * 4, 4), 0 if clear else 255, np.uint8)
    for i, colour in enumerate(colours):
        centre = (160 + i % 3 * 320, 160 + i // 3 * 320)
        cv2.circle(large, centre, 120, (*colour, 255), -1)
    straight = large.astype(float)
    straight[..., :3] *= straight[..., 3:] / 255
    small = straight.reshape(240, 4, 240, 4, 4).mean((1, 3))
    small[..., :3] *= 255 / np.maximum(small[..., 3:], 1)
    return picture_of(np.rint(small).clip(0, 255).astype(np.uint8))


def shaded() -> Picture:
    """A linear gradient from red to blue with a white bar across it."""
    t = np.linspace(0, 1, 200)[None, :, None]
    pixels = np.rint((1 - t) * [220, 20, 20] + t * [20, 20, 220]) * np.ones((120, 1, 1))
    pixels[50:70] = 255
    return picture_of(pixels.astype(np.uint8))


@pytest.mark.parametrize("recipe", DRAWN)
@pytest.mark.parametrize("count", [1, 2, 3, 5, 9, 10])
def test_exactly_so_many_colours(recipe, count):
    assert len(fills(trace(discs(), Plan(recipe, {}, Finish(colours=count))))) == count


@pytest.mark.parametrize("recipe", DRAWN)
@pytest.mark.parametrize("count", [1, 4, 9])
def test_transparency_is_no_colour(recipe, count):
    svg = trace(discs(clear=True), Plan(recipe, {}, Finish(colours=count)))
    assert len(fills(svg)) == count
    assert render(svg, 240, 240)[0, 0, 3] == 0


@pytest.mark.parametrize("recipe", DRAWN)
def test_fewer_colours_than_asked_for_stay_as_they_are(recipe):
    free = fills(trace(discs(), Plan(recipe)))
    assert fills(trace(discs(), Plan(recipe, {}, Finish(colours=40)))) == free and len(free) == 10


@pytest.mark.parametrize("recipe", DRAWN)
@pytest.mark.parametrize("count", [2, 3, 7])
def test_shading_becomes_bands(recipe, count):
    svg = trace(shaded(), Plan(recipe, {}, Finish(colours=count)))
    assert len(fills(svg)) == count and "Gradient" not in svg


def test_edges_of_bands_are_straight():
    svg = trace(shaded(), Plan("planar", {}, Finish(palette=("#dc1414", "#1414dc", "#fff"))))
    out = render(svg, 800, 480)
    edge = [(np.abs(row[:, :3].astype(int) - (220, 20, 20)).sum(axis=1) < 40).sum() for row in out[20:180]]
    assert np.ptp(edge) <= 1 and 380 < np.mean(edge) < 420


@pytest.mark.parametrize("recipe", [*DRAWN, "vtracer"])
def test_only_the_palettes_colours(recipe):
    palette = ("#c81e1e", "#1e28c8", "#ffffff", "#00ff88")
    for picture in (discs(), shaded()):
        got = fills(trace(picture, Plan(recipe, {}, Finish(palette=palette))))
        assert got <= set(palette) and len(got) >= 3


def test_similar_colours_join_first():
    got = fills(trace(discs(clear=True), Plan("planar", {}, Finish(colours=5))))
    reds = [c for c in got if int(c[1:3], 16) > 150 and int(c[3:5], 16) < 100]
    blues = [c for c in got if int(c[5:7], 16) > 150]
    assert len(reds) == len(blues) == 1 and reds[0] in ("#c81e1e", "#d22826"), "an artist's colour, not a mixture"


def test_edges_stay_where_they_are():
    """A palette moves colours, never edges: a disc's area is that of the free drawing to a hundredth."""
    svg = trace(discs(clear=True), Plan("planar", {}, Finish(palette=("#ff00ff",))))
    out = render(svg, 960, 960)
    area = (out[..., 3] / 255).sum() / 9
    assert area == pytest.approx(np.pi * 120.5**2, rel=0.01)


def test_a_translucent_ink_keeps_its_opacity():
    pixels = np.zeros((60, 60, 4), np.uint8)
    pixels[10:50, 10:50] = (250, 10, 10, 128)
    svg = trace(picture_of(pixels), Plan("planar", {}, Finish(palette=("#0000ff",))))
    assert np.abs(render(svg, 60, 60)[30, 30].astype(int) - (0, 0, 255, 128)).max() <= 2


def test_a_photo_by_vtracer_has_so_many_colours():
    rng = np.random.default_rng(1)
    pixels = cv2.GaussianBlur(rng.integers(0, 255, (120, 120, 3), dtype=np.uint8), (0, 0), 6)
    pixels = cv2.normalize(pixels, None, 0, 255, cv2.NORM_MINMAX)
    svg = trace(picture_of(pixels), Plan("vtracer", {"path_precision": 2}, Finish(colours=6)))
    assert len(fills(svg)) == 6


def test_oklab_of_known_colours():
    """White, black, red and blue as Ottosson gives them."""
    got = oklab(np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 0, 255]]))
    want = [[1, 0, 0], [0, 0, 0], [0.628, 0.2249, 0.1258], [0.452, -0.0325, -0.3115]]
    assert np.abs(got - want).max() < 2e-3
