"""One method per endpoint; speaks HTTP, decides nothing (facts, sections 4 to 6).

Reads are repeated where that may help; writes are sent once.
"""

from __future__ import annotations

import json as jsonlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from reconciler.core.redact import Secret
from reconciler.errors import BadAnswer, Incomplete, NotAllowed, ProviderError
from reconciler.providers.salesforce import soap
from reconciler.providers.salesforce.auth import Credentials, Grant, TokenSource
from reconciler.providers.salesforce.failures import TOKEN, failure, unseen
from reconciler.providers.salesforce.ids import record_id
from reconciler.providers.salesforce.instances import Instances
from reconciler.providers.salesforce.nodes import Node
from reconciler.providers.salesforce.pages import count_from, rows_from
from reconciler.providers.salesforce.results import (
    Deployment,
    ItemResult,
    deployment_from,
    result_from_json,
)
from reconciler.providers.salesforce.soql import name as checked_name
from reconciler.transport import Body, Bounds, Part, Reading, Transport, check_host
from reconciler.transport.answers import Answer, Call, decode

READS = (Reading(TOKEN), Reading(r"/services/Soap/m/[0-9]{2,3}\.0", soap.is_read))
"""POSTs that change nothing. Metadata is read and written at one path: the envelope tells."""


def is_check(content: bytes) -> bool:
    """Whether these bytes are a deployment that only checks, and so changes nothing."""
    head, _, rest = content.partition(b"\r\n\r\n")
    text, end, _ = rest.partition(b"\r\n--")
    try:
        told = jsonlib.loads(text)
    except ValueError:
        return False
    options = told.get("deployOptions") if isinstance(told, Mapping) else None
    is_first = b'name="json"' in head and bool(end)
    return is_first and isinstance(options, Mapping) and options.get("checkOnly") is True


CHECKS = (Reading(r"/services/data/v[0-9]{2,3}\.0/metadata/deployRequest", is_check),)
"""Deployments that only check, for who may rehearse a change besides reading."""

MAX_RECORDS = 200
"""Records in one call of sObject Collections."""

_VERSION = re.compile(r"[0-9]{2,3}\.0")
_USERINFO, _REVOKE = "/services/oauth2/userinfo", "/services/oauth2/revoke"

JSONObject = Mapping[str, Any]
Made = TypeVar("Made")


class Tokens(Protocol):
    """What gives a token to a call, and another one where it is refused."""

    def call(self, send: Callable[[Grant], Made], /) -> Made: ...


