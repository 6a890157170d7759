"""The whole state of the org: tables of rows, sessions, and the counters."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.emulator.salesforce import times
from reconciler.emulator.salesforce.ids import Ids
from reconciler.emulator.salesforce.settings import SalesforceSettings

Clock = Callable[[], float]
Row = Mapping[str, Any]
Tables = dict[str, dict[str, Row]]

# What is stored. ConnectedApp and ExternalClientApplication hold more than their sObjects show.
TABLES = (
    "Organization",
    "Profile",
    "PermissionSet",
    "PermissionSetGroup",
    "PermissionSetGroupComponent",
    "User",
    "PermissionSetAssignment",
    "ConnectedApp",
    "ExternalClientApplication",
    "SetupEntityAccess",
    "OauthToken",
    "LoginHistory",
    "SetupAuditTrail",
    "Session",
)
SWITCH_ALL = "enableAdminApprovedAppsOnly"
SWITCH_EXTERNAL = "enableAdminApprovedAppsOnlyForExternalUser"
WIZARD = "enableSkipUserProvisioningWizardWelcomePage"

_MOST_LOGS = 20_000
_MOST_SESSIONS = 10_000


@dataclass(frozen=True, slots=True)
class Session:
    """Who an access token speaks for, by which app (None: a browser), until when."""

    user_id: str
    app_id: str | None
    flow: str
    expires: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a write may change, to go back to."""

    tables: Tables
    switches: Mapping[str, bool]


class Store:
    """Tables by type and id; rows are replaced, never changed."""

    def __init__(self, clock: Clock = time.time) -> None:
        self.clock = clock
        self.settings = SalesforceSettings()
        self.ids = Ids()
        self.tables: Tables = {name: {} for name in TABLES}
        self.switches: Mapping[str, bool] = {SWITCH_ALL: False, SWITCH_EXTERNAL: False}
        self.sessions: dict[str, Session] = {}
        self.cursors: dict[str, Any] = {}
        self.jobs: dict[str, Any] = {}
        self.used_requests = 0

    # Rows

    def rows(self, table: str) -> Iterable[Row]:
        return self.tables[table].values()

    def get(self, table: str, key: str | None) -> Row | None:
        return self.tables[table].get(key) if key else None

    def find(self, table: str, **wanted: Any) -> Row | None:
        """The first row with these values."""
        for row in self.rows(table):
            if all(row.get(name) == value for name, value in wanted.items()):
                return row
        return None

    def put(self, table: str, row: Row) -> None:
        self.tables[table][row["Id"]] = row

    def drop(self, table: str, key: str) -> None:
        del self.tables[table][key]

    def snapshot(self) -> Snapshot:
        return Snapshot({name: dict(rows) for name, rows in self.tables.items()}, self.switches)

    def restore(self, snapshot: Snapshot) -> None:
        self.tables = {name: dict(rows) for name, rows in snapshot.tables.items()}
        self.switches = snapshot.switches

    # The org

    def now(self) -> str:
        return times.at(self.clock())

    @property
    def organization(self) -> Row:
        return next(iter(self.rows("Organization")))

    def is_on(self, switch: str) -> bool:
        """A switch holds only where the feature is activated."""
        return self.settings.aacActivated and self.switches.get(switch, False)

    # Sessions

    def session(self, token: str) -> Session | None:
        """The session of an access token; an ended one is none."""
        found = self.sessions.get(token)
        if found and found.expires > self.clock():
            return found
        seeded = self.get("Session", token)
        if seeded is None:
            return None
        return Session(seeded["UserId"], seeded.get("AppId"), "browser", float("inf"))

    def open_session(self, user_id: str, app_id: str | None, flow: str) -> str:
        """A new access token: the org's id in 15 characters, and what nobody can guess."""
        token = f"{self.organization['Id'][:15]}!{secrets.token_urlsafe(48)}"
        now = self.clock()
        if len(self.sessions) > _MOST_SESSIONS:
            self.sessions = {t: s for t, s in self.sessions.items() if s.expires > now}
        expires = now + self.settings.sessionLifetimeSeconds
        self.sessions[token] = Session(user_id, app_id, flow, expires)
        return token

    def end_sessions(self, app_id: str, user_id: str | None = None) -> None:
        """Ends what came by an app, of one user or of all."""
        self.sessions = {
            token: session
            for token, session in self.sessions.items()
            if session.app_id != app_id or user_id not in (None, session.user_id)
        }

    # Records of what happened

    def log_login(self, **values: Any) -> None:
        self._append("LoginHistory", {"LoginTime": self.now(), **values})

    def audit(self, user_id: str | None, section: str, action: str, display: str) -> None:
        """Notes a change of the setup; the texts are ours, the columns are not."""
        row = {
            "CreatedById": user_id,
            "CreatedDate": self.now(),
            "Section": section,
            "Action": action,
            "Display": display,
            "DelegateUser": None,
        }
        self._append("SetupAuditTrail", row)

    def _append(self, table: str, values: Row) -> None:
        rows = self.tables[table]
        row = {"Id": self.ids.next(table), **values}
        rows[row["Id"]] = row
        if len(rows) > _MOST_LOGS:
            del rows[next(iter(rows))]
