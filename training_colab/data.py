"""The training families, fetched by pinned name and version, as artworks with labels and as pictures at a condition.

`families.json` is the whole list. Every choice is made by a hash of names, so the same list gives the same pictures on every
machine. The labels follow `docs/labels.md`.

    python -m training_colab.data            fetch, build the labelled set, print how many there are of what
    python -m training_colab.data --sheet    … and write contact sheets to look at
    python -m training_colab.data --held-out FOLDER     hash the SVGs that nothing may be learned from
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import resvg_py

from pipeline.classify import Label
from pipeline.picture import Picture, composite

from .degrade import CONDITIONS, condition

HERE = Path(__file__).resolve().parent
FAMILIES = json.loads((HERE / "families.json").read_text())
CACHE = Path(os.environ.get("TRUECURVE_DATA", HERE.parent / "build" / "data"))

GRADIENT_SHARE = 0.15
"""Share of the drawn area under visible shading from which a picture is a gradient one."""
COMPLEX_REGIONS = 60
COMPLEX_COLOURS = 20
"""Flat regions, or flat colours of some size, above which a picture is complex."""
TEXT_COLOURS = 8
"""Flat colours up to which words are text however many regions their letters have."""


def seeded(*parts: object) -> np.random.Generator:
    """A generator seeded by the text of its arguments, the same everywhere."""
    return np.random.default_rng(int(digest(*parts)[:16], 16))


def digest(*parts: object) -> str:
    """Hex sha256 of the parts."""
    return hashlib.sha256(":".join(map(str, parts)).encode()).hexdigest()


@dataclass(frozen=True)
class Artwork:
    """A picture whose truth is known: an SVG, or for photos the pixels.

    `label` is by the rubric; `split` is the family's: train or test.
    """

    name: str
    family: str
    split: str
    label: Label
    svg: str | None = None
    pixels: np.ndarray | None = None

    def draw(self, side: int) -> np.ndarray:
        """(H, W, 4) uint8, RGBA, long side `side`."""
        if self.svg is not None:
            return render(self.svg, *size(aspect(self.svg), side))
        assert self.pixels is not None
        height, width = self.pixels.shape[:2]
        way = cv2.INTER_AREA if side < max(height, width) else cv2.INTER_CUBIC
        return cv2.resize(self.pixels, size(width / height, side), interpolation=way)

    def picture(self, condition_name: str) -> Picture:
        """The picture at a condition, ready for the pipeline."""
        rgba = condition(condition_name, self.draw, seeded(self.name, condition_name)).copy()
        rgba[rgba[..., 3] == 0] = 0
        return Picture(rgba, rgba.shape[1], rgba.shape[0], "PNG")


# ---- SVG text


_ROOT = re.compile(r"<svg\b[^>]*>")
_UNWANTED = re.compile(r"<(text|image|foreignObject|filter|style|script)\b")
_ANIMATION = re.compile(r"<(animate\w*|set)\b[^>]*?(/>|>.*?</\1>)", re.S)


def _attribute(tag: str, name: str) -> str | None:
    found = re.search(rf"\s{name}\s*=\s*[\"']([^\"']*)[\"']", tag)
    return found[1] if found else None


def view_box(svg: str) -> tuple[float, float, float, float]:
    """left, top, width, height of the root."""
    tag = _ROOT.search(svg)[0]
    box = _attribute(tag, "viewBox")
    if box:
        left, top, width, height = map(float, re.split(r"[\s,]+", box.strip()))
        return left, top, width, height
    sides = [re.match(r"[\d.]+", _attribute(tag, name) or "") for name in ("width", "height")]
    return 0.0, 0.0, float(sides[0][0]), float(sides[1][0])


def aspect(svg: str) -> float:
    """Width over height."""
    _, _, width, height = view_box(svg)
    return width / height


def size(ratio: float, side: int) -> tuple[int, int]:
    """Width and height in pixels for a long side."""
    return (side, max(1, round(side / ratio))) if ratio >= 1 else (max(1, round(side * ratio)), side)


def render(svg: str, width: int, height: int, *, crisp: bool = False) -> np.ndarray:
    """(height, width, 4) uint8 RGBA: the root stretched to the size; `crisp` leaves out anti-aliasing."""
    tag = _ROOT.search(svg)[0]
    box = "{:g} {:g} {:g} {:g}".format(*view_box(svg))
    bare = re.sub(r"\s(?:width|height|viewBox|preserveAspectRatio)\s*=\s*(?:\"[^\"]*\"|'[^']*')", "", tag)
    root = f'<svg width="{width}" height="{height}" viewBox="{box}" preserveAspectRatio="none"'
    svg = svg.replace(tag, bare.replace("<svg", root, 1), 1)
    kind = "crisp_edges" if crisp else "geometric_precision"
    png = resvg_py.svg_to_bytes(
        svg_string=svg, width=width, height=height, skip_system_fonts=True, shape_rendering=kind
    )
    out = cv2.imdecode(np.frombuffer(bytes(png), np.uint8), cv2.IMREAD_UNCHANGED)
    if out.ndim == 2:
        return cv2.cvtColor(out, cv2.COLOR_GRAY2RGBA)
    return cv2.cvtColor(out, cv2.COLOR_BGR2RGBA if out.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)


# ---- labels


@dataclass(frozen=True)
class Truth:
    """What the label of a drawn picture is read from; shares are of the drawn area, 0–1."""

    gradient_share: float
    regions: int
    colours: int
    drawn: float


def truth(svg: str) -> Truth:
    """Read an SVG's gradient area, regions and colours from renders of it at 256 px."""
    w, h = size(aspect(svg), 256)
    plain = composite(render(svg, w, h, crisp=True), 255)
    drawn = np.any(plain != plain[0, 0], axis=2)
    area = max(int(drawn.sum()), 1)
    share = 0.0
    if "Gradient" in svg:
        stops = re.compile(r"(stop-color\s*[=:]\s*[\"']?)[^\"';>\s]+")
        marks = [composite(render(stops.sub(rf"\g<1>{c}", svg), w, h, crisp=True), 255) for c in ("#000", "#f00")]
        shaded = np.any(marks[0] != marks[1], axis=2)
        around, smooth, inside = np.ones((49, 49), np.uint8), cv2.medianBlur(plain, 3), shaded[..., None]
        slope = cv2.dilate(np.where(inside, smooth, 0), around).astype(int) - cv2.erode(
            np.where(inside, smooth, 255), around
        )
        slope = slope.max(axis=2)
        share = float((shaded & (slope > 6)).sum() / max(area, int(shaded.sum())))
    codes = plain.astype(np.int32) @ np.array([65536, 256, 1])
    values, counts = np.unique(codes, return_counts=True)
    sizeable = counts >= max(8, codes.size // 5000)
    regions = 0
    for value in values[sizeable][:64]:
        _, _, stats, _ = cv2.connectedComponentsWithStats((codes == value).astype(np.uint8), connectivity=4)
        regions += int((stats[1:, cv2.CC_STAT_AREA] >= 6).sum())
    return Truth(share, regions, int(sizeable.sum()), area / codes.size)


def label_of(facts: Truth, *, wordmark: bool = False) -> Label:
    """The rubric of `docs/labels.md` on a drawn picture."""
    if facts.gradient_share >= GRADIENT_SHARE:
        return "gradient"
    if wordmark and facts.colours <= TEXT_COLOURS:
        return "text"
    return "complex" if facts.regions > COMPLEX_REGIONS or facts.colours > COMPLEX_COLOURS else "simple"


# ---- fetching


def fetch() -> Path:
    """Install the pinned npm packages into the cache; returns its ``node_modules``."""
    wanted = {**FAMILIES["npm"], **FAMILIES["fonts"]}
    modules = CACHE / "npm" / "node_modules"
    missing = [
        f"{name}@{row['version']}" for name, row in wanted.items() if not _installed(modules / name, row["version"])
    ]
    if missing:
        (CACHE / "npm").mkdir(parents=True, exist_ok=True)
        command = [
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefix",
            str(CACHE / "npm"),
            *missing,
        ]
        subprocess.run(command, check=True, capture_output=True)
    return modules


def _installed(folder: Path, version: str) -> bool:
    manifest = folder / "package.json"
    return manifest.exists() and json.loads(manifest.read_text())["version"] == version


def _chosen(names, family: str, count: int) -> list[str]:
    """`count` of the names, in the order of their hashes."""
    return sorted(names, key=lambda name: digest(FAMILIES["seed"], family, name))[:count]


_COLOURS = (
    "#000",
    "#111",
    "#1f2937",
    "#e11d48",
    "#0ea5e9",
    "#16a34a",
    "#f59e0b",
    "#7c3aed",
    "#d946ef",
    "#0f766e",
    "#b45309",
)


def _paint(svg: str, rng: np.random.Generator) -> str:
    """Give ``currentColor`` a colour (mostly black), or now and then a gradient; and now and then a ground."""
    left, top, width, height = view_box(svg)
    start = _ROOT.search(svg).end()
    ground = ""
    if rng.random() < 0.15:
        fill, ink = [("#fff", "#1d4ed8"), ("#fef3c7", "#7c2d12"), ("#0f172a", "#f8fafc"), ("#dc2626", "#fff")][
            int(rng.integers(4))
        ]
        ground = f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" fill="{fill}"/>'
    else:
        ink = "#000" if rng.random() < 0.4 else _COLOURS[int(rng.integers(len(_COLOURS)))]
    if rng.random() < 0.12:
        a, b = rng.choice(_COLOURS[3:], 2, replace=False)
        x, y = rng.integers(0, 2, 2)
        stops = f'<stop offset="0" stop-color="{a}"/><stop offset="1" stop-color="{b}"/>'
        place = (
            f'gradientUnits="userSpaceOnUse" x1="{left:g}" y1="{top:g}" '
            f'x2="{left + width * max(x, 1 - y):g}" y2="{top + height * y:g}"'
        )
        ground += f'<defs><linearGradient id="paint" {place}>{stops}</linearGradient></defs>'
        ink = "url(#paint)"
    return svg[:start] + ground + svg[start:].replace("currentColor", ink)


def _icons(count: int) -> Iterator[tuple[str, str, str, str, bool]]:
    """name, family, split, svg, wordmark of `count` icons of each family, before they are looked at."""
    modules = fetch()
    for family, row in FAMILIES["npm"].items():
        folder = modules / family
        if (folder / "icons.json").exists():
            pack = json.loads((folder / "icons.json").read_text())
            read = functools.partial(_iconify, pack)
            names = list(pack["icons"])
        else:
            files = {path.stem: path for path in sorted(folder.rglob("*.svg")) if "/min/" not in str(path)}
            read = lambda name, files=files: files[name].read_text()  # noqa: E731
            names = list(files)
        for name in _chosen(names, family, count * (3 if len(names) < 1000 else 1)):
            full = f"{family.split('/')[-1]}__{name}"
            wordmark = name.endswith(("-text", "-wordmark")) or full in FAMILIES["wordmarks"]
            yield full, family, row["split"], read(name), wordmark


def _iconify(pack: dict, name: str) -> str:
    icon = pack["icons"][name]
    get = lambda key, default: icon.get(key, pack.get(key, default))  # noqa: E731
    box = f"{get('left', 0)} {get('top', 0)} {get('width', 16)} {get('height', 16)}"
    head = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'{head} viewBox="{box}">{icon["body"]}</svg>'


WORDS = (  # noqa: SIM905
    "Northwind Acme Vertex Lumen Harbor Quartz Nimbus Falcon Sons Cobalt Maple Studio Orbit Pixel Labs Juniper "
    "Atlas Coffee Delta Bright Zenith Willow Kite Rocket Garage Bloom Sigma Tidal Ember Fox Golden Hour Bakery "
    "Hello World Monday Club"
).split()


def _wordmarks(count: int) -> Iterator[tuple[str, str, str, str, bool]]:
    """Words set in the fonts, as paths: one or two lines, at times letter-spaced, in capitals or over a rule."""
    from fontTools.pens.svgPathPen import SVGPathPen
    from fontTools.pens.transformPen import TransformPen
    from fontTools.ttLib import TTFont

    modules = fetch()
    for family, row in FAMILIES["fonts"].items():
        slug = family.split("/")[1]
        files = sorted((modules / family / "files").glob(f"{slug}-latin-[47]00-normal.woff"))
        fonts = [TTFont(path) for path in files]
        for index in range(count):
            rng = seeded(FAMILIES["seed"], family, index)
            font = fonts[int(rng.integers(len(fonts)))]
            glyphs, names, em = font.getGlyphSet(), font.getBestCmap(), font["head"].unitsPerEm
            space = em * float(rng.choice([0, 0, 0, 0.06, 0.15]))
            paths, top, right = [], 0.0, 0.0
            for _ in range(1 if rng.random() < 0.7 else 2):
                words = " ".join(rng.choice(WORDS, int(rng.integers(1, 3))))
                words = words.upper() if rng.random() < 0.3 else words
                pen, x = SVGPathPen(glyphs, ntos=lambda v: f"{v:.0f}"), em * 0.1
                for letter in words:
                    if (glyph := names.get(ord(letter))) is None:
                        continue
                    glyphs[glyph].draw(TransformPen(pen, (1, 0, 0, -1, x, top + em)))
                    x += glyphs[glyph].width + space
                paths.append(pen.getCommands())
                right, top = max(right, x), top + em * 1.2
            ink = "#000" if rng.random() < 0.4 else _COLOURS[int(rng.integers(len(_COLOURS)))]
            margin = float(rng.choice([0, 0.1, 0.5])) * em
            width, height = right + em * 0.1, top + em * 0.2
            left, above = -margin, -margin
            width, height = width + 2 * margin, height + 2 * margin
            if rng.random() < 0.25:  # words in the middle of a square, as avatars have them
                above -= max(0.0, width - height) / 2
                height = max(width, height)
            box = f"{left:.0f} {above:.0f} {width:.0f} {height:.0f}"
            body = "".join(f'<path fill="currentColor" d="{d}"/>' for d in paths)
            if rng.random() < 0.15:
                place = f'x="{em * 0.1:.0f}" y="{top:.0f}" width="{right - em * 0.1:.0f}" height="{em * 0.06:.0f}"'
                body += f'<rect {place} fill="{ink}"/>'
            if rng.random() < 0.15:
                fill, ink = [("#0f172a", "#f8fafc"), ("#dc2626", "#fff"), ("#fde68a", "#1c1917")][int(rng.integers(3))]
                body = f'<rect x="{left:.0f}" y="{above:.0f}" width="100%" height="100%" fill="{fill}"/>' + body
            svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">{body.replace("currentColor", ink)}</svg>'
            yield f"{slug}__{index}", family, row["split"], svg, True


# ---- generated pictures


def _hex(rng: np.random.Generator) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rng.integers(0, 256, 3))