@dataclass(frozen=True, slots=True)
class Held:
    """One token and no other: what it may do says what a login may do now."""

    grant: Grant

    def call(self, send: Callable[[Grant], Made], /) -> Made:
        return send(self.grant)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose the token is. Ids have 18 characters; `username` is empty where it is not told."""

    user: str
    username: str
    organization: str


class Client:
    """Calls to one org, from any thread, with a token that is renewed once where it is refused.

    version: of the API, such as 64.0. Arguments that no call could carry are a ValueError.
    """

    def __init__(self, tokens: Tokens, instances: Instances, version: str = "64.0") -> None:
        if not _VERSION.fullmatch(version):
            raise ValueError(f"{version!r} is no version of the API, such as 64.0")
        self._tokens = tokens
        self._instances = instances
        self._version = version
        self._data = f"/services/data/v{version}"

    @property
    def host(self) -> str:
        return self._instances.base_url

    @property
    def budget(self) -> Mapping[str, str]:
        return self._instances.budget

    def close(self) -> None:
        self._instances.close()

    def holding(self, grant: Grant) -> Client:
        """A client that uses this token alone, over the same connections."""
        return Client(Held(grant), self._instances, self._version)

    def identity(self) -> Identity:
        """Who the token is by its login, and the name that the service gives to it, where the
        app's scopes let it be asked. Raises BadAnswer where the two do not agree."""
        return self._tokens.call(self._identity)

    def limits(self) -> JSONObject:
        return _object(self._read(f"{self._data}/limits"), "the limits of the org")

    def query(self, soql: str) -> tuple[JSONObject, ...]:
        """All rows, over all pages. Raises CannotSee where rights may be missing: that is never
        to be read as no rows."""
        return self._rows(f"{self._data}/query", soql)

    def tooling_query(self, soql: str) -> tuple[JSONObject, ...]:
        return self._rows(f"{self._data}/tooling/query", soql)

    def count(self, soql: str) -> int:
        """The answer to a `SELECT COUNT()`."""
        path = f"{self._data}/query"
        return count_from(self._read(path, {"q": soql}), path)

    def record(self, sobject: str, id: str, fields: Sequence[str]) -> JSONObject:
        params = {"fields": ",".join(map(checked_name, fields))}
        return _object(self._read(self._record(sobject, id), params), f"a {sobject}")

    def create(self, sobject: str, fields: JSONObject) -> str:
        """The id of the new record; Conflict where it is there already."""
        path = f"{self._data}/sobjects/{checked_name(sobject)}"
        answer = _object(self._write("POST", path, fields, ok=(201,)), f"a new {sobject}")
        result = result_from_json(answer)
        if not result.is_success:
            message = f"not created: {'; '.join(map(str, result.errors))}"
            raise ProviderError(message, service="salesforce", method="POST", path=path)
        return result.name

    def update(self, sobject: str, id: str, fields: JSONObject) -> None:
        self._write("PATCH", self._record(sobject, id), fields, ok=(200, 204))

    def delete(self, sobject: str, id: str) -> None:
        """Raises NotFound for one that is gone already."""
        self._write("DELETE", self._record(sobject, id), ok=(204,))

    def create_many(
        self, sobject: str, records: Sequence[JSONObject], *, all_or_none: bool
    ) -> tuple[ItemResult, ...]:
        """What became of each record, in the order given; at most MAX_RECORDS."""
        return self._collection("POST", sobject, records, all_or_none=all_or_none)

    def update_many(
        self, sobject: str, records: Sequence[JSONObject], *, all_or_none: bool
    ) -> tuple[ItemResult, ...]:
        """As `create_many`; each record with its `id`."""
        checked = [{**record, "id": record_id(str(record["id"]))} for record in records]
        return self._collection("PATCH", sobject, checked, all_or_none=all_or_none)

    def delete_many(self, ids: Sequence[str], *, all_or_none: bool) -> tuple[ItemResult, ...]:
        path, count = f"{self._data}/composite/sobjects", _counted(ids)
        params = {"ids": ",".join(map(record_id, ids)), "allOrNone": _word(all_or_none)}
        return _results(self._write("DELETE", path, params=params), count, path)

    def revoke(self, token: Secret) -> None:
        """Ends a token of any user, by its `DeleteToken`."""
        text = str(token.reveal())
        body = Body.form({"token": text})
        self._send("POST", _REVOKE, body=body, repeatable=False, hide=(text,))

    def read_metadata(self, kind: str, names: Sequence[str]) -> tuple[Node | None, ...]:
        """A component, or None, for each name; what an org does not have is absent in it."""
        found: list[Node | None] = []
        for at in range(0, len(names), soap.MAX_COMPONENTS):
            some = names[at : at + soap.MAX_COMPONENTS]
            make = partial(soap.components_from, names=some)
            found += self._ask(soap.read_metadata(kind, some), make)
        return tuple(found)

    def list_metadata(self, kinds: Sequence[str]) -> tuple[soap.Listed, ...]:
        """The components of these types; at most three types."""
        return self._ask(soap.list_metadata(kinds, self._version), soap.listed_from)

    def update_metadata(self, components: Sequence[Node]) -> tuple[ItemResult, ...]:
        """What became of each component, in the order given; at most ten of one type. Only what
        is in a component is changed; success is no proof, so it is to be read back."""
        operation = soap.update_metadata(components)
        count = len(components)
        return self._soap(operation, lambda results: soap.saved_from(results, count))

    def retrieve(self, kind: str, names: Sequence[str]) -> str:
        """Begins to gather files; the id to ask `retrieval` for."""
        return self._ask(soap.retrieve(kind, names, self._version), soap.process_from)

    def retrieval(self, id: str) -> soap.Retrieval:
        return self._ask(soap.check_retrieve_status(record_id(id)), soap.retrieval_from)

    def deploy(self, archive: bytes, *, check_only: bool) -> Deployment:
        """Begins to take over the files of a zip, all of them or none; `check_only` takes none and
        says whether it would."""
        options = {
            "checkOnly": check_only,
            "rollbackOnError": True,
            "singlePackage": True,
            "ignoreWarnings": False,
            "allowMissingFiles": False,
            "purgeOnDelete": False,
            "testLevel": "NoTestRun",
        }
        head = Body(jsonlib.dumps({"deployOptions": options}).encode(), "application/json")
        body = Body.parts(
            Part("json", head), Part("file", Body(archive, "application/zip"), "deploy.zip")
        )
        path = f"{self._data}/metadata/deployRequest"
        return _deployment(self._send("POST", path, body=body, ok=(201,), repeatable=False), path)

    def deployment(self, id: str) -> Deployment:
        path = f"{self._data}/metadata/deployRequest/{record_id(id)}"
        return _deployment(self._read(path, {"includeDetails": "true"}), path)

    def _identity(self, grant: Grant) -> Identity:
        try:
            told = _object(self._request(grant, "GET", _USERINFO), "the profile of the user")
        except NotAllowed as error:
            if error.status != 403:
                raise
            return Identity(grant.user, "", grant.organization)
        found = (_id_in(told, "organization_id"), _id_in(told, "user_id"))
        if found != (grant.organization, grant.user):
            raise _bad("the token is of another org or user than its login", _USERINFO)
        name = told.get("preferred_username")
        return Identity(grant.user, name if isinstance(name, str) else "", grant.organization)

    def _record(self, sobject: str, id: str) -> str:
        return f"{self._data}/sobjects/{checked_name(sobject)}/{record_id(id)}"

    def _rows(self, path: str, soql: str) -> tuple[JSONObject, ...]:
        def page(locator: str) -> Any:
            return self._read(f"{path}/{locator}")

        first = self._read(path, {"q": soql})
        return rows_from(first, page, self._instances.base_url, path)

    def _collection(
        self, method: str, sobject: str, records: Sequence[JSONObject], *, all_or_none: bool
    ) -> tuple[ItemResult, ...]:
        # One type to a call: objects of the setup do not mix with others (facts, section 4).
        path, count = f"{self._data}/composite/sobjects", _counted(records)
        kind = {"attributes": {"type": checked_name(sobject)}}
        body = {"allOrNone": all_or_none, "records": [{**kind, **record} for record in records]}
        return _results(self._write(method, path, body), count, path)

    def _read(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        try:
            return self._send("GET", path, params=params)
        except ProviderError as error:
            raise unseen(error) from None

    def _write(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        ok: Collection[int] = (200,),
    ) -> Any:
        return self._send(method, path, params=params, json=json, ok=ok, repeatable=False)

    def _send(self, method: str, path: str, **options: Any) -> Any:
        return self._tokens.call(lambda grant: self._request(grant, method, path, **options))

    def _request(self, grant: Grant, method: str, path: str, **options: Any) -> Any:
        def read(call: Call, answer: Answer) -> Any:
            self._instances.note(answer.headers)
            return decode(call, answer)

        transport, token = self._instances.of(grant.instance_url), grant.token.reveal()
        return transport.request(method, path, token=token, read=read, **options)

    def _ask(self, operation: Node, make: Callable[[tuple[Node, ...]], Made]) -> Made:
        try:
            return self._soap(operation, make, repeatable=True)
        except ProviderError as error:
            raise unseen(error) from None

    def _soap(
        self,
        operation: Node,
        make: Callable[[tuple[Node, ...]], Made],
        *,
        repeatable: bool = False,
    ) -> Made:
        path = f"/services/Soap/m/{self._version}"
        headers = {"Accept": "text/xml", "SOAPAction": '""'}

        def send(grant: Grant) -> Made:
            token = grant.token.reveal()
            # The session stands in the envelope; there is no header for it.
            made: Made = self._instances.of(grant.instance_url).request(
                "POST",
                path,
                body=soap.envelope(operation, token),
                headers=headers,
                repeatable=repeatable,
                hide=(token,),
                read=soap.reader(operation.name, make),
            )
            return made

        return self._tokens.call(send)


def connect(
    base_url: str,
    credentials: Credentials,
    *,
    is_sandbox: bool = False,
    org_id: str = "",
    version: str = "64.0",
    allow_hosts: Sequence[str] = (),
    bounds: Bounds | None = None,
    read_only: bool = False,
    rehearses: bool = False,
) -> tuple[Client, TokenSource]:
    """A client of one org and its login; nothing is sent yet. Refusal for a foreign host.

    base_url: the org's My Domain. org_id: the org that the files name, in either length.
    rehearses: a read-only one may also have a deployment checked.
    """
    bounds = bounds or Bounds()

    def transport_to(url: str) -> Transport:
        return Transport(
            url,
            service="salesforce",
            read_only=read_only,
            reads=(*READS, *CHECKS) if rehearses else READS,
            failure=failure,
            bounds=bounds,
        )

    base = transport_to(check_host(base_url, allow_hosts, platform="salesforce"))
    tokens = TokenSource(
        base,
        credentials,
        is_sandbox=is_sandbox,
        org_id=org_id,
        allow_hosts=allow_hosts,
        bounds=bounds,
    )
    return Client(tokens, Instances(base, transport_to), version), tokens


def _deployment(answer: Any, path: str) -> Deployment:
    try:
        return deployment_from(_object(answer, "the state of a deployment"))
    except ValueError:
        raise _bad("the state of a deployment has another shape", path) from None


def _results(answer: Any, count: int, path: str) -> tuple[ItemResult, ...]:
    if not isinstance(answer, list) or not all(isinstance(item, Mapping) for item in answer):
        raise _bad("the outcome of many records has another shape", path)
    if len(answer) != count:
        message = f"{len(answer)} outcomes came for {count} records"
        raise Incomplete(message, service="salesforce", path=path)
    return tuple(map(result_from_json, answer))


def _counted(items: Sequence[object]) -> int:
    if not 0 < len(items) <= MAX_RECORDS:
        raise ValueError(f"a call takes 1 to {MAX_RECORDS} records, not {len(items)}")
    return len(items)


def _object(answer: Any, what: str) -> JSONObject:
    if not isinstance(answer, Mapping):
        raise BadAnswer(f"{what}: no object came", service="salesforce")
    return answer


def _id_in(told: JSONObject, key: str) -> str:
    try:
        return record_id(str(told.get(key)))
    except ValueError:
        raise _bad(f"the profile of the user has no {key}", _USERINFO) from None


def _word(value: bool) -> str:
    return "true" if value else "false"


def _bad(message: str, path: str) -> BadAnswer:
    return BadAnswer(message, service="salesforce", path=path)
