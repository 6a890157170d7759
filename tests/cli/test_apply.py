"""`apply`: asking, carrying out, failing in part, and being stopped."""

from __future__ import annotations

import signal

import pytest

from tests.cli.driver import Cli, Done, checked
from tests.cli.gate import gate_before
from tests.emulator.driver import Emulator

POLICY = r"/apis/\d+/policies"


# Asking


def test_nobody_to_ask_is_wrong_usage_before_any_call(cli: Cli, emulator: Emulator) -> None:
    done = cli.run("apply")
    assert (done.code, done.out) == (64, "")
    assert "say --yes" in done.err
    assert emulator.logged() == []


def test_yes_on_a_terminal_applies(cli: Cli, emulator: Emulator) -> None:
    done = cli.on_terminal("apply", "--api", "inventory", answers=["yes"])
    assert done.code == 0
    assert "Apply 1 change? Only 'yes' does it:" in done.out
    assert "Apply: 1 applied" in done.out
    assert len(emulator.writes()) == 1


@pytest.mark.parametrize("answer", ["", "y", "no", "Yes please", "\x04"])
def test_any_other_answer_applies_nothing(cli: Cli, emulator: Emulator, answer: str) -> None:
    done = cli.on_terminal("apply", "--api", "inventory", answers=[answer])
    assert done.code == 0
    assert done.out.rstrip().endswith("nothing applied")
    assert emulator.writes() == []


def test_nothing_is_asked_where_nothing_changes(cli: Cli) -> None:
    done = cli.on_terminal("apply", "--api", "catalog")
    assert done.code == 0
    assert "nothing to change" in done.out
    assert "Only 'yes'" not in done.out


def test_json_answers_are_whole_also_where_somebody_is_asked(cli: Cli) -> None:
    done = cli.on_terminal("apply", "--api", "inventory", "--format", "json", answers=["no"])
    assert done.code == 0
    assert '"command": "apply"' in done.out
    assert "Only 'yes'" in done.out


def test_what_changed_while_somebody_was_reading_is_stale(cli: Cli, emulator: Emulator) -> None:
    def answer() -> str:
        policy = next(
            item
            for item in emulator.stored(19001006)["policies"]
            if item["assetId"] == "rate-limiting"
        )
        emulator.tamper(apiId=19001006, policyId=policy["id"], patch={"delete": True}, user="x")
        return "yes"

    done = cli.on_terminal("apply", "--api", "inventory", answers=[answer])
    assert done.code == 6
    assert "rate-limiting: is gone" in done.out
    assert emulator.writes() == []


# Outcomes


def test_outcomes_as_text_and_markdown(cli: Cli) -> None:
    text = cli.run("apply", "--yes", "--api", "inventory")
    assert text.out.endswith(
        "  ✓ update  acme/production/inventory/rate-limiting\n\nApply: 1 applied.\n"
    )
    markdown = cli.run("apply", "--yes", "--api", "orders-partners", "--format", "markdown")
    assert (text.code, markdown.code) == (0, 0)
    row = "| update | `acme/production/orders-partners/rate-limiting` | applied |  |"
    assert row in markdown.out


def test_one_failure_does_not_hide_the_rest(cli: Cli, emulator: Emulator) -> None:
    emulator.fail({"status": 400, "body": {"message": "no"}}, method="PATCH", path=POLICY)
    done = cli.run("apply", "--yes", "--format", "json")
    assert done.code == 7
    outcomes = done.outcomes()
    assert len(outcomes) == 8
    assert {name for name, outcome in outcomes.items() if outcome == "failed"} >= {
        "update acme/production/inventory/rate-limiting",
        "update acme/production/orders-partners/rate-limiting",
    }
    assert outcomes["create acme/production/orders/ip-allowlist"] == "applied"
    reasons = [item["reason"] for item in done.json["changes"] if item["outcome"] == "failed"]
    assert all("PATCH" in reason and "400" in reason for reason in reasons)


def test_a_server_that_fails_for_a_while_is_asked_again(cli: Cli, emulator: Emulator) -> None:
    emulator.fail({"status": 503, "headers": {"Retry-After": "0"}}, method="PATCH", times=2)
    done = cli.run("apply", "--yes", "--api", "inventory", "--format", "json")
    assert (done.code, set(done.outcomes().values())) == (0, {"applied"})


def test_where_every_change_fails_nothing_is_partly_applied(cli: Cli, emulator: Emulator) -> None:
    emulator.fail({"status": 400, "body": "no"}, method="PATCH", path=POLICY)
    done = cli.run("apply", "--yes", "--api", "inventory", "--format", "json")
    assert (done.code, set(done.outcomes().values())) == (1, {"failed"})


