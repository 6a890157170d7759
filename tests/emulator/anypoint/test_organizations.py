"""Organizations, the tree, and environments with their pages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.driver import ACME, PAYMENTS, PRODUCTION, Emulator

ORGANIZATIONS = "/accounts/api/organizations"
ENVIRONMENTS = f"{ORGANIZATIONS}/{ACME}/environments"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def many_environments(count: int) -> dict[str, Any]:
    organization = {"id": ACME, "name": "Acme Corp"}
    environments = [
        {"id": f"e{i}", "organizationId": ACME, "name": f"Env {i}", "type": "sandbox"}
        for i in range(count)
    ]
    login = {"kind": "client", "name": "demo", "secret": "demo", "id": "u"}
    return {"organizations": [organization], "environments": environments, "logins": [login]}


def test_an_organization_lists_what_is_below(emulator: Emulator) -> None:
    organization = emulator.get(f"{ORGANIZATIONS}/{ACME}").json()
    assert organization["name"] == "Acme Corp"
    assert organization["subOrganizationIds"] == [PAYMENTS]
    assert len(organization["environments"]) == 3


def test_the_tree_says_root_of_every_organization(emulator: Emulator) -> None:
    tree = emulator.get(f"{ORGANIZATIONS}/{ACME}/hierarchy").json()
    (payments,) = tree["subOrganizations"]
    assert (payments["name"], payments["environmentsCount"]) == ("Payments", 2)
    assert payments["parentOrganizationIds"] == [ACME]
    assert (tree["isRoot"], payments["isRoot"]) == (True, True)
    assert (tree["isMaster"], payments["isMaster"]) == (True, False)


@pytest.mark.parametrize(
    ("path", "status"), [("", 404), ("/hierarchy", 400), ("/environments", 404)]
)
def test_an_unknown_organization(emulator: Emulator, path: str, status: int) -> None:
    answer = emulator.get(f"{ORGANIZATIONS}/{UNKNOWN}{path}")
    assert answer.status_code == status
    assert set(answer.json()) == {"status", "message"}


def test_environments_have_a_type(emulator: Emulator) -> None:
    page = emulator.get(ENVIRONMENTS).json()
    assert page["total"] == 3
    assert {e["name"]: (e["type"], e["isProduction"]) for e in page["data"]} == {
        "Production": ("production", True),
        "Sandbox": ("sandbox", False),
        "Design": ("design", False),
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?name=Production", ["Production"]),
        ("?name=production", []),
        ("?type=design", ["Design"]),
        ("?isProduction=false", ["Sandbox", "Design"]),
        ("?search=and", ["Sandbox"]),
        ("?limit=1&offset=1", ["Sandbox"]),
        ("?offset=9", []),
    ],
)
def test_environments_are_filtered(emulator: Emulator, query: str, names: list[str]) -> None:
    assert [e["name"] for e in emulator.get(ENVIRONMENTS + query).json()["data"]] == names


def test_all_environments_of_the_tree(emulator: Emulator) -> None:
    assert emulator.get(ENVIRONMENTS + "?expandAll=true").json()["total"] == 5


def test_environments_come_in_pages_of_25(emulator: Emulator) -> None:
    emulator.reset(many_environments(60))
    page = emulator.get(ENVIRONMENTS).json()
    assert (len(page["data"]), page["total"]) == (25, 60)
    assert len(emulator.get(ENVIRONMENTS + "?limit=500").json()["data"]) == 60


@pytest.mark.parametrize("query", ["?limit=501", "?limit=0", "?limit=x", "?offset=-1"])
def test_pages_out_of_bounds_are_refused(emulator: Emulator, query: str) -> None:
    assert emulator.get(ENVIRONMENTS + query).status_code == 400


def test_one_environment(emulator: Emulator) -> None:
    assert emulator.get(f"{ENVIRONMENTS}/{PRODUCTION}").json()["name"] == "Production"


@pytest.mark.parametrize(
    "path", [f"{ACME}/environments/{UNKNOWN}", f"{PAYMENTS}/environments/{PRODUCTION}"]
)
def test_an_environment_of_somebody_else_is_unknown(emulator: Emulator, path: str) -> None:
    assert emulator.get(f"{ORGANIZATIONS}/{path}").status_code == 404
