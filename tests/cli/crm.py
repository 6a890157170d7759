"""The emulated org as the tests of the command see it: told from what the server stores and lets
in, without any code of ours."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.cli.driver import Cli
from tests.emulator.driver import Emulator

UNIT = "acme-crm/uat/access"
ACCESS = "policies/acme-crm/uat/access.yaml"
ORGANIZATION = "policies/acme-crm/organization.yaml"
ALL_USERS, EXTERNAL_USERS = "limitAllUsersToAllowlistedApps", "limitExternalUsersToInstalledApps"
OWN, BILLING = "Access Reconciler", "Billing Sync"

_TIMEOUT_S = 30
_USE = ("OauthToken", "LoginHistory")


def unused(emulator: Emulator, **tables: Any) -> None:
    """The org of the demo, of which nobody but this tool makes any use; tables: more rows."""
    emulator.reset()
    org = emulator.control("state")["salesforce"]
    seed = {name: rows for name, rows in org.items() if name not in _USE}
    for name, rows in tables.items():
        seed[name] = {**seed[name], **rows} if isinstance(rows, dict) else [*seed[name], *rows]
    emulator.reset({"anypoint": "demo", "salesforce": seed})


@dataclass(frozen=True)
class Held:
    """What counts of the state of an org. grants: app and holder, with how many rows of each
    there are. apps: their policies. bypass: who may use any API client."""

    grants: Mapping[tuple[str, str], int]
    switches: Mapping[str, bool]
    apps: Mapping[str, Any]
    bypass: frozenset[str]


def held(emulator: Emulator) -> Held:
    org = emulator.control("state")["salesforce"]
    profiles = {row["Id"]: row["Name"] for row in org["Profile"]}
    sets = {
        row["Id"]: profiles.get(row["ProfileId"], "") or row["Name"] for row in org["PermissionSet"]
    }
    labels = {row["Id"]: row["metadata"]["label"] for row in org["ConnectedApp"]}
    labels |= {row["Id"]: row["MasterLabel"] for row in org["ExternalClientApplication"]}
    grants = Counter(
        (labels[row["SetupEntityId"]], sets[row["ParentId"]])
        for row in org.get("SetupEntityAccess", ())
    )
    apps = {row["metadata"]["label"]: _policy(row["metadata"]) for row in org["ConnectedApp"]}
    apps |= {
        row["MasterLabel"]: row["policy"]["permittedUsersPolicyType"]
        for row in org["ExternalClientApplication"]
    }
    givers = (row for row in org["PermissionSet"] if "UseAnyApiClient" in row["userPermissions"])
    return Held(
        dict(grants),
        org["ConnectedAppSettings"],
        apps,
        frozenset(sets[row["Id"]] for row in givers),
    )


def _policy(metadata: Mapping[str, Any]) -> tuple[bool, Any]:
    policy = metadata.get("oauthPolicy") or {}
    return bool(metadata["oauthConfig"].get("isAdminApproved")), dict(policy)


def doubled(emulator: Emulator) -> list[tuple[str, str]]:
    """Grants that are there more than once."""
    return [grant for grant, count in held(emulator).grants.items() if count > 1]


def gets_in(emulator: Emulator, key: str = "demo") -> bool:
    """Whether the app's own login gets a token now, and is let in with it."""
    base = f"{emulator.url}/salesforce/services"
    form = {"grant_type": "client_credentials", "client_id": key, "client_secret": key}
    with requests.Session() as session:
        session.trust_env = False
        token = session.post(f"{base}/oauth2/token", data=form, timeout=_TIMEOUT_S)
        if token.status_code != 200:
            return False
        bearer = {"Authorization": f"Bearer {token.json()['access_token']}"}
        url = f"{base}/data/v64.0/limits"
        return session.get(url, headers=bearer, timeout=_TIMEOUT_S).status_code == 200


@dataclass
class Watch:
    """looks: how often it was asked whether the tool gets in; shut_out: how often it did not."""

    looks: int = 0
    shut_out: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def look(self, emulator: Emulator) -> None:
        while not self.ended.wait(0.01):
            self.looks += 1
            self.shut_out += not gets_in(emulator)


@contextmanager
def watched(emulator: Emulator) -> Iterator[Watch]:
    """Asks all the while whether this tool gets in, and says at the end that it always did."""
    watch = Watch()
    thread = threading.Thread(target=watch.look, args=(emulator,))
    thread.start()
    try:
        yield watch
    finally:
        watch.ended.set()
        thread.join()
    assert watch.looks
    assert watch.shut_out == 0


def access(cli: Cli, *apps: str, more: str = "") -> None:
    """Writes the ApiAccess with these apps, over the defaults of the sample."""
    head = "apiVersion: reconciler/v1\nkind: ApiAccess\n"
    own = f"self: {{app: {OWN}, username: reconciler@acme.example}}\n"
    lines = "".join(f"  - {app}\n" for app in apps)
    cli.write({ACCESS: f"{head}{own}apps:\n{lines}{more}"})
