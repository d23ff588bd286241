"""Many users at once, each asking again as soon as there is an answer: throughput, times, failures, fairness.

    python -m benchmarks.load --seconds 60 [--users 1,2,5,10,25,50] [--ways gradio,rest] [--tier 1] [--json out.json]

Each request has a picture of its own, known by its size and its colour, and an answer that is not that picture's counts as
mixed up. A request that has no answer within `--patience` seconds counts as failed, though its stream may beat on. Fairness is
Jain's index over the answers of each user: 1 where all got as many, 1 / users where one got them all. Starts its own server and
ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import colorsys
import io
import json
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import httpx
import numpy as np
from PIL import Image, ImageDraw

from . import protocol
from .serving import app

USERS = (1, 2, 5, 10, 25, 50)
WAYS = ("gradio", "rest")
PATIENCE = 60.0
"""Seconds after which nobody waits any longer."""
SIDE, SIDES = 256, 100
"""Least side of a picture, px, and how many of them there are."""
COLOUR_ERROR = 12
"""Levels by which a colour of the SVG may differ from the one that was drawn."""

Convert = Callable[[bytes], Awaitable[str]]


@dataclass(frozen=True)
class Marked:
    """A picture that no other request has: its size tells the user and the request, its colour the same again."""

    png: bytes
    width: int
    height: int
    colour: tuple[int, int, int]

    def is_in(self, svg: str) -> bool:
        """Whether an SVG is of this picture."""
        size = re.search(r'<svg[^>]*\bwidth="(\d+)"[^>]*\bheight="(\d+)"', svg)
        if size is None or (int(size[1]), int(size[2])) != (self.width, self.height):
            return False
        found = re.findall(r'"#([0-9a-f]{6}|[0-9a-f]{3})\b', svg)
        return any(max(abs(a - b) for a, b in zip(_rgb(c), self.colour, strict=True)) <= COLOUR_ERROR for c in found)


def _rgb(digits: str) -> tuple[int, ...]:
    wide = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    return tuple(int(wide[i : i + 2], 16) for i in (0, 2, 4))


def marked(user: int, number: int) -> Marked:
    """The picture of a user's request: a disc and a bar on white."""
    width, height = SIDE + user, SIDE + number % SIDES
    share = (user * 0.618 + number * 0.137) % 1
    colour = tuple(round(255 * part) for part in colorsys.hls_to_rgb(share, 0.35 + 0.2 * (number % 7) / 7, 0.8))
    image = Image.new("RGB", (4 * width, 4 * height), "white")
    draw = ImageDraw.Draw(image)
    radius = 4 * (60 + (user + number) % 40)
    draw.ellipse((4 * 20, 4 * 20, 4 * 20 + 2 * radius, 4 * 20 + 2 * radius), fill=colour)
    draw.rectangle((4 * 30, 4 * (height - 40), 4 * (width - 30), 4 * (height - 20)), fill=colour)
    out = io.BytesIO()
    image.resize((width, height), Image.Resampling.LANCZOS).save(out, "PNG")
    return Marked(out.getvalue(), width, height, (colour[0], colour[1], colour[2]))


@dataclass(frozen=True)
class Outcome:
    """What came of so many users for so long.

    Attributes
    ----------
    answers, failures, mixed : int
        Right answers; requests without one; answers of another picture, which count as failures too.
    per_second : float
        Right answers.
    p50, p95, worst : float
        Seconds from the begin of the upload to the SVG.
    fairness : float
        Jain's index.
    reasons : dict of str to int
        What failed, and how often.
    megabytes : float
        Of the server and its workers, at the end.
    """

    way: str
    users: int
    seconds: float
    answers: int
    failures: int
    mixed: int
    per_second: float
    p50: float
    p95: float
    worst: float
    fairness: float
    reasons: dict[str, int]
    megabytes: float = 0.0


def jain(counts: Sequence[float]) -> float:
    """(Σx)² / (n Σx²) (Jain, Chiu, Hawe 1984); 1 where nobody got anything."""
    x = np.asarray(counts, float)
    return float(x.sum() ** 2 / (len(x) * (x**2).sum())) if x.any() else 1.0