def _shape(rng: np.random.Generator, fill: str, low: float, high: float) -> str:
    x, y = rng.uniform(0, 100, 2)
    a, b = rng.uniform(low, high, 2)
    kind = int(rng.integers(4))
    if kind == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{a / 2:.1f}" fill="{fill}"/>'
    if kind == 1:
        corner = float(rng.choice([0, 3]))
        return f'<rect x="{x - a / 2:.1f}" y="{y - b / 2:.1f}" width="{a:.1f}" height="{b:.1f}" rx="{corner:g}" fill="{fill}"/>'
    if kind == 2:
        return f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{a / 2:.1f}" ry="{b / 2:.1f}" fill="{fill}"/>'
    turns = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
    points = " ".join(f"{x + a / 2 * np.cos(t):.1f},{y + b / 2 * np.sin(t):.1f}" for t in turns)
    return f'<polygon points="{points}" fill="{fill}"/>'


def _gradient(rng: np.random.Generator, name: str) -> str:
    count = int(rng.integers(2, 4))
    stops = "".join(f'<stop offset="{i / (count - 1):.2f}" stop-color="{_hex(rng)}"/>' for i in range(count))
    if rng.random() < 0.6:
        x1, y1, x2, y2 = rng.random(4)
        line = f'x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}"'
        return f'<linearGradient id="{name}" {line}>{stops}</linearGradient>'
    circle = f'cx="{rng.random():.2f}" cy="{rng.random():.2f}" r="{rng.uniform(0.5, 1):.2f}"'
    return f'<radialGradient id="{name}" {circle}>{stops}</radialGradient>'


