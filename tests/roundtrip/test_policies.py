"""Every policy of the catalogue: applied, read back, exported and edited, and no false change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.roundtrip.configs import NAMES, Edit, about, edits, valid_configs, variables
from tests.roundtrip.spelling import respelled
from tests.roundtrip.world import FLEX, MULE, World

_COMPANIONS = {
    name: {"policyRef": {"name": name, "version": about(name)["versions"][-1]}, "config": config}
    for name, config in (
        ("header-removal", {"inboundHeaders": ["x-a"]}),
        ("spike-control", {"maximumRequests": 5}),
        ("cors", {"publicResource": True}),
    )
}
_RULES = [{"methods": ["POST", "GET"], "path": "/orders/.*"}]


def holder(name: str) -> tuple[int, str]:
    """The API that can have the policy, and the list that it belongs to."""
    known = about(name)
    listed = "outboundPolicies" if known["direction"] == "outbound" else "policies"
    return (FLEX if "flexGateway" in known["gateways"] else MULE), listed


@st.composite
def entries(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """An entry of a file, with everything that a policy of this type may have."""
    known = about(name)
    entry: dict[str, Any] = {
        "policyRef": {
            "name": name,
            "version": draw(st.sampled_from(known["versions"] or ["1.0.0"])),
        },
        "config": draw(valid_configs(name)),
    }
    if known["direction"] == "outbound":
        entry["upstreams"] = [draw(st.sampled_from(("backend", "https://backend.example.com")))]
    elif known["rules"]:
        entry["rules"] = draw(st.sampled_from((None, [], _RULES)))
    return {**entry, "disabled": draw(st.booleans())}


def worlds(entry: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """What the documentation of the service leaves open.

    The full form of a list has active policies only: it cannot be all that shows a disabled one.
    """
    shown = ("flat", "both") if entry["disabled"] else ("full", "flat", "both")
    return st.fixed_dictionaries(
        {
            "policyListShape": st.sampled_from(("documented", "compact")),
            "outboundInList": st.sampled_from(shown),
            "fillDefaults": st.booleans(),
            "strictRequired": st.booleans(),
            "nullOrderWhenDisabled": st.booleans(),
        }
    )


def settle(world: World, api: int, lists: dict[str, Any]) -> None:
    """Makes the lists live; an outbound policy has to be there before it can be switched off."""
    outbound = [{**each, "disabled": False} for each in lists.get("outboundPolicies", ())]
    if any(each["disabled"] for each in lists.get("outboundPolicies", ())):
        world.declare(api, **{**lists, "outboundPolicies": outbound})
        world.apply()
        world.declare(api, **lists)
        assert world.shown() == ["update disabled"]
    world.declare(api, **lists)
    assert {outcome for outcome, _ in world.apply()} == {"applied"}
    assert world.shown() == []


def check_round_trip(world: World, name: str, data: st.DataObject) -> None:
    """Apply, plan, export, plan; then each secret and one field changed, applied, planned."""
    entry = data.draw(entries(name))
    secrets = {key: f"first {key}" for key in variables(entry)}
    world.begin(secrets, **data.draw(worlds(entry)))
    api, listed = holder(name)
    settle(world, api, {listed: [entry]})
    world.export()
    assert world.shown("exported") == []
    for key in sorted(secrets):
        world.set(**{key: f"second {key}"})
        assert len(world.shown()) == 1
        assert world.apply() == [("applied", "")]
        assert world.shown() == []
    edit = data.draw(edits(name, entry["config"]))
    world.declare(api, **{listed: [{**entry, "config": edit.config}]})
    check_edit(world, edit)


def check_edit(world: World, edit: Edit) -> None:
    """The plan shows this field and nothing else; applied, it shows nothing."""
    shown = world.shown()
    if edit.inside:
        assert shown and all(line.startswith(f"update {edit.path}") for line in shown)
    else:
        assert shown == ([f"update {edit.path}"] if edit.path else [])
    if shown:
        assert world.apply() == [("applied", "")]
    assert world.shown() == []


def check_spellings(world: World, name: str, data: st.DataObject) -> None:
    """Whatever words the service finds for it: no change, and the export is one of none."""
    entry = data.draw(entries(name))
    world.begin(dict.fromkeys(variables(entry), "a value"), **data.draw(worlds(entry)))
    api, listed = holder(name)
    lists = {"policies": [each for other, each in _COMPANIONS.items() if other != name]}
    lists.setdefault(listed, []).insert(1, entry)
    settle(world, api, lists)
    world.respell(lambda policy: data.draw(respelled(policy)))
    assert world.shown() == []
    world.export()
    assert world.shown("exported") == []


# An example is dozens of requests: there are few of each policy, and what fails is printed as it
# was found, not made smaller.
_FEW = settings(
    max_examples=settings().max_examples // 25,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
    ],
)


@pytest.mark.parametrize("name", NAMES)
@_FEW
@given(data=st.data())
def test_policy_goes_there_and_back(world: World, name: str, data: st.DataObject) -> None:
    check_round_trip(world, name, data)


@pytest.mark.parametrize("name", NAMES)
@_FEW
@given(data=st.data())
def test_other_words_for_a_policy_are_no_change(
    world: World, name: str, data: st.DataObject
) -> None:
    check_spellings(world, name, data)
