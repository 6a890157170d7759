"""list, explain, export and doctor."""

from __future__ import annotations

import pytest

from tests.cli.driver import Cli
from tests.emulator.driver import ACME, Emulator

# list


def test_lists_as_tables(cli: Cli) -> None:
    assert cli.run("list", "orgs").out.splitlines() == [
        "ORGANIZATION  ID                                    PATH",
        f"Acme Corp     {ACME}  Acme Corp",
        f"Payments      {ACME[:-1]}2  Acme Corp/Payments",
    ]
    markdown = cli.run("list", "envs", "--format", "markdown").out.splitlines()
    assert markdown[:2] == ["| organization | environment | type | id |", "|" + " --- |" * 4]
    assert len(markdown) == 7


def test_lists_as_data_with_filters_over_live_names(cli: Cli) -> None:
    done = cli.run("list", "apis", "--env", "Prod*", "--api", "orders-api:*", "--format", "json")
    assert [item["id"] for item in done.json["items"]] == [19001001, 19001002]
    policies = cli.run("list", "policies", "--api", "customers-api", "--env", "Production")
    assert [line.split()[5] for line in policies.out.splitlines()[1:]] == [
        "header-removal",
        "client-id-enforcement",
        "json-threat-protection",
        "ip-allowlist",
        "message-logging",
    ]


# explain


def test_explain_names_the_line_of_each_field(cli: Cli) -> None:
    done = cli.run("explain", "acme/production/orders")
    assert done.code == 0
    row = next(line for line in done.out.splitlines() if "config.ips" in line)
    assert row.split() == ["config.ips", '["1.1.1.1"]', "api", cli.place(ORDERS, "ips:")]
    inherited = cli.place("policies/acme/organization.yaml", "outboundHeaders:")
    assert f"organization defaults  {inherited}" in done.out


ORDERS = "policies/acme/production/orders.yaml"


def test_the_columns_of_explain_stand_under_each_other(cli: Cli) -> None:
    blocks = cli.run("explain", "acme/production/customers").out.split("\n\n")
    assert len(blocks) == 5
    for block in blocks[1:]:
        rows = block.splitlines()[1:]
        assert len({row.index("policies/acme/") for row in rows}) == 1


def test_explain_needs_no_platform(cli: Cli, emulator: Emulator) -> None:
    done = cli.run("explain", "acme/production/customers", "--format", "json", ANYPOINT_HOST="x")
    assert done.code == 0
    assert [item["policy"] for item in done.json["policies"]] == [
        "header-removal",
        "client-id-enforcement",
        "ip-allowlist",
        "json-threat-protection",
    ]
    assert emulator.logged() == []


def test_explain_live_shows_both_sides(cli: Cli) -> None:
    shown = cli.run("explain", "acme/production/customers", "--live").out
    assert "client-id-enforcement\n" in shown
    disabled = next(line for line in shown.splitlines() if line.strip().startswith("disabled"))
    assert disabled.split() == ["disabled", "false", "default"]
    assert "live: true" in shown
    unmanaged = shown.split("message-logging  live, in no file\n")[1]
    assert "config.loggingConfiguration  live: [" in unmanaged
    group = cli.run("explain", "acme/production/pay-out:internal", "--live").out
    assert "spike-control  not live yet" in group
    assert "group payments" in group


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("acme/production/ordrs", "did you mean acme/production/orders"),
        ("acme/production/pay-in:internal", "--live"),
        ("acme/production/nosuch --live", "acme/production/nosuch"),
        ("nosuch/production/orders --live", "nosuch"),
    ],
)
def test_addresses_that_are_none(cli: Cli, line: str, words: str) -> None:
    done = cli.run("explain", *line.split())
    assert (done.code, done.out) == (64, "")
    assert words in done.err


# export


def test_a_plan_right_after_an_export_is_empty(cli: Cli, emulator: Emulator) -> None:
    done = cli.run("export", "--to", "out", "--format", "json")
    assert (done.code, done.json["errors"]) == (0, [])
    assert len(done.json["variables"]) == 3
    planned = cli.run("-f", "out", "plan", "--detailed-exitcode", "--format", "json")
    assert planned.json["changes"] == []
    assert planned.json["unmanaged"] == []
    assert planned.code == 0
    assert cli.run("-f", "out", "validate").code == 0
    assert emulator.writes() == []