def _simple_shapes(rng: np.random.Generator) -> str:
    ground = f'<rect width="100" height="100" fill="{_hex(rng)}"/>' if rng.random() < 0.5 else ""
    return ground + "".join(_shape(rng, _hex(rng), 15, 60) for _ in range(int(rng.integers(1, 7))))


def _gradients(rng: np.random.Generator) -> str:
    count = int(rng.integers(1, 6))
    body = f'<rect width="100" height="100" fill="{_hex(rng)}"/>' if rng.random() < 0.3 else ""
    body += "".join(_gradient(rng, f"g{i}") + _shape(rng, f"url(#g{i})", 30, 90) for i in range(count))
    return body + "".join(_shape(rng, _hex(rng), 5, 25) for _ in range(int(rng.integers(0, 4))))


def _compositions(rng: np.random.Generator) -> str:
    return "".join(_shape(rng, _hex(rng), 4, 30) for _ in range(int(rng.integers(120, 400))))


def _soft_scenes(rng: np.random.Generator) -> str:
    body = _gradient(rng, "sky") + '<rect width="100" height="100" fill="url(#sky)"/>'
    for i in range(int(rng.integers(1, 4))):
        y = 40 + 18 * i + rng.uniform(-8, 8)
        waves = " ".join(
            f"Q{25 * j + 12.5:.1f} {y + rng.uniform(-18, 18):.1f} {25 * j + 25} {y + rng.uniform(-6, 6):.1f}"
            for j in range(4)
        )
        paint = _hex(rng) if rng.random() < 0.6 else f"url(#h{i})"
        body += _gradient(rng, f"h{i}") + f'<path d="M0 {y:.1f}{waves}V100H0z" fill="{paint}"/>'
    return body


