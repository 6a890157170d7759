"""Answers of a service that means harm: a message, an exit code, bounded time and memory."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.driver import ROOT, Cli, Done, checked, command
from tests.emulator.driver import ACME, PRODUCTION
from tests.security.hostile import REPLIES, TOKEN, Reply, as_json, sent, serving

# Of the wall: with the wait for the time-out of one second and its repeats.
_SECONDS = 15
_BYTES = 500 * 1024 * 1024
_ME = {"user": {"organization": {"id": ACME}, "username": "x"}}
_TREE = {"id": ACME, "name": "Acme Corp", "subOrganizations": []}
_PRODUCTION = {"id": PRODUCTION, "name": "Production", "type": "production"}
_ENVIRONMENTS = {
    "data": [_PRODUCTION],
    "total": 1,
}
_API = {
    "id": 1,
    "assetId": "orders-api",
    "groupId": ACME,
    "technology": "mule4",
    "productVersion": "v1",
}
_ASSETS = {"assets": [{"assetId": "orders-api", "groupId": ACME, "apis": [_API]}], "total": 1}

PLACES = {
    "token": "/oauth2/token",
    "me": "/api/me",
    "hierarchy": "/hierarchy",
    "environments": "/environments?",
    "apis": "/apis?",
    "policies": "/policies",
}


def honest(path: str) -> Reply:
    """What an honest service answers, as far as the commands here ask."""
    if "/oauth2/token" in path:
        return sent(TOKEN)
    if "/api/me" in path:
        return as_json(_ME)
    if "/hierarchy" in path:
        return as_json(_TREE)
    if "/environments?" in path:
        return as_json(_ENVIRONMENTS)
    return as_json(_ASSETS if "/apis?" in path else {"policies": []})


def at(place: str, reply: Reply) -> Callable[[str, str], Reply]:
    """An honest service but for one kind of call."""
    return lambda method, path: reply if PLACES[place] in path else honest(path)


def run(cli: Cli, url: str, *arguments: str) -> Done:
    """The command, which must end in time and with little memory."""
    before = time.monotonic()
    code = (
        "import sys\n"
        "from reconciler.cli.main import main\n"
        "from tests.security.memory import peak\n"
        "done = main(sys.argv[1:])\n"
        f"sys.exit(99 if peak() > {_BYTES} else done)\n"
    )
    done = subprocess.run(
        [command()[0], "-c", code, "--timeout", "1", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        cwd=cli.folder,
        env={**cli.environ, "ANYPOINT_HOST": url, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (10, 11)),
    )
    assert done.returncode != 99, "more than 500 MB"
    assert time.monotonic() - before < _SECONDS
    assert len(done.stdout + done.stderr) < 1_000_000
    return checked(Done(arguments, done.returncode, done.stdout, done.stderr))


def test_the_honest_answers_are_honest(bare: Cli) -> None:
    with serving(lambda method, path: honest(path)) as url:
        assert run(bare, url, "list", "policies").code == 0


@pytest.mark.parametrize("name", REPLIES)
def test_an_answer_that_is_no_honest_one(bare: Cli, name: str) -> None:
    places = list(PLACES)
    chosen = places[list(REPLIES).index(name) % len(places)]
    with serving(at(chosen, REPLIES[name])) as url:
        done = run(bare, url, "list", "policies", "--format", "json")
    assert done.code in (0, 1, 4)
    assert done.code == 0 or done.json["errors"]


@pytest.mark.soak
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", REPLIES)
def test_an_answer_that_is_no_honest_one_anywhere(bare: Cli, name: str, place: str) -> None:
    with serving(at(place, REPLIES[name])) as url:
        assert run(bare, url, "list", "policies", "--format", "json").code in (0, 1, 4)


ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**30, -(10**30), "", "x", "1" * 400, [], [None], [[]], {},
    {"id": {}},
)  # fmt: skip


@pytest.mark.parametrize("odd", range(len(ODD)))
def test_a_value_of_a_wrong_kind_anywhere(bare: Cli, odd: int) -> None:
    value = ODD[odd]
    for place in PLACES:
        with serving(at(place, as_json(value))) as url:
            assert run(bare, url, "list", "policies").code in (0, 1, 4)


@pytest.mark.parametrize(
    ("place", "body"),
    [
        ("apis", {"assets": [{"assetId": "a", "apis": [_API]}], "total": 10**9}),
        ("apis", {"assets": [{"assetId": "a", "apis": [_API]}], "total": -1}),
        ("apis", {"assets": [{"assetId": "a", "apis": [_API]}] * 100}),
        ("apis", {"assets": [], "total": 5}),
        ("environments", {"data": [_PRODUCTION] * 500, "total": 10**9}),
        ("environments", {"data": [_PRODUCTION] * 500}),
        ("environments", {"data": [{"id": "..", "name": "x"}], "total": 1}),
        ("hierarchy", {"id": "../..", "name": "x"}),
        ("me", {"user": {"organization": {"id": "../../evil"}}}),
        (
            "hierarchy",
            {**_TREE, "subOrganizations": [_TREE, {**_TREE, "subOrganizations": [_TREE]}]},
        ),
        ("policies", {"policies": [{"id": 1, "groupId": "g", "assetId": "a"}] * 2}),
        ("policies", {"policies": [{"id": -1, "groupId": "g", "assetId": "a", "order": -5}]}),
        (
            "policies",
            {"policies": [{"id": 10**40, "groupId": "g", "assetId": "a", "order": 10**40}]},
        ),
    ],
)
def test_lists_that_lie(bare: Cli, place: str, body: Any) -> None:
    with serving(at(place, as_json(body))) as url:
        for line in ("list policies", "export --to out --force"):
            assert run(bare, url, *line.split()).code in (0, 1, 4, 64)


def test_a_million_policies_are_no_harm(bare: Cli) -> None:
    entry = b'{"id":%d,"groupId":"g","assetId":"a","assetVersion":"1"}'
    body = b'{"policies":[' + b",".join(entry % number for number in range(1_000_000)) + b"]}"
    with serving(at("policies", sent(body))) as url:
        assert run(bare, url, "list", "policies").code == 1


def test_no_id_of_a_service_leads_to_another_path(bare: Cli) -> None:
    asked: list[str] = []

    def serve(method: str, path: str) -> Reply:
        asked.append(path)
        tree = {"id": "../../../accounts/api/x?y#z", "name": "Acme Corp"}
        return as_json(tree) if "/hierarchy" in path else honest(path)

    with serving(serve) as url:
        run(bare, url, "list", "apis")
    assert not any("/../" in path or "/x" in path.partition("?")[0] for path in asked)
