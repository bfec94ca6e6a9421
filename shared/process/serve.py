"""Runs an application: `python -m shared.process.serve subgraphs.bids.app:app --port 8012`."""

import argparse
import gc
import importlib


def main() -> None:
    """The command line; returns when the server has ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("application", help="module:attribute of the FastAPI application")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    module, _, attribute = options.application.partition(":")
    # What is imported stays: looking for garbage in it takes a sixth of a start, and most of each full collection.
    gc.disable()
    from shared.config import Settings
    from shared.process.connections import Patience
    from shared.process.server import build_server

    app = getattr(importlib.import_module(module), attribute or "app")
    gc.freeze()
    gc.enable()
    settings = Settings()
    patience = Patience(settings.request_seconds, settings.stalled_seconds, settings.websocket_ping_seconds)
    build_server(app, options.host, options.port, settings.trusted_proxies, patience).run()


if __name__ == "__main__":
    main()
