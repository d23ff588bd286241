"""The rows that models are learned from: a picture, a plan, and what drawing by it gave, measured.

    python -m training_colab.rows build/data/rows.parquet --pictures 5000 --plans 6 --jobs 2
    python -m training_colab.rows build/data/small.parquet --small

Beside ``rows.parquet`` it writes ``rows.pictures.parquet``, what the encoder sees of every picture, and while it runs
``rows.jsonl``, a line for each picture that is done: a run that was broken off goes on where it was. Everything follows from
the seed. See docs/data.md.
"""

from __future__ import annotations

import argparse
import base64
import json
import multiprocessing
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
from tqdm import tqdm

from pipeline import warm
from pipeline.classify import LABELS
from pipeline.errors import NotADrawing, VectorizeError
from pipeline.features import Features, extract
from pipeline.measure import similarity
from pipeline.picture import Picture
from pipeline.plan import CUBE, RECIPES, Plan
from pipeline.predict import PLAIN, SEEN, Outcome, Seen, encoder_input
from pipeline.reference import reference
from pipeline.render import render
from pipeline.trace import trace
from pipeline.trace.vtracer import raw_default

from .data import HERE, Artwork, digest, kept_artworks, seeded
from .degrade import Wear, wear

SPLITS = ("train", "valid", "test")
_SPLIT_SHARE = (0.76, 0.1, 0.14)
_LABEL_SHARE = {"simple": 0.34, "text": 0.12, "gradient": 0.26, "complex": 0.28}
"""How often pictures of a label are drawn: more often where plans differ than where all do well."""
_RECIPE_SHARE = {"planar": 0.5, "vtracer": 0.42, "vtracer-flat": 0.08}
"""How often the plans beside the defaults are of a recipe; vtracer-flat takes ten times as long as the others."""
ARTWORK_SIDE = 512
"""Long side, px, at which a drawing is compared with the artwork."""
PATIENCE = 8.0
"""Seconds of a core that a plan may take before its process is ended; the slowest sensible ones take three."""
LONGEST = 120.0
"""Seconds on the wall after which it is ended whatever it has used: it waits for something that never comes."""
MORE_TO_TEST = 2
"""Times as many plans for a picture that nothing is learned from, since ranks within a picture are told by them."""
DEEP_EVERY, DEEP = 12, 64
"""Of the test pictures, every so many-th is drawn by so many plans: among them, regret is told."""
CENTRES: dict[str, tuple[dict[str, float], ...]] = {
    "vtracer": (
        {},
        {"path_precision": 1, "color_precision": 8, "layer_difference": 12, "filter_speckle": 3},
        {"path_precision": 0, "color_precision": 7, "layer_difference": 8, "filter_speckle": 3},
    ),
    "planar": ({},),
    "vtracer-flat": ({},),
}
"""Knobs around which plans are scattered, beside those from all over the cube."""
SIZES = {"icons": 60, "wordmarks": 24, "generated": 120, "photos": 24}
SMALL_SIZES = {"icons": 3, "wordmarks": 3, "generated": 12, "photos": 3}


@dataclass(frozen=True)
class Case:
    """One picture to be: which artwork, of which split, and what happened to it."""

    index: int
    work: Artwork
    split: str
    wear: Wear
    seed: str

    def picture(self) -> Picture:
        """The picture as it arrives."""
        rgba = self.wear.apply(self.work.draw(self.wear.side), seeded(self.seed, self.index, "damage"))
        return Picture(rgba, rgba.shape[1], rgba.shape[0], "PNG")

    def truth(self) -> np.ndarray:
        """(H, W, 4) uint8: the artwork on the picture's ground, long side `ARTWORK_SIDE`."""
        return self.wear.on_ground(self.work.draw(ARTWORK_SIDE))


