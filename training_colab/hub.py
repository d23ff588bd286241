"""Releases of models and data on the Hugging Face Hub: pushed as a tagged commit, pulled by that tag.

    python -m training_colab.hub push OWNER/NAME TAG [--models assets/models] [--extra build/teacher] [--public]
    python -m training_colab.hub pull OWNER/NAME TAG DIR
    python -m training_colab.hub push-data OWNER/NAME TAG FILE... --card docs/data.md

The token is taken from Colab's secrets (HF_TOKEN), the environment, an earlier login, or asked for. HF_ENDPOINT, or
``--endpoint``, names another Hub. A model is pushed only if it passes the checks of serving.
"""

from __future__ import annotations

import argparse
import getpass
import io
import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # plain uploads, the same against every endpoint

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from pipeline import config
from pipeline.errors import ModelUnavailable
from pipeline.models import CARD, load

REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
TAG = re.compile(r"[\w.-]+")
LICENSE = "mit"


def token(*, ask: bool = True) -> str:
    """The token to write with.

    From Colab's secrets, HF_TOKEN, or an earlier login on this machine; else, where somebody sits at the terminal and `ask`
    says so, the one that they type.

    Raises
    ------
    SystemExit
        There is none.
    """
    found = _from_colab() or get_token()
    if not found and ask and sys.stdin.isatty():
        found = getpass.getpass("Token for the Hugging Face Hub, with the right to write: ").strip()
    if not found:
        raise SystemExit(
            "There is no token: add HF_TOKEN to Colab's secrets or to the environment, or run `hf auth login`."
        )
    return found


def _from_colab() -> str | None:
    try:
        from google.colab import userdata
    except ImportError:
        return None
    try:
        return str(userdata.get("HF_TOKEN")) or None
    except Exception:  # its errors share no base: no such secret, or access not granted
        return None


def push(
    repository: str,
    tag: str,
    *,
    root: Path | None = None,
    extra: Iterable[Path] = (),
    figures: Iterable[Path] = (),
    auth: str,
    private: bool = True,
    endpoint: str | None = None,
) -> str:
    """Push all models as one tagged commit, and return the commit.

    Parameters
    ----------
    root
        The folder of models, ``<name>/<version>/``; the product's own where None.
    extra
        Further folders of models, such as the teacher's, which are not served.
    figures
        Pictures for the model card.

    Raises
    ------
    ModelUnavailable
        One of the models fails the checks of serving: then nothing is pushed.
    SystemExit
        The tag is there already, or names are not valid.
    """
    _check(repository, tag)
    folders = [
        card.parent for base in (root or config.ASSETS / "models", *extra) for card in sorted(base.glob(f"*/*/{CARD}"))
    ]
    if not folders:
        raise SystemExit(f"There is no model in {root or config.ASSETS / 'models'}.")
    loaded = [load(folder, name=folder.parent.name, version=folder.name) for folder in folders]
    files: dict[str, bytes | Path] = {}
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if path.is_file():
                files[f"{folder.parent.name}/{folder.name}/{path.name}"] = path
    pictures = list(figures)
    files |= {f"figures/{path.name}": path for path in pictures}
    files["README.md"] = model_card(
        repository, tag, [model.card for model in loaded], [path.name for path in pictures]
    ).encode()
    return _commit(repository, tag, files, "model", auth=auth, private=private, endpoint=endpoint)


def push_data(
    repository: str,
    tag: str,
    files: Iterable[Path],
    *,
    card: Path,
    auth: str,
    private: bool = True,
    endpoint: str | None = None,
) -> str:
    """Push a data set's files and its card as one tagged commit, and return the commit."""
    _check(repository, tag)
    text = card.read_text(encoding="utf-8")
    if not text.startswith("---"):
        text = f"---\nlicense: {LICENSE}\npretty_name: {repository.split('/')[1]}\ntags:\n- vectorization\n- svg\n---\n\n{text}"
    content: dict[str, bytes | Path] = {"README.md": text.encode(), **{f"data/{path.name}": path for path in files}}
    return _commit(repository, tag, content, "dataset", auth=auth, private=private, endpoint=endpoint)


def pull(
    repository: str,
    tag: str,
    out: Path,
    *,
    kind: str = "model",
    auth: str | None = None,
    endpoint: str | None = None,
) -> Path:
    """Fetch a release into a folder and, for models, check each; returns the folder.

    Raises
    ------
    ModelUnavailable
        A model fails the checks of serving.
    """
    _check(repository, tag)
    folder = Path(
        snapshot_download(repository, revision=tag, repo_type=kind, local_dir=out, token=auth, endpoint=endpoint)
    )
    for card in sorted(folder.glob(f"*/*/{CARD}")):
        load(card.parent, name=card.parent.parent.name, version=card.parent.name)
    return folder


