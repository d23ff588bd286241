"""The folder that is pushed to a Space: what is in it, and that it runs by itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest
import yaml
from conftest import ROOT, Server

sys.path.insert(0, str(ROOT))
from deploy.space import FILES, assemble, files, readme


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assembled folder, outside of the checkout."""
    out = tmp_path_factory.mktemp("pushed") / "space"
    assemble(out)
    return out


def test_what_runs_is_in_it_and_nothing_else(folder: Path) -> None:
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {*FILES, "README.md", "pipeline/web/server.py", "assets/style/truecurve.css"} <= found
    assert {path.parent.name for path in ROOT.glob("assets/models/*/*")} == {
        path.parent.name for path in folder.glob("assets/models/*/*")
    }
    assert {name.split("/")[0] for name in found} == {*FILES, "README.md", "pipeline", "assets"}
    assert not [name for name in found if name.endswith(".pyc") or "/." in name]


def test_its_readme_has_the_front_matter_and_no_link_into_the_void(folder: Path) -> None:
    text = (folder / "README.md").read_text()
    head = yaml.safe_load(text.split("---")[1])
    assert head == yaml.safe_load((ROOT / "README.md").read_text().split("---")[1])
    assert head["app_file"] in FILES and "models" not in head and "preload_from_hub" not in head
    for link in ("docs/", "(benchmarks", "(tests"):
        assert f"]({link.strip('(')}" not in text and f'src="{link}' not in text
    assert "](assets/examples/CREDITS.md)" in text


def test_a_release_is_named_in_the_front_matter() -> None:
    kept = frozenset(path.as_posix() for path in files())
    text = readme((ROOT / "README.md").read_text(), kept, "owner/models@v1")
    assert yaml.safe_load(text.split("---")[1])["models"] == ["owner/models"]
    with pytest.raises(ValueError, match="owner/name@tag"):
        readme((ROOT / "README.md").read_text(), kept, "models")
    with pytest.raises(ValueError, match="no front matter"):
        readme("# Truecurve", kept)


def test_links_to_what_is_not_pushed_are_words() -> None:
    text = readme(
        "---\na: b\n---\n![x](docs/x.png)\n[y](docs/y.md) [z](app.py) [w](https://w.org)\n", frozenset(("app.py",))
    )
    assert text == "---\na: b\n---\ny [z](app.py) [w](https://w.org)\n"


def test_another_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="something else"):
        assemble(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.slow
def test_it_runs_with_that_folder_alone(folder: Path, serve: Callable[..., Server], logo: Path) -> None:
    """As on a Space, but for the address: nothing of the checkout is on the path."""
    running = serve(
        folder,
        SPACE_ID="owner/truecurve",
        GRADIO_SERVER_NAME="127.0.0.1",
        PYTHONPATH="",
        PYTHONDONTWRITEBYTECODE="1",
    )
    with logo.open("rb") as file:
        answer = httpx.post(running.url + "/api/convert-ai", files={"image": file}, timeout=60)
    assert answer.status_code == 200, answer.text
    assert ElementTree.fromstring(answer.json()["svg_content"]).get("viewBox") == "0 0 512 512"
    health = httpx.get(running.url + "/api/ai-health").json()
    assert {"classifier", "class-plans"} <= {model["name"] for model in health["models"]}
    page = httpx.get(running.url).text
    assert "truecurve.css" in page
    for path in ("/style/truecurve.css", "/style/models.css", "/examples/blender.png"):
        assert httpx.get(running.url + path).status_code == 200
    text = running.log.read_text()
    assert str(ROOT) not in text and "Traceback" not in text