@dataclass
class Set:
    """Pictures by number: any of them can be made again from the artworks and the seed."""

    works: list[Artwork]
    seed: str
    _by: dict[tuple[str, str], dict[str, list[Artwork]]] = field(default_factory=lambda: defaultdict(dict))

    def __post_init__(self) -> None:
        for work in sorted(self.works, key=lambda w: w.name):
            self._by[split_of(work), work.label].setdefault(work.family, []).append(work)

    def case(self, index: int) -> Case:
        """The picture of a number; families of a label come equally often."""
        rng = seeded(self.seed, index)
        split = str(rng.choice(SPLITS, p=_SPLIT_SHARE))
        label = str(rng.choice(list(_LABEL_SHARE), p=list(_LABEL_SHARE.values())))
        families = self._by.get((split, label)) or next(
            found for (at, _), found in sorted(self._by.items()) if at == split
        )
        family = sorted(families)[int(rng.integers(len(families)))]
        work = families[family][int(rng.integers(len(families[family])))]
        photo = work.pixels is not None
        most = max(work.pixels.shape[:2]) if work.pixels is not None else 10_000
        return Case(index, work, split, wear(rng, most=most, opaque=photo), self.seed)


def split_of(work: Artwork) -> str:
    """Of the families to learn from, one in six is kept for choosing among models."""
    if work.split == "test":
        return "test"
    return "valid" if int(digest("valid", work.family)[:8], 16) % 6 == 0 else "train"


def how_many(case: Case, plans: int) -> int:
    """Plans that a picture is drawn by."""
    if case.split == "train":
        return plans
    if case.split == "test" and int(digest("deep", case.index)[:8], 16) % DEEP_EVERY == 0:
        return max(DEEP, plans)
    return plans * MORE_TO_TEST


def plans_for(case: Case, count: int) -> list[tuple[str, np.ndarray]]:
    """Recipe and point (8,): the recipes' defaults, then points around them and from all over the cube.

    Of pictures to learn from, one in three is drawn by the default of vtracer-flat: it takes half of all the time otherwise.
    """
    rng = seeded(case.seed, case.index, "plans")
    skipped = {"vtracer-flat"} if case.split == "train" and rng.random() > 1 / 3 else set()
    plans = [(name, Plan(name).to_cube()) for name in RECIPES if name not in skipped]
    while len(plans) < count:
        recipe = str(rng.choice(list(_RECIPE_SHARE), p=list(_RECIPE_SHARE.values())))
        if rng.random() < 0.2:
            point = rng.random(CUBE)
        else:
            centre = CENTRES[recipe][int(rng.integers(len(CENTRES[recipe])))]
            reach = 0.03 * (0.45 / 0.03) ** rng.random()
            moved = rng.random(CUBE) < 0.6
            point = np.clip(Plan(recipe, centre).to_cube() + moved * reach * rng.standard_normal(CUBE), 0, 1)
        plans.append((recipe, Plan.from_cube(recipe, point).to_cube()))  # as the knobs' whole numbers have it
    return plans[: max(count, len(RECIPES))]


@dataclass(frozen=True, eq=False)
class Ruler:
    """Measures drawings of one picture.

    Attributes
    ----------
    picture, judge : Picture
        As it arrives, and its reference.
    truth : (H, W, 4) uint8
        The artwork.
    """

    picture: Picture
    judge: Picture
    truth: np.ndarray

    @classmethod
    def of(cls, case: Case) -> Ruler:
        """The ruler of a case."""
        picture = case.picture()
        return cls(picture, reference(picture), case.truth())

    def measure(self, plan: Plan | None) -> dict[str, Any]:
        """Draw by a plan, or by vtracer's own default where None, and measure.

        Returns ``reference`` and ``artwork`` (SSIM), ``bytes``, ``ms`` (of a core, for tracing) and ``status``: ``ok``,
        ``refused`` or ``failed``, and then no likeness.
        """
        begin = time.process_time()
        try:
            # a copy: what other plans left behind with the picture would make this one look faster
            svg = raw_default(self.picture) if plan is None else trace(replace(self.picture), plan)
            ms = (time.process_time() - begin) * 1000
            height, width = self.judge.pixels.shape[:2]
            drawn = render(svg, width, height)
            near = similarity(self.judge.pixels, drawn)
            tall, wide = self.truth.shape[:2]
            if (tall, wide) != (height, width):
                drawn = render(svg, wide, tall)
            far = similarity(self.truth, drawn)
            return {"reference": near, "artwork": far, "bytes": len(svg.encode()), "ms": ms, "status": "ok"}
        except VectorizeError as error:
            ms = (time.process_time() - begin) * 1000
            status = "refused" if isinstance(error, NotADrawing) else "failed"
            return {"reference": None, "artwork": None, "bytes": 0, "ms": ms, "status": status}


