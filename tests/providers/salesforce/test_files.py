"""Components by file: where an org refuses the calls, and as a rehearsal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.core.access import ALL_USERS, EXTERNAL_USERS, LiveAccess
from reconciler.core.access_diff import diff_access
from reconciler.core.model import Resource, Source
from reconciler.core.project import Org
from reconciler.core.redact import Secret
from reconciler.errors import CannotSee, ProviderError, Refusal
from reconciler.providers.base import Rehearsal
from reconciler.providers.salesforce.auth import Credentials
from reconciler.providers.salesforce.client import is_check
from reconciler.providers.salesforce.provider import SalesforceProvider, connect
from reconciler.transport import Bounds, Timing
from tests.emulator.driver import Emulator
from tests.org import OWN_APP, a_switch, an_app
from tests.providers.salesforce.natives import a_fault
from tests.providers.salesforce.test_provider import (
    BILLING,
    ID,
    asked,
    converge,
    provider,
    read,
    stored,
    tamper,
    target_of,
)
from tests.transport.clock import Clock

__all__ = ["provider"]
LIMITS = (a_switch(ALL_USERS, on=True), a_switch(EXTERNAL_USERS, on=True))


def refuse_calls(emulator: Emulator, kind: str, *operations: str) -> None:
    """The org does not know the type in these calls; by file it does."""
    fault = {
        "status": 500,
        "headers": {"content-type": "text/xml"},
        "body": a_fault("sf:INVALID_TYPE", "INVALID_TYPE: not supported"),
    }
    pattern = f"(?s)({'|'.join(operations)}).*{kind}"
    match = {"method": "POST", "path": "/Soap/", "body": pattern}
    emulator.faults({"match": match, "fault": fault})


def deployments(emulator: Emulator) -> int:
    return sum(one["path"].endswith("/metadata/deployRequest") for one in emulator.logged())


def test_switches_are_read_and_written_by_file(
    emulator: Emulator, provider: SalesforceProvider
) -> None:
    refuse_calls(emulator, "ConnectedAppSettings", "readMetadata", "updateMetadata")
    live = converge(provider, asked(*LIMITS))
    assert (live.switch(ALL_USERS), live.switch(EXTERNAL_USERS)) == (True, True)
    assert deployments(emulator) == 2


def test_the_policy_of_an_app_is_written_by_file(
    emulator: Emulator, provider: SalesforceProvider
) -> None:
    refuse_calls(emulator, '"[^"]*ConnectedApp"', "updateMetadata")
    wanted = an_app(BILLING, adminApproved=True, refreshToken="zero")
    live = converge(provider, asked(wanted))
    (app,) = (one for one in live.resources if one.key.type == BILLING and one.key.list == "apps")
    assert app.canonical["adminApproved"] is True
    assert deployments(emulator) == 1


def test_settings_that_no_way_shows_cannot_be_seen(
    emulator: Emulator, provider: SalesforceProvider
) -> None:
    refuse_calls(emulator, "ConnectedApp", "readMetadata", "retrieve")
    with pytest.raises(CannotSee):
        read(provider)


def test_what_a_deployment_refuses_is_told(
    emulator: Emulator, provider: SalesforceProvider
) -> None:
    refuse_calls(emulator, '"[^"]*ConnectedApp"', "updateMetadata")
    tamper(emulator, "ConnectedApp", {"metadata": {"contactEmail": None}}, BILLING)
    with pytest.raises(ProviderError, match="not deployed: .*contactEmail"):
        converge(provider, asked(an_app(BILLING, adminApproved=True)))


@pytest.fixture
def reader(emulator: Emulator) -> Iterator[SalesforceProvider]:
    """A read-only login that may rehearse."""
    made = _connected(emulator, rehearses=True)
    yield made
    made.close()


def _connected(emulator: Emulator, **more: Any) -> SalesforceProvider:
    clock = Clock()
    timing = Timing(clock, Timing().epoch, clock.sleep, lambda: 0.5)
    org = Org("", ID, True, "64.0", Source(""))
    credentials = Credentials("demo", secret=Secret("demo"))
    url = f"{emulator.url}/salesforce"
    return connect(org, url, credentials, bounds=Bounds(timing=timing), read_only=True, **more)


def rehearsed(provider: SalesforceProvider, *resources: Resource) -> tuple[str, ...]:
    desired = asked(*resources)
    live: LiveAccess = read(provider, desired)
    assert isinstance(provider, Rehearsal)
    return provider.rehearse(target_of(provider), diff_access(desired, live).steps)


def test_a_rehearsal_changes_nothing(emulator: Emulator, reader: SalesforceProvider) -> None:
    before = emulator.control("state")["salesforce"]
    assert rehearsed(reader, *LIMITS, an_app(BILLING, adminApproved=True)) == ()
    after = emulator.control("state")["salesforce"]
    assert deployments(emulator) == 1
    assert after["ConnectedAppSettings"] == before["ConnectedAppSettings"]
    assert stored(emulator, "ConnectedApp", BILLING)["metadata"]["oauthConfig"] == next(
        one["metadata"]["oauthConfig"]
        for one in before["ConnectedApp"]
        if one["metadata"]["label"] == BILLING
    )


def test_a_rehearsal_tells_what_the_org_has_against_it(
    emulator: Emulator, reader: SalesforceProvider
) -> None:
    tamper(emulator, "ConnectedApp", {"metadata": {"contactEmail": None}}, BILLING)
    (problem,) = rehearsed(reader, an_app(BILLING, adminApproved=True))
    assert "contactEmail" in problem


def test_nothing_to_do_is_no_deployment(emulator: Emulator, reader: SalesforceProvider) -> None:
    assert rehearsed(reader, an_app(OWN_APP)) == ()
    assert deployments(emulator) == 0


def test_a_login_for_reading_alone_rehearses_nothing(emulator: Emulator) -> None:
    made = _connected(emulator)
    with pytest.raises(Refusal):
        rehearsed(made, *LIMITS)
    assert deployments(emulator) == 0
    made.close()


def test_a_login_that_may_rehearse_deploys_nothing(
    emulator: Emulator, reader: SalesforceProvider
) -> None:
    with pytest.raises(Refusal):
        reader._client.deploy(b"PK", check_only=False)
    assert deployments(emulator) == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"deployOptions":{"checkOnly":true}}',
        b'--b\r\nContent-Disposition: form-data; name="json"\r\n\r\n'
        b'{"deployOptions":{"checkOnly":false}}\r\n--b--',
        b'--b\r\nContent-Disposition: form-data; name="json"\r\n\r\n[]\r\n--b--',
        b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
        b'{"deployOptions":{"checkOnly":true}}\r\n--b--',
    ],
)
def test_what_does_not_surely_check_is_no_check(content: bytes) -> None:
    assert not is_check(content)
