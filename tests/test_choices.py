"""The choices of what comes out, as REST, Gradio and the command line offer them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import httpx
import pytest
from conftest import Server
from gradio_client import Client, handle_file
from test_palette import fills

from pipeline.__main__ import main
from pipeline.web.colours import colours_of
from pipeline.web.exports import Shelf


def post(server: Server, picture: Path, **fields: str) -> httpx.Response:
    with picture.open("rb") as file:
        return httpx.post(server.url + "/api/convert-ai", files={"image": file}, data=fields, timeout=60)


def test_rest_fields(server: Server, logo: Path) -> None:
    answer = post(server, logo, palette="#000, #ffffff", grouping="layer", detail="low").json()
    assert fills(answer["svg_content"]) <= {"#000000", "#ffffff"} and 'id="layer1"' in answer["svg_content"]
    assert answer["ai_metadata"]["parameters_used"]["finish"]["detail"] == "low" and answer["file"] is None
    assert len(fills(post(server, logo, colours="1").json()["svg_content"])) == 1


@pytest.mark.parametrize(
    ("format", "magic"), [("pdf", b"%PDF"), ("eps", b"%!PS"), ("png", b"\x89PNG"), ("dxf", b"  0\n")]
)
def test_rest_formats(server: Server, logo: Path, format: str, magic: bytes) -> None:
    file = post(server, logo, format=format, width="300").json()["file"]
    assert file["format"] == format and base64.b64decode(file["content_base64"]).startswith(magic)


@pytest.mark.parametrize(
    "fields",
    [{"colours": "0"}, {"colours": "300"}, {"palette": "mauve"}, {"grouping": "x"}, {"detail": "x"}, {"format": "ai"},
     {"colours": "3", "palette": "#fff"}],
)  # fmt: skip
def test_rest_refuses_what_is_out_of_range(server: Server, logo: Path, fields: dict[str, str]) -> None:
    answer = post(server, logo, **fields)
    assert answer.status_code == 422 and answer.json()["error"]["code"] == "bad_setting"


def test_an_export_that_is_gone(server: Server) -> None:
    answer = httpx.get(server.url + "/api/exports/nothing.pdf")
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "gone"


def test_gradio_arguments(server: Server, logo: Path) -> None:
    client = Client(server.url, verbose=False)
    svg, record = client.predict(image=handle_file(logo), colours=1, grouping="colour", api_name="/convert")
    assert len(fills(svg)) == 1 and record["parameters_used"]["finish"]["colours"] == 1


def test_the_command_line(logo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a.svg"
    assert main(["convert", str(logo), "-o", str(out), "--palette", "#000,#fff", "--background", "drop", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["parameters_used"]["finish"]["palette"] == ["#000000", "#ffffff"]
    assert fills(out.read_text()) <= {"#000000", "#ffffff"}
    assert main(["convert", str(logo), "-o", str(tmp_path / "a.pdf")]) == 0
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert main(["convert", str(logo), "--palette", "mauve"]) == 2
    assert main(["convert", str(logo), "--colours", "0"]) == 2


def test_a_batch_in_another_format(logo: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "logo.png").write_bytes(logo.read_bytes())
    assert main(["batch", str(tmp_path / "in"), str(tmp_path / "out"), "--format", "eps", "--jobs", "1"]) == 0
    assert {"logo.svg", "logo.eps"} <= {path.name for path in (tmp_path / "out").iterdir()}


def test_the_shelf_forgets_the_oldest_first() -> None:
    shelf = Shelf(10)
    first, second = shelf.put("12345678"), shelf.put("1234")
    assert shelf.get(first) is None and shelf.get(second) == "1234"


def test_swatches_are_the_svgs_colours() -> None:
    svg = (
        '<svg><defs><linearGradient id="a"><stop stop-color="#abc"/><stop offset="1"/></linearGradient></defs>'
        '<path d="M0 0"/><g fill="red"><circle r="1"/><path d="M0 0z"/></g><path d="M1 1z" fill="url(#a)"/></svg>'
    )
    assert colours_of(svg) == ["#aabbcc", "#000000", "#ff0000"]
    assert colours_of('<svg><path d="M0 0z" fill="#123456"/></svg>') == ["#123456"]
    pens = (
        '<g fill="none" stroke="#0a0b0c" stroke-width="3"><circle r="2"/></g><path fill="none" stroke="red" d="M0 0"/>'
    )
    assert colours_of(f"<svg>{pens}</svg>") == ["#0a0b0c", "#ff0000"]
