"""A folder of pictures that nothing was learned from, and that nobody chose by how they convert.

    python -m benchmarks.wild build/wild            # then: python -m benchmarks.validate build/wild

Three groups, more than 500 pictures in all: *held-out* is drawings of the families that training keeps for its test, *further*
drawings of npm packages that are in no list of ours, both in the sizes, on the grounds and with the damage that pictures have;
*wild* is PNG, JPEG and GIF files as packages ship them: flags, payment marks, game art, screenshots, photos, the odd files
that Pillow and pypng are tested by. Everything is fetched by name, version and hash (`wild.json`), and chosen by a hash of
names. OUT/about.json says of every picture where it is from and under which licence, and where a picture of the artwork is, if
that is known. The pictures stay where they are made: they are nobody's to commit.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from pipeline.errors import BadPicture
from pipeline.picture import load
from training_colab import data
from training_colab.degrade import wear
from training_colab.rows import Case

from . import held_out
from .packages import NotFetched, Package

TRUTH_SIDE = 1024
"""Long side, px, of the pictures of artworks."""
LEAST_SIDE = 16
LEAST_SPREAD = 4.0
"""Standard deviation, levels, under which a picture shows nothing."""
MOST_BYTES = 3_000_000
HELD_OUT = 170
"""Pictures of the families that training keeps for its test."""
EACH = 11
"""Pictures of each further package of drawings."""
FORMATS = {".png", ".gif", ".jpg", ".jpeg"}
ABOUT = "about.json"
SOURCES = json.loads(Path(__file__).with_suffix(".json").read_text())
SEED = SOURCES["seed"]
ODD = 36
"""Pictures of Pillow's tests, and as many of PngSuite at most."""
File = tuple[Path, str, str]
"""A picture's file, its source and licence."""


@dataclass(frozen=True)
class Entry:
    """A picture of the folder.

    Attributes
    ----------
    file, truth : str
        Within the folder; no `truth` where the artwork is not known.
    group : str
        held-out, further or wild.
    source, licence, condition : str
        Where it is from, what it may be used for, and what was done to it.
    """

    file: str
    group: str
    source: str
    licence: str
    condition: str = "as shipped"
    truth: str | None = None


def slug(text: str) -> str:
    """A name that any file system takes."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:80]


def package_of(row: dict) -> Package:
    """A package as wild.json has it."""
    return Package(**{key: row[key] for key in ("registry", "name", "version", "digest", "licence")})


def licence_of(family: str) -> str:
    """The licence of a family of training's list."""
    row = {**data.FAMILIES["npm"], **data.FAMILIES["fonts"]}.get(family)
    if row is not None:
        return row["licence"]
    return "generated here" if family in data.FAMILIES["generated"] else "a photo of scikit-image's or scikit-learn's"


def further(cache: Path, each: int) -> Iterator[tuple[Case, str]]:
    """Drawings of packages that are in no list of training's, and each package's licence. Raises `NotFetched`."""
    for package in map(package_of, SOURCES["drawings"]):
        pack = json.loads((package.fetched(cache) / "icons.json").read_text())
        taken = 0
        for name in sorted(pack["icons"], key=lambda key: data.digest(SEED, package.name, key)):
            work = _artwork(pack, package.name, name)
            if work is None or data.looks_held_out(work):
                continue
            rng = data.seeded(SEED, work.name)
            yield Case(int(rng.integers(2**31)), work, "test", wear(rng), SEED), package.licence
            taken += 1
            if taken == each:
                break


def _artwork(pack: dict, family: str, name: str) -> data.Artwork | None:
    """An icon as training would make an artwork of it; None where it would not."""
    svg = data._iconify(pack, name)
    if data._UNWANTED.search(svg):
        return None
    try:
        svg = data._ANIMATION.sub("", svg)
        full = f"{family.split('/')[-1]}__{name}"
        if "currentColor" in svg:
            svg = data._paint(svg, data.seeded(full, "paint"))
        facts = data.truth(svg)
    except (ValueError, TypeError, ZeroDivisionError):  # what resvg cannot read is left out
        return None
    return data.Artwork(full, family, "test", data.label_of(facts), svg=svg) if facts.drawn >= 0.01 else None


def shipped(cache: Path) -> Iterator[File]:
    """Files that packages ship. Raises `NotFetched`."""
    for row in SOURCES["shipped"]:
        package = package_of(row)
        folder = package.fetched(cache)
        files = [
            path for path in sorted(folder.rglob("*")) if re.search(row["path"], path.relative_to(folder).as_posix())
        ]
        yield from _shown(files, row["count"], f"{package.name}@{package.version}", package.licence)
    yield from _of_scikit_image()


def odd(cache: Path) -> Iterator[File]:
    """Files that Pillow and pypng are tested by, as our own tests fetch them. Raises `NotFetched`."""
    from tests import fetch_pictures

    try:
        pillow, suite = fetch_pictures.pillow_images(), fetch_pictures.png_suite()
    except fetch_pictures.NotFetched as error:
        raise NotFetched(str(error)) from error
    yield from _shown(pillow, ODD, f"pillow@{fetch_pictures.PILLOW.version}", "MIT-CMU")
    folder = cache / "png-suite"
    folder.mkdir(parents=True, exist_ok=True)
    for stem, content in suite.items():
        (folder / f"{slug(stem)}.png").write_bytes(content)
    yield from _shown(sorted(folder.iterdir()), ODD, f"pypng@{fetch_pictures.PYPNG.version}", "PngSuite, free to use")


