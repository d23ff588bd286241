"""The environment of training: what is installed is what is pinned, and what runs is the same in both."""

from __future__ import annotations

from importlib import metadata

import pytest
from test_requirements import pins


@pytest.mark.parametrize("name", ["requirements.txt", "training_colab/requirements.txt"])
def test_what_is_tested_is_what_is_pinned(name: str) -> None:
    assert {package: metadata.version(package) for package in pins(name)} == pins(name)


def test_what_both_environments_pin_they_pin_alike() -> None:
    dev, training = pins("requirements-dev.txt"), pins("training_colab/requirements.txt")
    shared = set(dev) & set(training)
    assert "onnx" in shared and {name: dev[name] for name in shared} == {name: training[name] for name in shared}
