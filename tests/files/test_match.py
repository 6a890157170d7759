from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.project import ApiDocument, GroupDocument
from reconciler.files.match import Match, match, matches_filter
from tests.files.builders import a_group, an_api, an_environment, an_instance, an_organization


def names(*documents: ApiDocument | GroupDocument, live: list[Any]) -> list[str]:
    found, problems = match(an_environment(*documents), live)
    assert problems == []
    return [one.name for one in found]


def problem(*documents: ApiDocument | GroupDocument, live: list[Any]) -> str:
    (found,) = match(an_environment(*documents), live)[1]
    return str(found)


LIVE = [
    an_instance(1, "orders-api", label="internal", version="v1", tags=("core",)),
    an_instance(2, "orders-api", label="partners", version="v2", technology="flexGateway"),
    an_instance(3, "customers-api", tags=("core", "pii")),
    an_instance(4, "pay-in", label="internal", tags=("pci",)),
    an_instance(5, "pay-out", label="internal", tags=("pci",)),
    an_instance(6, "pay-old", label=None, group="other"),
]


@pytest.mark.parametrize(
    ("selector", "number"),
    [
        ({"asset": "orders-api", "label": "internal"}, 1),
        ({"asset": "orders-api", "version": "v2"}, 2),
        ({"asset": "customers-api"}, 3),
        ({"asset": "customers-api", "label": None}, 3),
        ({"asset": "pay-old", "group": "other"}, 6),
        ({"asset": None, "id": 5}, 5),
    ],
)
def test_a_selector_finds_its_one_instance(selector: dict[str, Any], number: int) -> None:
    (found,), problems = match(an_environment(an_api(**selector)), LIVE)
    assert problems == []
    assert (found.name, found.instance.id, found.groups) == ("orders", number, ())


def test_several_instances_are_a_problem_that_lists_them() -> None:
    found = problem(an_api(), live=LIVE)
    assert "{asset: orders-api} means 2 API instances: " in found
    assert "orders-api:internal (id 1, v1), orders-api:partners (id 2, v2)" in found


def test_a_null_label_does_not_mean_any_label() -> None:
    found = problem(an_api(asset="pay-in", label=None), live=LIVE)
    assert "{asset: pay-in, label: null}: there is no such API instance" in found
    assert "near ones: pay-in:internal (id 4" in found


def test_a_misspelt_asset_lists_near_ones() -> None:
    found = problem(an_api(asset="order-api"), live=LIVE)
    assert "near ones: orders-api:internal (id 1, v1)" in found
    assert "pay-in" not in found


def test_an_empty_environment_is_said() -> None:
    assert "there are no API instances in this environment" in problem(an_api(), live=[])


def test_two_files_for_one_live_api_are_a_problem_naming_both() -> None:
    by_label = an_api("a", label="internal")
    found = problem(by_label, an_api("b", asset=None, id=1), live=LIVE)
    assert found.startswith("b.yaml:1:1: api: orders-api:internal (id 1, v1) is described already")
    assert "a.yaml:1" in found


def test_all_that_does_not_match_is_reported() -> None:
    apis = [an_api(f"n{number}", asset=f"none-{number}") for number in range(30)]
    assert len(match(an_environment(*apis), LIVE)[1]) == 30


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"asset": "pay-*"}, ["pay-in:internal", "pay-old", "pay-out:internal"]),
        ({"asset": "PAY-*", "may_be_empty": True}, []),
        ({"tags": ("pci",)}, ["pay-in:internal", "pay-out:internal"]),
        ({"tags": ("core", "pii")}, ["customers-api"]),
        ({"technology": "flexGateway"}, ["orders-api:partners"]),
        ({"asset": "pay-*", "label": "*"}, ["pay-in:internal", "pay-old", "pay-out:internal"]),
        ({"asset": "pay-*", "label": "i*"}, ["pay-in:internal", "pay-out:internal"]),
        ({"asset": "pay-*", "label": None}, ["pay-old"]),
        ({"asset": "pay-*", "group": "other"}, ["pay-old"]),
        ({"version": "v1"}, ["orders-api:internal"]),
    ],
)
def test_a_group_finds_its_instances(selector: dict[str, Any], expected: list[str]) -> None:
    assert names(a_group(**selector), live=LIVE) == expected


def test_a_group_without_instances_is_a_problem() -> None:
    assert "the group matches no API instance" in problem(a_group(asset="x"), live=LIVE)


@pytest.mark.parametrize("may_be_empty", [True, False])
def test_a_group_with_too_few_is_a_problem(may_be_empty: bool) -> None:
    group = a_group(asset="pay-i*", at_least=2, may_be_empty=may_be_empty)
    assert "the group matches 1 of at least 2: pay-in:internal (id 4" in problem(group, live=LIVE)


def test_layers_come_outermost_first() -> None:
    environment = an_environment(
        a_group("a", asset="pay-*"), a_group("b", tags=("pci",)), an_api(asset="pay-in")
    )
    organization = an_organization(environment)
    matches, _ = match(environment, LIVE)
    by_name = {one.name: one.layers(organization, environment) for one in matches}
    assert [layer.name for layer in by_name["orders"]] == [
        "organization defaults",
        "environment defaults",
        "group a",
        "group b",
        "api",
    ]
    assert [layer.name for layer in by_name["pay-old"]][2:] == ["group a"]


def test_a_name_that_is_not_unique_gets_the_id() -> None:
    live = [an_instance(1, "a", group="x"), an_instance(2, "a", group="y"), an_instance(3, "b")]
    assert names(a_group(), live=live) == ["a@1", "a@2", "b"]


def test_a_name_that_a_file_has_gets_the_id() -> None:
    live = [an_instance(1, "orders"), an_instance(2, "x"), an_instance(3, "automatedPolicies")]
    found = names(an_api("orders", asset="x"), a_group(asset="*"), live=live)
    assert found == ["automatedPolicies@3", "orders", "orders@1"]


def test_odd_names_are_percent_encoded() -> None:
    assert names(a_group(), live=[an_instance(1, "a/b", label="c: d")]) == ["a%2Fb:c%3A%20d"]


@pytest.mark.parametrize(
    ("globs", "is_let_through"),
    [
        ([], True),
        (["orders"], True),
        (["ord*"], True),
        (["pay in:internal"], True),
        (["pay%20in:internal"], True),
        (["pay*"], True),
        (["nothing", "orders"], True),
        (["Orders"], False),
        (["internal"], False),
    ],
)
def test_a_filter_takes_file_stem_and_asset_with_label(
    globs: list[str], is_let_through: bool
) -> None:
    one = Match("orders", an_instance(asset="pay in", label="internal"), None)
    assert matches_filter(one, globs) is is_let_through