def _mosaics(rng: np.random.Generator) -> str:
    cells = int(rng.integers(9, 22))
    step = 100 / cells
    jitter = rng.uniform(-0.3, 0.3, (cells + 1, cells + 1, 2)) * step
    at = lambda i, j: f"{j * step + jitter[i, j, 0]:.1f},{i * step + jitter[i, j, 1]:.1f}"  # noqa: E731
    return "".join(
        f'<polygon points="{at(i, j)} {at(i, j + 1)} {at(i + 1, j + 1)} {at(i + 1, j)}" fill="{_hex(rng)}"/>'
        for i in range(cells)
        for j in range(cells)
        if rng.random() < 0.85
    )


_GENERATORS: dict[str, Callable[[np.random.Generator], str]] = {
    "simple-shapes": _simple_shapes,
    "gradients": _gradients,
    "compositions": _compositions,
    "soft-scenes": _soft_scenes,
    "mosaics": _mosaics,
}


def _generated(count: int) -> Iterator[tuple[str, str, str, str, bool]]:
    for family, row in FAMILIES["generated"].items():
        for index in range(count):
            body = _GENERATORS[family](seeded(FAMILIES["seed"], family, index))
            svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">{body}</svg>'
            yield f"{family}__{index}", family, row["split"], svg, False