def thumbnail(picture: Picture) -> bytes:
    """What the encoder sees of a picture, as a PNG."""
    rgb = encoder_input(picture).transpose(1, 2, 0) * 255
    return cv2.imencode(".png", np.rint(rgb).astype(np.uint8)[..., ::-1])[1].tobytes()


def read_thumbnail(data: bytes) -> np.ndarray:
    """(3, S, S) uint8 of what `thumbnail` wrote."""
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return np.ascontiguousarray(bgr[..., ::-1].transpose(2, 0, 1))


# ---- processes that may hang or die


def _work(pipe: Connection, pictures: Set, plans: int) -> None:
    """Answer each ``(index, from plan)`` with messages ``("about", dict)``, ``("row", i, dict)`` and ``("done",)``."""
    while (job := pipe.recv()) is not None:
        index, first = job
        case = pictures.case(index)
        ruler = Ruler.of(case)
        if first == 0:
            about = {
                "picture": index,
                "name": case.work.name,
                "family": case.work.family,
                "split": case.split,
                "label": case.work.label,
                "condition": str(case.wear),
                "width": ruler.picture.width,
                "height": ruler.picture.height,
                "features": [round(float(v), 6) for v in extract(ruler.picture).vector()],
                "thumb": base64.b64encode(thumbnail(ruler.picture)).decode(),
                "default": ruler.measure(None),
            }
            pipe.send(("about", about))
        for i, (recipe, point) in enumerate(plans_for(case, how_many(case, plans))):
            if i >= first:
                row = ruler.measure(Plan.from_cube(recipe, point))
                row |= {"recipe": recipe, "point": [round(float(p), 5) for p in point]}
                pipe.send(("row", i, row))
        pipe.send(("done",))


class _Worker:
    """A process, the picture that it is at, and what it has sent of it."""

    def __init__(self, pictures: Set, plans: int) -> None:
        self.arguments = (pictures, plans)
        self.index = -1
        self.about: dict[str, Any] | None = None
        self.rows: list[dict[str, Any]] = []
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, *self.arguments), daemon=True)
        self.process.start()
        theirs.close()

    def give(self, index: int, first: int = 0) -> None:
        self.index = index
        if first == 0:
            self.about, self.rows = None, []
        self.heard()
        self.pipe.send((index, first))

    def heard(self) -> None:
        """It has sent something, so its time begins anew."""
        self.since, self.used = time.monotonic(), self._cpu()

    def _cpu(self) -> float:
        try:
            times = psutil.Process(self.process.pid).cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)

    @property
    def over(self) -> bool:
        """Whether it has been at one plan for too long."""
        return time.monotonic() - self.since > LONGEST or self._cpu() - self.used > PATIENCE

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()

    def replace(self) -> bool:
        """End the process, note its plan as failed, and go on behind it in another; False where the picture is lost."""
        self.end()
        self._start()
        if self.about is None:
            return False
        picture, plans = self.arguments
        case = picture.case(self.index)
        wanted = plans_for(case, how_many(case, plans))
        if len(self.rows) < len(wanted):
            recipe, point = wanted[len(self.rows)]
            late = {"reference": None, "artwork": None, "bytes": 0, "ms": PATIENCE * 1000, "status": "late"}
            self.rows.append(late | {"recipe": recipe, "point": [round(float(p), 5) for p in point]})
        self.give(self.index, len(self.rows))
        return True


def measured(pictures: Set, indices: list[int], plans: int, jobs: int) -> Iterator[dict[str, Any]]:
    """Each picture with its rows, as they are done; a picture whose default cannot be drawn comes as ``{"lost": index}``."""
    warm.compile_all()
    warm.warm()  # before forking, so that no worker spends its patience on loading machine code
    todo = iter(indices)
    workers = []
    for index in (i for _, i in zip(range(jobs), todo, strict=False)):
        workers.append(_Worker(pictures, plans))
        workers[-1].give(index)
    try:
        while workers:
            ready = wait([worker.pipe for worker in workers], timeout=1.0)
            for worker in list(workers):
                over = worker.pipe not in ready and worker.over
                finished: dict[str, Any] | None = None
                if worker.pipe in ready:
                    try:
                        kind, *content = worker.pipe.recv()
                    except (EOFError, OSError):
                        over = True
                    else:
                        worker.heard()
                        if kind == "about":
                            worker.about = content[0]
                        elif kind == "row":
                            worker.rows.append(content[1])
                        elif worker.about is not None:
                            finished = {**worker.about, "rows": worker.rows}
                if over and not worker.replace():
                    finished = {"lost": worker.index}
                if finished is None:
                    continue
                failed = "default" in finished and finished["default"]["status"] != "ok"
                yield {"lost": worker.index} if failed else finished
                following = next(todo, None)
                if following is None:
                    worker.end()
                    workers.remove(worker)
                else:
                    worker.give(following)
    finally:
        for worker in workers:
            worker.end()


