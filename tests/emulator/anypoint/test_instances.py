"""API instances, their two lists, tags and upstreams."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.bodies import a_policy, an_api
from tests.emulator.driver import (
    ACME,
    DESIGN,
    PAYMENTS,
    PAYMENTS_PRODUCTION,
    PRODUCTION,
    Emulator,
    api_path,
    apis_path,
    xapi,
)

UPSTREAM = "7e1a90c4-2222-4b6b-9d11-0000000000b1"


def ids(answer: Any) -> list[int]:
    return [api["id"] for asset in answer.json()["assets"] for api in asset["apis"]]


def test_the_list_counts_assets_and_carries_instances(emulator: Emulator) -> None:
    answer = emulator.get(apis_path() + "?assetId=orders-api").json()
    assert answer["total"] == 1
    (asset,) = answer["assets"]
    assert asset["exchangeAssetName"] == "Orders API"
    assert asset["totalApis"] == 2
    assert [api["instanceLabel"] for api in asset["apis"]] == ["internal", "partners"]
    assert asset["apis"][0]["audit"]["updated"] == {}
    assert asset["apis"][0]["autodiscoveryInstanceName"] == "v1:19001001"


def test_pages_are_of_assets(emulator: Emulator) -> None:
    page = emulator.get(apis_path() + "?limit=2&offset=3").json()
    assert page["total"] == 7
    assert [asset["assetId"] for asset in page["assets"]] == ["inventory-api", "orders-api"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("instanceLabel=partners", [19001002]),
        ("assetId=pay-in&instanceLabel=internal", [19001004]),
        ("groupId=nobody", []),
        ("productVersion=v1&assetId=catalog-api", [19001007]),
        ("assetVersion=1.0.2", [19001001, 19001002]),
        ("query=PCI", [19001004, 19001005]),
        ("query=ledger", []),
        ("autodiscoveryInstanceName=v1:19001005", [19001005]),
        ("family=llm", []),
        ("sort=name&ascending=false&limit=1", [19001005]),
        ("sort=id&limit=1", [19001001, 19001002]),
    ],
)
def test_the_list_is_filtered(emulator: Emulator, query: str, expected: list[int]) -> None:
    assert ids(emulator.get(f"{apis_path()}?{query}")) == expected


def test_the_list_of_an_environment_without_apis(emulator: Emulator) -> None:
    assert emulator.get(apis_path(DESIGN)).json() == {"total": 0, "assets": []}


def test_the_flat_list_counts_instances(emulator: Emulator) -> None:
    page = emulator.get(xapi(apis_path()) + "?limit=250").json()
    assert page["total"] == len(page["instances"]) == 8
    assert page["instances"][0]["asset"]["assetId"] == "catalog-api"
    assert emulator.get(xapi(apis_path()) + "?limit=251").status_code == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (apis_path(organization="00000000-0000-4000-8000-000000000000"), 403),
        (apis_path("00000000-0000-4000-8000-000000000000"), 404),
        (apis_path(PRODUCTION, PAYMENTS), 404),
        (api_path(1), 404),
        (api_path(99999999999999999999999), 404),
        (apis_path() + "/nothing", 404),
        (api_path(19003001), 404),
        (apis_path() + "?sort=colour", 400),
        (apis_path() + "?ascending=perhaps", 400),
    ],
)
def test_what_is_elsewhere_is_not_found(emulator: Emulator, path: str, status: int) -> None:
    answer = emulator.get(path)
    assert answer.status_code == status
    assert answer.json()["message"]


def test_one_instance_has_endpoint_and_routing(emulator: Emulator) -> None:
    api = emulator.get(api_path(19001002)).json()
    assert api["technology"] == "flexGateway"
    assert api["endpoint"]["apiVersionId"] == 19001002
    assert api["routing"][0]["upstreams"][0]["label"] == "backend"


def test_an_instance_of_a_business_group(emulator: Emulator) -> None:
    api = emulator.get(api_path(19003001, PAYMENTS_PRODUCTION, PAYMENTS)).json()
    assert (api["masterOrganizationId"], api["organizationId"]) == (ACME, PAYMENTS)


@pytest.mark.parametrize("path", [apis_path(), xapi(apis_path())])
def test_create_change_and_delete(emulator: Emulator, path: str) -> None:
    body = an_api(instanceLabel="new", endpoint={"uri": "https://billing.example.com"})
    answer = emulator.post(path, body)
    assert answer.status_code == 201
    api = answer.json()
    assert (api["productVersion"], api["instanceLabel"]) == ("v2", "new")
    place = api_path(api["id"])
    upstreams = emulator.get(place + "/upstreams").json()
    assert upstreams["upstreams"][0]["uri"] == "https://billing.example.com"
    changed = emulator.patch(place, {"deprecated": True, "instanceLabel": None}).json()
    assert (changed["deprecated"], changed["instanceLabel"]) == (True, None)
    assert changed["audit"]["updated"]["date"]
    assert emulator.delete(place).status_code == 204
    assert emulator.get(place).status_code == 404
    assert emulator.get(place + "/policies").status_code == 404


def test_a_deleted_instance_takes_its_policies_along(emulator: Emulator) -> None:
    assert emulator.delete(api_path(19001001)).status_code == 204
    assert emulator.post(api_path(19001001) + "/policies", a_policy()).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"spec": []},
        {"spec": {"groupId": ACME, "assetId": "x"}},
        an_api(technology="cobol"),
        an_api(instanceLabel=""),
        an_api(technology="flexGateway", endpoint={"isCloudHub": False}),
        [],
    ],
)
def test_a_wrong_instance_is_refused(emulator: Emulator, body: object) -> None:
    answer = emulator.post(apis_path(), body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["errorCode"].endswith(".openapi.validation")


def test_tags_are_put_and_deleted(emulator: Emulator) -> None:
    tag = api_path(19001001) + "/tags/team%20a"
    assert emulator.put(tag).status_code == 201
    assert emulator.get(api_path(19001001)).json()["tags"] == ["core", "team a"]
    assert emulator.delete(tag).status_code == 204
    assert emulator.get(api_path(19001001)).json()["tags"] == ["core"]


def test_upstreams_are_kept(emulator: Emulator) -> None:
    place = api_path(19001002) + "/upstreams"
    added = emulator.post(place, {"label": "spare", "uri": "https://spare.example.com"})
    assert added.status_code == 201
    one = f"{place}/{added.json()['id']}"
    assert emulator.patch(one, {"label": "second"}).json()["label"] == "second"
    assert emulator.get(place).json()["total"] == 2
    assert emulator.delete(one).status_code == 204
    assert emulator.get(one).status_code == 404


def test_a_seeded_upstream_has_its_label(emulator: Emulator) -> None:
    upstream = emulator.get(f"{api_path(19001002)}/upstreams/{UPSTREAM}").json()
    assert (upstream["label"], upstream["tlsContext"]) == ("backend", None)


@pytest.mark.parametrize("body", [{}, {"uri": 1}, {"label": "x"}])
def test_a_wrong_upstream_is_refused(emulator: Emulator, body: object) -> None:
    assert emulator.post(api_path(19001002) + "/upstreams", body).status_code == 400
