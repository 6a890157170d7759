"""Organizations of the files -> logins, one for each host and set of credentials."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from reconciler.core.catalogue import Catalogue
from reconciler.core.project import Environment, Org, Organization
from reconciler.core.redact import secrets_of
from reconciler.errors import PolicyError, ReconcilerError
from reconciler.files.hosts import DEFAULT_HOST
from reconciler.files.platforms import SALESFORCE
from reconciler.files.values import Resolver
from reconciler.providers.anypoint.auth import credentials_from
from reconciler.providers.anypoint.provider import AnypointProvider, connect
from reconciler.providers.base import Provider
from reconciler.transport import Bounds


class Platforms:
    """Connects organizations, and remembers each login, so that a host gets one token.

    environ gives ANYPOINT_* (ANYPOINT_HOST overrides every `host:`), SALESFORCE_* and
    RECONCILER_ALLOW_HOSTS; bounds are those of the run. rehearses: what would be refused may be
    asked for, although the logins are read-only.
    """

    def __init__(
        self,
        *,
        environ: Mapping[str, str],
        catalogue: Catalogue,
        resolver: Resolver,
        bounds: Bounds,
        read_only: bool,
        rehearses: bool = False,
    ) -> None:
        self._environ = environ
        self._catalogue = catalogue
        self._resolver = resolver
        self._bounds = bounds
        self._read_only = read_only
        self._rehearses = rehearses
        self._lock = threading.Lock()
        self._logins: dict[tuple[Any, ...], AnypointProvider] = {}
        self._orgs: dict[tuple[Any, ...], Provider] = {}

    def connect(self, organization: Organization) -> Provider:
        """The provider of an organization; raises Refusal for a foreign host, NotAllowed where
        there are no credentials, PolicyError for a bad reference. Nothing is sent yet."""
        if organization.platform == SALESFORCE:
            message = f"{organization.folder} is on Salesforce, where each environment has a login"
            raise ReconcilerError(message)
        return self.login(organization.host, self._auth(organization))

    def connect_org(self, organization: Organization, environment: Environment) -> Provider:
        """The provider of an environment with an org of its own; raises as `connect`.

        SALESFORCE_INSTANCE_URL overrides every `instanceUrl:`.
        """
        org = environment.org
        assert org is not None
        provider = _salesforce()
        auth = self._org_auth(environment, org)
        folder = self._resolver.cwd / Path(org.source.file).parent
        credentials = provider.credentials_from(auth, self._environ, folder)
        url = self._environ.get("SALESFORCE_INSTANCE_URL") or org.url
        key = (url, org.id, org.is_sandbox, org.version, credentials)
        with self._lock:
            if key not in self._orgs:
                self._orgs[key] = provider.connect(
                    org,
                    url,
                    credentials,
                    allow_hosts=self._environ.get("RECONCILER_ALLOW_HOSTS", "").split(","),
                    bounds=self._bounds,
                    read_only=self._read_only,
                    rehearses=self._rehearses,
                )
            return self._orgs[key]

    def _org_auth(self, environment: Environment, org: Org) -> Mapping[str, Any] | None:
        if org.auth is None:
            return None
        source = environment.source
        found = self._resolver.resolve_auth(org.auth, source.file, (source.line, source.column))
        if found.problems:
            raise PolicyError(found.problems)
        values: Mapping[str, Any] = found.value
        return values

    def login(self, host: str, auth: Mapping[str, Any] | None) -> Provider:
        """The provider of a host and resolved `auth:`, or of the ANYPOINT_* variables."""
        host = self._environ.get("ANYPOINT_HOST") or host or DEFAULT_HOST
        credentials = credentials_from(auth, self._environ)
        key = (host, credentials.kind, credentials.name.reveal(), credentials.secret.reveal())
        with self._lock:
            if key not in self._logins:
                self._logins[key] = connect(
                    host,
                    credentials,
                    self._catalogue,
                    allow_hosts=self._environ.get("RECONCILER_ALLOW_HOSTS", "").split(","),
                    bounds=self._bounds,
                    read_only=self._read_only,
                    secrets=secrets_of(self._environ),
                )
            return self._logins[key]

    def _auth(self, organization: Organization) -> Mapping[str, Any] | None:
        if organization.auth is None:
            return None
        source = organization.source
        found = self._resolver.resolve_auth(
            organization.auth, source.file, (source.line, source.column)
        )
        if found.problems:
            raise PolicyError(found.problems)
        values: Mapping[str, Any] = found.value
        return values


def _salesforce() -> Any:
    """The module of the provider, whose packages are an extra that others do without."""
    try:
        return import_module("reconciler.providers.salesforce.provider")
    except ImportError as error:
        message = f"Salesforce needs the package {error.name}: pip install 'reconciler[salesforce]'"
        raise ReconcilerError(message) from None
