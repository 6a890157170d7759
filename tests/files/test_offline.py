from __future__ import annotations

from pathlib import Path

from reconciler.files.load import load
from reconciler.files.offline import OfflineUnit, effective_offline
from tests.files.builders import (
    API,
    ENVIRONMENT,
    GROUP,
    ORGANIZATION,
    StandInSchemas,
    a_resolver,
    a_tree,
    layering,
    write_tree,
)

CORS = "policies: [{policyRef: {name: cors}}]\n"


def units(root: Path, schemas: StandInSchemas | None = None) -> dict[str, OfflineUnit]:
    used = schemas or StandInSchemas()
    project = load(root, used, resolver=a_resolver(root.parent))
    found = effective_offline(project, layering(schemas=used))
    return {str(one.effective[0].address): one for one in found}


def types(unit: OfflineUnit) -> list[str]:
    return [resource.key.type for resource in unit.effective[0].resources]


def test_an_api_gets_defaults_and_the_groups_that_it_is_in(tmp_path: Path) -> None:
    group = GROUP.replace("pay-*", "ord*") + CORS.replace("cors", "grouped")
    found = units(a_tree(tmp_path, orders=API + CORS, some=group))
    assert types(found["acme/production/orders"]) == ["grouped", "cors"]
    assert found["acme/production/orders"].is_complete


def test_a_group_that_only_the_live_api_would_tell_is_left_open(tmp_path: Path) -> None:
    group = GROUP.replace("'pay-*'", "'*', tags: [pci]") + CORS
    schemas = StandInSchemas(required=("origins",))
    found = units(a_tree(tmp_path, orders=API + CORS, some=group), schemas)
    api = found["acme/production/orders"]
    assert not api.is_complete
    assert api.effective[1:] == ([], [])


def test_a_group_by_itself_is_checked_in_full(tmp_path: Path) -> None:
    schemas = StandInSchemas(required=("origins",))
    found = units(a_tree(tmp_path, some=GROUP + CORS), schemas)
    ((problem,),) = [found["acme/production/some"].effective[1]]
    assert "origins is missing" in str(problem)


def test_automated_policies_have_a_unit(tmp_path: Path) -> None:
    text = ENVIRONMENT + "protected: true\nautomatedPolicies: [{policyRef: {name: log}}]\n"
    root = write_tree(tmp_path, {"acme/o.yaml": ORGANIZATION, "acme/p/e.yaml": text})
    unit = units(root)["acme/p/automatedPolicies"]
    assert types(unit) == ["log"]
    assert unit.effective[0].protected
