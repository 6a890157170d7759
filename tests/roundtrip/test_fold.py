"""Whatever APIs have in common, a folded export loads, plans nothing, and is hardly longer."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.files.write import to_yaml
from tests.emulator.driver import ACME, MULESOFT, PRODUCTION, SANDBOX
from tests.roundtrip.world import World

_POOL: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("cors", "1.3.2", {"publicResource": True, "originGroups": []}),
    ("ip-allowlist", "1.1.1", {"ips": ["10.0.0.0/8"]}),
    ("ip-allowlist", "1.1.2", {"ips": ["10.0.0.0/8"]}),
    ("client-id-enforcement", "1.3.3", {}),
    ("header-removal", "1.1.2", {"inboundHeaders": ["x-internal-request"]}),
    ("header-removal", "1.1.2", {"inboundHeaders": ["x-a"], "outboundHeaders": ["server"]}),
    ("http-basic-authentication", "1.3.2", {"username": "a", "password": "hunter2"}),
    ("spike-control", "1.2.1", {"maximumRequests": "7"}),
)


def policies() -> st.SearchStrategy[dict[str, Any]]:
    common = st.sampled_from(_POOL).map(lambda made: a_policy(*made))
    switched = st.tuples(common, st.booleans()).map(lambda both: {**both[0], "disabled": both[1]})
    labelled = st.tuples(common, st.sampled_from(("a", "b: c")))
    return common | common | switched | labelled.map(lambda both: {**both[0], "label": both[1]})


def a_policy(asset: str, version: str, config: dict[str, Any]) -> dict[str, Any]:
    coordinates = {"groupId": MULESOFT, "assetId": asset, "assetVersion": version}
    return {**coordinates, "configurationData": config}


@st.composite
def estates(draw: st.DrawFn) -> list[dict[str, Any]]:
    """APIs of two environments, most of them with one and the same list of policies."""
    usual = draw(st.lists(policies(), min_size=1, max_size=5))
    lists = st.sampled_from((usual, usual, usual[1:], usual[:-1], [*usual, *usual[:1]]))
    other = st.lists(policies(), max_size=3)
    count = draw(st.integers(2, 7))
    return [
        {
            "id": number,
            "environmentId": draw(st.sampled_from((PRODUCTION, PRODUCTION, SANDBOX))),
            "groupId": ACME,
            "assetId": f"api-{number}",
            "policies": [*draw(lists), *draw(st.just([]) | other)],
        }
        for number in range(1, count + 1)
    ]


def size(files: Any) -> int:
    return sum(len(to_yaml(document)) for document in files.values())


@settings(
    max_examples=settings().max_examples // 2,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(apis=estates())
def test_a_folded_export_plans_nothing_and_is_no_longer_but_for_pins(
    world: World, apis: list[dict[str, Any]]
) -> None:
    world.begin({})
    world.hold(apis)
    plain, folded = world.export(), world.export(fold=True)
    planned = world.plan("exported")
    assert planned.changes == ()
    assert len(planned.unmanaged) == len(folded.warnings)
    assert (plain.variables, plain.warnings) == (folded.variables, folded.warnings)
    pins = [each["versions"] for each in folded.files.values() if "versions" in each]
    assert size(folded.files) <= size(plain.files) + len(to_yaml({"versions": pins}))


def test_equal_apis_become_one_list_and_their_names(world: World) -> None:
    usual = [a_policy(*made) for made in (_POOL[1], _POOL[3], _POOL[4])]
    apis = [
        {"id": n, "environmentId": PRODUCTION, "groupId": ACME, "assetId": f"a-{n}"}
        for n in range(1, 40)
    ]
    world.begin({})
    world.hold([{**api, "policies": usual} for api in apis])
    plain, folded = world.export(), world.export(fold=True)
    assert size(folded.files) * 3 < size(plain.files)
    assert world.plan("exported").changes == ()
