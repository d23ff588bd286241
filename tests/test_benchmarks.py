"""The arithmetic behind the figures that benchmarks print, by values worked out by hand, and what they write."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import subprocess
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import (
    baseline,
    figures,
    held_out,
    likeness,
    packages,
    peers,
    referee,
    router,
    tiers,
    trials,
    validate,
    wild,
)
from benchmarks.likeness import Likeness
from benchmarks.trials import Choice, Choosing, Step, Trial
from pipeline.errors import OverTime
from pipeline.render import render
from pipeline.route import Expected, Route
from training_colab.data import FAMILIES, Artwork
from training_colab.degrade import Wear
from training_colab.rows import Case

# ---- figures


def test_improvement_is_the_share_of_the_error_that_is_gone() -> None:
    assert figures.improvement([0.99, 0.95], [0.98, 0.90]) == pytest.approx(0.5)
    assert figures.improvement([0.90], [0.95]) == pytest.approx(-1.0)
    assert math.isnan(figures.improvement([1.0], [1.0])) and math.isnan(figures.improvement([], []))


def test_shares_and_means() -> None:
    assert figures.within([0.01, -0.01, 0.03, -0.2], 0.01) == 0.5
    assert figures.geometric_mean([0.25, 4.0, 1.0]) == pytest.approx(1.0)
    assert figures.percentile([1, 2, 3, 4, 5], 50) == 3
    assert all(math.isnan(f([])) for f in (figures.geometric_mean, lambda v: figures.within(v, 1)))


def test_an_interval_holds_its_mean_and_shrinks_with_more_values() -> None:
    rng = np.random.default_rng(3)
    few, many = rng.normal(1, 1, 30), rng.normal(1, 1, 3000)
    mean, low, high = figures.interval(few)
    assert low < mean < high and mean == pytest.approx(few.mean())
    _, nearer, farther = figures.interval(many)
    assert farther - nearer == pytest.approx(2 * 1.96 / math.sqrt(3000), rel=0.15)
    assert figures.interval(few) == figures.interval(few)
    assert figures.interval([0.5, 0.5]) == (0.5, 0.5, 0.5)


def test_tables() -> None:
    assert figures.aligned(("", "n"), [("one", 1), ("three", 10)]) == "        n\none     1\nthree  10"
    table = figures.markdown(("a", "b"), [("x|y", "<b>")])
    assert table.splitlines() == ["| a | b |", "| --- | ---: |", "| x\\|y | &lt;b> |"]
    assert (
        figures.percent(float("nan")) == "–" and figures.percent(0.123) == "12.3%" and figures.number(0.5, 2) == "0.50"
    )


# ---- packages and the folder of pictures


def tarball(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def test_unpacking_leaves_out_what_points_outside(tmp_path: Path) -> None:
    archive = tmp_path / "a.tgz"
    archive.write_bytes(tarball({"package/in/a.png": b"a", "package/../../evil": b"b", "package/b.txt": b"c"}))
    packages.unpack(archive, tmp_path / "out")
    found = [path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert sorted(found) == ["b.txt", "in/a.png"] and not (tmp_path / "evil").exists()
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("m/a.png", b"a")
        file.writestr("../evil", b"b")
    packages.unpack(wheel, tmp_path / "wheel")
    assert [p.name for p in (tmp_path / "wheel").rglob("*") if p.is_file()] == ["a.png"]


def test_only_what_is_pinned_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tarball({"package/package.json": b"{}"})
    asked = []

    def npm(command: list[str], *, cwd: Path, **_: object) -> None:
        asked.append(command[-1])
        (cwd / "thing.tgz").write_bytes(data)

    monkeypatch.setattr(subprocess, "run", npm)
    digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
    good = packages.Package("npm", "@scope/thing", "1.0.0", digest, "MIT")
    folder = good.fetched(tmp_path)
    assert folder.name == "scope-thing-1.0.0" and (folder / "package.json").exists()
    assert good.fetched(tmp_path) == folder and asked == ["@scope/thing@1.0.0"], "what is there is not fetched again"
    with pytest.raises(packages.NotFetched, match="not what is pinned"):
        replace(good, version="1.0.1", digest="0000").fetched(tmp_path)


@pytest.mark.network
def test_a_package_comes_as_it_is_pinned(tmp_path: Path) -> None:
    row = next(row for row in wild.SOURCES["shipped"] if row["name"] == "hexo-theme-landscape")
    try:
        folder = wild.package_of(row).fetched(tmp_path)
    except packages.NotFetched as error:
        if "not what is pinned" in str(error):
            raise
        pytest.skip(str(error))
    assert wild.shows_something(folder / "source/css/images/banner.jpg")


def test_nothing_wild_is_learned_from_or_compared_on() -> None:
    known = {*FAMILIES["npm"], *FAMILIES["fonts"]}
    rows = [*wild.SOURCES["drawings"], *wild.SOURCES["shipped"]]
    names = [row["name"] for row in rows]
    assert not known & set(names) and len(names) == len(set(names))
    assert all(row["licence"] and len(row["digest"]) in (64, 88) and row["version"][0].isdigit() for row in rows)


def drawing(name: str = "a", label: str = "simple", **more: object) -> Artwork:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="3" fill="red"/></svg>'
    return Artwork(name, "mosaics", "test", label, svg=svg, **more)  # type: ignore[arg-type]


def test_a_drawing_is_written_with_its_artwork_and_a_picture_once(tmp_path: Path) -> None:
    case = Case(1, drawing(), "test", Wear(64), "s")
    entry = wild.write_case(case, "held-out", "generated here", tmp_path)
    assert (tmp_path / entry.file).exists() and entry.truth and (tmp_path / entry.truth).exists()
    twin = wild.write_case(Case(1, drawing("b"), "test", Wear(64), "s"), "held-out", "generated here", tmp_path)
    assert wild.unlike([entry, entry, twin], tmp_path) == [entry] and not (tmp_path / twin.file).exists()
    photo = Artwork("p", "photo:x", "test", "complex", pixels=np.full((20, 30, 4), 255, np.uint8))
    assert wild.write_case(Case(2, photo, "test", Wear(20), "s"), "held-out", "x", tmp_path).truth is None
    assert not wild.shows_something(tmp_path / entry.truth.replace("truth", "nowhere")), (
        "what is not there shows nothing"
    )


def test_kinds_of_pictures() -> None:
    photo = Artwork("p", "photo:x", "test", "complex", pixels=np.zeros((20, 30, 4), np.uint8))
    kinds = [
        held_out.kind_of(Case(0, work, "test", Wear(64, damage=damage), "s"))
        for work, damage in (
            (photo, ("jpeg",)),
            (drawing(), ("jpeg",)),
            (drawing(label="gradient"), ()),
            (drawing(), ()),
        )
    ]
    assert tuple(kinds) == ("photo", "damaged", "shaded", "clean")


# ---- validation


def row(name: str = "a.png", ours: float = 0.99, default: float = 0.98, **more: object) -> validate.Row:
    given = {"group": "wild", "source": "s", "outcome": "ok", "seconds": 0.5, "label": "simple", "tier": 2, **more}
    return validate.Row(
        name,
        ours=Likeness(ours, ours, None, 500),
        default=Likeness(default, default, None, 1000),
        **given,  # type: ignore[arg-type]
    )


def test_a_line_of_the_validation() -> None:
    rows = [
        row(predicted=0.995),
        row(ours=0.9, default=0.96, predicted=0.93, seconds=2.0),
        row(outcome="failed", ours=0.5, default=0.98, tier=0, label=""),
    ]
    line = dict(zip(validate.HEAD, validate.summary("all", rows, 1.0), strict=True))
    assert line["pictures"] == "3" and line["failed"] == "1"
    assert line["improvement"] == figures.percent(1 - (0.01 + 0.1 + 0.5) / (0.02 + 0.04 + 0.02)), (
        "failures count as blanks"
    )
    assert line["to the artwork"] == "–" and line["bytes / default"] == "0.50"
    assert line["below default"] == "66.7%" and line["late"] == "50.0%"
    assert line["±0.01"] == "50.0%" and line["±0.02"] == "50.0%"


def test_j_counts_the_bytes() -> None:
    """Half the bytes are worth 0.001."""
    assert row(ours=0.9795, default=0.98).gain == pytest.approx(0.0005)
    assert row(ours=0.9785, default=0.98).gain == pytest.approx(-0.0005)


def test_what_is_refused_is_in_no_table() -> None:
    refused = validate.Row("b.png", "wild", "s", "refused", 0.1, note="Not a picture.")
    titles = dict(validate.tables([row(), refused], 1.0))
    assert titles["All"][0][1] == "1" and "By class" in titles
    assert validate.remarks([row(), refused]) == ["Refused: b.png: Not a picture."]


def test_the_report_shows_names_as_they_are(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>|*_.png"
    rows = [row(name=name, predicted=0.9), row(name="fine.png")]
    validate.write_report(tmp_path, rows, "head <b>", 1.0, {name: "shown/1.webp"})
    page = (tmp_path / "report.html").read_text()
    assert (
        "<img src=x" not in page
        and "&lt;img src=x" in page
        and 'src="shown/1.webp"' in page
        and "head &lt;b&gt;" in page
    )
    text = (tmp_path / "report.md").read_text()
    assert "<img" not in text.replace("\\<img", "") and "\\*\\_" in text and "![](shown/1.webp)" in text


def test_sources_are_those_of_the_folder_or_of_its_list(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no pictures"):
        validate.sources(tmp_path)
    (tmp_path / "b").mkdir()
    for name in ("b/1.PNG", "2.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [source.name for source in validate.sources(tmp_path)] == ["2.jpg", "b/1.PNG"]
    listed = [{"file": "2.jpg", "group": "wild", "source": "s", "truth": "b/1.PNG"}]
    (tmp_path / "about.json").write_text(json.dumps({"pictures": listed}))
    (source,) = validate.sources(tmp_path)
    assert (source.group, source.truth) == ("wild", tmp_path / "b/1.PNG")


@pytest.mark.slow
def test_a_folder_from_end_to_end(examples: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("blender.png", "fish.jpg"):
        (folder / name).write_bytes((examples / name).read_bytes())
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    options = {"tier": 1, "target_quality": 0.98, "time_budget": 1.0}
    rows = {row.name: row for row in validate.run(folder, tmp_path / "out", jobs=2, sample=None, options=options)}
    assert rows["broken.png"].outcome == "refused"
    for name in ("blender.png", "fish.jpg"):
        assert rows[name].outcome == "ok" and rows[name].gain is not None and rows[name].ours.reference > 0.9
    lines = [json.loads(line) for line in (tmp_path / "out" / "rows.jsonl").read_text().splitlines()]
    assert {line["name"] for line in lines} == set(rows)
    shown = list((tmp_path / "out" / "shown").iterdir())
    assert len(shown) == 2 and all(path.read_bytes()[8:12] == b"WEBP" for path in shown)


def test_likeness_to_the_artwork_and_a_default_that_fails(examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reports: list[object] = []
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect width="1" height="1" fill="#fff"/></svg>'
    path = examples / "rocket-icon-96.png"

    def fails(picture: object) -> str:
        raise likeness.TraceFailed("No.")

    monkeypatch.setattr(likeness, "raw_default", fails)
    default, (ours, broken) = likeness.measured(path, (svg, "<svg><rect"), path, report=reports.append)
    assert default is None and ours.artwork == pytest.approx(ours.to_input) and reports
    assert broken.bytes == len(likeness.BLANK), "what cannot be rendered counts as a blank"


def test_a_blank_takes_any_shape() -> None:
    assert render(likeness.BLANK, 30, 11).shape == (11, 30, 4)


def test_what_was_measured_is_told_by_j_and_beside_predictions() -> None:
    row = {"actual_quality": 0.95, "svg_bytes": 100, "default_quality": 0.95, "default_bytes": 100}
    rows = [
        row | {"predicted_quality": 0.955},
        row | {"svg_bytes": 200, "predicted_quality": 0.935},  # twice the bytes for the same likeness
        row | {"actual_quality": None},
        {"error": "not an image"},
    ]
    said = referee.measured(rows)
    assert said == "below vtracer's default by J: 1 of 2 cases; predicted within ±0.01 50.0%, ±0.02 100.0%"
    assert referee.measured(rows[2:]) is None


# ---- the router


def test_a_conversion_ends_with_the_first_drawing_that_reaches_the_target() -> None:
    steps = (
        Step(0.10, 0.985, 1, False),  # before vtracer's default was measured
        Step(0.15, 0.985, 1, True),  # it is the better one
        Step(0.30, 0.980, 2, False),
        Step(0.50, 0.995, 4, False),
    )
    run = Trial(2, 0.995, 0.6, steps)
    assert run.stopped(0.97) == (0.980, 0.30) and run.stopped(0.99) == (0.995, 0.50)
    assert run.stopped(0.999) == (0.995, 0.6) and Trial(1, 0.9, 0.1).stopped(0.5) == (0.9, 0.1)


@pytest.mark.parametrize(
    ("picked", "best", "fine"),
    [
        ((0.990, 0.40), (0.985, 0.39), True),  # both reach the target, in times within 5 %
        ((0.990, 0.50), (0.985, 0.39), False),  # slower
        ((0.960, 0.20), (0.985, 0.39), False),  # does not reach it
        ((0.9798, 0.39), (0.985, 0.39), True),  # reaches it within 0.0005
        ((0.9746, 0.90), (0.975, 0.30), True),  # none reaches it: as good, and time does not matter within the budget
        ((0.9740, 0.30), (0.975, 0.30), False),
        ((0.990, 1.20), (0.975, 0.30), False),  # over the budget
        ((0.990, 1.55), (0.975, 1.50), True),  # none is in time: as quick
        ((0.990, 1.65), (0.975, 1.50), False),
    ],
)
def test_what_is_right(picked: tuple[float, float], best: tuple[float, float], fine: bool) -> None:
    one, other = (Expected(i, quality, 0, seconds) for i, (quality, seconds) in enumerate((picked, best)))
    assert router.right(one, other, 0.98, 1.0) is fine


def case_of(*, picks: int) -> router.Case:
    """Tier 1 gives 0.96 in 0.1 s, tier 2 0.99 in 0.4 s; tier 3 is not there."""
    runs = {1: Trial(1, 0.96, 0.1), 2: Trial(2, 0.99, 0.4), 3: Trial(2, 0.99, 0.4)}
    cells = [(t, b) for t in router.TARGETS for b in router.BUDGETS]
    said = (Expected(1, 0.95, 0, 0.12), Expected(2, 0.99, 0, 0.4))
    return router.Case(
        "a",
        {(tier, budget): run for tier, run in runs.items() for budget in router.BUDGETS},
        {cell: Choosing(Route(picks, said, ""), 0.01, 0.005) for cell in cells},
        dict.fromkeys(router.BUDGETS, 0.2),
    )


def test_accuracy_is_told_beside_constant_tiers(capsys: pytest.CaptureFixture[str]) -> None:
    """Tier 1 is right at 0.95 always, and where the budget is too short for tier 2: 5 + 4 × 2 of 25 cells."""
    always_two = router.judged(case_of(picks=2))
    shares = router.accuracy(always_two)
    assert shares["always 1"] == pytest.approx(13 / 25) and shares["always 2"] == pytest.approx(12 / 25)
    assert shares["router"] == shares["always 2"] and "always 3" not in shares
    best = {row.cell: row.best for row in always_two}
    assert best[0.95, 2.0] == 1 and best[0.98, 0.6] == 2 and best[0.98, 0.3] == 1
    assert always_two[0].measured[1].seconds == pytest.approx(0.11), "tier 1 takes what looking and routing take, too"
    router.show([case_of(picks=1)])
    shown = capsys.readouterr().out
    assert "the best constant tier is 1" in shown and "tier 2" in shown


# ---- the tiers


def subject(name: str, kind: str = "clean", **gains: float) -> tiers.Subject:
    return tiers.Subject(name, kind, {key.replace("_", " "): Choice(gain, 0.9, 4) for key, gain in gains.items()})


def test_a_duel_is_over_the_pictures_that_both_have() -> None:
    found = [subject(str(i), tier_2=0.02, random=0.01) for i in range(20)] + [subject("x", tier_2=0.5)]
    line = tiers.duel(found, "tier 2", "random")
    assert line is not None and line[:5] == ["tier 2 / random", "20", "+0.02000", "+0.01000", "+0.01000"]
    assert line[-1] == "ahead" and tiers.duel(found, "tier 3", "tier 2") is None
    even = [subject(str(i), tier_2=0.01 * (-1) ** i, random=0.0) for i in range(20)]
    line = tiers.duel(even, "tier 2", "random")
    assert line is not None and line[-1] == "undecided" and line[-2] == "50.0% / 0.0%"


def test_ways_of_choosing_on_a_picture(examples: Path) -> None:
    """Without models: tier 1 is the plain plan, and what is measured is no worse than vtracer's default."""
    data = (examples / "rocket-icon-96.png").read_bytes()
    found = trials.choices(data, 0, report=lambda _: None)
    assert {"plain", "tier 1", "tier 2", "random", "random, one recipe"} <= set(found) <= set(trials.WAYS)
    for name in ("tier 2", "random", "random, one recipe"):
        assert found[name].gain >= 0, f"{name} has vtracer's default to fall back on"
        assert found[name].traces == found["tier 2"].traces, "as many traces"
    again = trials.choices(data, 0, report=lambda _: None)
    assert {name: c.gain for name, c in again.items()} == {name: c.gain for name, c in found.items()}


