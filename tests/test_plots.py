"""The small plots: numbers on the axes, where points lie, fronts worked out by hand."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.web.plots import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, Mark, front, scatter, ticks

X, Y = Axis("across", "{:g}".format), Axis("up", "{:g}".format, 1e-3)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(1, 3), (2, 2), (3, 1)], [0, 1, 2]),
        ([(1, 3), (2, 2), (3, 2)], [0, 1]),
        ([(1, 1), (2, 2), (1, 1)], [0, 2]),
        ([(5, 5)], [0]),
        ([], []),
    ],
)
def test_a_front_worked_out_by_hand(points, expected):
    assert front(points) == expected


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1))
def test_every_point_is_on_the_front_or_beaten_by_one_that_is(points):
    on = front(points)
    assert on
    for i, point in enumerate(points):
        better = [j for j in on if points[j] != point and all(a <= b for a, b in zip(points[j], point, strict=True))]
        assert (i in on) != bool(better)


@given(st.floats(1e-5, 1e6), st.floats(1.6, 1e6))
def test_an_axis_has_a_few_numbers_apart_from_one_another(low, times):
    found = ticks((low, low * times))
    assert found == sorted(found) and len(found) <= 7
    assert all(low <= value <= low * times for value in found)
    assert times < 3 or len(found) >= 1


def drawn(*marks: Mark, **settings) -> ElementTree.Element:
    return ElementTree.fromstring(scatter(marks, X, Y, title='a "plot" <of> points', **settings))


def test_points_lie_where_their_numbers_are():
    plot = drawn(Mark(1, 1, "a", "first"), Mark(10, 10, "b", "second"), Mark(100, 100, "c", "third"))
    places = [(float(c.get("cx")), float(c.get("cy"))) for c in plot.iter("circle")]
    assert len(places) == 3
    assert all(LEFT < x < WIDTH - RIGHT and TOP < y < HEIGHT - BOTTOM for x, y in places)
    steps = [(b[0] - a[0], a[1] - b[1]) for a, b in pairwise(places)]
    assert steps[0] == pytest.approx(steps[1], abs=0.2) and min(steps[0]) > 40, "logarithmic, right and upwards"


def test_points_that_touch_share_a_label():
    plot = drawn(Mark(1, 1, "a", "x"), Mark(1.001, 1, "b", "y"), Mark(50, 1, "c", "z"))
    labels = [text.text for text in plot.iter("text") if text.text in ("a", "b", "c", "a, b")]
    assert labels == ["a, b", "c"]
    assert [title.text for title in plot.iter("title")] == ["x", "y", "z"]


def test_equal_axes_are_one_and_the_line_runs_through_them():
    plot = drawn(Mark(1, 100, "", "p"), equal=True)
    line = next(path for path in plot.iter("path") if path.get("class") == "equal")
    x0, y0, x1, y1 = map(float, re.findall(r"[\d.]+", line.get("d")))
    assert (x0, y0) == (LEFT, HEIGHT - BOTTOM) and (x1, y1) == (WIDTH - RIGHT, TOP)


def test_nothing_is_drawn_outside_and_zero_is_held_at_the_least():
    plot = drawn(Mark(1, 0.0, "", "zero"), Mark(2, 0.5, "", "some", "diamond"), Mark(3, 0.5, "", "more", "square"))
    assert float(next(plot.iter("circle")).get("cy")) < HEIGHT - BOTTOM
    assert len(list(plot.iter("rect"))) == 1


def test_words_are_text():
    text = scatter([Mark(1, 1, "<b>", "<script>")], X, Y, title='"><script>')
    assert "<script" not in text and "<b>" not in text
