"""A public client of Salesforce, unchanged, with TLS in front, which it insists on."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import trustme
from requests.adapters import HTTPAdapter

from tests.emulator.driver import Emulator, running
from tests.emulator.salesforce.driver import BILLING_APP, BILLING_SET, RECONCILER, demo_key
from tests.emulator.salesforce.test_deploy import EXTERNAL, SETTINGS, a_zip

simple_salesforce = pytest.importorskip("simple_salesforce")


class _Here(HTTPAdapter):
    """Sends what is for Salesforce's login host to this machine, as a name server could."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: Any, *args: Any, **options: Any) -> Any:
        parts = urlsplit(request.url)
        request.url = f"{self._url}/salesforce{parts.path}"
        return super().send(request, *args, **options)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, and a certificate of this machine."""
    folder = tmp_path_factory.mktemp("tls")
    ca = trustme.CA()
    certificate = ca.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "chain.pem"))
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    return folder


@pytest.fixture(scope="module")
def secure(authority: Path) -> Iterator[Emulator]:
    chain = str(authority / "chain.pem")
    with running("--tls-cert", chain, "--tls-key", chain) as emulator:
        emulator._session.verify = str(authority / "ca.pem")
        yield emulator


@pytest.fixture
def session(authority: Path) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(authority / "ca.pem")
        yield session


@pytest.fixture
def client(
    secure: Emulator,
    session: requests.Session,
    authority: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """Signed in by JWT, as a scheduled job would be."""
    secure.reset()
    # For SOAP the client makes sessions of its own.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority / "ca.pem"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    session.mount("https://login.salesforce.com", _Here(secure.url))
    return simple_salesforce.Salesforce(
        username=RECONCILER,
        consumer_key="demo",
        privatekey=demo_key().decode(),
        session=session,
        version="63.0",
    )


def test_signing_in_by_jwt(client: Any) -> None:
    assert client.session_id.startswith("00D5g000000Acme!")
    assert client.limits()["DailyApiRequests"]["Max"] == 15_000
    assert client.api_usage["api-usage"].used == 1


@pytest.mark.parametrize("prefix", ["", "/salesforce"])
def test_signing_in_with_a_session(
    client: Any, secure: Emulator, session: requests.Session, prefix: str
) -> None:
    other = simple_salesforce.Salesforce(
        instance_url=secure.url + prefix, session_id=client.session_id, session=session
    )
    assert other.query("SELECT Name FROM Organization")["totalSize"] == 1


def test_a_refused_sign_in(client: Any, secure: Emulator, session: requests.Session) -> None:
    key = secure.control("state")["salesforce"]["SetupEntityAccess"][0]["Id"]
    secure.tamper(
        platform="salesforce", resource="SetupEntityAccess", id=key, patch={"delete": True}
    )
    with pytest.raises(simple_salesforce.SalesforceAuthenticationFailed, match="invalid_app_acc"):
        client._refresh_session()


def test_queries_and_their_pages(client: Any, secure: Emulator) -> None:
    secure.settings(queryBatchSize=2)
    first = client.query("SELECT Id, Username FROM User ORDER BY Username")
    assert (first["totalSize"], first["done"]) == (5, False)
    more = client.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    assert len(more["records"]) == 2
    assert len(client.query_all("SELECT Id FROM User")["records"]) == 5


def test_a_wrong_query(client: Any) -> None:
    with pytest.raises(simple_salesforce.SalesforceMalformedRequest) as caught:
        client.query("SELECT Nothing FROM User")
    assert caught.value.content[0]["errorCode"] == "INVALID_FIELD"


def test_grants_are_made_and_taken_away(client: Any) -> None:
    body = {"ParentId": BILLING_SET, "SetupEntityId": BILLING_APP}
    made = client.SetupEntityAccess.create(body)
    assert made["success"] is True
    with pytest.raises(simple_salesforce.SalesforceMalformedRequest, match="DUPLICATE_VALUE"):
        client.SetupEntityAccess.create(body)
    assert client.SetupEntityAccess.delete(made["id"]) == 204
    with pytest.raises(simple_salesforce.SalesforceResourceNotFound):
        client.SetupEntityAccess.delete(made["id"])


def test_records_are_read_and_updated(client: Any) -> None:
    assert client.PermissionSet.update(BILLING_SET, {"Description": "new"}) == 204
    assert client.PermissionSet.get(BILLING_SET)["Description"] == "new"
    assert client.PermissionSet.describe()["keyPrefix"] == "0PS"
    assert client.describe()["sobjects"]


def test_the_switches_are_read_and_written(client: Any) -> None:
    settings = client.mdapi.ConnectedAppSettings.read(["ConnectedApp"])
    assert settings.enableAdminApprovedAppsOnly is False
    settings.enableAdminApprovedAppsOnlyForExternalUser = True
    client.mdapi.ConnectedAppSettings.update([settings])
    again = client.mdapi.ConnectedAppSettings.read(["ConnectedApp"])
    assert again.enableAdminApprovedAppsOnlyForExternalUser is True
    assert again.enableAdminApprovedAppsOnly is False


def test_an_app_is_read_edited_and_sent_back(client: Any) -> None:
    app = client.mdapi.ConnectedApp.read(["Billing_Sync"])
    app.oauthConfig.isAdminApproved = True
    with pytest.raises(Exception, match="You cannot provide a Consumer Key"):
        client.mdapi.ConnectedApp.update([app])
    app.oauthConfig.consumerKey = None
    client.mdapi.ConnectedApp.update([app])
    assert client.mdapi.ConnectedApp.read(["Billing_Sync"]).oauthConfig.isAdminApproved is True


def test_components_are_listed_and_described(client: Any) -> None:
    query = client.mdapi.ListMetadataQuery(type="ConnectedApp")
    found = client.mdapi.list_metadata([query])
    assert [item.fullName for item in found][:2] == ["Access_Reconciler", "Billing_Sync"]
    described = client.mdapi.describe_metadata()
    assert "ConnectedApp" in [item.xmlName for item in described.metadataObjects]


def test_a_deployment(client: Any, tmp_path: Path) -> None:
    path = tmp_path / "deploy.zip"
    path.write_bytes(a_zip())
    key, state = client.mdapi.deploy(str(path), sandbox=False)
    assert state == "Queued"
    found = client.mdapi.check_deploy_status(key)
    assert (found[0], found[2]["deployed_count"]) == ("Succeeded", "1")
    assert getattr(client.mdapi.ConnectedAppSettings.read(["ConnectedApp"]), EXTERNAL) is True


def test_a_retrieval(client: Any) -> None:
    key, _ = client.mdapi.retrieve("", unpackaged={"Settings": ["ConnectedApp"]})
    state, error, _, archive = client.mdapi.retrieve_zip(key)
    assert (state, error) == ("Succeeded", None)
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        assert SETTINGS in files.namelist()


def test_the_lock_out(client: Any, secure: Emulator) -> None:
    """What the switch does to a client without a grant, as that client sees it."""
    key = secure.control("state")["salesforce"]["SetupEntityAccess"][0]["Id"]
    client.SetupEntityAccess.delete(key)
    client.mdapi.ConnectedAppSettings.update(
        [
            client.mdapi.ConnectedAppSettings(
                fullName="ConnectedApp", enableAdminApprovedAppsOnly=True
            )
        ]
    )
    # Its old session is refused, and so is the new one that it asks for by itself.
    with pytest.raises(simple_salesforce.SalesforceAuthenticationFailed, match="invalid_app_acc"):
        client.limits()
