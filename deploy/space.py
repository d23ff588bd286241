"""What is pushed to a Hugging Face Space, put together in one folder: the app and what it takes to run, nothing else.

    python deploy/space.py [--out build/space] [--models owner/name@tag]      # or: make space

With `--models` the front matter names the repository that releases of models are pulled from; the Space needs the same
value as its variable TRUECURVE_MODELS.
"""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = ("app.py", "requirements.txt", "packages.txt", "LICENSE")
FOLDERS = ("pipeline", "assets")
LEFT_OUT = frozenset((".pyc", ".ipynb"))
"""Endings of files that do not run there."""
MOST_BYTES = 10_000_000
"""Of a file; the Hub wants larger ones in LFS."""


def files(root: Path = ROOT) -> Iterator[Path]:
    """What is pushed beside the README, relative to the checkout."""
    yield from map(Path, FILES)
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            hidden = any(part.startswith((".", "__pycache__")) for part in path.relative_to(root).parts)
            if path.is_file() and not hidden and path.suffix not in LEFT_OUT:
                yield path.relative_to(root)


def readme(text: str, kept: frozenset[str], models: str = "") -> str:
    """The README as the Space shows it: without links and pictures of files that are not pushed.

    Parameters
    ----------
    kept
        The files that are pushed.
    models
        Repository and tag of the releases to name in the front matter, as ``owner/name@tag``; none where empty.

    Raises
    ------
    ValueError
        There is no front matter, or `models` names no repository and tag.
    """
    if not text.startswith("---\n"):
        raise ValueError("README.md has no front matter.")
    _, head, body = text.split("---\n", 2)
    if models:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+@[\w.-]+", models):
            raise ValueError(f"Releases are named owner/name@tag, not {models!r}.")
        repository = models.partition("@")[0]
        # no preload_from_hub: it fetches the branch main into a cache of its own, and a release is a tag in ours
        head += f"models:\n  - {repository}\n"

    def there(target: str) -> bool:
        return bool(re.match(r"[a-z]+:|#", target)) or target in kept

    body = re.sub(r"!\[[^\]]*\]\(([^)]+)\)\n*", lambda m: m[0] if there(m[1]) else "", body)
    body = re.sub(r'<img src="([^"]+)"[^>]*>\n*', lambda m: m[0] if there(m[1]) else "", body)
    body = re.sub(r"\[([^\]]+)\]\(([^)]+)\)", lambda m: m[0] if there(m[2]) else m[1], body)
    return f"---\n{head}---\n{body}"


def assemble(out: Path, *, models: str = "", root: Path = ROOT) -> list[Path]:
    """Write the folder anew and return what is in it, relative to it.

    Raises
    ------
    ValueError
        A file is too large to push as it is, or the README cannot be made; nothing is written then.
    """
    pushed = list(files(root))
    for path in pushed:
        if (root / path).stat().st_size > MOST_BYTES:
            raise ValueError(f"{path} has more than {MOST_BYTES / 1e6:.0f} MB: put it on the Hub as a model instead.")
    kept = frozenset(path.as_posix() for path in pushed)
    text = readme((root / "README.md").read_text(encoding="utf-8"), kept, models)
    if out.exists():
        if any(out.iterdir()) and not (out / "app.py").exists():
            raise ValueError(f"{out} holds something else; it is not replaced.")
        shutil.rmtree(out)
    for path in pushed:
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, out / path)
    (out / "README.md").write_text(text, encoding="utf-8")
    return [*pushed, Path("README.md")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Put the folder together and say what is in it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "space", help="(%(default)s)")
    parser.add_argument("--models", default="", metavar="OWNER/NAME@TAG", help="releases of models to name")
    options = parser.parse_args(arguments)
    try:
        written = assemble(options.out, models=options.models)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    size = sum((options.out / path).stat().st_size for path in written)
    versions = [path.parent for path in written if path.name == "card.json"]
    print(f"{options.out}: {len(written)} files, {size / 1e6:.1f} MB")
    print("models: " + (", ".join(f"{v.parent.name} {v.name}" for v in versions) or "none"))
    if options.models:
        print(f"Set the Space's variable TRUECURVE_MODELS={options.models}")


if __name__ == "__main__":
    main()
