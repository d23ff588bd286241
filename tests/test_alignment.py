"""What is meant to be equal is equal in the SVG, and what is not stays apart."""

from __future__ import annotations

from benchmarks.drawn import box, disc, draw, pixels, shapes

WHITE, INK, RED = (255, 255, 255), (20, 40, 160), (220, 40, 40)


def attributes(svg: str, tag: str, *names: str) -> list[tuple[str, ...]]:
    """Attributes of the elements of one tag, as written."""
    return [tuple(s.attributes[n] for n in names) for s in shapes(svg) if s.tag == tag]


def test_dots_of_a_row_have_one_radius_and_one_height():
    dots = [(disc(30.3 + 47.37 * i, 63.7, 14.6), INK) for i in range(3)]
    found = attributes(draw(pixels(160, 128, WHITE, *dots)), "circle", "cy", "r")
    assert len(found) == 3 and len(set(found)) == 1, found


def test_rings_have_one_centre():
    rgba = pixels(
        128, 128, WHITE, (disc(63.6, 64.3, 50.2), INK), (disc(63.6, 64.3, 37.1), RED), (disc(63.6, 64.3, 20), INK)
    )
    found = attributes(draw(rgba), "circle", "cx", "cy")
    assert len(found) == 3 and len(set(found)) == 1, found


def test_boxes_of_one_size():
    boxes = [(box(30.37 + 45.21 * i, 40.3, 30.4, 22.6), INK) for i in range(3)]
    svg = draw(pixels(160, 96, WHITE, *boxes))
    found = attributes(svg, "rect", "width", "height", "y")
    assert len(found) in (0, 3) and len(set(found)) <= 1, svg


def test_radii_that_differ_stay_apart():
    rgba = pixels(160, 96, WHITE, (disc(40, 48, 20), INK), (disc(110, 48, 20.6), INK))
    radii = sorted(float(r) for (r,) in attributes(draw(rgba), "circle", "r"))
    assert abs(radii[0] - 20) < 0.05 and abs(radii[1] - 20.6) < 0.05


def test_alignment_can_be_left_out():
    dots = [(disc(30.3 + 47.37 * i, 63.7 + 0.03 * i, 14.6 + 0.02 * i), INK) for i in range(3)]
    rgba = pixels(160, 128, WHITE, *dots)
    loose = attributes(draw(rgba, without=("alignment",)), "circle", "cy", "r")
    assert len(set(loose)) == 3
    assert len(set(attributes(draw(rgba), "circle", "cy", "r"))) == 1