def test_a_trial_is_as_the_first_of_its_picture(examples: Path) -> None:
    data = (examples / "rocket-icon-96.png").read_bytes()
    runs = [trials.trial(data, 2, 20.0, report=lambda _: None) for _ in range(2)]
    assert runs[0].quality == runs[1].quality and runs[0].tier == 2
    drawn = [step.drawn for step in runs[0].steps]
    assert drawn and drawn == sorted(drawn) and runs[0].steps[-1].quality == runs[0].quality
    assert trials.trial(data, 1, 20.0, report=lambda _: None).steps == ()
    found = trials.routes(data, (0.95, 1.0), (1e-6, 10.0), report=lambda _: None)
    assert set(found) == {(0.95, 1e-6), (0.95, 10.0), (1.0, 1e-6), (1.0, 10.0)}
    assert found[0.95, 10.0].route.tier == 1 and found[0.95, 10.0].route.predictions[0].measured
    hurried = found[0.95, 1e-6].route
    assert hurried.tier == 1 and not hurried.predictions[0].measured, "no time to look"
    assert found[1.0, 10.0].route.tier > 1 and 0 < found[1.0, 10.0].routing < found[1.0, 10.0].seconds


# ---- peers and the baseline


def test_a_person_picks_the_best_preset_of_each_picture() -> None:
    one = {"a": {"name": "a", "ssim": 0.9, "seconds": 1.0}, "b": {"name": "b", "ssim": 0.9, "seconds": 1.0}}
    two = {"a": {"name": "a", "ssim": 0.8, "seconds": 2.0}, "b": {"name": "b", "ssim": 0.95, "seconds": 2.0}}
    assert peers.best_of([one, two]) == [
        {"name": "a", "ssim": 0.9, "seconds": 3.0},
        {"name": "b", "ssim": 0.95, "seconds": 3.0},
    ]