# ---- files


@lru_cache(maxsize=1)
def source_hash() -> str:
    """Of everything that the rows follow from, beside the seed."""
    sources = [HERE / name for name in ("rows.py", "degrade.py", "data.py", "families.json", "held_out_hashes.json")]
    pipeline = HERE.parent / "pipeline"
    sources += [pipeline / f"{name}.py" for name in ("features", "measure", "picture", "plan", "reference", "render")]
    return digest(*(path.read_text() for path in (*sources, *sorted((pipeline / "trace").glob("*.py")))))[:16]


def build(out: Path, *, pictures: int, plans: int, jobs: int, seed: str, small: bool) -> Path:
    """Measure what is missing, then write the tables; returns `out`."""
    cv2.setNumThreads(1)  # before the first use: a process forked beside OpenCV's threads waits for them for ever
    about = {"seed": seed, "plans": plans, "small": small, "source": source_hash()}
    log = out.with_suffix(".jsonl")
    known: set[int] = set()
    out.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        head, *lines = log.read_text().splitlines()
        began = json.loads(head)
        if {**began, "source": 0} != {**about, "source": 0}:
            raise SystemExit(f"{log} holds rows of {began}, not of {about}; name another file, or remove it.")
        if began["source"] != about["source"]:
            print(f"The code has changed since {log} was begun ({began['source']}); its rows are kept.")
        for line in lines:
            if line.endswith("}"):  # the last line of a run that was killed may be cut
                entry = json.loads(line)
                known.add(entry.get("lost", entry.get("picture")))
    else:
        log.write_text(json.dumps(about) + "\n")
    todo = [index for index in range(pictures) if index not in known]
    if todo:
        works = Set(kept_artworks(**(SMALL_SIZES if small else SIZES)), seed)
        with log.open("a") as file, tqdm(total=pictures, initial=len(known), unit="picture", mininterval=5) as bar:
            for found in measured(works, todo, plans, jobs):
                file.write(json.dumps(found) + "\n")
                file.flush()
                bar.update()
    return write(log, out, pictures)


