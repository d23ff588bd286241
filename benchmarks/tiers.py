"""What the tiers gain by what their models know, beside the same effort without it.

    python -m benchmarks.tiers                      # --pictures 120 --jobs 2

Held-out pictures; every way of choosing has all the time there is, the same number of traces as the tier that it is compared
with, and vtracer's default to fall back on where the tier measures it. By J over that of vtracer's default: tier 1 beside the
plain default plan; tier 2 beside plans by chance; tier 3 beside tier 2 that goes on by the predictor. The interval is of the
mean difference, 95 %, by a bootstrap over pictures; *below default* is the share that is worse than vtracer's default by J.
A second table has the same duels by likeness to the artwork at 1024 px, which no way of choosing is shown.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from pipeline import Converter
from pipeline.errors import VectorizeError
from training_colab.rows import Case

from . import held_out, trials
from .figures import aligned, interval, percent
from .trials import WAYS, Choice

SEED = "tiers-1"
PATIENCE = 240.0
"""Seconds that all drawings of a picture may take."""
DUELS = (
    ("tier 1", "plain"),
    ("tier 2", "tier 1"),
    ("tier 2", "random"),
    ("tier 2", "random, one recipe"),
    ("tier 3", "tier 2"),
    ("tier 3", "tier 2, continued"),
)
"""Each way beside the one that knows less."""
ZOOMED = 1024
"""Long side of the artwork, px."""
SAME = 1e-6
"""J within which two are equal."""


@dataclass(frozen=True)
class Subject:
    """A picture, what it is looked at as, and what each way of choosing came to."""

    name: str
    kind: str
    choices: Mapping[str, Choice]


def duel(subjects: Sequence[Subject], knows: str, less: str) -> list[str] | None:
    """A line of the table: one way beside another on the pictures that both have; None where there are none."""
    pairs = [(s.choices[knows].gain, s.choices[less].gain) for s in subjects if {knows, less} <= s.choices.keys()]
    if not pairs:
        return None
    below = [percent(float(np.mean([pair[i] < -SAME for pair in pairs]))) for i in (0, 1)]
    return _line(f"{knows} / {less}", pairs, " / ".join(below))


def zoomed(subjects: Sequence[Subject], knows: str, less: str) -> list[str] | None:
    """The same by likeness to the artwork."""
    pairs = []
    for subject in subjects:
        if {knows, less} <= subject.choices.keys():
            one, other = subject.choices[knows].artwork, subject.choices[less].artwork
            if one is not None and other is not None:
                pairs.append((one, other))
    return _line(f"{knows} / {less}", pairs) if pairs else None


def _line(name: str, pairs: Sequence[tuple[float, float]], *more: str) -> list[str]:
    ahead = [one - other for one, other in pairs]
    mean, low, high = interval(ahead)
    shares = [np.mean([d > SAME for d in ahead]), np.mean([abs(d) <= SAME for d in ahead])]
    values = [f"{np.mean([pair[i] for pair in pairs]):+.5f}" for i in (0, 1)]
    verdict = "ahead" if low > 0 else "behind" if high < 0 else "undecided"
    return [
        name,
        str(len(pairs)),
        *values,
        f"{mean:+.5f}",
        f"{low:+.5f} … {high:+.5f}",
        f"{shares[0]:.0%} / {shares[1]:.0%}",
        *more,
        verdict,
    ]


HEAD = ("n", "J gained", "by the other", "ahead by", "95 %", "better / equal", "below default", "")
HEAD_ZOOMED = ("n", "SSIM", "the other's", "ahead by", "95 %", "better / equal", "")


def show(subjects: Sequence[Subject]) -> None:
    """Print a table of all pictures and one of each kind."""
    missing = [way for way in WAYS if not any(way in subject.choices for subject in subjects)]
    if missing:
        print(f"not there for want of a model: {', '.join(missing)}")
    for kind in ("all", *held_out.KINDS):
        part = [subject for subject in subjects if kind in ("all", subject.kind)]
        for table, head, title in ((duel, HEAD, kind), (zoomed, HEAD_ZOOMED, f"{kind}, by the artwork")):
            lines = [line for knows, less in DUELS if (line := table(part, knows, less))]
            if lines:
                print(f"\n{aligned((title, *head), lines)}")
    print()
    lines = []
    for way in WAYS:
        found = [subject.choices[way] for subject in subjects if way in subject.choices]
        if found:
            traces = np.mean([choice.traces for choice in found])
            quality = np.mean([choice.quality for choice in found])
            far = [choice.artwork for choice in found if choice.artwork is not None]
            artwork = f"{np.mean(far):.4f}" if far else ""
            lines.append([way, str(len(found)), f"{quality:.4f}", artwork, f"{traces:.1f}"])
    print(aligned(("", "n", "SSIM", "to the artwork", "traces"), lines))


def main() -> None:
    """Draw and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pictures", type=int, default=120, help="(%(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="pictures at once (%(default)s)")
    parser.add_argument("--small", action="store_true", help="few artworks to choose from, to see that it runs")
    options = parser.parse_args()

    with Converter(options.jobs) as converter, ThreadPoolExecutor(options.jobs) as pool:
        converter.prepare()

        def tried(numbered: tuple[int, Case]) -> Subject | None:
            index, case = numbered
            try:
                truth = case.wear.on_ground(case.work.draw(ZOOMED))
                outcome = converter.workers.call(trials.choices, held_out.png_of(case), index, truth, timeout=PATIENCE)
            except VectorizeError as error:
                print(f"{case.work.name}: {type(error).__name__}: {error.message}", file=sys.stderr)
                return None
            return Subject(case.work.name, held_out.kind_of(case), outcome.value)

        cases = enumerate(held_out.cases(options.pictures, SEED, small=options.small))
        found = list(tqdm(pool.map(tried, cases), total=options.pictures, unit="picture", mininterval=5))
        models = ", ".join(f"{model['name']} {model['version']}" for model in converter.health()["models"])
    subjects = [subject for subject in found if subject]
    if not subjects:
        sys.exit("No picture could be drawn.")
    print(f"{len(subjects)} pictures of held-out families; models: {models or 'none'}")
    show(subjects)


if __name__ == "__main__":
    main()
