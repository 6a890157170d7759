from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.project import Org
from reconciler.files.load import load
from reconciler.files.yaml import Map
from tests.files import builders
from tests.files.builders import a_resolver, write_tree
from tests.files.crm import ACCESS, ENVIRONMENT, HEAD, SCHEMAS, a_crm, problems_of

UAT = "crm/uat/environment.yaml"


def org_of(root: Path) -> Org:
    project = load(root, SCHEMAS, resolver=a_resolver(root.parent, offline=True))
    found = project.organizations[0].environments[0].org
    assert found is not None
    return found


def test_an_environment_says_where_its_org_is(tmp_path: Path) -> None:
    text = "serviceVersion: 61.0\nauth: {clientId: '${env:A}', clientSecret: '${env:B}'}\n"
    org = org_of(a_crm(tmp_path, environment=text))
    assert (org.url, org.id) == (
        "https://acme--uat.sandbox.my.salesforce.com",
        "00D5g000000AbCdEAK",
    )
    assert (org.is_sandbox, org.version) == (True, "61.0")
    assert isinstance(org.auth, Map)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://ACME.my.salesforce.com/", "https://acme.my.salesforce.com"),
        ("http://127.0.0.1:8790/salesforce/", "http://127.0.0.1:8790/salesforce"),
        ("http://localhost:8790", "http://localhost:8790"),
    ],
)
def test_an_instance_url_becomes_a_base_url(tmp_path: Path, url: str, found: str) -> None:
    text = ENVIRONMENT.replace("https://acme--uat.sandbox.my.salesforce.com", url)
    assert org_of(a_crm(tmp_path, more={UAT: text})).url == found


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://acme.my.salesforce.com", "http:// is for loopback only; use https://"),
        ("https://acme.my.salesforce.com/services", "only scheme, host and port are wanted"),
        ("http://127.0.0.1/a/../b", "only scheme, host and port are wanted"),
        ("http://127.0.0.1/a?b", "only scheme, host and port are wanted"),
        ("https://user@acme.my.salesforce.com", "a host has no spaces, user names"),
        ("ftp://acme.my.salesforce.com", "ftp: is not supported; use https"),
    ],
)
def test_a_bad_instance_url_is_told(tmp_path: Path, url: str, message: str) -> None:
    text = ENVIRONMENT.replace("https://acme--uat.sandbox.my.salesforce.com", url)
    (problem,) = problems_of(a_crm(tmp_path, more={UAT: text}))
    assert problem.startswith(f"{UAT}:3:14: instanceUrl: {message}")


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ("prune: true\n", f"{UAT}:6:1: prune: prune in Environment is for platform: anypoint"),
        ("serviceVersion: '49.0'\n", f"{UAT}:6:17: serviceVersion: must be a version from 50.0"),
        ("auth: {clientId: a}\n", f"{UAT}:6:7: auth: must hold clientId, username and private"),
        (
            "auth: {clientId: a, password: b}\n",
            f"{UAT}:6:7: auth: must hold clientId, username and privateKeyFile, or clientId",
        ),
    ],
)
def test_a_mistake_in_an_environment_is_told(
    tmp_path: Path, environment: str, problem: str
) -> None:
    found = problems_of(a_crm(tmp_path, environment=environment))
    assert found[0].startswith(problem)


def test_an_org_needs_its_id(tmp_path: Path) -> None:
    text = ENVIRONMENT.replace("orgId: 00D5g000000AbCdEAK\n", "")
    assert problems_of(a_crm(tmp_path, more={UAT: text})) == [
        f"{UAT}:1:1: orgId is missing (add orgId:)"
    ]


def test_an_environment_of_salesforce_needs_an_instance_url(tmp_path: Path) -> None:
    text = f"{HEAD}Environment\nenvironment: UAT\n"
    (problem,) = problems_of(a_crm(tmp_path, more={UAT: text}))
    assert "instanceUrl is missing: this organization is salesforce" in problem


def test_one_org_has_one_folder(tmp_path: Path) -> None:
    again = ENVIRONMENT.replace("00D5g000000AbCdEAK", "00D5g000000AbCd")
    (problem,) = problems_of(a_crm(tmp_path, more={"crm/two/environment.yaml": again}))
    assert "this environment has a folder already: crm/two/environment.yaml:1" in problem


def test_an_environment_has_one_api_access(tmp_path: Path) -> None:
    more = {"crm/uat/more.yaml": f"{ACCESS}apps: [{{name: Access Reconciler}}]\n"}
    assert problems_of(a_crm(tmp_path, more=more)) == [
        "crm/uat/more.yaml:2:7: kind: the environment has an ApiAccess already: "
        "crm/uat/access.yaml (write it all into one document)"
    ]


def test_an_anypoint_organization_holds_no_api_access(tmp_path: Path) -> None:
    files = {
        "acme/organization.yaml": builders.ORGANIZATION,
        "acme/prod/environment.yaml": builders.ENVIRONMENT + "orgId: 00D5g000000AbCdEAK\n",
        "acme/prod/access.yaml": f"{ACCESS}apps: [{{name: Access Reconciler}}]\n",
    }
    assert problems_of(write_tree(tmp_path, files)) == [
        "acme/prod/access.yaml:2:7: kind: ApiAccess is for platform: salesforce, and this "
        "organization is anypoint (move it below another organization)",
        "acme/prod/environment.yaml:4:1: orgId: orgId in Environment is for platform: salesforce "
        "(remove it)",
    ]


def test_a_salesforce_organization_holds_no_api_instance(tmp_path: Path) -> None:
    more = {"crm/uat/orders.yaml": builders.API}
    (problem,) = problems_of(a_crm(tmp_path, organization="host: a.b\n", more=more))[1:]
    assert "ApiInstance is for platform: anypoint, and this organization is salesforce" in problem


def test_credentials_stand_in_the_environment(tmp_path: Path) -> None:
    text = "auth: {clientId: a, clientSecret: '${env:B}'}\n"
    assert problems_of(a_crm(tmp_path, organization=text)) == [
        "crm/organization.yaml:4:1: auth: auth in Organization is for platform: anypoint (write "
        "it in each Environment)"
    ]


def test_a_literal_secret_is_warned_of_and_a_key_file_is_none(tmp_path: Path) -> None:
    def warnings(auth: str) -> tuple[str, ...]:
        root = a_crm(tmp_path, environment=f"auth: {auth}\n")
        return load(root, SCHEMAS, resolver=a_resolver(tmp_path, offline=True)).warnings

    assert warnings("{clientId: a, username: u@x, privateKeyFile: keys/own.pem}") == ()
    assert "a secret stands here as plain text" in warnings("{clientId: a, clientSecret: b}")[0]
