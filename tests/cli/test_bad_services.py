"""Services that refuse, fail or lie, and hosts that get no credentials."""

from __future__ import annotations

import socket

import pytest

from tests.cli.driver import Cli, Done
from tests.cli.standin import Answer, standing_in
from tests.emulator.driver import Emulator

TOKEN = Answer(body='{"access_token": "t0k3n", "token_type": "bearer", "expires_in": 3600}')


def _once(cli: Cli, *arguments: str, host: str | None = None) -> Done:
    """Short of time, since an answer that never comes is waited for."""
    cli.environ["ANYPOINT_HOST"] = host or cli.environ["ANYPOINT_HOST"]
    return cli.run("--timeout", "1", *arguments)


# Credentials


@pytest.mark.parametrize("verb", ["plan", "drift", "apply --yes", "list orgs", "doctor"])
def test_wrong_credentials_are_4(cli: Cli, emulator: Emulator, verb: str) -> None:
    variables = {"ANYPOINT_CLIENT_SECRET": "wr0ng"}
    done = cli.run("--format", "json", *verb.split(), **variables)
    assert done.code == 4
    assert "wr0ng" not in done.out + done.err
    assert [error["exit"] for error in done.json["errors"]] == [4]
    assert emulator.writes() == []


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"ANYPOINT_CLIENT_SECRET": None}, "ANYPOINT_CLIENT_SECRET"),
        ({"ANYPOINT_CLIENT_ID": None}, "ANYPOINT_CLIENT_ID"),
        ({"ANYPOINT_CLIENT_ID": None, "ANYPOINT_CLIENT_SECRET": None}, "ANYPOINT_CLIENT_ID"),
        ({"ANYPOINT_CLIENT_ID": "", "ANYPOINT_CLIENT_SECRET": ""}, "ANYPOINT_CLIENT_ID"),
    ],
)
def test_missing_credentials_name_the_variables(
    cli: Cli, emulator: Emulator, variables: dict[str, str | None], words: str
) -> None:
    done = cli.run("plan", **variables)
    assert done.code == 4
    assert words in done.out + done.err
    assert emulator.logged() == []


def test_who_may_only_read_can_plan_and_not_apply(cli: Cli, emulator: Emulator) -> None:
    viewer = {"ANYPOINT_CLIENT_ID": "viewer", "ANYPOINT_CLIENT_SECRET": "viewer"}
    assert cli.run("plan", **viewer).code == 0
    done = cli.run("apply", "--yes", "--api", "inventory", "--format", "json", **viewer)
    assert done.code == 4
    assert set(done.outcomes().values()) == {"failed"}
    assert "Manage Policies" in done.json["changes"][0]["reason"]
    assert emulator.stored(19001006)["policies"][2]["assetVersion"] == "1.0.0"


def test_a_token_that_runs_out_is_renewed(cli: Cli, emulator: Emulator) -> None:
    emulator.fail({"status": 401}, path="/apis/19001006/policies", times=1)
    done = cli.run("plan", "--format", "json")
    assert (done.code, done.json["errors"]) == (0, [])
    signs = [entry for entry in emulator.logged() if entry["path"].endswith("/oauth2/token")]
    assert len(signs) == 2


def test_a_login_that_is_refused_again_and_again_is_given_up(cli: Cli, emulator: Emulator) -> None:
    emulator.fail({"status": 401}, path="/apis/")
    done = cli.run("plan", "--format", "json")
    assert done.code == 4
    assert len(emulator.logged()) < 100


# Hosts that are no control plane


FOREIGN = (
    "evil.example.com",
    "https://anypoint.mulesoft.com.evil.example.com",
    "https://evil-anypoint.mulesoft.com",
    "http://anypoint.mulesoft.com",
    "https://anypoint.mulesoft.com@evil.example.com",
    "https://anypoint.mulesoft.com:8443/x",
    "https://anypoint.mulesoft.com\\@evil.example.com",
    "https://anypoint.mulesoft.com#@evil.example.com",
    "https://xn--nypoint-3fg.mulesoft.com",
    "https://аnypoint.mulesoft.com",
    "https://169.254.169.254",
    "https://0x7f000001",
    "https://10.0.0.1",
    "http://127.0.0.1.nip.io",
    "file:///etc/passwd",
    "https://",
    "//evil.example.com",
    " ",
    "https://[::ffff:10.0.0.1]",
)


@pytest.mark.parametrize("host", FOREIGN)
def test_foreign_hosts_get_no_connection(cli: Cli, host: str) -> None:
    # A connection would need a resolver or a route, and fail with another code.
    done = cli.run("list", "orgs", "--format", "json", ANYPOINT_HOST=host)
    assert done.code == 5
    assert done.json["errors"]


