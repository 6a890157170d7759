"""What costs CPU alone: reading YAML, checking it, comparing."""

from __future__ import annotations

import copy
from typing import Any

import yaml
from deepdiff import DeepDiff

from benchmarks.corpus import api_text
from benchmarks.measure import Figure, in_turns, ratio, seconds
from benchmarks.naive import validator
from benchmarks.throttled import fixed_window, sliding_window, token_bucket
from benchmarks.throttled import run as simulate
from reconciler.core.fields import differing_fields, is_same
from reconciler.files.checker import Checker
from reconciler.files.shipped import document_schema, read_schema
from reconciler.files.yaml import Map, parse

_US = 1e-6


def figures(rounds: int) -> list[Figure]:
    """All of them; each round takes about a second."""
    return [
        *(_yaml(rounds), _schema(rounds), _equal(rounds), _addresses(rounds)),
        *_throttled(),
    ]


def _yaml(rounds: int) -> Figure:
    texts = [api_text(number).encode() for number in range(1, 201)]
    taken = in_turns(
        lambda: seconds(lambda: [parse(text, "a.yaml") for text in texts]) / len(texts),
        lambda: seconds(lambda: [yaml.load(text, yaml.CSafeLoader) for text in texts]) / len(texts),
        rounds,
    )
    return ratio("strict YAML, a file", 0.6, "CSafeLoader", taken, unit="µs", per=_US)


def _schema(rounds: int) -> Figure:
    """The document and the configurations in it; each is another one, as in an estate."""
    plain = yaml.load(api_text(1), yaml.CSafeLoader)
    documents = [_document(number) for number in range(1, 201)]
    whole = Checker(document_schema("api-instance"))
    names = [entry["policyRef"]["name"] for entry in plain["policies"]]
    policies = {name: Checker(read_schema(f"policies/{name}")) for name in names}
    reused = validator()
    reused.validate(plain)

    def check(document: Map) -> bool:
        is_good = not whole.errors(document)
        for entry in document["policies"]:
            is_good &= not policies[entry["policyRef"]["name"]].errors(entry["config"])
        return is_good

    assert all(map(check, documents))

    def ours() -> float:
        return seconds(lambda: [check(one) for one in documents], 5) / 5 / len(documents)

    taken = in_turns(ours, lambda: seconds(lambda: reused.validate(plain), 20) / 20, rounds)
    name, reference = "schema of a good document", "a reused jsonschema validator"
    return ratio(name, 0.01, reference, taken, unit="µs", per=_US)


def _document(number: int) -> Map:
    text = api_text(number).replace("maximumRequests: 100", f"maximumRequests: {number}")
    (document,), _ = parse(text.encode(), "a.yaml")
    value = document.value
    assert isinstance(value, Map)
    return value


def _throttled() -> list[Figure]:
    """`--parallelism auto` against services that take 100 calls a second, in a simulation: the
    worst of three kinds of limit and three latencies."""
    limit, calls = 100, 3_000
    done = [
        simulate(service, calls, latency_s)
        for latency_s in (0.02, 0.05, 0.1)
        for service in (
            fixed_window(limit, 1.0),
            sliding_window(limit, 1.0),
            token_bucket(limit, limit / 10),
        )
    ]
    times = [one.seconds / (calls / limit) for one in done]
    refused = [one.refused / calls for one in done]
    name = "auto against 100 calls/s, 3,000 calls"
    return [
        Figure(name, max(times), 1.2, "calls / limit", spread=(min(times), max(times))),
        Figure(f"{name}: refused", max(refused), 0.02, "all", spread=(min(refused), max(refused))),
    ]


def _pair(addresses: int) -> tuple[dict[str, Any], dict[str, Any]]:
    ips = [f"10.{number // 256}.{number % 256}.0/24" for number in range(addresses)]
    ours = {"version": "1.1.1", "config": {"ips": ips, "ipExpression": "#[vars.x]"}, "rules": None}
    return ours, copy.deepcopy(ours)


def _equal(rounds: int) -> Figure:
    ours, theirs = _pair(3)
    taken = in_turns(
        lambda: seconds(lambda: is_same(ours, theirs), 2000) / 2000,
        lambda: seconds(lambda: DeepDiff(theirs, ours, ignore_order=True), 100) / 100,
        rounds,
    )
    return ratio("an equal pair of policies", 0.002, "DeepDiff", taken, unit="µs", per=_US)


def _addresses(rounds: int) -> Figure:
    """A list of a thousand addresses in which one differs, in its canonical, sorted form."""
    ours, theirs = _pair(1000)
    theirs["config"]["ips"][500] = "192.168.0.0/16"
    sorted_ours, sorted_theirs = (copy.deepcopy(one) for one in (ours, theirs))
    for one in (sorted_ours, sorted_theirs):
        one["config"]["ips"].sort()

    def compare() -> list[Any]:
        return list(differing_fields(sorted_theirs, sorted_ours))

    assert compare()
    taken = in_turns(
        lambda: seconds(compare, 20) / 20,
        lambda: seconds(lambda: DeepDiff(theirs, ours, ignore_order=True)),
        max(rounds // 2, 1),
    )
    return ratio("1,000 addresses, one differs", 0.005, "DeepDiff", taken, unit="ms", per=1e-3)


def changed_pairs(apis: int) -> list[tuple[Any, Any]]:
    """Each policy of so many APIs as it is live and as the changed document says."""
    found = []
    for number in range(1, apis + 1):
        live, desired = (
            yaml.load(api_text(number, changed=is_changed), yaml.CSafeLoader)["policies"]
            for is_changed in (False, True)
        )
        found += [
            ({"config": one["config"]}, {"config": other["config"]})
            for one, other in zip(live, desired, strict=True)
        ]
    return found