def write(log: Path, out: Path, pictures: int) -> Path:
    """The tables of what was measured: `out`, and what the encoder sees beside it."""
    import pyarrow as pa
    from pyarrow import parquet

    head, *lines = log.read_text().splitlines()
    entries = [json.loads(line) for line in lines if line.endswith("}")]
    entries = sorted((e for e in entries if e.get("picture", pictures) < pictures), key=lambda e: e["picture"])
    columns: dict[str, list[Any]] = defaultdict(list)
    for entry in entries:
        for row in entry["rows"]:
            for key in ("picture", "name", "family", "split", "label", "condition", "width", "height"):
                columns[key].append(entry[key])
            for name, value in zip(Features.names(), entry["features"], strict=True):
                columns[f"feature.{name}"].append(value)
            columns["recipe"].append(row["recipe"])
            for k in range(CUBE):
                columns[f"point.{k}"].append(row["point"][k])
            for key in ("reference", "artwork", "bytes", "ms", "status"):
                columns[key].append(row[key])
            for key in ("reference", "artwork", "bytes", "ms"):
                columns[f"default.{key}"].append(entry["default"][key])
    text = {"name", "family", "split", "label", "condition", "recipe", "status"}
    whole = {"picture", "width", "height", "bytes", "default.bytes"}
    kind = lambda key: pa.string() if key in text else pa.int32() if key in whole else pa.float32()  # noqa: E731
    table = pa.table({key: pa.array(values, kind(key)) for key, values in columns.items()})
    content = digest(*(json.dumps(entry, sort_keys=True) for entry in entries))
    table = table.replace_schema_metadata({"truecurve": json.dumps({**json.loads(head), "content": content})})
    parquet.write_table(table, out, compression="zstd")
    seen = {
        "picture": pa.array([entry["picture"] for entry in entries], pa.int32()),
        "thumb": pa.array([base64.b64decode(entry["thumb"]) for entry in entries], pa.binary()),
    }
    parquet.write_table(pa.table(seen), out.with_suffix(".pictures.parquet"), compression="zstd")
    return out


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows as arrays.

    Attributes
    ----------
    picture : (N,) int
        Which picture a row is of.
    features : (N, 26) float32
    seen : (N, SEEN) float32
        `pipeline.predict.Seen` as it is once the plain drawing and vtracer's default were measured; zeros in `blind` rows.
    recipe : (N,) int
        Index into `RECIPES`.
    point : (N, 8) float32
    scores : (N, 4) float64
        Reference and artwork (SSIM), log2 of the bytes, log10 of the milliseconds; NaN where the plan failed.
    default : (N, 4) float64
        The same of vtracer's default on the same picture.
    ok : (N,) bool
        Whether the plan drew the picture at all.
    split, label, family, condition, name : (N,) str
    about : dict
        Seed, code and content hash of the file.
    """

    picture: np.ndarray
    features: np.ndarray
    seen: np.ndarray
    recipe: np.ndarray
    point: np.ndarray
    scores: np.ndarray
    default: np.ndarray
    ok: np.ndarray
    split: np.ndarray
    label: np.ndarray
    family: np.ndarray
    condition: np.ndarray
    name: np.ndarray
    about: dict[str, Any]

    def where(self, mask: np.ndarray) -> Rows:
        """The rows of a mask or an index."""
        chosen = {key: value[mask] for key, value in vars(self).items() if key != "about"}
        return Rows(**chosen, about=self.about)

    def blind(self) -> Rows:
        """The same rows with nothing seen."""
        return replace(self, seen=np.zeros_like(self.seen))

    def both(self) -> Rows:
        """Every row twice, blind and seeing; what is the plain drawing itself only blind, as it would see its own outcome."""
        twice = {
            key: np.concatenate([value, value[~self.plain]])
            for key, value in vars(self).items()
            if key not in ("about", "seen")
        }
        return Rows(**twice, seen=np.concatenate([np.zeros_like(self.seen), self.seen[~self.plain]]), about=self.about)

    @property
    def plain(self) -> np.ndarray:
        """(N,) bool: rows drawn by the plain drawing, the defaults of `PLAIN`."""
        near = np.abs(self.point - Plan(PLAIN).to_cube()).max(axis=1) < 1e-4  # points are kept to five decimals
        return (self.recipe == list(RECIPES).index(PLAIN)) & near

    @property
    def j(self) -> np.ndarray:
        """(N,) J of every row; −inf where the plan failed."""
        from pipeline.measure import LAMBDA

        j = self.scores[:, 0] - LAMBDA * (self.scores[:, 2] - self.default[:, 2])
        return np.where(self.ok, j, -np.inf)

    def one_hot(self) -> np.ndarray:
        """(N, recipes) float32."""
        return np.eye(len(RECIPES), dtype=np.float32)[self.recipe]


def read(path: Path) -> Rows:
    """Read what `build` wrote."""
    from pyarrow import parquet

    table = parquet.read_table(path)
    get = lambda key: table.column(key).to_numpy()  # noqa: E731
    stack = lambda keys: np.stack([get(key) for key in keys], axis=1)  # noqa: E731
    logs = lambda prefix: np.stack(  # noqa: E731
        [
            get(f"{prefix}reference"),
            get(f"{prefix}artwork"),
            np.log2(np.maximum(get(f"{prefix}bytes"), 1)),
            np.log10(np.maximum(get(f"{prefix}ms"), 0.1)),
        ],
        axis=1,
    ).astype(np.float64)
    names = list(RECIPES)
    scores, default, ok, picture = logs(""), logs("default."), get("status") == "ok", get("picture")
    recipe = np.array([names.index(name) for name in get("recipe")])
    point = stack([f"point.{k}" for k in range(CUBE)]).astype(np.float32)
    text = {key: get(key).astype(str) for key in ("split", "label", "family", "condition", "name")}
    found = Rows(
        picture=picture,
        features=stack([f"feature.{name}" for name in Features.names()]).astype(np.float32),
        seen=np.zeros((len(picture), SEEN), np.float32),
        recipe=recipe,
        point=point,
        scores=scores,
        default=default,
        ok=ok,
        **text,
        about=json.loads(table.schema.metadata[b"truecurve"]),
    )
    return replace(found, seen=_seen(found))


def _seen(rows: Rows) -> np.ndarray:
    """(N, SEEN) float32: what each row's picture measured by the plain drawing and by vtracer's default."""
    plain = {int(rows.picture[i]): i for i in np.flatnonzero(rows.plain)}
    known: dict[int, np.ndarray] = {}
    out = np.empty((len(rows.picture), SEEN), np.float32)
    for i, number in enumerate(rows.picture.tolist()):
        if number not in known:
            at = plain.get(number)
            drawn = at is not None and bool(rows.ok[at])
            known[number] = Seen(
                plain=Outcome(rows.scores[at, 0], 2 ** rows.scores[at, 2]) if drawn else None,
                refused=at is not None and not drawn,
                default=Outcome(rows.default[i, 0], 2 ** rows.default[i, 2]),
            ).vector()
        out[i] = known[number]
    return out


def read_pictures(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Of `build`'s second file: numbers (P,), and what the encoder sees, (P, 3, S, S) uint8."""
    from pyarrow import parquet

    table = parquet.read_table(path.with_suffix(".pictures.parquet"))
    thumbs = np.stack([read_thumbnail(data) for data in table.column("thumb").to_pylist()])
    return table.column("picture").to_numpy(), thumbs


