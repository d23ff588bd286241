"""The names that others may rely on, and the defaults that every door takes from one place."""

from __future__ import annotations

import inspect

import pipeline
from pipeline import config, errors
from pipeline.__main__ import _parser
from pipeline.convert import Request

NAMES = {
    "Analysis", "BadPicture", "BadSetting", "Busy", "Cancelled", "Converter", "Finish", "ModelUnavailable", "OverTime",
    "Picture", "Plan", "RECIPES", "Request", "Result", "TraceFailed", "VectorizeError", "__version__",
}  # fmt: skip


def test_the_public_names() -> None:
    assert set(pipeline.__all__) == NAMES
    assert list(pipeline.__all__) == sorted(pipeline.__all__)
    assert all(hasattr(pipeline, name) for name in NAMES)


def test_the_converter_has_few_ways_to_be_used() -> None:
    assert {name for name in vars(pipeline.Converter) if not name.startswith("_")} == {
        "analyze", "close", "convert", "export", "health", "models", "predict", "prepare",
    }  # fmt: skip
    parameters = list(inspect.signature(pipeline.Converter.convert).parameters)
    assert parameters == ["self", "source", "timeout", "cancel", "on_report", "on_stage", "background", "options"]


def test_every_error_is_of_the_tree_and_has_a_code_of_its_own() -> None:
    codes = [cls.code for cls in errors.ERRORS.values() if cls is not errors.BadPicture]
    assert len(set(codes)) == len(codes)
    assert set(errors.ERRORS.values()) == set(errors.VectorizeError.__subclasses__())
    assert all(name in (errors.__doc__ or "") for name in errors.ERRORS)


def test_the_command_line_has_the_defaults_of_the_request() -> None:
    options, request = _parser().parse_args(["convert", "x.png"]), Request()
    assert options.tier == request.tier == config.DEFAULT_TIER
    assert options.target_quality == request.target_quality == config.DEFAULT_TARGET_QUALITY
    assert options.time_budget == request.time_budget == config.DEFAULT_TIME_BUDGET
    assert options.background == request.finish.background
    assert options.validate is request.validate is False
