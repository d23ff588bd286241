"""What was learned, by name and version: the cards under ``assets/models/<name>/<version>/card.json``, verified on loading."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from . import config
from .errors import ModelUnavailable


def signature(card: Mapping[str, Any]) -> str:
    """Hex sha256 of a card's canonical JSON without its own ``sha256``."""
    content = {key: value for key, value in card.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_card(name: str, keys: Collection[str] = (), *, root: Path | None = None) -> dict[str, Any]:
    """The card of the newest version of a model.

    Parameters
    ----------
    keys
        What the card must have beside its name, version and hash.
    root
        The folder of models; the product's own where None.

    Raises
    ------
    ModelUnavailable
        There is none, it is no JSON object, lacks a key, or its hash does not fit: it was changed after it was learned.
    """
    folder = (root or config.ASSETS / "models") / name
    versions = sorted((path.parent for path in folder.glob("*/card.json")), key=_version)
    if not versions:
        raise ModelUnavailable(f"No {name} model is installed.")
    path = versions[-1] / "card.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"The {name} model's card cannot be read ({error}).") from error
    if not isinstance(card, dict) or (missing := {"name", "version", "sha256", *keys} - set(card)):
        lacking = f" (it lacks {', '.join(sorted(missing))})" if isinstance(card, dict) else ""
        raise ModelUnavailable(f"The {name} model's card is not one{lacking}.")
    if card["sha256"] != signature(card):
        raise ModelUnavailable(f"The {name} model's card does not fit its hash.")
    return card


def write_card(card: Mapping[str, Any], *, root: Path | None = None) -> Path:
    """Sign a card that has a name and a version, and write it where `read_card` finds it; returns the file."""
    path = (root or config.ASSETS / "models") / str(card["name"]) / str(card["version"]) / "card.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**card, "sha256": signature(card)}, indent=1) + "\n", encoding="utf-8")
    return path


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else -1 for part in folder.name.split("."))
