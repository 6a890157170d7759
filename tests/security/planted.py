"""A tree, an environment and live state with a canary in every field that can carry a secret."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli.driver import sample
from tests.emulator.driver import ACME, MULESOFT, Emulator
from tests.security.canaries import Canary, a_canary, a_pem, a_plain, a_token

_CUSTOM_GROUP = ACME
_INJECTION = "header-injection"

LOGINS = ("app", "user", "token")


@dataclass(frozen=True, slots=True)
class Planted:
    """The canaries, and the variables that hold those that come from the environment."""

    canaries: list[Canary]
    environ: dict[str, str] = field(repr=False)
    token: str = field(repr=False)


def planted(folder: Path, emulator: Emulator, url: str, token: Canary) -> Planted:
    """Writes the tree below `folder` and changes live state; the emulator is reached at `url`."""
    made = {name: a_canary(name) for name in _FIELDS} | {"pem": a_pem("pem")}
    made |= {name: a_plain(name) for name in ("url", "live url", "proxy", "upstream")}
    made["bare token"] = a_token("bare token")
    sample(folder)
    _write(folder, made)
    _tamper(emulator, made)
    variables = {name: made[place].text for name, place in _VARIABLES.items()}
    return Planted([*made.values(), token], {**variables, "ANYPOINT_HOST": url}, token.text)


_FIELDS = (
    "client secret",
    "password of a user",
    "auth in a file",
    "jwt key",
    "header value",
    "literal password",
    "custom literal",
    "custom nested",
    "custom reference",
    "live key",
    "live custom",
    "secret key",
)
_VARIABLES = {
    "PARTNER_JWT_KEY": "jwt key",
    "HEADER_TOKEN": "header value",
    "CUSTOM_VALUE": "custom reference",
    "ACME_CLIENT_SECRET": "auth in a file",
    "RECONCILER_SECRET_KEY": "secret key",
}


def login(made: Planted, kind: str) -> dict[str, str]:
    """The variables of one way to log in."""
    by_name = {canary.name: canary.text for canary in made.canaries}
    return {
        "app": {"ANYPOINT_CLIENT_ID": "demo", "ANYPOINT_CLIENT_SECRET": by_name["client secret"]},
        "user": {"ANYPOINT_USERNAME": "demo", "ANYPOINT_PASSWORD": by_name["password of a user"]},
        "token": {"ANYPOINT_TOKEN": by_name["bare token"]},
    }[kind]


def _write(folder: Path, made: dict[str, Canary]) -> None:
    tree = folder / "policies" / "acme"
    keys = folder / "keys"
    keys.mkdir()
    (keys / "backend.pem").write_text(made["pem"].text + "\n")
    with (tree / "organization.yaml").open("a") as file:
        file.write("auth: {clientId: demo, clientSecret: '${env:ACME_CLIENT_SECRET}'}\n")
    _edit(
        tree / "production/orders-partners.yaml",
        "${env:ORDERS_BACKEND_PASSWORD}",
        "${file:../../../keys/backend.pem}",
    )
    basic = tree / "sandbox/customers.yaml"
    _edit(basic, "${env:SANDBOX_BASIC_PASSWORD}", json.dumps(made["literal password"].text))
    with (tree / "sandbox/orders.yaml").open("a") as file:
        file.write(_more(made))


def _more(made: dict[str, Canary]) -> str:
    """A reference in a field that is shown, a URL with a password, and a custom policy."""
    headers = [{"key": "x-token", "value": "${env:HEADER_TOKEN}"}]
    back = f"https://svc:{made['url'].text}@logs.example.com"
    headers.append({"key": "x-back", "value": back})
    injection = {
        "policyRef": {"name": _INJECTION, "version": "1.3.2"},
        "config": {"inboundHeaders": headers, "outboundHeaders": []},
    }
    custom = {
        "policyRef": {"name": "own-policy", "groupId": _CUSTOM_GROUP, "version": "1.0.0"},
        "config": {
            "apiKey": made["custom literal"].text,
            "deep": [{"token": made["custom nested"].text}],
            "plain": "${env:CUSTOM_VALUE}",
        },
    }
    return "".join(f"  - {json.dumps(entry)}\n" for entry in (injection, custom))


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _tamper(emulator: Emulator, made: dict[str, Canary]) -> None:
    """What somebody else has left live: in sensitive fields, under telling names, in URLs, and
    the value of a variable of ours in a field that no file knows to be secret."""
    templates = [_template("own-policy"), _template("their-policy")]
    emulator.reset({**emulator.state(), "templates": templates})
    emulator.settings(keepSecrets=True)
    back = f"https://svc:{made['live url'].text}@x.example.com"
    headers = [{"key": "a", "value": made["header value"].text}, {"key": "b", "value": back}]
    _live(
        emulator, 19001001, MULESOFT, _INJECTION, {"inboundHeaders": headers, "outboundHeaders": []}
    )
    own = {"password": made["live custom"].text, "list": [{"apiKey": made["live custom"].text}]}
    _live(emulator, 19001001, _CUSTOM_GROUP, "their-policy", own)
    jwt = emulator.stored(19001002)["policies"][1]
    patch = {"configurationData": {**jwt["configurationData"], "textKey": made["live key"].text}}
    emulator.tamper(apiId=19001002, policyId=jwt["id"], patch=patch, user="x")
    uri = f"https://svc:{made['upstream'].text}@orders.example.com"
    upstreams = [{"id": "7e1a90c4-2222-4b6b-9d11-0000000000b6", "label": None, "uri": uri}]
    emulator.tamper(
        platform="anypoint", resource="apis", id=19001006, patch={"upstreams": upstreams}, user="x"
    )


def _live(emulator: Emulator, api: int, group: str, asset: str, config: object) -> None:
    version = "1.3.2" if group == MULESOFT else "1.0.0"
    patch = {
        "groupId": group,
        "assetId": asset,
        "assetVersion": version,
        "configurationData": config,
    }
    emulator.tamper(apiId=api, patch=patch, user="x")


def _template(name: str) -> dict[str, object]:
    """A policy of the organization itself, of which no catalogue knows what is secret."""
    return {
        "groupId": _CUSTOM_GROUP,
        "assetId": name,
        "name": name,
        "versions": ["1.0.0"],
        "technologies": ["mule4", "flexGateway"],
        "category": "Security",
        "fields": [{"name": "apiKey", "type": "string"}, {"name": "plain", "type": "string"}],
    }