# ---- photos


def _photos(count: int) -> Iterator[Artwork]:
    """Whole photos and `count` − 1 crops of each, long side up to 512 px."""
    from importlib.util import find_spec

    places = {"scikit-image": ("skimage", "data"), "scikit-learn": ("sklearn", "datasets/images")}
    for name, row in FAMILIES["photos"].items():
        module, folder = places[row["package"]]
        spec = find_spec(module)
        path = Path(spec.origin).parent / folder / name if spec and spec.origin else None
        if path is None or not path.exists():
            continue
        bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
        rgba = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGBA)
        height, width = rgba.shape[:2]
        for index in range(count):
            rng = seeded(FAMILIES["seed"], name, index)
            part = rgba
            if index:
                w, h = (int(side * rng.uniform(0.4, 0.8)) for side in (width, height))
                x, y = int(rng.integers(width - w)), int(rng.integers(height - h))
                part = rgba[y : y + h, x : x + w]
                if part[..., :3].std() < 12:
                    continue
            shrunk = size(part.shape[1] / part.shape[0], min(512, max(part.shape[:2])))
            part = cv2.resize(part, shrunk, interpolation=cv2.INTER_AREA)
            yield Artwork(f"{Path(name).stem}__{index}", f"photo:{name}", row["split"], "complex", pixels=part)


