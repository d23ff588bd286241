"""Truecurve's app and API in one server: what `make run` and a Hugging Face Space start.

    python app.py        # http://127.0.0.1:7860

GRADIO_SERVER_NAME and GRADIO_SERVER_PORT set the address; on a Space it listens on all of them.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def main() -> None:
    """Serve until stopped."""
    import uvicorn

    from pipeline import Converter
    from pipeline.models import store
    from pipeline.web import server

    on_space = "SPACE_ID" in os.environ
    host = os.environ.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if on_space else "127.0.0.1")
    port = int(os.environ.get("GRADIO_SERVER_PORT") or 7860)
    converter = Converter()
    if store().hub:
        store().watch(idle=lambda: not converter.workers.health()["busy"])
    try:
        uvicorn.run(
            server.create(converter),
            host=host,
            port=port,
            log_level=os.environ.get("TRUECURVE_LOG_LEVEL", "info"),
            proxy_headers=True,
            forwarded_allow_ips="*" if on_space else "127.0.0.1",
            timeout_graceful_shutdown=3,
        )
    finally:
        converter.close()


if __name__ == "__main__":
    main()
