"""The command line as it is typed: real processes, their output, files and exit status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pipeline.__main__ import main
from pipeline.config import VERSION
from pipeline.plan import Finish, Plan

ROOT = Path(__file__).resolve().parent.parent


def cli(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pipeline", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_convert_writes_beside_the_picture(logo: Path, tmp_path: Path) -> None:
    picture = tmp_path / "logo.png"
    picture.write_bytes(logo.read_bytes())
    done = cli("convert", "logo.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert ElementTree.parse(tmp_path / "logo.svg").getroot().get("viewBox")
    assert done.stdout.startswith("logo.svg: ") and "bytes" in done.stdout
    assert not done.stderr


def test_convert_with_everything(logo: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "x.svg"
    done = cli("convert", logo, "-o", out, "--tier", 2, "--target-quality", 0.99, "--time-budget", 5, "--validate",
               "--background", "drop", "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert row["ok"] and row["svg"] == str(out) and row["file"] == str(logo) and row["error"] is None
    assert row["selected_tier"] == 2 and 0.9 < row["actual_quality"] <= 1 and 0.9 < row["default_quality"] <= 1
    assert row["svg_bytes"] == out.stat().st_size
    assert row["parameters_used"]["finish"]["background"] == "drop"


def test_convert_to_standard_output(logo: Path) -> None:
    done = cli("convert", logo, "-o", "-", "--tier", 1)
    assert done.returncode == 0
    assert ElementTree.fromstring(done.stdout).tag.endswith("svg")


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n rubbish"])
def test_a_bad_picture_is_status_1_and_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.png").write_bytes(data)
    done = cli("convert", tmp_path / "bad.png", "--json")
    assert done.returncode == 1
    assert "bad.png: " in done.stderr and "Traceback" not in done.stderr
    assert json.loads(done.stdout)["ok"] is False
    assert not (tmp_path / "bad.svg").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["draw"],
        ["convert"],
        ["convert", "x.png", "--tier", "4"],
        ["convert", "x.png", "--target-quality", "2"],
        ["convert", "x.png", "--time-budget", "0"],
        ["convert", "x.png", "--background", "pink"],
        ["convert", "x.png", "-o", "x.png"],
        ["convert", "x.png", "-o", "-", "--json"],
        ["batch", "in"],
        ["batch", "/nowhere", "out"],
        ["batch", ".", "out", "--jobs", "0"],
    ],
)
def test_bad_usage_is_status_2(arguments: list[str], tmp_path: Path) -> None:
    done = cli(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr and "Traceback" not in done.stderr


def test_help_says_what_things_are() -> None:
    for command in ([], ["convert"], ["batch"], ["analyze"], ["health"]):
        done = cli(*command, "--help")
        assert done.returncode == 0 and len(done.stdout) > 150
    assert VERSION in cli("--version").stdout


def test_analyze(logo: Path) -> None:
    row = json.loads(cli("analyze", logo, "--json").stdout)
    assert row["width"] == 512 and row["logo_type"] and row["features"]["edge_density"] > 0
    words = cli("analyze", logo)
    assert words.returncode == 0 and row["logo_type"] in words.stdout and "512 × 512" in words.stdout
    assert cli("analyze", "/nowhere.png").returncode == 1


def test_health() -> None:
    health = json.loads(cli("health", "--json").stdout)
    assert health["available"] and health["version"] == VERSION and health["workers"]["alive"] == 1
    assert VERSION in cli("health").stdout


def test_batch(logo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in" / "sub"
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(logo.read_bytes())
    (folder / "b.png").write_bytes(b"broken")
    done = cli("batch", tmp_path / "in", tmp_path / "out", "--tier", 1, "--jobs", 2)
    assert done.returncode == 1
    assert "sub/b.png: " in done.stderr and "1 of 2 pictures converted, 1 failed" in done.stdout
    assert (tmp_path / "out" / "sub" / "a.svg").exists()
    rows = [json.loads(line) for line in (tmp_path / "out" / "report.jsonl").read_text().splitlines()]
    assert {row["file"]: row["ok"] for row in rows} == {"sub/a.png": True, "sub/b.png": False}
    (folder / "b.png").unlink()
    done = cli("batch", tmp_path / "in", tmp_path / "out", "--tier", 1, "--resume")
    assert done.returncode == 0 and "1 were done already" in done.stdout


def test_ctrl_c_ends_a_batch_and_keeps_its_report(logo: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for i in range(200):
        (tmp_path / "in" / f"{i:03}.png").write_bytes(logo.read_bytes())
    report = tmp_path / "out" / "report.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "batch", tmp_path / "in", tmp_path / "out", "--tier", "1"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # where the tests themselves run in the background, a child would ignore it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    limit = time.monotonic() + 60
    while not (report.exists() and report.read_text().count("\n") >= 3):
        assert time.monotonic() < limit and process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "stopped" in errors and "Traceback" not in errors
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    assert 3 <= len(rows) < 200 and all(row["ok"] for row in rows)
    assert all((tmp_path / "out" / row["svg"]).exists() for row in rows)


def test_a_plain_script_needs_no_main_guard(logo: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"from pipeline import Converter\nprint(Converter().convert({str(logo)!r}, tier=2).svg)\n")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], env=env, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.count("<svg") == 1 and not done.stderr


def test_a_plan_in_a_file_is_drawn_by(logo: Path, tmp_path: Path) -> None:
    plan = Plan("vtracer", {"filter_speckle": 30})
    (tmp_path / "plan.json").write_text(json.dumps({"recipe": plan.recipe, "knobs": dict(plan.knobs)}))
    done = cli(
        "convert", logo, "-o", tmp_path / "a.svg", "--plan", tmp_path / "plan.json", "--grouping", "shape", "--json"
    )
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert Plan.from_json(row["parameters_used"]) == replace(plan, finish=Finish(grouping="shape"))
    assert row["reason"] == "The plan was given."

    (tmp_path / "plan.json").write_text(json.dumps(plan.to_json()))
    done = cli("batch", _folder(tmp_path, logo), tmp_path / "out", "--plan", tmp_path / "plan.json", "--colours", 3)
    assert done.returncode == 0, done.stderr
    row = json.loads((tmp_path / "out" / "report.jsonl").read_text())
    assert Plan.from_json(row["parameters_used"]) == plan, "a finish in the file goes before the options"


def _folder(root: Path, picture: Path) -> Path:
    (root / "in").mkdir()
    (root / "in" / picture.name).write_bytes(picture.read_bytes())
    return root / "in"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read"),
        ("{", "is not JSON"),
        ("[1]", "Not a plan"),
        ('{"recipe": "planar", "knobs": {"price": 600}}', "price must lie between 0.5 and 60"),
        ('{"recipe": "crayon"}', "recipe must be one of"),
    ],
)
def test_a_plan_that_is_none_is_bad_usage(
    text: str | None, message: str, logo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (tmp_path / "plan.json").write_text(text)
    assert main(["convert", str(logo), "-o", str(tmp_path / "a.svg"), "--plan", str(tmp_path / "plan.json")]) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "a.svg").exists()