def test_a_folded_export_is_shorter_and_plans_nothing(cli: Cli, emulator: Emulator) -> None:
    emulator.reset("scale:20")
    assert cli.run("export", "--to", "plain").code == 0
    assert cli.run("export", "--to", "folded", "--fold").code == 0
    assert cli.run("-f", "folded", "plan", "--detailed-exitcode").code == 0
    assert cli.run("-f", "folded", "validate").code == 0
    sizes = {
        name: sum(path.stat().st_size for path in (cli.folder / name).rglob("*.yaml"))
        for name in ("plain", "folded")
    }
    assert sizes["folded"] * 4 < sizes["plain"]


def test_export_says_what_it_leaves_out(cli: Cli, emulator: Emulator) -> None:
    state = emulator.state()
    state["apis"][0]["policies"][0]["configurationData"] = {"inboundHeaderz": ["a"]}
    emulator.reset(state)
    done = cli.run("export", "--to", "out", "--api", state["apis"][0]["assetId"])
    assert done.code == 0
    assert "header-removal" in done.err and "is left out" in done.err
    done = cli.run("-f", "out", "plan", "--format", "json")
    assert (done.code, done.json["changes"], len(done.json["unmanaged"])) == (0, [], 1)


def test_export_names_the_files_and_the_variables_to_set(cli: Cli) -> None:
    done = cli.run("export", "--to", "out", "--env", "Sandbox", "--api", "customers-api")
    assert done.code == 0
    assert "out/acme-corp/sandbox/customers-api.yaml" in done.out.splitlines()
    assert "secrets are not returned by the service; set before applying:" in done.err
    assert "next: reconciler -f out plan" in done.err


def test_export_overwrites_nothing_unasked(cli: Cli, emulator: Emulator) -> None:
    before = {path: path.read_bytes() for path in cli.folder.rglob("*") if path.is_file()}
    done = cli.run("export", "--to", "policies")
    assert (done.code, done.out) == (64, "")
    assert "--force" in done.err
    assert cli.run("export", "--to", f"{ORDERS}").code == 64
    assert emulator.logged() == []
    after = {path: path.read_bytes() for path in cli.folder.rglob("*") if path.is_file()}
    assert before == after
    (cli.folder / "out").mkdir()
    (cli.folder / "out/note.txt").write_text("mine")
    assert cli.run("export", "--to", "out", "--force", "--api", "catalog-api").code == 0
    assert (cli.folder / "out/note.txt").read_text() == "mine"


# doctor


def test_doctor_says_that_all_is_well(cli: Cli) -> None:
    done = cli.run("doctor")
    assert done.code == 0
    assert all(line.startswith("✓ ") for line in done.out.splitlines())
    assert "connected app demo" in done.out


@pytest.mark.parametrize(
    ("variables", "code", "words"),
    [
        ({"ANYPOINT_CLIENT_SECRET": "no"}, 4, "login"),
        ({"ANYPOINT_HOST": "gateway.example.com"}, 5, "RECONCILER_ALLOW_HOSTS"),
    ],
)
def test_doctor_says_what_is_not(
    cli: Cli, variables: dict[str, str | None], code: int, words: str
) -> None:
    text = cli.run("doctor", **variables)
    data = cli.run("doctor", "--format", "json", **variables)
    assert (text.code, data.code) == (code, code)
    assert any(line.startswith("✗ ") and words in line for line in text.out.splitlines())
    assert [error["exit"] for error in data.json["errors"]] == [code]


def test_doctor_of_wrong_files(cli: Cli) -> None:
    cli.edit(ORDERS, "kind: ApiInstance", "kind: ApiInstanc")
    done = cli.run("doctor")
    assert done.code == 3
    assert f"{cli.place(ORDERS, 'kind:')}:7" in done.out
