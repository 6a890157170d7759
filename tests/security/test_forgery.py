"""No name from a service or a file forges what any command prints, in any format."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from reconciler.cli.arguments import FORMATS
from reconciler.cli.verbs import VERBS
from reconciler.show.clean import clean, without_commands
from reconciler.show.data import as_json
from tests.cli.driver import Cli
from tests.cli.standin import Answer, standing_in
from tests.emulator.driver import ACME, PRODUCTION, Emulator
from tests.security.test_leaks import RECIPES

# Two lines, so that one of them starts a line where the name does.
MARKS = (
    "x\x1b[2K\x1b]0;t\x07\rfine",
    "::error::forged\n::set-output name=a::b\n::stop-commands::x",
    "a ##[set-output name=a]b ##vso[task.setvariable variable=a]b ##TeamCity[x 'y']",
    "C1 \x9b2J \x85 \x90q\x9c \x7f",
    "bidi \u202e\u2066\u2069\u200f\u061c",
    "seen \u200b\u200d\u2060\ufeff\u00ad\u034f\u115f\u3164\ufe0f\U000e0041",
    "lines \u2028 \u2029 \x0b \x0c \x1c",
    "| a | b |\n| --- | --- |\n</code><script>alert(1)</script>`*_[x](y)<img src=x>@all",
)
_UNSEEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
_COMMAND = re.compile(r"^\s*::|##\[|##vso\[|##teamcity\[", re.IGNORECASE | re.MULTILINE)


_LIMIT = "{maximumRequests: 1, timePeriodInMilliseconds: 1000}"


def forgeries(shown: str, format_: str) -> list[str]:
    """What in an output could act: on a terminal, on a build server, in Markdown."""
    # The command's own signs have a selector behind them.
    found = _UNSEEN.findall(re.sub("[✏↕⚠]\ufe0f", "", shown))
    found += _COMMAND.findall(shown)
    if format_ == "markdown":
        outside = re.sub(
            r"^(```+)text\n.*?\n\1$|`[^`\n]*`|<code>[^<\n]*</code>", "", shown, flags=re.S | re.M
        )
        found += re.findall(r"<script|<img|\]\(y\)|@all", outside)
    return found


def _renamed(emulator: Emulator, mark: str) -> None:
    """Live names, labels and values with the mark in them."""

    def tamper(**order: Any) -> None:
        emulator.tamper(user="x", **order)

    tamper(platform="anypoint", resource="apis", id=19001006, patch={"instanceLabel": mark})
    tamper(platform="anypoint", resource="apis", id=19001007, patch={"tags": [mark]})
    policy = emulator.stored(19001006)["policies"][0]
    config = {"inboundHeaders": [mark], "outboundHeaders": []}
    tamper(
        apiId=19001006, policyId=policy["id"], patch={"configurationData": config, "label": mark}
    )
    state = emulator.state()
    for kind in ("organizations", "environments"):
        for item in state[kind]:
            if item["id"] not in (ACME, PRODUCTION):
                item["name"] = mark[:60]
    emulator.reset(state)


def _tree(mark: str) -> Mapping[str, str]:
    """Texts in files: an item of a list, a description, a tier's name and a custom key."""
    quoted = json.dumps(mark)
    return {
        "policies/acme/production/inventory.yaml": (
            "apiVersion: reconciler/v1\nkind: ApiInstance\n"
            f"api: {{id: 19001006}}\ndescription: {quoted}\n"
            "policies:\n"
            "  - policyRef: {name: header-removal, version: 1.1.2}\n"
            f"    config: {{inboundHeaders: [{quoted}, b], outboundHeaders: []}}\n"
            f"  - policyRef: {{name: own, groupId: {ACME}, version: 1.0.0}}\n"
            f"    config: {{{quoted}: {quoted}}}\n"
            f"tiers: [{{name: {quoted}, limits: [{_LIMIT}]}}]\n"
        )
    }


@pytest.mark.parametrize("mark", MARKS)
def test_no_command_prints_what_acts(cli: Cli, emulator: Emulator, mark: str) -> None:
    _renamed(emulator, mark)
    cli.write(_tree(mark))
    cli.run("plan", "-o", "plan.json", "--env", "production")
    lines = [line for verb in VERBS for line in RECIPES[verb] if "{stale}" not in line]
    sampled = lines[MARKS.index(mark) % 4 :: 4] + ["plan", "list orgs", "drift --format json"]
    for number, line in enumerate(sampled):
        format_ = FORMATS[(number + MARKS.index(mark)) % 3]
        format_ = "json" if "json" in line.split() else format_
        made = line.format(plan="plan.json", run="none").replace(_SANDBOX, _INVENTORY)
        done = cli.run("--format", format_, *made.split())
        assert forgeries(done.out, format_) == [], (line, format_)
        assert forgeries(done.err, "text") == [], (line, format_)


_SANDBOX, _INVENTORY = "acme/sandbox/orders", "acme/production/inventory"


def _always(answer: Answer, method: str, path: str) -> Answer:
    return answer


@pytest.mark.parametrize("mark", MARKS)
def test_no_message_of_a_service_acts(cli: Cli, mark: str) -> None:
    told = {"message": mark, "name": mark, "error": mark, "error_description": mark}
    headers = {"X-Request-Id": re.sub(r"[^ -~]", "?", mark), "X-RateLimit-Limit": "::error::x"}
    for status in (400, 403):
        answer = Answer(status, json.dumps(told), headers)
        with standing_in(partial(_always, answer)) as server:
            for format_ in FORMATS:
                line = f"--format {format_} -vv list orgs"
                done = cli.run(*line.split(), ANYPOINT_HOST=server.url)
                assert forgeries(done.out, format_) == []
                assert forgeries(done.err, "text") == []


def test_a_folder_that_is_called_like_a_command_of_the_build_server(cli: Cli) -> None:
    (cli.folder / "policies/acme").rename(cli.folder / "policies/::error::forged")
    for format_ in FORMATS:
        done = cli.run("plan", "--format", format_)
        assert "forged" in done.out
        assert forgeries(done.out + done.err, format_) == []


@pytest.mark.parametrize(
    "text", ["::error::x", "  ::x", "a\n\t::x", "##[x]", "a##VSO[x", "##teamcity[x"]
)
def test_commands_to_build_servers_are_made_visible(text: str) -> None:
    made = without_commands(text)
    assert not _COMMAND.search(made)
    assert made.replace("\\u003a", ":").replace("\\u0023", "#") == text


@pytest.mark.parametrize(
    "text", ["a::b", "# a ##b", "https://[::1]/", "x: :", "## heading", "a ::b"]
)
def test_other_text_stays(text: str) -> None:
    assert without_commands(text) == text


def test_json_stays_the_same_json() -> None:
    data = {"".join(MARKS): list(MARKS), "é✓東": "##[x]"}
    shown = without_commands(as_json(data))
    assert json.loads(shown) == data
    assert forgeries(shown, "json") == []
    assert "é✓東" in shown


@pytest.mark.parametrize("mark", MARKS)
def test_clean_text_is_seen_whole(mark: str) -> None:
    assert not _UNSEEN.search(clean(mark))
    assert "\n" not in clean(mark)
