"""One authenticated request, with the look-ups that most handlers begin with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.emulator.anypoint import errors
from reconciler.emulator.anypoint.model import (
    AuditEntry,
    Environment,
    Instance,
    Organization,
    Policy,
)
from reconciler.emulator.anypoint.store import Grant, Store
from reconciler.emulator.wire import Request, Response, json_response

_LARGEST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler gets. `user` is set when somebody acts through a control call."""

    store: Store
    request: Request
    params: Mapping[str, str] = field(default_factory=dict)
    grant: Grant | None = None
    user: str | None = None

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query

    def organization(self) -> Organization:
        """The organization of the path; an unseen one is forbidden (unverified)."""
        found = self.store.organizations.get(self.params["organizationId"])
        if found is None:
            raise errors.forbidden()
        return found

    def environment(self) -> Environment:
        organization = self.organization()
        found = self.store.environments.get(self.params["environmentId"])
        if found is None or found.organization_id != organization.id:
            raise errors.not_found("Environment")
        return found

    def instance(self) -> Instance:
        environment = self.environment()
        # A path that is not one is unknown to the router of the service.
        if not self.params["apiId"].isdigit():
            raise errors.no_route()
        found = self.store.instances.get(number(self.params["apiId"]))
        if found is None or found.environment_id != environment.id:
            raise errors.not_found("API instance")
        return found

    def policy(self, instance: Instance) -> Policy:
        wanted = number(self.params["policyId"])
        for policy in self.store.policies_of(instance.id):
            if policy.id == wanted:
                return policy
        raise errors.not_found("Policy")

    def body(self) -> Any:
        """The JSON body; anything else is refused."""
        try:
            return self.request.json()
        except ValueError:
            raise errors.named(400, "Bad Request", "request body is not valid JSON") from None

    def object_body(self) -> dict[str, Any]:
        document = self.body()
        if not isinstance(document, dict):
            raise errors.wrong_type("/body", "object")
        return document

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.query.get(name)
        if value is None:
            return default
        if value not in ("true", "false"):
            raise errors.wrong_type(f"/query/{name}", "boolean")
        return value == "true"

    def page(self, limit: int, largest: int | None = None) -> tuple[int, int]:
        """Offset and limit of the query; out of bounds is refused."""
        offset = self._whole("offset", 0, 0)
        size = self._whole("limit", limit, 1)
        if largest is not None and size > largest:
            raise errors.invalid("/query/limit", f"must be <= {largest}", "maximum")
        return offset, size

    def _whole(self, name: str, default: int, least: int) -> int:
        text = self.query.get(name)
        if text is None:
            return default
        # The length is bounded because Python refuses to read very long numbers.
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise errors.wrong_type(f"/query/{name}", "integer")
        if int(text) < least:
            raise errors.invalid(f"/query/{name}", f"must be >= {least}", "minimum")
        return int(text)

    def audit(
        self,
        action: str,
        kind: str,
        object_id: object,
        name: str,
        *,
        instance: Instance | None = None,
        payload: Mapping[str, Any] | None = None,
    ) -> None:
        """Notes a change in the audit log, under whoever made it."""
        environment_id = self.params.get("environmentId") or (
            instance.environment_id if instance else None
        )
        login = self.grant.login if self.grant else None
        is_user = login is not None and login.kind == "user"
        self.store.audit.append(
            AuditEntry(
                at=self.store.now_ms(),
                organization_id=self.params.get("organizationId", self.store.master().id),
                action=action,
                object_type=kind,
                object_id=str(object_id),
                object_name=name,
                environment_id=environment_id,
                parent_id=str(instance.id) if instance and kind != "api" else None,
                user=self.user or (login.name if login and is_user else None),
                client_id=login.name if login and not is_user and not self.user else None,
                payload=payload or {},
            )
        )


Handler = Callable[[Call], Response]


def number(text: str) -> int:
    """An id from a path; 0, which nothing has, for what is no id."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return 0
    value = int(text)
    return value if value <= _LARGEST_ID else 0


def ok(payload: Any) -> Response:
    return json_response(200, payload)


def created(payload: Any) -> Response:
    return json_response(201, payload)


def no_content() -> Response:
    return Response(204)
