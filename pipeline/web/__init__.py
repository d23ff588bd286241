"""The doors that a browser or a program comes in by: REST routes, named Gradio endpoints, and the page."""

from __future__ import annotations

import inspect
import sys
from typing import Any


def _import_gradio() -> None:
    """Import Gradio without the stub files that it writes for editors, which take a third of its import's time.

    It leaves them out for a class whose file cannot be told; so none can be told to it.
    """
    getfile = inspect.getfile

    def silent(thing: Any) -> str:
        if sys._getframe(1).f_code.co_name == "create_or_modify_pyi":
            raise OSError("no stub files")
        return getfile(thing)

    inspect.getfile = silent  # type: ignore[assignment]
    try:
        import gradio  # noqa: F401
    finally:
        inspect.getfile = getfile


if "gradio" not in sys.modules:
    _import_gradio()