def test_what_has_fallen() -> None:
    stored = {"tier 1": {"error": 0.04, "bytes": 0.14, "time": 2.0}}
    assert not baseline.fallen(stored, {"tier 1": {"error": 0.0439, "bytes": 0.1, "time": 3.9}})
    worse = baseline.fallen(stored, {"tier 1": {"error": 0.0441, "bytes": 0.14, "time": 4.1}})
    assert len(worse) == 2 and worse[0].startswith("tier 1: error 0.0441")


@pytest.mark.parametrize("name", baseline.GENERATED)
def test_a_generated_picture_is_the_same_at_both_sizes(name: str) -> None:
    """Averaged to half its size, the truth is what is drawn from it."""
    small, large = (baseline.GENERATED[name](side).astype(float) for side in (40, 80))
    over_white = lambda p: p[..., :3] * p[..., 3:] / 255 + 255 - p[..., 3:]  # noqa: E731
    halved = over_white(large).reshape(40, 2, 40, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved - over_white(small)).max() <= 4


def test_failures_of_measuring_lose_one_picture_only(capsys: pytest.CaptureFixture[str]) -> None:
    class Late:
        def call(self, *_: object, **__: object) -> None:
            raise OverTime("Too late.")

    class Broken:
        workers = Late()

    source = validate.Source(Path("a.png"), "a.png")
    assert validate._measured(Broken(), source, "<svg/>") == {}  # type: ignore[arg-type]
    assert "could not be measured: Too late." in capsys.readouterr().err
