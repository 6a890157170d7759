"""Reads the policies of an estate over the product's own read path, or over one shared session.

`python -m benchmarks.fetch WAY URL LISTED APIS CONNECTIONS` prints the seconds it took, by the
clock and of CPU, once connections are open.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import requests
from requests.adapters import HTTPAdapter

from reconciler.run.side_by_side import side_by_side
from reconciler.transport import Bounds, Transport

_FIRST = 20_000_001


def _ours(url: str, connections: int) -> Callable[[str], object]:
    transport = Transport(url, bounds=Bounds(calls=connections), read_only=True)
    full = {"fullInfo": "false"}
    return lambda path: transport.request("GET", path, params=full, token="t0k")


def _shared(url: str, connections: int) -> Callable[[str], object]:
    session = requests.Session()
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=connections)
    session.mount(url, adapter)
    session.headers["Authorization"] = "Bearer t0k"
    return lambda path: session.get(url + path, params={"fullInfo": "false"}).json()


def main() -> None:
    way, url, listed, apis, connections = sys.argv[1:]
    count, width = int(apis), int(connections)
    read = (_ours if way == "ours" else _shared)(url, width)
    paths = [f"{listed}/{_FIRST + number}/policies" for number in range(count)]
    list(side_by_side(read, paths[:width], width))  # opens the connections, as h2load does first
    began, used = time.perf_counter(), time.process_time()
    if way == "ours":
        for _ in side_by_side(read, paths, width):
            pass
    else:
        with ThreadPoolExecutor(width) as pool:
            for _ in pool.map(read, paths):
                pass
    print(time.perf_counter() - began, time.process_time() - used)


if __name__ == "__main__":
    main()
