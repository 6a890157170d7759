"""Deployments and retrievals, by REST and by SOAP."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from typing import Any

import pytest
import requests

from tests.emulator.salesforce.driver import Org, zipped

DEPLOY = "/metadata/deployRequest"
SETTINGS = "settings/ConnectedApp.settings"
NAMESPACE = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
MANIFEST = (
    f"<Package {NAMESPACE}><types><members>ConnectedApp</members><name>Settings</name></types>"
    "<version>64.0</version></Package>"
)
EXTERNAL = "enableAdminApprovedAppsOnlyForExternalUser"


def a_zip(content: str | None = None, manifest: str | None = MANIFEST) -> bytes:
    on = f"<ConnectedAppSettings {NAMESPACE}><{EXTERNAL}>true</{EXTERNAL}></ConnectedAppSettings>"
    files = {SETTINGS: on if content is None else content}
    return zipped(files if manifest is None else {"package.xml": manifest, **files})


def submit(org: Org, archive: bytes, part: str = "json", **options: Any) -> requests.Response:
    given = {"deployOptions": {"singlePackage": True, "rollbackOnError": True, **options}}
    parts = {
        part: (None, json.dumps(given), "application/json"),
        "file": ("deploy.zip", archive, "application/zip"),
    }
    ordered = dict(reversed(parts.items())) if part == "entity_content" else parts
    return org.call("POST", DEPLOY, files=ordered)


def outcome(org: Org, answer: requests.Response) -> Any:
    assert answer.status_code == 201, answer.text
    path = f"{DEPLOY}/{answer.json()['id']}?includeDetails=true"
    return org.call("GET", path).json()["deployResult"]


@pytest.mark.parametrize("part", ["json", "entity_content"])
def test_a_deployment(org: Org, part: str) -> None:
    answer = submit(org, a_zip(), part)
    assert answer.json()["deployResult"]["status"] == "Pending"
    found = outcome(org, answer)
    assert (found["done"], found["success"], found["status"]) == (True, True, "Succeeded")
    assert found["numberComponentsDeployed"] == 1
    (component,) = found["details"]["componentSuccesses"]
    assert (component["componentType"], component["fullName"], component["fileName"]) == (
        "ConnectedAppSettings",
        "ConnectedApp",
        SETTINGS,
    )
    assert org.switches()[EXTERNAL] == "true"


def test_a_check_changes_nothing(org: Org) -> None:
    assert outcome(org, submit(org, a_zip(), checkOnly=True))["status"] == "Succeeded"
    assert org.switches()[EXTERNAL] == "false"


@pytest.mark.parametrize(
    ("archive", "problem"),
    [
        (b"nonsense", "invalid zip file"),
        (a_zip(manifest=None), "No package.xml found"),
        (a_zip("<a"), "ParseError"),
        (a_zip("<ConnectedAppSettings><x>1</x></ConnectedAppSettings>"), "Element x invalid"),
        (a_zip(manifest="<Package/>"), "not named in package.xml"),
        (zipped({"package.xml": MANIFEST}), "not found in zipped directory"),
        (zipped({"package.xml": MANIFEST, "strange/x.y": ""}), "unknown file"),
    ],
)
def test_a_failed_deployment_says_why(org: Org, archive: bytes, problem: str) -> None:
    found = outcome(org, submit(org, archive))
    assert (found["done"], found["success"], found["status"]) == (True, False, "Failed")
    assert problem in found["details"]["componentFailures"][0]["problem"]
    assert found["details"]["componentFailures"][0]["problemType"] == "Error"


def both(kept: bool) -> bytes:
    """Settings that are right, and an app that is not."""
    manifest = MANIFEST.replace(
        "<version>", "<types><members>*</members><name>ConnectedApp</name></types><version>"
    )
    files = {"package.xml": manifest, "connectedApps/Billing_Sync.connectedApp": "<ConnectedApp/>"}
    on = (
        f"<ConnectedAppSettings><{EXTERNAL}>{str(kept).lower()}</{EXTERNAL}></ConnectedAppSettings>"
    )
    return zipped({**files, SETTINGS: on})


def test_one_failure_undoes_all_or_only_itself(org: Org) -> None:
    assert outcome(org, submit(org, both(True)))["status"] == "Failed"
    assert org.switches()[EXTERNAL] == "false"
    partly = outcome(org, submit(org, both(True), rollbackOnError=False))
    assert (partly["status"], partly["numberComponentErrors"]) == ("SucceededPartial", 1)
    assert org.switches()[EXTERNAL] == "true"


def test_a_deployment_that_takes_time_can_be_cancelled(org: Org) -> None:
    org.emulator.settings(deploySeconds=600)
    key = submit(org, a_zip()).json()["id"]
    assert org.call("GET", f"{DEPLOY}/{key}").json()["deployResult"]["done"] is False
    body = {"deployResult": {"status": "Canceling"}}
    assert org.call("PATCH", f"{DEPLOY}/{key}", json=body).status_code == 202
    org.emulator.settings(deploySeconds=0)
    assert org.call("GET", f"{DEPLOY}/{key}").json()["deployResult"]["status"] == "Canceled"
    assert org.switches()[EXTERNAL] == "false"


@pytest.mark.parametrize(
    ("headers", "data", "status"),
    [
        ({"Content-Type": "application/json"}, b"{}", 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"", 400),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x\r\n\r\nz\r\n--x--", 400),
    ],
)
def test_forms_that_are_none(org: Org, headers: Any, data: bytes, status: int) -> None:
    assert org.call("POST", DEPLOY, headers=headers, data=data).status_code == status


@pytest.mark.parametrize("request_name", ["retrieveRequest", "request"])
def test_a_retrieval_can_be_deployed_again(org: Org, request_name: str) -> None:
    body = (
        "<met:retrieve><met:retrieveRequest><met:apiVersion>64.0</met:apiVersion>"
        "<met:singlePackage>true</met:singlePackage><met:unpackaged>"
        "<types><members>ConnectedApp</members><name>Settings</name></types>"
        "<types><members>*</members><name>ConnectedApp</name></types>"
        "</met:unpackaged></met:retrieveRequest></met:retrieve>"
    )
    (asked,) = org.done(body.replace("retrieveRequest", request_name))
    check = f"<met:asyncProcessId>{asked.findtext('id')}</met:asyncProcessId>"
    (found,) = org.done(f"<met:checkRetrieveStatus>{check}</met:checkRetrieveStatus>")
    archive = base64.b64decode(found.findtext("zipFile") or "")
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        settings = files.read(SETTINGS).decode()
        assert len([n for n in files.namelist() if n.startswith("connectedApps/")]) == 3
    assert f"<{EXTERNAL}>false</{EXTERNAL}>" in settings
    # Whole, but for the keys of local apps.
    problems = outcome(org, submit(org, archive))["details"]["componentFailures"]
    assert {item["problem"] for item in problems} == {"You cannot provide a Consumer Key"}


def test_a_soap_deployment(org: Org) -> None:
    archive = base64.b64encode(a_zip()).decode()
    options = "<met:DeployOptions><met:singlePackage>True</met:singlePackage></met:DeployOptions>"
    (asked,) = org.done(f"<met:deploy><met:ZipFile>{archive}</met:ZipFile>{options}</met:deploy>")
    check = f"<met:asyncProcessId>{asked.findtext('id')}</met:asyncProcessId>"
    (found,) = org.done(f"<met:checkDeployStatus>{check}</met:checkDeployStatus>")
    assert found.findtext("status") == "Succeeded"
    assert org.switches()[EXTERNAL] == "true"


def test_deploying_through_the_narrowed_app_ends_the_session_before_the_poll(org: Org) -> None:
    org.tamper("OauthToken", App="Partner Sync", User="admin@acme.example")
    session = org.by_jwt("partner-sync", "admin@acme.example").json()["access_token"]
    other = org.session
    org.session = session
    kind = "ExtlClntAppOauthConfigurablePolicies"
    path = "extlClntAppOauthPolicies/Partner_Sync_oauthPlcy.ecaOauthPlcy"
    manifest = f"<Package><types><members>*</members><name>{kind}</name></types></Package>"
    inner = (
        "<externalClientApplication>Partner_Sync</externalClientApplication>"
        "<permittedUsersPolicyType>AdminApprovedPreAuthorized</permittedUsersPolicyType>"
    )
    key = submit(org, zipped({"package.xml": manifest, path: f"<{kind}>{inner}</{kind}>"})).json()[
        "id"
    ]
    assert org.call("GET", f"{DEPLOY}/{key}").status_code == 401
    org.session = other
    assert org.call("GET", f"{DEPLOY}/{key}").json()["deployResult"]["status"] == "Succeeded"
