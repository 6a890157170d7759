"""Outbound policies: upstreams, both forms of the list, secrets, switching off."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.driver import SECRETS, Cli, Done
from tests.emulator.driver import Emulator, api_path

FILE = "policies/acme/production/orders-partners.yaml"
API = 19001002
SCOPE = ("--api", "orders-partners", "--format", "json")
ADDRESS = "acme/production/orders-partners/credential-injection-basic-auth"
URI = "https://orders.internal.example.com"


@pytest.fixture
def converged(cli: Cli) -> Cli:
    """The API as the sample says."""
    done = cli.run("apply", "--yes", *SCOPE)
    assert done.code == 0, done.out
    return cli


def plan(cli: Cli) -> Done:
    done = cli.run("plan", *SCOPE)
    assert done.code == 0, done.out
    return done


def changes(cli: Cli) -> list[tuple[str, str]]:
    return [(change["action"], change["address"]) for change in plan(cli).json["changes"]]


def apply(cli: Cli) -> Done:
    done = cli.run("apply", "--yes", *SCOPE)
    assert done.code == 0, done.out
    return done


def outbound(emulator: Emulator) -> list[Any]:
    """The outbound policies as they are stored."""
    policies = emulator.stored(API)["policies"]
    return [item for item in policies if item["assetId"] == "credential-injection-basic-auth"]


def an_upstream(emulator: Emulator, label: str | None, uri: str) -> None:
    emulator.post(f"{api_path(API)}/upstreams", {"label": label, "uri": uri})


@pytest.mark.parametrize("where", ["full", "flat", "both"])
@pytest.mark.parametrize("shape", ["documented", "compact", "compactAlways"])
def test_a_converged_api_shows_no_change_in_any_form_of_the_list(
    converged: Cli, emulator: Emulator, where: str, shape: str
) -> None:
    emulator.settings(outboundInList=where, policyListShape=shape)
    assert changes(converged) == []


def test_an_upstream_by_uri_is_no_change_and_a_saved_plan_of_it_applies(
    converged: Cli, emulator: Emulator
) -> None:
    converged.edit(FILE, "upstreams: [backend]", f"upstreams: ['{URI}']")
    assert changes(converged) == []
    converged.edit(FILE, "username: svc-orders", "username: svc-partners")
    converged.plan("plan.json", "--api", "orders-partners")
    assert converged.run("apply", "plan.json", "--format", "json").code == 0
    assert outbound(emulator)[0]["configurationData"]["username"] == "svc-partners"


def test_an_unknown_upstream_is_a_problem_with_the_known_ones_before_any_write(
    converged: Cli, emulator: Emulator
) -> None:
    an_upstream(emulator, None, "https://spare.example.com")
    converged.edit(FILE, "upstreams: [backend]", "upstreams: [backnd]")
    writes = emulator.writes()
    for verb in (("plan",), ("apply", "--yes")):
        done = converged.run(*verb, *SCOPE)
        error = done.json["errors"][0]
        assert done.code == 3
        assert error["message"] == "the API has no upstream called 'backnd'"
        assert error["hint"] == "it has: backend, https://spare.example.com"
        assert error["file"] == FILE
    assert emulator.writes() == writes


def test_the_secret_is_sent_and_never_shown(cli: Cli, emulator: Emulator) -> None:
    emulator.tamper(apiId=API, policyId=outbound(emulator)[0]["id"], patch={"delete": True})
    create = next(item for item in plan(cli).json["changes"] if item["address"] == ADDRESS)
    shown = {field["path"]: field["desired"] for field in create["fields"]}
    assert shown["config.password"] == "${env:ORDERS_BACKEND_PASSWORD}"
    apply(cli)
    sent = outbound(emulator)[0]["configurationData"]["password"]
    assert sent == SECRETS["ORDERS_BACKEND_PASSWORD"]
    # What was sent is remembered, so that a rotation is seen.
    assert changes(cli) == []
    rotated = cli.run("plan", *SCOPE, ORDERS_BACKEND_PASSWORD="another one")
    assert [item["path"] for item in rotated.json["changes"][0]["fields"]] == ["config.password"]


def test_an_entry_for_two_upstreams_is_one_policy_each_and_no_change_after(
    converged: Cli, emulator: Emulator
) -> None:
    an_upstream(emulator, "spare", "https://spare.example.com")
    converged.edit(FILE, "upstreams: [backend]", "upstreams: [spare, backend]")
    assert changes(converged) == [("create", ADDRESS)]
    apply(converged)
    assert len(outbound(emulator)) == 2
    assert changes(converged) == []
    converged.edit(FILE, "overwrite: true", "overwrite: false")
    assert changes(converged) == [("update", ADDRESS)] * 2
    apply(converged)
    assert [item["configurationData"]["overwrite"] for item in outbound(emulator)] == [False] * 2


def test_one_create_for_two_upstreams_makes_both(cli: Cli, emulator: Emulator) -> None:
    emulator.tamper(apiId=API, policyId=outbound(emulator)[0]["id"], patch={"delete": True})
    an_upstream(emulator, "spare", "https://spare.example.com")
    cli.edit(FILE, "upstreams: [backend]", "upstreams: [spare, backend]")
    apply(cli)
    posts = [item["path"] for item in emulator.writes() if "outbound" in item["path"]]
    assert len(posts) == 1
    assert len(outbound(emulator)) == 2
    assert changes(cli) == []


@pytest.mark.parametrize("where", ["full", "flat", "both"])
def test_switching_off_is_a_patch_and_then_no_change(
    converged: Cli, emulator: Emulator, where: str
) -> None:
    emulator.settings(outboundInList=where)
    converged.edit(FILE, "upstreams: [backend]", "upstreams: [backend]\n    disabled: true")
    assert changes(converged) == [("update", ADDRESS)]
    apply(converged)
    assert [item["disabled"] for item in outbound(emulator)] == [True]
    done = plan(converged)
    assert done.json["changes"] == []
    hidden = any("may not list what is switched off" in text for text in done.json["warnings"])
    assert hidden == (where == "full")


def test_switching_on_what_is_not_listed_says_what_to_do(
    converged: Cli, emulator: Emulator
) -> None:
    emulator.tamper(apiId=API, policyId=outbound(emulator)[0]["id"], patch={"disabled": True})
    done = converged.run("apply", "--yes", *SCOPE)
    assert done.code == 1
    assert "lists it in none of its lists" in done.json["changes"][0]["reason"]
    assert len(outbound(emulator)) == 1


def test_position_and_order_of_outbound_policies_are_never_a_change(
    converged: Cli, emulator: Emulator
) -> None:
    item = (
        "\n  - policyRef: {name: circuit-breaker, version: 1.0.1}\n"
        "    upstreams: [backend]\n"
        "    position: first\n"
        "    config: {thresholds: {}}\n"
    )
    path = converged.folder / FILE
    path.write_text(path.read_text("utf-8") + item, "utf-8")
    done = converged.run("apply", "--yes", *SCOPE)
    assert done.code == 0, done.out
    assert changes(converged) == []
    for number, policy in enumerate(reversed(emulator.stored(API)["policies"]), 11):
        if policy.get("upstreamIds"):
            emulator.tamper(apiId=API, policyId=policy["id"], patch={"order": number})
    assert changes(converged) == []