@pytest.mark.parametrize("host", FOREIGN[:4])
def test_files_cannot_name_a_foreign_host_either(cli: Cli, host: str) -> None:
    name = "policies/acme/organization.yaml"
    cli.edit(name, "organization: Acme", f'host: "{host}"\norganization: Acme')
    done = cli.run("plan", "--format", "json", ANYPOINT_HOST=None)
    assert done.code in (3, 5)
    assert done.json["errors"]


def test_a_refused_host_says_how_to_allow_it(cli: Cli) -> None:
    done = cli.run("plan", ANYPOINT_HOST="gateway.example.com")
    assert done.code == 5
    assert "RECONCILER_ALLOW_HOSTS" in done.out + done.err


# Services that do not answer as they should


def test_a_host_that_refuses_the_connection(cli: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        done = _once(cli, "plan", "--format", "json", host=url)
    assert done.code == 1
    assert url.removeprefix("http://") in done.out
    assert "changes" in done.json


def test_a_host_that_never_answers(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = cli.run("--timeout", "0.2", "list", "orgs", ANYPOINT_HOST=url)
    assert done.code == 1
    assert "no answer" in done.err


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(body="<html><body>Maintenance</body></html>"), 1),
        (Answer(body='{"access_token": "t0k'), 1),
        (Answer(body='{"access_token": "t0k3n"}', length=2000), 1),
        (Answer(body=""), 4),
        (Answer(body="[]"), 4),
        (Answer(body="null"), 4),
        (Answer(body='{"access_token": null}'), 4),
        (Answer(body='{"access_token": "a\\nb"}'), 4),
        (Answer(204), 1),
        (Answer(404, "nothing here"), 1),
        (Answer(500, "broken"), 1),
        (Answer(403, '{"message": "no"}'), 4),
        (Answer(401, "Unauthorized"), 4),
    ],
    ids=lambda value: f"{value.status} {value.body[:20]}" if isinstance(value, Answer) else "",
)
def test_logins_that_are_none(cli: Cli, answer: Answer, code: int) -> None:
    with standing_in(lambda method, path: answer) as server:
        done = _once(cli, "plan", "--format", "json", host=server.url)
    assert done.code == code
    assert "t0k3n" not in done.out + done.err
    assert done.json["errors"][0]["message"].startswith("anypoint: ")


@pytest.mark.parametrize(
    "body", ["<html>Log in</html>", '{"id": ', "", "[]", "null", "7", '{"user": 7}']
)
def test_pages_in_place_of_answers(cli: Cli, body: str) -> None:
    def serve(method: str, path: str) -> Answer:
        return TOKEN if path.endswith("/token") else Answer(body=body)

    with standing_in(serve) as server:
        done = _once(cli, "plan", "--format", "json", host=server.url)
    assert done.code == 1
    assert done.json["errors"][0]["exit"] == 1
    assert "t0k3n" not in done.out + done.err


@pytest.mark.parametrize("verbose", ["-q", "-vv"])
def test_a_broken_head_of_an_answer_is_not_quoted(cli: Cli, verbose: str) -> None:
    def serve(method: str, path: str) -> Answer:
        return Answer(body=TOKEN.body, headers={"X-Bad\r\n error: all done": "t0k3n\x1b[2J"})

    with standing_in(serve) as server:
        done = _once(cli, "plan", verbose, host=server.url)
    assert done.code == 1
    assert "all done" not in done.err
    assert "\x1b" not in done.err
    assert "t0k3n" not in done.out + done.err


@pytest.mark.parametrize(
    ("status", "where"),
    [
        (302, "/accounts/api/v2/oauth2/token"),
        (307, "/accounts/api/v2/oauth2/token"),
        (301, "/accounts/api/me"),
        (308, "/accounts/api/me"),
    ],
)
def test_redirects_are_not_followed_and_carry_no_credentials(
    cli: Cli, status: int, where: str
) -> None:
    with standing_in(lambda method, path: TOKEN) as other:

        def serve(method: str, path: str) -> Answer:
            if path != where:
                return TOKEN
            return Answer(status, headers={"Location": other.url + path})

        with standing_in(serve) as server:
            done = _once(cli, "plan", host=server.url)
    assert done.code in (1, 4)
    assert other.requests == []


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 200, "body": "<html>Log in</html>"},
        {"status": 200, "body": {"policies": 7}},
        {"truncate": 40},
        {"drop": "before"},
    ],
    ids=str,
)
def test_one_api_that_answers_nonsense_leaves_the_others(
    cli: Cli, emulator: Emulator, fault: object
) -> None:
    emulator.fail(fault, path="/apis/19001006/policies")
    done = _once(cli, "apply", "--yes", "--format", "json")
    assert done.code == 1
    assert [error["address"] for error in done.json["errors"]] == ["acme/production/inventory"]
    assert list(done.outcomes().values()) == ["applied"] * 7
