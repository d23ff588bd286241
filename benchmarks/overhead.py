"""What HTTP adds to a conversion: the same picture in a worker called from Python, by REST, and by Gradio's protocol.

    python -m benchmarks.overhead [--runs 100] [--tier 1]

The three take turns, so that a busy moment of the machine meets all of them. `added` is the difference to the call from
Python beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import numpy as np

from pipeline import Converter
from pipeline.config import ASSETS

from . import protocol
from .serving import app

WARMING = 5
"""Turns that do not count."""


async def turns(calls: dict[str, Callable[[], Awaitable[Any]]], runs: int) -> dict[str, np.ndarray]:
    """(runs,) float seconds of each call."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(runs + WARMING):
        for name, call in calls.items():
            begin = time.perf_counter()
            await call()
            if turn >= WARMING:
                taken[name].append(time.perf_counter() - begin)
    return {name: np.array(values) for name, values in taken.items()}


async def measure(url: str, converter: Converter, picture: bytes, tier: str, runs: int) -> dict[str, np.ndarray]:
    """Seconds of each way."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        function = await protocol.endpoint(client)
        chosen: Any = tier if tier == "auto" else int(tier)
        calls: dict[str, Callable[[], Awaitable[Any]]] = {
            "in a worker": lambda: asyncio.to_thread(converter.convert, picture, tier=chosen, validate=True),
            "REST": lambda: protocol.rest(client, picture, tier),
            "Gradio": lambda: protocol.gradio(client, picture, tier, function),
        }
        return await turns(calls, runs)


def main() -> None:
    """Print the table, in milliseconds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--runs", type=int, default=100, help="turns (%(default)s)")
    parser.add_argument("--tier", default="1", choices=("auto", "1", "2", "3"), help="(%(default)s)")
    options = parser.parse_args()
    picture = (ASSETS / "examples" / "blender.png").read_bytes()
    with app() as running, Converter(1) as converter:
        converter.prepare()
        taken = asyncio.run(measure(running.url, converter, picture, options.tier, options.runs))
    bare = taken["in a worker"]
    print(f"{options.runs} turns, tier {options.tier}; milliseconds")
    print(f"{'':<14}{'p50':>8}{'p95':>8}{'added p50':>12}{'added p95':>12}")
    for name, values in taken.items():
        p50, p95 = np.percentile(values, [50, 95]) * 1000
        line = f"{name:<14}{p50:>8.1f}{p95:>8.1f}"
        if values is not bare:
            more = np.percentile(values - bare, [50, 95]) * 1000
            line += f"{more[0]:>12.1f}{more[1]:>12.1f}"
        print(line)


if __name__ == "__main__":
    main()
