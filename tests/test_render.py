"""SVG to pixels: sizes, colours, transparency, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import TraceFailed
from pipeline.render import render
from pipeline.trace.emit import document

BOX = '<path fill="#ff8000" d="M0 0h10v20H0z"/>'


@pytest.mark.parametrize(("width", "height"), [(10, 20), (40, 80), (33, 7), (1, 1), (300, 2)])
def test_it_is_stretched_to_exactly_the_size(width, height):
    out = render(document(BOX, 10, 20), width, height)
    assert out.shape == (height, width, 4) and out.dtype == np.uint8
    assert (out == (255, 128, 0, 255)).all()


def test_nothing_is_transparent():
    assert not render(document("", 10, 20), 30, 60).any()


def test_alpha_is_straight():
    out = render(document(BOX.replace("<path", '<path fill-opacity=".5"'), 10, 20), 10, 20)
    assert np.abs(out.astype(int) - (255, 128, 0, 128)).max() <= 1


def test_where_things_are():
    body = '<path fill="#f00" d="M0 0h5v5H0z"/><path fill="#00f" d="M5 15h5v5H5z"/>'
    out = render(document(body, 10, 20), 20, 40)
    assert tuple(out[0, 0]) == (255, 0, 0, 255) and tuple(out[39, 19]) == (0, 0, 255, 255)
    assert out[0, 19, 3] == 0 and out[39, 0, 3] == 0


def test_a_view_box_of_other_units():
    out = render(document('<path fill="#0f0" d="M0 0h512v256H0z"/>', 3000, 1500, (512, 256)), 64, 32)
    assert (out == (0, 255, 0, 255)).all()


def test_one_that_says_how_it_is_stretched_already():
    for way in ("none", "xMidYMid meet"):
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1" preserveAspectRatio="{way}">'
        svg = f'{head}<path d="M0 0H2V1H0Z"/></svg>'
        assert render(svg, 4, 4)[..., 3].min() == 255


def test_a_size_on_a_shape_is_left_alone():
    svg = document('<rect width="5" height="20" fill="#000"/>', 10, 20)
    out = render(svg, 10, 20)
    assert out[10, 2, 3] == 255 and out[10, 8, 3] == 0


@pytest.mark.parametrize(
    "svg", ["<svg", "<svg></p></svg>", '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"</svg>']
)
def test_what_is_no_svg_is_refused(svg):
    with pytest.raises((TraceFailed, ValueError)):
        render(svg, 10, 10)
