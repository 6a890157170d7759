"""The real command over estates of several sizes, in processes of its own."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
import trustme

from benchmarks import corpus, pure
from benchmarks.measure import (
    Figure,
    Ran,
    Results,
    Server,
    emulating,
    in_turns,
    ratio,
    reconciler,
    run,
    seconds,
    serving,
)
from reconciler.core.fields import differing_fields

_READS = 2_000


@contextmanager
def estate(apis: int, *, changed_every: int = 100) -> Iterator[Path]:
    """A folder with the files of an estate."""
    with tempfile.TemporaryDirectory() as folder:
        yield corpus.write(Path(folder), apis, changed_every=changed_every)


@contextmanager
def certified() -> Iterator[tuple[str, str, str]]:
    """Files with an authority, a certificate of it for localhost, and its key."""
    with tempfile.TemporaryDirectory() as folder:
        authority = trustme.CA()
        own = authority.issue_cert("localhost")
        paths = tuple(f"{folder}/{name}.pem" for name in ("ca", "cert", "key"))
        authority.cert_pem.write_to_path(paths[0])
        own.cert_chain_pems[0].write_to_path(paths[1])
        own.private_key_pem.write_to_path(paths[2])
        yield paths[0], paths[1], paths[2]


def fetching(rounds: int, *, full: bool) -> Iterator[Figure]:
    """The read path against h2load on as many connections, or N x L / C where that is missing."""
    cases = [(50, 64, False), (50, 128, False), (150, 128, False), (50, 128, True)]
    for latency_ms, connections, is_tls in cases if full else cases[1:]:
        with certified() as tls, serving(_READS, latency_ms, tls if is_tls else None) as server:
            yield _fetching(rounds, server, latency_ms, connections)
    with serving(_READS) as server:
        yield _reading(rounds, server)


def _fetching(rounds: int, server: Server, latency_ms: int, connections: int) -> Figure:
    has_h2load = shutil.which("h2load") is not None
    least_s = _READS * latency_ms / 1000 / connections
    taken = in_turns(
        lambda: _fetch("ours", server, connections)[0],
        lambda: _h2load(server, connections) if has_h2load else least_s,
        rounds,
    )
    name = f"fetch, {latency_ms} ms, {connections} connections{', TLS' if server.ca else ''}"
    return ratio(name, 1.15, "h2load" if has_h2load else "N x L / C", taken)


def _reading(rounds: int, server: Server) -> Figure:
    per = _READS / 1000
    taken = in_turns(
        lambda: _fetch("ours", server, 64)[1] / per,
        lambda: _fetch("shared", server, 64)[1] / per,
        rounds,
    )
    return ratio("CPU of 1,000 reads", 0.5, "one shared requests Session", taken)


def _fetch(way: str, server: Server, connections: int) -> tuple[float, float]:
    """Seconds by the clock and of CPU."""
    command = [sys.executable, "-m", "benchmarks.fetch", way, server.url, server.listed]
    ran = run([*command, str(_READS), str(connections)], server.environ)
    wall, cpu = ran.out.split()[-2:]
    return float(wall), float(cpu)


def _h2load(server: Server, connections: int) -> float:
    """h2load opens its connections within its time; those of the first round count for us too."""
    target = f"{server.url}{server.listed}/20000001/policies?fullInfo=false"
    command = ["h2load", "--h1", "-n", str(_READS), "-c", str(connections), "-t", "1", target]
    ran = run(command)
    told = next(line for line in ran.out.splitlines() if line.startswith("finished in"))
    text = told.removeprefix("finished in ").split(",")[0]
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text.rstrip("s"))


def planning(rounds: int) -> Iterator[Figure]:
    """`plan` at 50 ms with 64 connections, against N x L / C and L for each call before."""
    sizes = [(1_000, 1.35), (10_000, 1.25)]
    for apis, target in sizes:
        with estate(apis) as folder, serving(apis, 50) as server:
            yield _planning(rounds, folder, server, apis, target)


def _planning(rounds: int, folder: Path, server: Server, apis: int, target: float) -> Figure:
    limit = apis * 0.05 / 64 + 0.05 * _first_calls(apis)
    taken = in_turns(lambda: _plan(folder, server).wall_s, lambda: limit, rounds)
    name = f"plan of {apis:,} APIs, 50 ms, C = 64"
    return ratio(name, target, "N x L / C + L x first calls", taken)


def _first_calls(apis: int) -> int:
    """Token, caller, tree and environments, one after the other; then the pages of the list: the
    first, and the others side by side."""
    pages = -(-apis // 100)
    return 4 + 1 + (1 if pages > 1 else 0) * -(-(pages - 1) // 32)


def _plan(folder: Path, server: Server, connections: int = 64) -> Ran:
    command = ("plan", "--format", "json", "--parallelism", str(connections))
    ran = reconciler(*command, cwd=folder, environ=server.environ)
    told = json.loads(ran.out[ran.out.index("{\n") :])
    assert not told["errors"], told["errors"]
    return ran


def work(rounds: int) -> Iterator[Figure]:
    """CPU of a plan at no latency, against the same packages used well."""
    with estate(1_000) as folder, serving(1_000) as server:
        naive = [sys.executable, "-m", "benchmarks.naive", "well", server.url]
        command = [*naive, str(folder / "policies"), "64"]
        taken = in_turns(lambda: _plan(folder, server).cpu_s, lambda: run(command).cpu_s, rounds)
        yield ratio("CPU of a plan of 1,000 APIs, 0 ms", 0.25, "its packages used well", taken)


def growing(results: Results, *, full: bool) -> Iterator[Figure]:
    """Memory and time over the size."""
    peaks: dict[int, float] = {}
    for apis in (1_000, 10_000, 100_000) if full else (1_000, 10_000):
        with estate(apis) as folder, serving(apis) as server:
            ran = _plan(folder, server)
        peaks[apis] = ran.peak_mb
        results.growth.append(
            {"apis": apis, "wall_s": ran.wall_s, "cpu_s": ran.cpu_s, "peak_mb": ran.peak_mb}
        )
    yield Figure("peak memory at 10,000 APIs", peaks[10_000], 100, "", "MB")
    sizes = sorted(peaks)
    per_api = [
        (peaks[b] - peaks[a]) * 1024 / (b - a) for a, b in zip(sizes, sizes[1:], strict=False)
    ]
    yield Figure("memory per API more", per_api[-1], 10, "", "KiB")
    if full:
        small, large = results.growth[1], results.growth[-1]
        linear = large["cpu_s"] / (10 * small["cpu_s"])
        yield Figure("CPU of 100,000 APIs", linear, 1.1, "ten times that of 10,000")


def small_things(rounds: int) -> Iterator[Figure]:
    """What starts and what reads files alone."""
    bare = [sys.executable, "-c", "pass"]
    told = [sys.executable, "-m", "reconciler", "--help"]
    taken = in_turns(
        lambda: sum(run(told).wall_s for _ in range(10)) / 10,
        lambda: sum(run(bare).wall_s for _ in range(10)) / 10,
        rounds,
    )
    yield ratio("--help", 3, "bare Python", taken, unit="ms", per=1e-3)
    with estate(10_000) as folder:
        fresh = iter(range(rounds + 1))

        def first() -> float:
            environ = {"XDG_CACHE_HOME": str(folder / f"cache-{next(fresh)}")}
            return reconciler("validate", cwd=folder, environ=environ).wall_s

        def again() -> float:
            environ = {"XDG_CACHE_HOME": str(folder / "cache-0")}
            return reconciler("validate", cwd=folder, environ=environ).wall_s

        yield Figure("validate of 10,000 files", first(), 10, "", "s")
        yield ratio(
            "validate of 10,000 files again", 0.25, "the first time", in_turns(again, first, rounds)
        )


def changing(rounds: int) -> Iterator[Figure]:
    """What differs within 1,000 policies, against the plan that tells it."""
    apis = 250
    pairs = pure.changed_pairs(apis)
    with estate(apis, changed_every=1) as folder, serving(apis) as server:
        taken = in_turns(
            lambda: seconds(lambda: [differing_fields(*pair) for pair in pairs]),
            lambda: _plan(folder, server).cpu_s,
            rounds,
        )
    yield ratio("fields of 1,000 changed policies", 0.1, "their plan", taken)


def applying(rounds: int) -> Iterator[Figure]:
    """1,000 changes over 250 APIs, against the calls that they take, one API's in sequence."""
    latency_s, connections, apis = 0.05, 64, 250
    walls, limits = [], []
    for _ in range(rounds):
        with estate(apis, changed_every=1) as folder, emulating(f"scale:{apis}", 50) as url:
            ran = reconciler(
                "apply",
                "--yes",
                "--parallelism",
                str(connections),
                "--allow-weakening",
                "--max-deletes",
                "0",
                cwd=folder,
                environ={"ANYPOINT_HOST": url},
            )
            log = requests.get(f"{url}/_emulator/requests").json()["log"]
        of_apis = [one for one in log if "/policies" in one["path"]]
        in_sequence = len(of_apis) / apis
        waves = -(-apis // connections)
        walls.append(ran.wall_s)
        limits.append(latency_s * (len(log) - len(of_apis) + in_sequence * waves))
    yield ratio(
        "apply of 1,000 changes, 250 APIs", 1.3, "its calls, APIs side by side", (walls, limits)
    )


def octodns(rounds: int) -> Iterator[Figure]:
    """CPU of 4,000 policies of 1,000 APIs, against 4,000 records in octoDNS: files to a plan."""
    with tempfile.TemporaryDirectory() as other, estate(1_000) as folder, serving(1_000) as server:
        root = Path(other)
        names = "".join(
            f"r{number}:\n  type: A\n  values: [10.0.{number // 256}.{number % 256}]\n"
            for number in range(4000)
        )
        for where in ("ours", "live"):
            (root / where).mkdir()
            (root / where / "example.com.yaml").write_text(f"---\n{names}")
        (root / "config.yaml").write_text(
            "providers:\n"
            "  ours: {class: octodns.provider.yaml.YamlProvider, directory: ours,"
            " enforce_order: false}\n"
            "  live: {class: octodns.provider.yaml.YamlProvider, directory: live,"
            " enforce_order: false}\n"
            "zones:\n  example.com.: {sources: [ours], targets: [live]}\n"
        )
        sync = str(Path(sys.executable).parent / "octodns-sync")
        taken = in_turns(
            lambda: _plan(folder, server).cpu_s,
            lambda: run([sync, "--config-file", "config.yaml"], cwd=root).cpu_s,
            rounds,
        )
        yield ratio(
            "CPU of a plan of 4,000 policies", 1, "octoDNS, 4,000 records, files alone", taken
        )
