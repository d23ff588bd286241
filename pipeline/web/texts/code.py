"""Words of the code tab, and the examples themselves. The tests run them as they stand here."""

from __future__ import annotations

from dataclasses import dataclass

ADDRESS = "http://127.0.0.1:7860"
"""What stands in the examples for the address that the page is at."""

TITLE = "Code"
LEAD = "Everything on this page can be called by a program. The address below is the one you are at; logo.png is yours."
COPY = "Copy"
COPIED = "Copied"
COPY_LABEL = "Copy: {title}"
JUMP = "Ways in"
MORE = (
    ("docs", "Every field of the REST API"),
    ("?view=api", "Every Gradio endpoint"),
)
ERRORS = (
    "An error has a code for programs and a sentence for people. Where too many are waiting, the status is 429 or 503,"
    " and Retry-After says how many seconds to wait."
)


@dataclass(frozen=True)
class Example:
    """A piece of code to copy: what it is called, what it does, in which language it is written."""

    name: str
    title: str
    note: str
    language: str
    code: str


CONVERT_CURL = Example(
    "curl-convert",
    "Convert a picture",
    "The answer is JSON: the SVG, and the record of how it came about.",
    "shell",
    """curl -s -F image=@logo.png -F tier=2 -F validate=true \\
  http://127.0.0.1:7860/api/convert-ai -o logo.json""",
)
SVG_CURL = Example(
    "curl-svg",
    "Save the SVG alone",
    "Python takes it out of the answer.",
    "shell",
    """curl -s -F image=@logo.png http://127.0.0.1:7860/api/convert-ai |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["svg_content"])' > logo.svg""",
)
ANALYZE_CURL = Example(
    "curl-analyze",
    "Look at a picture without converting it",
    "Its kind, what was measured in it, and the tier that would be chosen.",
    "shell",
    "curl -s -F image=@logo.png http://127.0.0.1:7860/api/analyze-image",
)
HEALTH_CURL = Example(
    "curl-health",
    "Ask how it is",
    "Models, their versions, and what is missing.",
    "shell",
    "curl -s http://127.0.0.1:7860/api/ai-health",
)
PYTHON_CLIENT = Example(
    "python-client",
    "Gradio’s client",
    "pip install gradio_client",
    "python",
    """from pathlib import Path

from gradio_client import Client, handle_file

client = Client("http://127.0.0.1:7860")
svg, record = client.predict(image=handle_file("logo.png"), tier="2", api_name="/convert")
Path("logo.svg").write_text(svg)
print(record["logo_type"], record["actual_quality"], record["svg_bytes"])""",
)
PYTHON_LIBRARY = Example(
    "python-library",
    "Without a server",
    "In a checkout of the project, with its requirements installed.",
    "python",
    """from pathlib import Path

from pipeline import Converter

with Converter() as converter:
    result = converter.convert("logo.png", tier=2)
Path("logo.svg").write_text(result.svg)
print(result.logo_type, result.actual_quality, result.default_quality)""",
)
JAVASCRIPT = Example(
    "javascript",
    "Gradio’s client for JavaScript",
    "npm install @gradio/client, then run it as a module. In a browser, hand over the File that was chosen.",
    "javascript",
    """import { readFile, writeFile } from "node:fs/promises";
import { Client } from "@gradio/client";

const app = await Client.connect("http://127.0.0.1:7860");
const image = new File([await readFile("logo.png")], "logo.png", { type: "image/png" });
const { data: [svg, record] } = await app.predict("/convert", { image, tier: "2" });
await writeFile("logo.svg", svg);
console.log(record.logo_type, record.actual_quality, record.svg_bytes);
process.exit(); // the client would hold its connection open""",
)
MCP_CONFIG = Example(
    "mcp-config",
    "For an assistant",
    "What most of them take as configuration. The tools are convert, analyze, tune, batch, rate and health.",
    "json",
    """{
  "mcpServers": {
    "truecurve": {
      "url": "http://127.0.0.1:7860/gradio_api/mcp/"
    }
  }
}""",
)
MCP_CLIENT = Example(
    "mcp-client",
    "From Python",
    "pip install mcp. The picture is uploaded first: links to other places are not fetched.",
    "python",
    """import ast
import asyncio
from pathlib import Path

import httpx
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

URL = "http://127.0.0.1:7860"


async def main() -> None:
    with open("logo.png", "rb") as file:
        uploaded = httpx.post(f"{URL}/gradio_api/upload", files={"files": file}).json()[0]
    async with (
        streamable_http_client(f"{URL}/gradio_api/mcp/") as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        picture = f"{URL}/gradio_api/file={uploaded}"
        answer = await session.call_tool("convert", {"image": picture, "tier": "2"})
    svg, record = ast.literal_eval(answer.content[0].text)
    Path("logo.svg").write_text(svg)
    print(record["logo_type"], record["actual_quality"], record["svg_bytes"])


asyncio.run(main())""",
)
COMMAND = Example(
    "command",
    "One picture",
    "In a checkout of the project. Every command has --help.",
    "shell",
    """python -m pipeline convert logo.png -o logo.svg --tier 2
python -m pipeline analyze logo.png --json""",
)
COMMAND_BATCH = Example(
    "command-batch",
    "A folder or a zip",
    "SVGs and a report out. With --resume, what is done already is left alone.",
    "shell",
    "python -m pipeline batch logos/ svgs/ --tier 2",
)
COMMAND_MODELS = Example(
    "command-models",
    "What is there",
    "Health, and the models with their versions; pin, unpin and rollback choose one for everybody.",
    "shell",
    """python -m pipeline health
python -m pipeline models""",
)

GROUPS: tuple[tuple[str, str, tuple[Example, ...]], ...] = (
    ("curl", "curl", (CONVERT_CURL, SVG_CURL, ANALYZE_CURL, HEALTH_CURL)),
    ("python", "Python", (PYTHON_CLIENT, PYTHON_LIBRARY)),
    ("javascript", "JavaScript", (JAVASCRIPT,)),
    ("mcp", "MCP", (MCP_CONFIG, MCP_CLIENT)),
    ("command", "Command line", (COMMAND, COMMAND_BATCH, COMMAND_MODELS)),
)
"""Id, title and examples of each way in."""