def test_an_answer_lost_after_a_create_is_no_second_policy(cli: Cli, emulator: Emulator) -> None:
    emulator.fail({"drop": "after"}, method="POST", path=POLICY, times=1)
    done = cli.run("apply", "--yes", "--api", "orders", "--env", "production", "--format", "json")
    assert (done.code, set(done.outcomes().values())) == (0, {"applied"})
    held = [policy["assetId"] for policy in emulator.stored(19001001)["policies"]]
    assert sorted(held) == [
        "client-id-enforcement",
        "header-removal",
        "ip-allowlist",
        "rate-limiting",
    ]


def test_one_api_that_cannot_be_read_leaves_the_others_planned(
    cli: Cli, emulator: Emulator
) -> None:
    emulator.fail({"status": 404, "body": "{}"}, path="/apis/19001006/policies")
    done = cli.run("plan", "--format", "json")
    assert done.code == 1
    assert [error["address"] for error in done.json["errors"]] == ["acme/production/inventory"]
    assert len(done.json["changes"]) == 7


# Being stopped


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_calls_in_flight_finish(
    cli: Cli, emulator: Emulator, number: signal.Signals
) -> None:
    with gate_before(emulator.url, "POST", POLICY) as gate:
        cli.environ["ANYPOINT_HOST"] = gate.url
        arguments = ("apply", "--yes", "--format", "json", "--api", "orders", "--org", "acme")
        done = cli.stopped(*arguments, gate=gate, number=number)
    assert done.code == 130
    assert "stopping: calls in flight finish" in done.err
    assert sorted(done.outcomes().values()) == ["applied", "skipped"]
    skipped = next(item for item in done.json["changes"] if item["outcome"] == "skipped")
    assert "interrupted" in skipped["reason"]
    assert len(emulator.writes()) == 1


def test_what_an_interrupt_left_out_is_applied_by_the_next_run(
    cli: Cli, emulator: Emulator
) -> None:
    with gate_before(emulator.url, "PATCH", POLICY) as gate:
        host, cli.environ["ANYPOINT_HOST"] = cli.environ["ANYPOINT_HOST"], gate.url
        arguments = ("apply", "--yes", "--format", "json", "--parallelism", "1")
        done = cli.stopped(*arguments, gate=gate, number=signal.SIGINT)
    assert set(done.outcomes().values()) == {"applied", "skipped"}
    cli.environ["ANYPOINT_HOST"] = host
    assert cli.run("apply", "--yes").code == 0
    assert cli.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("format_", ["text", "json"])
def test_a_second_signal_waits_for_nothing(cli: Cli, emulator: Emulator, format_: str) -> None:
    with gate_before(emulator.url, "POST", POLICY) as gate:
        cli.environ["ANYPOINT_HOST"] = gate.url
        arguments = ("apply", "--yes", "--format", format_, "--api", "orders")
        done = cli.stopped(*arguments, gate=gate, number=signal.SIGINT, times=2)
    assert done.code == 130
    assert "may have been taken: plan again to see" in done.err
    assert format_ == "text" or "may have been taken" in done.messages[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("line", ["plan -o plan.json", "drift", "list policies", "doctor"])
def test_reading_stops_at_once(
    cli: Cli, emulator: Emulator, line: str, number: signal.Signals
) -> None:
    with gate_before(emulator.url, "GET", POLICY) as gate:
        cli.environ["ANYPOINT_HOST"] = gate.url
        # The call is held for good: it is not waited for.
        with cli.started(*line.split(), "--format", "json") as process:
            assert gate.arrived.wait(30)
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
    done = checked(Done(tuple(line.split()), process.returncode, out, err))
    assert done.code == 130
    assert done.messages == ["interrupted; nothing half-written"]
    assert [item.name for item in cli.folder.iterdir()] == ["policies"]


def test_an_interrupt_at_the_question_applies_nothing(cli: Cli, emulator: Emulator) -> None:
    done = cli.on_terminal("apply", "--api", "inventory", answers=[signal.SIGINT])
    assert done.code == 130
    assert emulator.writes() == []


def test_apply_does_not_write_its_log_to_stdout(cli: Cli) -> None:
    done = cli.run("-vv", "apply", "--yes", "--api", "inventory", "--format", "json")
    assert done.code == 0
    assert done.json["command"] == "apply"
    assert "PATCH" in done.err
    assert "Bearer" not in done.err
