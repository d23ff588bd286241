"""`Converter`: every kind of source, what is returned when time or a worker fails, and its health."""

from __future__ import annotations

import io
import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import png_of
from PIL import Image

import pipeline.converter as module
from pipeline import BadPicture, BadSetting, Cancelled, Converter, Finish, OverTime, Plan, TraceFailed
from pipeline.convert import Request, convert
from pipeline.workers import Workers


@pytest.fixture(scope="module")
def converter() -> Iterator[Converter]:
    with Converter(2) as shared:
        yield shared


def test_every_source_gives_the_same(converter: Converter, logo: Path) -> None:
    data = logo.read_bytes()
    by_bytes = converter.convert(data, tier=1).svg
    assert by_bytes.startswith("<svg") and "viewBox" in by_bytes
    for source in (logo, str(logo), os.path.relpath(logo), bytearray(data), Image.open(logo), Image.open(logo).copy()):
        assert converter.convert(source, tier=1).svg == by_bytes


def test_it_gives_what_the_flow_gives_in_process(converter: Converter, logo: Path) -> None:
    there = converter.convert(logo, tier=1, finish=Finish(background="drop"))
    here = convert(logo, Request(tier=1, finish=Finish(background="drop")))
    assert there.svg == here.svg and there.plan == here.plan
    np.testing.assert_allclose(there.features.vector(), here.features.vector(), rtol=1e-5)


def test_a_turned_pil_image_is_turned_upright(converter: Converter) -> None:
    pixels = np.full((20, 40, 3), 255, np.uint8)
    pixels[:, :20] = (200, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90°
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", exif=exif)
    result = converter.convert(Image.open(out), tier=1)
    assert (result.width, result.height) == (20, 40)


def test_the_record_is_json_and_whole(converter: Converter, logo: Path) -> None:
    record = json.loads(json.dumps(converter.convert(logo, tier=2).record()))
    wanted = {
        "logo_type", "confidence", "selected_tier", "reason", "predicted_quality", "actual_quality", "default_quality",
        "processing_time", "stages", "parameters_used", "svg_bytes", "model_versions", "degraded",
    }  # fmt: skip
    assert wanted <= set(record)
    assert record["predicted_quality"] is None or 0.9 < record["predicted_quality"] <= 1
    assert 0.9 < record["actual_quality"] <= 1 and 0.9 < record["default_quality"] <= 1
    assert sum(record["stages"].values()) <= record["processing_time"]


def test_reports_come_before_the_result(converter: Converter, logo: Path) -> None:
    seen: list[str] = []
    result = converter.convert(logo, tier=3, time_budget=5.0, on_report=lambda r: seen.append(r.svg))
    assert seen and result.svg in seen


def test_stages_are_told_as_they_begin(converter: Converter, logo: Path) -> None:
    told: list[str] = []
    result = converter.convert(logo, tier=2, validate=True, on_stage=told.append)
    assert told[0] == "decode" and set(told) == set(result.stages)


def test_analyze(converter: Converter, logo: Path) -> None:
    analysis = converter.analyze(logo)
    assert (analysis.width, analysis.height) == (512, 512)
    assert analysis.logo_type in ("simple", "text", "gradient", "complex") and 0 <= analysis.confidence <= 1


@pytest.mark.parametrize(
    "options", [{"tier": 4}, {"tier": True}, {"target_quality": 2}, {"time_budget": 0}, {"colour": 3}]
)
def test_settings_out_of_range_are_refused(converter: Converter, logo: Path, options: dict[str, object]) -> None:
    with pytest.raises(BadSetting):
        converter.convert(logo, **options)


def test_what_is_not_there_or_not_a_picture(converter: Converter, tmp_path: Path) -> None:
    with pytest.raises(BadPicture, match=r"nowhere\.png"):
        converter.convert(tmp_path / "nowhere.png")
    with pytest.raises(BadPicture, match="int"):
        converter.convert(3)  # type: ignore[arg-type]


def test_a_pil_image_too_large_is_refused_before_it_is_decoded(converter: Converter) -> None:
    image = Image.new("1", (20_000, 20_000))
    with pytest.raises(BadPicture) as caught:
        converter.convert(image)
    assert caught.value.code == "out_of_limits"


def test_an_idle_converter_heals(converter: Converter, logo: Path) -> None:
    converter.convert(logo, tier=1)
    process = converter.workers._nursery._process
    assert process
    nursery = psutil.Process(process.pid)
    for one in (*nursery.children(recursive=True), nursery):  # and nothing else: the tests have servers running
        one.kill()
    time.sleep(0.2)
    assert converter.convert(logo, tier=1).svg


def test_a_conversion_can_be_cancelled(converter: Converter) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        converter.convert(png_of(np.zeros((8, 8, 3), np.uint8)), cancel=cancel)


def test_many_at_once_are_not_mixed_up(converter: Converter) -> None:
    def one(i: int) -> bool:
        width, height = 20 + i, 60 - i
        pixels = np.full((height, width, 3), 255, np.uint8)
        pixels[5:-5, 5:-5] = (i * 5, 0, 90)
        result = converter.convert(png_of(pixels), tier=1)
        return (result.width, result.height) == (width, height) and f'width="{width}" height="{height}"' in result.svg

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(one, range(40)))


