"""`promote`: what one environment has that another one has not, offline."""

from __future__ import annotations

import pytest

from tests.cli.driver import Cli, Done
from tests.emulator.driver import Emulator

HEAD = "apiVersion: reconciler/v1\n"
ORGANIZATION = HEAD + "kind: Organization\norganization: Acme Corp\n"
API = HEAD + "kind: ApiInstance\napi: {{asset: {asset}, label: {label}}}\npolicies:\n{policies}"
IPS = "  - {{policyRef: {{name: ip-allowlist}}, config: {{ips: [{ips}], ipExpression: '#[x]'}}}}\n"
LIMIT = (
    "  - policyRef: {{name: rate-limiting, version: {version}}}\n"
    "    config: {{rateLimits: [{{maximumRequests: {limit}, timePeriodInMilliseconds: 1000}}]}}\n"
)
LOGIN = (
    "  - policyRef: {{name: http-basic-authentication}}\n"
    "    config: {{username: tester, password: {password}}}\n"
)


def environment(name: str, more: str = "") -> str:
    return f"{HEAD}kind: Environment\nenvironment: {name}\n{more}"


def api(*policies: str, asset: str = "orders-api", label: str = "a") -> str:
    return API.format(asset=asset, label=label, policies="".join(policies))


def ips(*addresses: str) -> str:
    return IPS.format(ips=", ".join(addresses))


def limit(number: int, version: str = "1.4.0") -> str:
    return LIMIT.format(limit=number, version=version)


def compared(cli: Cli, one: dict[str, str], other: dict[str, str], *arguments: str) -> Done:
    """Two environments by the files in their folders."""
    cli.write(
        {
            "policies/acme/organization.yaml": ORGANIZATION,
            "policies/acme/one/environment.yaml": environment("One"),
            "policies/acme/two/environment.yaml": environment("Two"),
            **{f"policies/acme/one/{name}.yaml": text for name, text in one.items()},
            **{f"policies/acme/two/{name}.yaml": text for name, text in other.items()},
        }
    )
    return cli.run("promote", "acme/one", "acme/two", *arguments)


def gaps(done: Done) -> list[tuple[str, str, str, str]]:
    items = done.json["items"]
    return [
        (item["api"], item["policy"] or "", item["field"] or "", item["state"]) for item in items
    ]


def test_what_is_in_one_only(bare: Cli) -> None:
    one = {"orders": api(ips("10.0.0.1"), limit(5)), "new": api(limit(5), asset="new-api")}
    other = {"orders": api(ips("10.0.0.1")), "old": api(limit(5), asset="old-api", label="b")}
    done = compared(bare, one, other, "--format", "json")
    assert done.code == 0
    assert gaps(done) == [
        ("new", "", "", "onlyFrom"),
        ("orders", "rate-limiting", "", "onlyFrom"),
        ("old", "", "", "onlyTo"),
    ]
    assert done.json["items"][0]["from"] == ["rate-limiting"]
    assert done.json["summary"] == {"onlyFrom": 2, "onlyTo": 1, "differs": 0, "same": 0}


def test_fields_that_differ_as_a_table(bare: Cli) -> None:
    one = {"orders": api(ips("10.0.0.1", "10.0.0.2"), limit(5, "1.5.0"))}
    other = {"orders": api(ips("10.0.0.1"), limit(9))}
    done = compared(bare, one, other)
    assert (done.code, done.err) == (0, "")
    assert [line.split() for line in done.out.splitlines()] == [
        ["API", "POLICY", "FIELD", "ACME/ONE", "ACME/TWO"],
        ["orders", "ip-allowlist", "config.ips", '["10.0.0.1",', '"10.0.0.2"]', '["10.0.0.1"]'],
        ["orders", "rate-limiting", "config.rateLimits[0].maximumRequests", "5", "9"],
        ["orders", "rate-limiting", "version", "1.5.0", "1.4.0"],
        [],
        ["1", "different,", "0", "the", "same."],
    ]
    markdown = bare.run("promote", "acme/one", "acme/two", "--format", "markdown")
    assert "| `orders` | `rate-limiting` | `version` | `1.5.0` | `1.4.0` |" in markdown.out


