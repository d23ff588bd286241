"""Labels beside the eye: the sample is even and blind, the interval and the table are worked out by hand."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from training_colab.data import Artwork
from training_colab.label_sheets import (
    BAND,
    LABELS,
    SIDE,
    TILE,
    compare,
    read_labels,
    report,
    sample,
    sheet,
    wilson,
    write_sheets,
)

DISC = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><circle cx="50" cy="50" r="40" fill="#c00"/></svg>'
)


def work(name: str, label: str, family: str = "one") -> Artwork:
    return Artwork(name, family, "train", label, svg=DISC)


def many() -> list[Artwork]:
    """100 simple in five families, 40 text in one, 30 complex in a large family and three small."""
    out = [work(f"s{i}", "simple", f"icons{i % 5}") for i in range(100)]
    out += [work(f"t{i}", "text", "font") for i in range(40)]
    return out + [work(f"c{i}", "complex", "photos" if i < 27 else f"flags{i}") for i in range(30)]


def test_a_sample_has_as_many_of_each_label_and_then_of_each_family():
    chosen = sample(many(), 30, 1)
    assert Counter(w.label for w in chosen) == {"simple": 10, "text": 10, "complex": 10}
    assert set(Counter(w.family for w in chosen if w.label == "simple").values()) == {2}
    assert Counter(w.family for w in chosen if w.label == "complex")["photos"] == 7
    assert len({w.name for w in chosen}) == 30


def test_a_sample_is_its_seeds_and_does_not_mind_the_order_it_is_taken_from():
    names = [w.name for w in sample(many(), 30, 1)]
    assert names == [w.name for w in sample(reversed(many()), 30, 1)]
    assert names != [w.name for w in sample(many(), 30, 2)]
    labels = [w.label for w in sample(many(), 60, 1)]
    assert sum(a != b for a, b in pairwise(labels)) > 20, "labels lie in runs"


def test_tiles_look_the_same_whatever_the_label_and_the_family():
    pages = [sheet([work("a", label, f"family of {label}")], 1) for label in LABELS]
    assert all(np.array_equal(pages[0], page) for page in pages)
    assert tuple(pages[0][BAND + TILE // 2, 6 + TILE // 2]) == (204, 0, 0)
    assert not np.array_equal(pages[0], sheet([work("a", "simple")], 2)), "the number is not on the tile"


def test_what_is_written_is_every_number_once(tmp_path):
    works = [work(f"w{i}", "text") for i in range(SIDE * SIDE + 1)]
    write_sheets(works, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sample.csv", "sheet-01.png", "sheet-02.png"]
    rows = (tmp_path / "sample.csv").read_text().splitlines()
    assert rows[0] == "number,name,family,label" and rows[-1] == f"{len(works)},w{len(works) - 1},one,text"


def test_wilsons_interval_on_his_formula():
    # 10 of 100 at z = 1.96: (0.1 + 0.0192073) / 1.0384146 ± 1.96 · sqrt(0.0009 + 0.0000960365) / 1.0384146
    rate = wilson(10, 100)
    assert (rate.share, rate.low, rate.high) == pytest.approx((0.1, 0.05523, 0.17437), abs=2e-5)
    assert wilson(0, 60).low == 0 and wilson(0, 60).high == pytest.approx(1.96**2 / (60 + 1.96**2), abs=1e-5)
    with pytest.raises(ValueError, match="needs trials"):
        wilson(0, 0)


def test_the_table_and_the_weights_by_hand():
    works = [work(f"s{i}", "simple") for i in range(8)] + [work(f"t{i}", "text") for i in range(2)]
    eye = {"s0": "simple", "s1": "text", "t0": "text", "t1": "text", "gone": "complex"}
    found = compare(works, eye)
    assert found.table["simple"] == {"simple": 1, "text": 1, "gradient": 0, "complex": 0}
    assert found.table["text"]["text"] == 2
    assert found.sampled.share == pytest.approx(1 / 4)
    assert found.weighted.share == pytest.approx(4 / 10), "s1 stands for four of the ten"
    assert found.covered == 1 and found.missing == ("gone",) and found.wrong == (("s1", "simple", "text"),)
    assert found.icons is None
    assert "1 of 4 labels disagree: 25.0%" in report(found) and "s1: simple by the source, text by eye" in report(found)
    with pytest.raises(ValueError, match="none of the 1 names"):
        compare(works, {"gone": "simple"})


def test_what_fonts_and_photos_agree_on_makes_icons_no_better():
    works = [work("a", "simple", "payment-icons"), work("b", "text", "@fontsource/lora")]
    found = compare(works, {"a": "text", "b": "text"})
    assert found.sampled.share == 0.5 and found.icons == wilson(1, 1)


def test_what_is_stored_is_a_check_of_enough_of_each_label(tmp_path):
    eye = read_labels()
    assert len(eye) >= 200 and set(eye.values()) == set(LABELS)
    assert min(Counter(eye.values()).values()) >= 50
    bad = tmp_path / "bad.csv"
    bad.write_text("name,label\na,photo\n")
    with pytest.raises(ValueError, match="labelled 'photo'"):
        read_labels(bad)