def model_card(repository: str, tag: str, cards: Sequence[dict[str, Any]], figures: Sequence[str] = ()) -> str:
    """The README of a release: what is in it, how to use it, each model's figures as its card has them."""
    out = io.StringIO()
    print(
        f"---\nlicense: {LICENSE}\nlibrary_name: onnx\ntags:\n- vectorization\n- svg\n- image-to-svg\n---\n\n"
        f"# {repository.split('/')[1]}, release {tag}\n\n"
        "Models that choose how a picture is converted to SVG. They run on ONNX Runtime; each folder has its graph, golden\n"
        "inputs and outputs, and a signed card with the hash of every file.\n\n"
        f"```sh\nTRUECURVE_MODELS={repository}@{tag} python -m pipeline models refresh\n```\n\n"
        "| model | version | files | data |\n|---|---|---|---|",
        file=out,
    )
    for card in cards:
        data = card.get("data") or {}
        source = data.get("hash", "")[:16] if isinstance(data, dict) else str(data)
        print(
            f"| {card['name']} | {card['version']} | {', '.join(card.get('files', {})) or CARD} | {source} |", file=out
        )
    for card in cards:
        if lines := list(_figures(card.get("metrics") or {})):
            print(f"\n## {card['name']} {card['version']}\n\n| figure | value |\n|---|---|", file=out)
            for name, value in lines:
                print(f"| {name} | {value} |", file=out)
    for name in figures:
        print(f"\n![{Path(name).stem.replace('-', ' ')}](figures/{name})", file=out)
    return out.getvalue()


def _figures(metrics: Any, prefix: str = "") -> Iterable[tuple[str, str]]:
    """Numbers and words of nested figures, by their path; lists of lists, such as confusion matrices, are left to the card."""
    if isinstance(metrics, dict):
        for key, value in metrics.items():
            yield from _figures(value, f"{prefix} · {key}" if prefix else str(key))
    elif isinstance(metrics, bool | int | float | str):
        yield prefix, f"{metrics:.4g}" if isinstance(metrics, float) else str(metrics)


def _check(repository: str, tag: str) -> None:
    if not REPOSITORY.fullmatch(repository):
        raise SystemExit(f"A repository is named owner/name, not {repository!r}.")
    if not TAG.fullmatch(tag):
        raise SystemExit(f"A tag has letters, digits, dots and dashes, unlike {tag!r}.")


def _commit(
    repository: str,
    tag: str,
    files: dict[str, bytes | Path],
    kind: str,
    *,
    auth: str,
    private: bool,
    endpoint: str | None,
) -> str:
    """Make `files` all that the repository holds, by one commit, and tag it. A tag is never moved."""
    api = HfApi(endpoint=endpoint, token=auth)
    api.create_repo(repository, repo_type=kind, private=private, exist_ok=True)
    refs = api.list_repo_refs(repository, repo_type=kind)
    if any(ref.name == tag for ref in refs.tags):
        raise SystemExit(f"{repository} has a release {tag} already; a release is never changed.")
    there = set(api.list_repo_files(repository, repo_type=kind))
    operations: list[CommitOperationAdd | CommitOperationDelete] = [
        CommitOperationAdd(path, str(content) if isinstance(content, Path) else content)
        for path, content in files.items()
    ]
    operations += [CommitOperationDelete(path) for path in sorted(there - set(files) - {".gitattributes"})]
    done = api.create_commit(repository, operations, commit_message=f"Release {tag}", repo_type=kind)
    api.create_tag(repository, tag=tag, revision=done.oid, repo_type=kind)
    return str(done.oid)


def main(arguments: Sequence[str] | None = None) -> None:
    """Push or pull."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    models = commands.add_parser("push", help="push all models as a release")
    data = commands.add_parser("push-data", help="push a data set as a release")
    fetch = commands.add_parser("pull", help="fetch a release of models")
    for command in (models, data, fetch):
        command.add_argument("repository", metavar="OWNER/NAME")
        command.add_argument("tag", metavar="TAG")
        command.add_argument("--endpoint", help="another Hub (HF_ENDPOINT)")
    for command in (models, data):
        command.add_argument("--public", action="store_true", help="let anybody read it")
    models.add_argument("--models", type=Path, metavar="DIR", help="folder of models (assets/models)")
    models.add_argument("--extra", type=Path, nargs="*", default=[], metavar="DIR", help="folders of models not served")
    models.add_argument(
        "--figures", type=Path, nargs="*", default=[], metavar="PNG", help="pictures for the model card"
    )
    data.add_argument("files", type=Path, nargs="+", metavar="FILE")
    data.add_argument("--card", type=Path, required=True, metavar="MD", help="the data card")
    fetch.add_argument("out", type=Path, metavar="DIR")
    options = parser.parse_args(arguments)
    try:
        if options.command == "push":
            commit = push(
                options.repository,
                options.tag,
                root=options.models,
                extra=options.extra,
                figures=options.figures,
                auth=token(),
                private=not options.public,
                endpoint=options.endpoint,
            )
            print(f"{options.repository}@{options.tag}: {commit}")
        elif options.command == "push-data":
            commit = push_data(
                options.repository,
                options.tag,
                options.files,
                card=options.card,
                auth=token(),
                private=not options.public,
                endpoint=options.endpoint,
            )
            print(f"{options.repository}@{options.tag}: {commit}")
        else:
            print(pull(options.repository, options.tag, options.out, auth=get_token(), endpoint=options.endpoint))
    except RepositoryNotFoundError as error:
        raise SystemExit(f"There is no {options.repository}, or the token may not see it.") from error
    except (HfHubHTTPError, ModelUnavailable) as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