async def closed_loop(
    convert: Convert, users: int, seconds: float, patience: float = PATIENCE
) -> tuple[list[list[float]], Counter[str], float]:
    """Seconds of each right answer by user, what failed how often, and how long it took in all.

    A user asks until the time is over, and waits for the last answer.
    """
    taken: list[list[float]] = [[] for _ in range(users)]
    failed: Counter[str] = Counter()
    begin = time.perf_counter()

    async def user(me: int) -> None:
        number = 0
        while time.perf_counter() - begin < seconds:
            picture = await asyncio.to_thread(marked, me, number)
            number += 1
            asked = time.perf_counter()
            try:
                svg = await asyncio.wait_for(convert(picture.png), patience)
            except TimeoutError:
                failed[f"no answer in {patience:g} s"] += 1
            except protocol.Failed as error:
                failed[str(error)] += 1
                await asyncio.sleep(0.2)  # a refusal comes at once, and a client that is told to wait does
            else:
                if picture.is_in(svg):
                    taken[me].append(time.perf_counter() - asked)
                else:
                    failed["mixed up"] += 1

    await asyncio.gather(*(user(me) for me in range(users)))
    return taken, failed, time.perf_counter() - begin


async def measure(url: str, way: str, users: int, seconds: float, tier: str, patience: float = PATIENCE) -> Outcome:
    """Run so many users for so long against a server."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=users)
    async with httpx.AsyncClient(base_url=url, timeout=patience, limits=limits) as client:
        convert: Convert
        if way == "gradio":
            function = await protocol.endpoint(client)
            convert = partial(_gradio, client, tier, function)
        else:
            convert = partial(_rest, client, tier)
        await convert(marked(0, 0).png)
        taken, failed, lasted = await closed_loop(convert, users, seconds, patience)
    flat = np.array([value for one in taken for value in one] or [np.nan])
    return Outcome(
        way=way,
        users=users,
        seconds=round(lasted, 2),
        answers=sum(map(len, taken)),
        failures=failed.total(),
        mixed=failed["mixed up"],
        per_second=round(sum(map(len, taken)) / lasted, 3),
        p50=round(float(np.percentile(flat, 50)), 4),
        p95=round(float(np.percentile(flat, 95)), 4),
        worst=round(float(flat.max()), 4),
        fairness=round(jain([len(one) for one in taken]), 4),
        reasons=dict(failed),
    )


async def _gradio(client: httpx.AsyncClient, tier: str, function: int, picture: bytes) -> str:
    return await protocol.gradio(client, picture, tier, function)


async def _rest(client: httpx.AsyncClient, tier: str, picture: bytes) -> str:
    return await protocol.rest(client, picture, tier)


def main() -> None:
    """Print a line for each way and number of users."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--users", default=",".join(map(str, USERS)), help="numbers of users (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each (%(default)s)")
    parser.add_argument("--ways", default=",".join(WAYS), help="(%(default)s)")
    parser.add_argument("--tier", default="1", choices=("auto", "1", "2", "3"), help="(%(default)s)")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds (%(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    rows: list[Outcome] = []
    print(
        f"{'way':<8}{'users':>6}{'answers':>9}{'failed':>8}{'mixed':>7}{'per s':>8}{'p50 s':>8}{'p95 s':>8}{'worst':>8}"
        f"{'Jain':>8}{'MB':>7}"
    )
    for way in options.ways.split(","):
        if way not in WAYS:
            raise SystemExit(f"A way is one of {', '.join(WAYS)}, not {way!r}.")
        with app() as running:
            for users in map(int, options.users.split(",")):
                found = asyncio.run(measure(running.url, way, users, options.seconds, options.tier, options.patience))
                row = Outcome(**{**asdict(found), "megabytes": round(running.memory() / 1e6, 1)})
                rows.append(row)
                print(
                    f"{row.way:<8}{row.users:>6}{row.answers:>9}{row.failures:>8}{row.mixed:>7}{row.per_second:>8.2f}"
                    f"{row.p50:>8.2f}{row.p95:>8.2f}{row.worst:>8.2f}{row.fairness:>8.4f}{row.megabytes:>7.0f}"
                    + (f"  {row.reasons}" if row.reasons else ""),
                    flush=True,
                )
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
