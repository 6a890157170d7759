"""A local S3 server that answers over real HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import requests

BUCKET = "states"


def variables(url: str) -> Mapping[str, str]:
    """What a user has set who works with it."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """The URL of a server while the block lasts."""
    from moto.server import ThreadedMotoServer  # takes a while, and few tests need it

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def reset(url: str) -> None:
    """Empties the server, and makes one bucket."""
    with requests.Session() as session:
        session.trust_env = False
        assert session.post(f"{url}/moto-api/reset", timeout=30).ok
        assert session.put(f"{url}/{BUCKET}", timeout=30).ok
