"""The vtracer-flat recipe against artwork whose geometry is known."""

from __future__ import annotations

import numpy as np
import pytest
from test_palette import discs, picture_of, shaded

from pipeline.picture import Picture
from pipeline.plan import Finish, Plan
from pipeline.render import render
from pipeline.trace import trace
from pipeline.trace.emit import document

ARTWORK = (
    '<path fill="#f4f1e8" d="M0 0h128v128H0z"/><circle fill="#d1006c" cx="50" cy="52" r="33.3"/>'
    '<path fill="#191b21" d="M60 20l55 90H20z"/><path fill="#ffcf33" d="M90.5 10.5h20.25v60.75H90.5z"/>'
)


def drawn() -> Picture:
    return picture_of(render(document(ARTWORK, 128, 128), 128, 128))


def error(svg: str, side: int = 512) -> float:
    """Mean difference to the artwork in levels, at four times the picture's size."""
    a, b = (render(s, side, side).astype(float) for s in (svg, document(ARTWORK, 128, 128)))
    return float(np.abs(a - b).mean())


@pytest.mark.parametrize("curves", [0, 1])
def test_it_is_nearer_to_the_artwork_than_vtracer(curves):
    plain = error(trace(drawn(), Plan("vtracer")))
    assert error(trace(drawn(), Plan("vtracer-flat", {"curves": curves}))) < 0.5 * plain


def test_enlarging_brings_it_nearer():
    errors = [error(trace(drawn(), Plan("vtracer-flat", {"enlargement": k}))) for k in (1, 3)]
    assert errors[1] < 0.7 * errors[0]


def test_it_has_the_artworks_colours_and_no_others():
    svg = trace(drawn(), Plan("vtracer-flat"))
    assert {c for c in ("#f4f1e8", "#d1006c", "#191b21", "#ffcf33") if c in svg} == {
        part.split('"')[1] for part in svg.split(" fill=")[1:]
    }


def test_transparency_is_kept():
    out = render(trace(discs(clear=True), Plan("vtracer-flat")), 240, 240)
    assert out[0, 0, 3] == 0 and tuple(out[40, 40]) == (200, 30, 30, 255)


def test_shading_is_a_gradient():
    assert "linearGradient" in trace(shaded(), Plan("vtracer-flat"))
    assert "linearGradient" not in trace(shaded(), Plan("vtracer-flat", {"gradients": 0}))


def test_the_ground_is_dropped_on_request():
    out = render(trace(drawn(), Plan("vtracer-flat", {}, Finish(background="drop"))), 128, 128)
    assert out[2, 2, 3] == 0 and out[52, 30, 3] == 255
