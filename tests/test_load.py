"""The load benchmark can tell what it is there to tell: mix-ups, silence, unfairness."""

from __future__ import annotations

import asyncio
import re

import pytest

from benchmarks.load import closed_loop, jain, marked
from benchmarks.protocol import Failed
from pipeline.convert import Request, convert


def test_an_answer_is_known_by_its_picture() -> None:
    mine, others = marked(3, 7), [marked(4, 7), marked(3, 8), marked(4, 6)]
    svg = convert(mine.png, Request(tier=1)).svg
    assert mine.is_in(svg) and not any(other.is_in(svg) for other in others)
    recoloured = re.sub(r'"#(?!fff)[0-9a-f]{3,6}"', '"#777"', svg)
    assert not mine.is_in(recoloured) and not mine.is_in("") and not mine.is_in("<svg></svg>")


def test_pictures_are_unlike() -> None:
    made = [marked(user, number) for user in range(12) for number in range(5)]
    assert len({(one.width, one.height) for one in made}) == len(made)
    assert len({one.png for one in made}) == len(made)


@pytest.mark.parametrize(
    ("counts", "index"), [([5, 5, 5], 1), ([1, 0, 0, 0], 0.25), ([4, 2], 0.9), ([0, 0], 1), ([3], 1)]
)
def test_jain(counts: list[int], index: float) -> None:
    assert jain(counts) == pytest.approx(index)


def test_failures_are_told_apart() -> None:
    calls = 0

    async def answer(picture: bytes) -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.sleep(60)  # beats, and never completes
        if calls == 2:
            return '<svg width="1" height="1"></svg>'
        raise Failed("status 503")

    taken, failed, lasted = asyncio.run(closed_loop(answer, 1, 0.4, patience=0.2))
    assert taken == [[]] and failed["no answer in 0.2 s"] == 1
    assert failed["mixed up"] == 1 and failed["status 503"] >= 1 and lasted < 5
