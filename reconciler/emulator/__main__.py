"""`python -m reconciler.emulator`: serves until it is told to stop."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from reconciler.emulator.anypoint.service import Anypoint
from reconciler.emulator.app import App
from reconciler.emulator.salesforce.service import Salesforce
from reconciler.emulator.seeds import part_of
from reconciler.emulator.server import Tls, listen, serve

_PORT = 8790


def main(argv: Sequence[str] | None = None) -> int:
    """0 after a signal, 1 when it cannot serve, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="reconciler emulator", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args(argv))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the emulator, also for a command that mounts it."""
    parser.add_argument("--port", type=int, default=_PORT, help="0 takes a free one")
    parser.add_argument("--seed", default="demo", help="demo, empty, scale:N or a YAML file")
    parser.add_argument("--latency-ms", type=_whole, default=0, help="added to every answer")
    parser.add_argument("--tls-cert", help="certificate chain, PEM; then https is served")
    parser.add_argument("--tls-key", help="private key of --tls-cert, PEM")


def run(arguments: argparse.Namespace) -> int:
    """Serves as the parsed arguments say; the first line of stdout is the base URL."""
    try:
        seed = _seed(arguments.seed)
        anypoint = Anypoint(part_of(seed, "anypoint"))
        salesforce = Salesforce(part_of(seed, "salesforce"))
        tls = _tls(arguments.tls_cert, arguments.tls_key)
        listener = listen(arguments.port)
    except (OSError, OverflowError, ValueError, yaml.YAMLError) as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 1
    serve(App(anypoint, salesforce, arguments.latency_ms), listener, _announce, tls)
    return 0


def _whole(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError(text)
    return value


def _seed(text: str) -> str | Mapping[str, Any]:
    """A name as it is; a file's content. JSON is YAML too."""
    if text in ("demo", "empty") or text.startswith("scale:"):
        return text
    document = yaml.safe_load(Path(text).read_text("utf-8"))
    if not isinstance(document, dict):
        raise ValueError(f"{text} holds no seed: an object is needed")
    return document


def _tls(certificate: str | None, key: str | None) -> Tls | None:
    if not certificate and not key:
        return None
    if not certificate or not key:
        raise ValueError("--tls-cert and --tls-key go together")
    return Tls(certificate, key)


def _announce(url: str) -> None:
    print(url, flush=True)


if __name__ == "__main__":
    sys.exit(main())