# ---- the set


def artworks(icons: int = 30, wordmarks: int = 14, generated: int = 40, photos: int = 8) -> list[Artwork]:
    """The labelled artworks: so many of each family."""
    out: list[Artwork] = []
    sources = (_icons(icons), _wordmarks(wordmarks), _generated(generated))
    taken: Counter[str] = Counter()
    limits = dict.fromkeys(FAMILIES["npm"], icons)
    for name, family, split, svg, wordmark in (item for source in sources for item in source):
        if taken[family] >= limits.get(family, 10**9) or _UNWANTED.search(svg):
            continue
        try:
            svg = _ANIMATION.sub("", svg)
            if "currentColor" in svg or "fill=" not in svg:
                svg = svg if "currentColor" in svg else svg.replace("<svg", '<svg fill="currentColor"', 1)
                svg = _paint(svg, seeded(name, "paint"))
            facts = truth(svg)
        except (ValueError, TypeError, ZeroDivisionError):  # what resvg cannot read is left out
            continue
        if facts.drawn < 0.01 and facts.gradient_share < GRADIENT_SHARE:
            continue
        taken[family] += 1
        out.append(Artwork(name, family, split, label_of(facts, wordmark=wordmark), svg=svg))
    return out + list(_photos(photos))


def kept_artworks(icons: int, wordmarks: int, generated: int, photos: int) -> list[Artwork]:
    """`artworks`, without near-duplicates of what is compared on; the drawn ones are kept in a file of the cache."""
    source = Path(__file__).read_text()
    path = CACHE / f"artworks-{digest(source, json.dumps(FAMILIES), icons, wordmarks, generated)[:16]}.jsonl"
    if path.exists():
        drawn = [Artwork(**json.loads(line)) for line in path.read_text().splitlines()]
        return drawn + list(_photos(photos))
    drawn = [work for work in artworks(icons, wordmarks, generated, 0) if work.svg is not None]
    drawn = [work for work in drawn if not looks_held_out(work)]
    fields = ("name", "family", "split", "label", "svg")
    scratch = path.with_suffix(f".{os.getpid()}")
    scratch.write_text("".join(json.dumps({key: getattr(work, key) for key in fields}) + "\n" for work in drawn))
    scratch.replace(path)
    return drawn + list(_photos(photos))


# ---- near-duplicates: brands recur from one set of icons to another


HASH_SIDE = 12
"""Frequencies a side of a perceptual hash, so it has 143 bits."""
HASH_NEAR = 8
"""Bits, of 143, in which one mark drawn twice differs at most: at two sizes in up to 5, and plain shapes from others in 9."""
HELD_OUT = HERE / "held_out_hashes.json"