def _of_scikit_image() -> Iterator[File]:
    """Its pictures, but for those that are learned from."""
    spec = find_spec("skimage")
    learned = {name for name, row in data.FAMILIES["photos"].items() if row["split"] == "train"}
    if spec and spec.origin:
        files = [path for path in sorted((Path(spec.origin).parent / "data").iterdir()) if path.name not in learned]
        yield from _shown(files, len(files), "scikit-image", "see its data/README.txt")


def _shown(files: Iterable[Path], count: int, source: str, licence: str) -> Iterator[File]:
    """`count` of the files that are pictures and show something, in the order of their names' hashes."""
    named = sorted(
        (path for path in files if path.suffix.lower() in FORMATS),
        key=lambda path: data.digest(SEED, source, path.name, path.parent.name),
    )
    taken = 0
    for path in named:
        if taken == count:
            return
        if path.stat().st_size <= MOST_BYTES and shows_something(path):
            yield path, source, licence
            taken += 1


def shows_something(path: Path) -> bool:
    """Whether a file is a picture within our limits that is neither tiny nor even."""
    try:
        picture = load(path)
    except BadPicture:
        return False
    spread = max(float(picture.over(ground).std()) for ground in (255, 0))
    return min(picture.pixels.shape[:2]) >= LEAST_SIDE and spread >= LEAST_SPREAD


def write_case(case: Case, group: str, licence: str, out: Path) -> Entry:
    """Write a drawing's picture and, but for photos, its artwork's."""
    stem = slug(f"{group}-{case.work.name}-{case.wear}".replace("#", ""))
    _write_png(out / "pictures" / f"{stem}.png", case.picture().pixels)
    truth = None
    if case.work.svg is not None:
        truth = f"truth/{stem}.png"
        _write_png(out / truth, case.wear.on_ground(case.work.draw(TRUTH_SIDE)))
    return Entry(f"pictures/{stem}.png", group, case.work.family, licence, str(case.wear), truth)


def write_file(file: File, out: Path) -> Entry:
    """Copy a picture as it was shipped."""
    path, source, licence = file
    stem = slug(f"wild-{source.rpartition('@')[0] or source}-{path.parent.name}-{path.stem}")
    kept = f"pictures/{stem}{path.suffix.lower()}"
    shutil.copyfile(path, out / kept)
    return Entry(kept, "wild", source, licence)


def _write_png(path: Path, rgba: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))


def build(out: Path, *, cache: Path, held: int = HELD_OUT, each: int = EACH, small: bool = False) -> list[Entry]:
    """Write the folder; returns what is in it, no picture twice. What cannot be fetched is left out, and said."""
    for part in ("pictures", "truth"):
        shutil.rmtree(out / part, ignore_errors=True)
    (out / "pictures").mkdir(parents=True)
    entries = [
        write_case(case, "held-out", licence_of(case.work.family), out)
        for case in held_out.cases(held, SEED, small=small)
    ]
    lost = []
    try:
        entries += [write_case(case, "further", licence, out) for case, licence in further(cache, each)]
    except NotFetched as error:
        lost.append(str(error))
    for source in (shipped, odd):
        try:
            entries += [write_file(file, out) for file in source(cache)]
        except NotFetched as error:
            lost.append(str(error))
    entries = unlike(entries, out)
    about = {"seed": SEED, "lost": lost, "pictures": [asdict(entry) for entry in entries]}
    (out / ABOUT).write_text(json.dumps(about, indent=1) + "\n")
    for message in lost:
        print(message, file=sys.stderr)
    return entries


def unlike(entries: Iterable[Entry], out: Path) -> list[Entry]:
    """The entries in order, each file and each content once; a content's further files are removed."""
    seen: dict[str, str] = {}
    kept: dict[str, Entry] = {}
    for entry in entries:
        if entry.file in kept:
            continue
        content = hashlib.sha256((out / entry.file).read_bytes()).hexdigest()
        if seen.setdefault(content, entry.file) == entry.file:
            kept[entry.file] = entry
        else:
            (out / entry.file).unlink()
    return list(kept.values())


def main() -> None:
    """Assemble the folder and say what is in it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--cache", type=Path, help="where packages are kept (OUT/packages)")
    parser.add_argument(
        "--held-out", type=int, default=HELD_OUT, help="pictures of the held-out families (%(default)s)"
    )
    parser.add_argument("--each", type=int, default=EACH, help="pictures of each further package (%(default)s)")
    parser.add_argument("--small", action="store_true", help="few artworks to choose from, to see that it runs")
    options = parser.parse_args()
    cache = (options.cache or options.out / "packages").resolve()
    found = build(options.out, cache=cache, held=options.held_out, each=options.each, small=options.small)
    groups = Counter(entry.group for entry in found)
    print(f"{len(found)} pictures in {options.out}: " + ", ".join(f"{name} {n}" for name, n in groups.items()))
    for (source, licence), count in sorted(Counter((entry.source, entry.licence) for entry in found).items()):
        print(f"  {count:4}  {source}  ({licence})")


if __name__ == "__main__":
    main()