def test_what_comes_to_the_same_is_the_same(bare: Cli) -> None:
    """Inherited here, written out there; a set in another order."""
    inherited = environment("One", "defaults:\n  policies:\n  " + limit(5).replace("\n", "\n  "))
    one = {"orders": api(ips("10.0.0.1", "10.0.0.2")), "environment": inherited.rstrip() + "\n"}
    other = {"orders": api(limit(5), ips("10.0.0.2", "10.0.0.1"))}
    done = compared(bare, one, other, "--detailed-exitcode")
    assert (done.code, done.out) == (0, "0 different, 1 the same.\n")


def test_another_order_is_told(bare: Cli) -> None:
    one = {"orders": api(ips("10.0.0.1"), limit(5))}
    other = {"orders": api(limit(5), ips("10.0.0.1"))}
    done = compared(bare, one, other, "--format", "json", "--detailed-exitcode")
    assert done.code == 2
    assert gaps(done) == [("orders", "", "order", "differs")]
    assert done.json["items"][0]["to"] == ["rate-limiting", "ip-allowlist"]


def test_an_api_is_found_by_its_asset_and_label_where_the_file_has_another_name(bare: Cli) -> None:
    done = compared(bare, {"orders": api(limit(5))}, {"sales": api(limit(9))}, "--format", "json")
    assert [(gap[0], gap[2]) for gap in gaps(done)] == [
        ("orders", "config.rateLimits[0].maximumRequests")
    ]
    assert len(compared(bare, {}, {"sales": api(limit(9), label="b")}).out.splitlines()) == 5


@pytest.mark.parametrize("format_", ["text", "json", "markdown"])
def test_secrets_are_references_or_digests(bare: Cli, format_: str) -> None:
    one = {"orders": api(LOGIN.format(password="'${env:ONE}'"))}
    other = {"orders": api(LOGIN.format(password="known-literal-secret"))}
    done = compared(bare, one, other, "--format", format_)
    assert done.code == 0
    assert "${env:ONE}" in done.out
    assert "(secret sha256:" in done.out
    assert "known-literal-secret" not in done.out + done.err


def test_other_variables_differ(bare: Cli) -> None:
    one, other = (
        {"orders": api(LOGIN.format(password=f"'${{env:{name}}}'"))} for name in ("ONE", "TWO")
    )
    done = compared(bare, one, other, "--format", "json")
    assert gaps(done) == [("orders", "http-basic-authentication", "config.password", "differs")]


def test_groups_and_tiers_and_automated_policies_are_compared(cli: Cli, emulator: Emulator) -> None:
    cli.edit(
        "policies/acme/sandbox/environment.yaml",
        "environment: Sandbox",
        f"environment: Sandbox\nautomatedPolicies:\n{ips('10.0.0.1')}",
    )
    done = cli.run("promote", "acme/sandbox", "acme/production", "--format", "json")
    assert done.code == 0
    found = {(api, policy): state for api, policy, _, state in gaps(done)}
    assert found[("payments", "")] == "onlyTo"
    assert found[("orders", "tier:Gold")] == "onlyTo"
    assert found[("automatedPolicies", "")] == "onlyFrom"
    assert emulator.logged() == []


def test_what_groups_may_add_is_a_warning(bare: Cli) -> None:
    group = HEAD + "kind: ApiGroup\napi: {match: {tags: [pci]}}\npolicies:\n" + ips("10.0.0.1")
    done = compared(bare, {"orders": api(limit(9)), "pci": group}, {})
    assert "acme/one/orders: groups may add to it, which only the platform tells" in done.err


@pytest.mark.parametrize(
    ("addresses", "message"),
    [
        (("acme/sandbx", "acme/production"), "did you mean acme/sandbox?"),
        (("acme/sandbox", "x"), "there are: acme/production, acme/sandbox"),
        (("acme/sandbox", "acme/sandbox/"), "they are the same"),
    ],
)
def test_what_is_no_pair_of_environments(
    cli: Cli, addresses: tuple[str, str], message: str
) -> None:
    done = cli.run("promote", *addresses)
    assert done.code == 64
    assert message in done.err


def test_wrong_files_are_told_as_ever(bare: Cli) -> None:
    wrong = api(limit(5)).replace("maximumRequests: 5", "maximumRequests: -5")
    assert compared(bare, {"orders": wrong}, {}).code == 3