def perceptual_hash(rgba: np.ndarray) -> int:
    """Which of the lowest frequencies of the drawing's luma are positive, cropped to what is drawn, stretched to a square.

    What is small beside the largest counts as zero: the odd frequencies of a symmetric drawing are rounding errors.
    """
    grey = cv2.cvtColor(composite(rgba, 255), cv2.COLOR_RGB2GRAY)
    drawn = cv2.findNonZero(cv2.inRange(cv2.absdiff(grey, np.full_like(grey, grey[0, 0])), 16, 255))
    x, y, width, height = cv2.boundingRect(drawn) if drawn is not None else (0, 0, grey.shape[1], grey.shape[0])
    square = cv2.resize(grey[y : y + height, x : x + width], (48, 48), interpolation=cv2.INTER_AREA)
    waves = cv2.dct(square.astype(np.float32))[:HASH_SIDE, :HASH_SIDE].ravel()[1:]
    least = 0.02 * float(np.abs(waves).max())
    return int("".join("1" if wave > least else "0" for wave in waves), 2)


@functools.cache
def held_out_hashes() -> tuple[int, ...]:
    """The hashes of the drawings that everything is compared on, as `write_held_out` found them."""
    return tuple(int(text, 16) for text in json.loads(HELD_OUT.read_text())["hashes"])


def looks_held_out(work: Artwork) -> bool:
    """Whether an artwork looks like one that everything is compared on."""
    mine = perceptual_hash(work.draw(128))
    return any((mine ^ other).bit_count() <= HASH_NEAR for other in held_out_hashes())


def write_held_out(folder: Path) -> Path:
    """Hash a folder of SVGs that nothing may be learned from; returns the file that `looks_held_out` reads."""
    hashes = set()
    for path in sorted(folder.glob("*.svg")):
        svg = path.read_text()
        hashes.add(f"{perceptual_hash(render(svg, *size(aspect(svg), 128))):036x}")
    why = "Perceptual hashes of the drawings that everything is compared on: what looks like them is not learned from."
    HELD_OUT.write_text(json.dumps({"why": why, "hashes": sorted(hashes)}, indent=1) + "\n")
    return HELD_OUT


def data_hash(works: list[Artwork]) -> str:
    """Hex sha256 over the artworks: names, labels, and the SVGs or pixels."""
    total = hashlib.sha256()
    for work in sorted(works, key=lambda w: w.name):
        content = work.svg.encode() if work.svg is not None else work.pixels.tobytes()
        total.update(f"{work.name}:{work.family}:{work.split}:{work.label}:".encode())
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()


def contact_sheet(works: list[Artwork], columns: int = 16, cell: int = 96) -> np.ndarray:
    """(H, W, 3) uint8: small renders in rows."""
    rows = -(-len(works) // columns)
    sheet = np.full((rows * cell, columns * cell, 3), 230, np.uint8)
    for i, work in enumerate(works):
        small = composite(work.draw(cell - 6), 255)
        y, x = i // columns * cell + 3, i % columns * cell + 3
        sheet[y : y + small.shape[0], x : x + small.shape[1]] = small
    return sheet


def main() -> None:
    """Build the set and say what is in it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sheet", action="store_true", help="write a contact sheet of each label")
    parser.add_argument("--held-out", type=Path, help="hash a folder of SVGs that nothing may be learned from, and end")
    arguments = parser.parse_args()
    if arguments.held_out:
        print("written:", write_held_out(arguments.held_out))
        return
    works = artworks()
    table = Counter((work.label, work.split) for work in works)
    for label in ("simple", "text", "gradient", "complex"):
        print(f"{label:10} train {table[label, 'train']:5}  test {table[label, 'test']:5}")
    print(f"{len(works)} artworks, {len({w.family for w in works})} families, conditions {', '.join(CONDITIONS)}")
    print("data hash", data_hash(works))
    if arguments.sheet:
        for label in ("simple", "text", "gradient", "complex"):
            some = [work for work in works if work.label == label]
            sheet = contact_sheet(sorted(some, key=lambda w: digest(w.name))[:192])
            cv2.imwrite(str(CACHE / f"sheet-{label}.png"), sheet[..., ::-1])


if __name__ == "__main__":
    main()
