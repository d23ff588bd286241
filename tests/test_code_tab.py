"""The examples of the code tab, each run as it stands there against a running app."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import ROOT, Server
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from pipeline.config import VERSION
from pipeline.web.code_tab import page_html
from pipeline.web.texts import code as t

EXAMPLES = {example.name: example for _, _, examples in t.GROUPS for example in examples}
GRADIO_CLIENT = "2.7.0"
"""The JavaScript client that the example is run with."""
SECONDS = 120


@pytest.fixture
def folder(tmp_path: Path, logo: Path) -> Path:
    """A folder as its reader has it: logo.png in it, and a folder of logos."""
    shutil.copy(logo, tmp_path / "logo.png")
    (tmp_path / "logos").mkdir()
    shutil.copy(logo, tmp_path / "logos" / "one.png")
    return tmp_path


def run(example: t.Example, server: Server | None, folder: Path, program: list[str]) -> str:
    """What an example prints, run by a program that takes its code as the last argument."""
    code = example.code.replace(t.ADDRESS, server.url) if server else example.code
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*program, code], cwd=folder, env=env, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def shell(name: str, server: Server | None, folder: Path) -> str:
    return run(EXAMPLES[name], server, folder, ["bash", "-euo", "pipefail", "-c"])


def python(name: str, server: Server | None, folder: Path) -> str:
    return run(EXAMPLES[name], server, folder, [sys.executable, "-c"])


def assert_svg(path: Path) -> None:
    assert ElementTree.parse(path).getroot().get("viewBox") == "0 0 512 512"


def test_curl_converts(server: Server, folder: Path) -> None:
    shell("curl-convert", server, folder)
    answer = json.loads((folder / "logo.json").read_text())
    assert answer["success"] and "<svg" in answer["svg_content"]
    assert answer["ai_metadata"]["selected_tier"] == 2 and answer["ai_metadata"]["actual_quality"] > 0.9
    shell("curl-svg", server, folder)
    assert_svg(folder / "logo.svg")


def test_curl_analyzes_and_asks_for_health(server: Server, folder: Path) -> None:
    assert json.loads(shell("curl-analyze", server, folder))["logo_type"] in ("simple", "text", "gradient", "complex")
    assert json.loads(shell("curl-health", server, folder))["version"] == VERSION


def test_gradio_client(server: Server, folder: Path) -> None:
    kind, quality, size = python("python-client", server, folder).split()[-3:]
    assert kind in ("simple", "text", "gradient", "complex") and float(quality) > 0.9
    assert int(size) == (folder / "logo.svg").stat().st_size
    assert_svg(folder / "logo.svg")


def test_library(folder: Path) -> None:
    assert float(python("python-library", None, folder).split()[-2]) > 0.9
    assert_svg(folder / "logo.svg")


@pytest.mark.slow
@pytest.mark.network
def test_javascript(server: Server, folder: Path) -> None:
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", f"@gradio/client@{GRADIO_CLIENT}"]
    subprocess.run(install, cwd=folder, check=True, timeout=SECONDS, capture_output=True)
    printed = run(EXAMPLES["javascript"], server, folder, ["node", "--input-type=module", "--eval"])
    assert float(printed.split()[-2]) > 0.9
    assert_svg(folder / "logo.svg")


def test_mcp_config(server: Server) -> None:
    """The configuration names an address at which an MCP client finds the tools."""
    settings = json.loads(EXAMPLES["mcp-config"].code.replace(t.ADDRESS, server.url))
    url = settings["mcpServers"]["truecurve"]["url"]

    async def tools() -> set[str]:
        async with streamable_http_client(url) as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            return {tool.name for tool in (await session.list_tools()).tools}

    assert {"convert", "analyze", "health"} <= asyncio.run(tools())


def test_mcp_client(server: Server, folder: Path) -> None:
    python("mcp-client", server, folder)
    assert_svg(folder / "logo.svg")


def test_commands(folder: Path) -> None:
    assert '"logo_type"' in shell("command", None, folder)
    assert_svg(folder / "logo.svg")
    shell("command-batch", None, folder)
    assert_svg(folder / "svgs" / "one.svg")
    assert "classifier" in shell("command-models", None, folder)


def test_every_example_is_run_here() -> None:
    assert len(EXAMPLES) == sum(len(examples) for _, _, examples in t.GROUPS), "two examples have one name"
    source = Path(__file__).read_text()
    assert [name for name in EXAMPLES if f'"{name}"' not in source] == []


def test_the_page_shows_them_as_text() -> None:
    html = page_html()
    assert html.count("<article") == len(EXAMPLES) == html.count("data-copy-code")
    assert html.count('class="tc-address"') == sum(example.code.count(t.ADDRESS) for example in EXAMPLES.values())
    assert "<svg" not in html and "&gt; logo.svg" in html