def summary(rows: Rows) -> str:
    """What is in the rows, for people."""
    lines = [f"{len(np.unique(rows.picture))} pictures, {len(rows.picture)} rows, {len(set(rows.family))} families"]
    for split in SPLITS:
        part = rows.where(rows.split == split)
        kinds = Counter(part.label[np.unique(part.picture, return_index=True)[1]].tolist())
        share = ", ".join(f"{label} {kinds[label]}" for label in LABELS)
        lines.append(f"  {split:6} {len(np.unique(part.picture)):6} pictures {len(part.picture):7} rows: {share}")
    for i, name in enumerate(RECIPES):
        part = rows.where(rows.recipe == i)
        done = part.where(part.ok)
        means = np.nanmean(done.scores, axis=0)
        lines.append(
            f"  {name:13} {len(part.picture):6} rows, {1 - part.ok.mean():6.1%} failed, reference {means[0]:.4f}, "
            f"artwork {means[1]:.4f}, {2 ** means[2]:.0f} bytes, {10 ** means[3]:.0f} ms"
        )
    best = [part.max() for part in np.split(rows.j, np.flatnonzero(np.diff(rows.picture)) + 1)]
    default = rows.default[np.unique(rows.picture, return_index=True)[1], 0]
    lines.append(f"  J: vtracer's default {default.mean():.4f}, best of each picture's rows {np.mean(best):.4f}")
    return "\n".join(lines)


def main() -> None:
    """Build the rows and say what is in them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--pictures", type=int, help="5,000, or 60 of the small set")
    parser.add_argument("--plans", type=int, default=6, help="plans for each picture, defaults included")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", default="rows-1")
    parser.add_argument("--small", action="store_true", help="few artworks, to see that it runs")
    arguments = parser.parse_args()
    pictures = arguments.pictures or (60 if arguments.small else 5000)
    begin = time.perf_counter()
    out = build(
        arguments.out,
        pictures=pictures,
        plans=arguments.plans,
        jobs=arguments.jobs,
        seed=arguments.seed,
        small=arguments.small,
    )
    rows = read(out)
    print(summary(rows))
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cores = sum(usage.ru_utime + usage.ru_stime for usage in used)
    print(f"{time.perf_counter() - begin:.0f} s, {cores:.0f} s of a core")
    print(
        f"{out}: {out.stat().st_size / 1e6:.1f} MB, content {rows.about['content'][:16]}, code {rows.about['source']}"
    )


if __name__ == "__main__":
    main()