# --- what the workers do when a tracer fails: the functions below replace what runs in a worker ------------------------


def _abort_once(source, request, failed=None, *, report):
    if failed is None:
        os.abort()
    return module.convert(source, request, report, failed=failed)


def _hang_once(source, request, failed=None, *, report):
    if failed is None:
        time.sleep(60)
    return module.convert(source, request, report, failed=failed)


def _hang_after_a_report(source, request, failed=None, *, report):
    report(module.convert(source, request))
    time.sleep(60)


def _always_abort(source, request, failed=None, *, report):
    os.abort()


@pytest.mark.parametrize(("stub", "reason"), [(_abort_once, "crashed"), (_hang_once, "Nothing was ready")])
def test_where_the_tracer_fails_the_last_resort_draws(
    converter: Converter, logo: Path, monkeypatch: pytest.MonkeyPatch, stub: object, reason: str
) -> None:
    monkeypatch.setattr(module, "_convert", stub)
    begin = time.monotonic()
    result = converter.convert(logo, timeout=4.0)
    assert time.monotonic() - begin < 4.5
    assert result.svg.startswith("<svg") and (result.width, result.height) == (512, 512)
    assert any(reason in note for note in result.degraded)
    assert any("last resort" in note for note in result.degraded)


def test_at_the_deadline_what_there_is_is_returned(
    converter: Converter, logo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_convert", _hang_after_a_report)
    result = converter.convert(logo, tier=1, timeout=4.0)
    assert result.svg.startswith("<svg")
    assert any("time was over" in note for note in result.degraded)


def test_where_nothing_works_the_first_reason_is_told(
    converter: Converter, logo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_convert", _always_abort)
    with pytest.raises(TraceFailed, match="crashed"):
        converter.convert(logo)


def test_no_time_at_all_is_over_time(logo: Path) -> None:
    with Converter(1) as converter, pytest.raises(OverTime):
        converter.convert(logo, timeout=0.001)


def test_a_plan_that_fails_falls_to_the_last_resort(logo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pipeline.attempts as flow
    from pipeline.convert import convert

    trace, tried = flow.trace, []

    def fail_first(picture, plan):
        tried.append(plan)
        if len(tried) == 1:
            raise ZeroDivisionError("a bug")
        return trace(picture, plan)

    monkeypatch.setattr(flow, "trace", fail_first)
    result = convert(logo, Request(plan=Plan("vtracer")))
    assert result.svg and any("ZeroDivisionError: a bug" in note for note in result.degraded)


def test_health(converter: Converter) -> None:
    converter.workers.start()
    health = converter.health()
    assert set(health) == {"available", "models", "degraded", "version", "workers"}
    assert health["available"] is True and health["workers"]["alive"] == 2
    assert all({"name", "version", "source", "state"} < set(model) for model in health["models"])
    json.dumps(health)


def test_a_pool_may_be_shared_and_closing_is_final(logo: Path) -> None:
    with Workers(1) as pool:
        assert Converter(pool).convert(logo, tier=1).svg
        assert Converter(pool).convert(logo, tier=1).svg
    with pytest.raises(TraceFailed, match="closed"):
        Converter(pool).convert(logo)
