"""The laws of the whole cycle, over generated worlds and an emulator in a process of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from reconciler.core.model import OUTBOUND, POLICIES, TIERS
from reconciler.core.outcome import APPLIED
from reconciler.core.plan import Plan
from reconciler.files.entry_check import EntryChecker
from reconciler.run.converge import compare
from reconciler.run.export import export
from reconciler.run.inventory import Live
from tests.breaking import AFTER, BEFORE, Breaking
from tests.cli.driver import Cli, environment
from tests.emulator.driver import Emulator
from tests.providers.suite import SHIPPED, connected, emulator_breaker
from tests.run import scene
from tests.run.scene import Scene
from tests.run.worlds import SECRETS, World, worlds

State = Mapping[str, Any]


def staged(emulator: Emulator, world: World) -> AbstractContextManager[Scene]:
    return scene.staged(emulator, world.seed, world.documents, SECRETS)


@given(world=worlds())
def test_after_apply_a_plan_is_empty(emulator_process: Emulator, world: World) -> None:
    with staged(emulator_process, world) as on:
        before, planned = emulator_process.state(), on.plan()
        assume(not planned.errors)
        outcomes = on.apply()
        assert [item for item in outcomes if item.outcome != APPLIED] == []
        check_settled(on, world, before, planned)


@given(world=worlds(), at=st.integers(1, 6), how=st.sampled_from([BEFORE, AFTER]))
def test_an_apply_that_broke_off_is_finished_by_the_next(
    emulator_process: Emulator, world: World, at: int, how: str
) -> None:
    with staged(emulator_process, world) as on:
        before, planned = emulator_process.state(), on.plan()
        assume(not planned.errors and len(planned.changes) >= at)
        (provider,) = {job.provider for job in on.compare().jobs}
        outcomes = on.apply(Breaking(provider, emulator_breaker(emulator_process), at, how))
        assert len(outcomes) == len(planned.changes)
        assert [item for item in on.apply() if item.outcome != APPLIED] == []
        check_settled(on, world, before, planned)


@given(world=worlds(), fold=st.booleans())
def test_an_export_plans_nothing(emulator_process: Emulator, world: World, fold: bool) -> None:
    with staged(emulator_process, world) as on, connected(emulator_process) as provider:
        check, host = EntryChecker(scene.SCHEMAS), "https://anypoint.mulesoft.com"
        exported = export(Live(provider), SHIPPED, check, host, fold=fold)
        assert exported.errors == ()
        root = on.context.layering.resolver.cwd / "exported"
        scene.write(root / "policies", exported.files)
        context = scene.a_context(root, provider, {})
        made = compare(context).plan(context, "now")
        assert (made.changes, made.errors, made.unmanaged) == ((), (), ())


# Each example is seven processes; what the laws above prove need not be proven again.
@settings(max_examples=3, phases=[Phase.generate])
@given(world=worlds())
def test_the_command_keeps_the_laws(emulator_process: Emulator, world: World) -> None:
    with staged(emulator_process, world) as on:
        assume(on.plan().changes and not on.plan().errors)
        cli = Cli(on.context.layering.resolver.cwd, environment(emulator_process) | SECRETS)
        steps: list[tuple[int, Sequence[str]]] = [
            (0, ["validate"]),
            (2, ["plan", "--detailed-exitcode"]),
            (0, ["apply", "--yes", "--max-deletes", "100"]),
            (0, ["plan", "--detailed-exitcode"]),
            (0, ["export", "--to", "exported"]),
            (0, ["validate", "-f", "exported"]),
            (0, ["plan", "-f", "exported", "--detailed-exitcode"]),
        ]
        for code, arguments in steps:
            done = cli.run(*arguments)
            assert done.code == code, (arguments, done.out, done.err)


def check_settled(on: Scene, world: World, before: State, planned: Plan) -> None:
    """Everything that holds once a world has converged."""
    left = on.plan()
    assert (left.changes, left.errors) == ((), ())
    after = on.emulator.state()
    check_counts(world, before, after)
    check_unmanaged(world, before, after, planned)
    for api in after["apis"]:
        check_wanted(world, api)
    written = len(on.emulator.writes())
    assert on.apply() == []
    assert len(on.emulator.writes()) == written


def check_counts(world: World, before: State, after: State) -> None:
    """No policy twice, and nothing doubled that no file doubles."""
    for api in after["apis"]:
        held = Counter(
            (item["assetId"], item["label"], upstream)
            for item in api["policies"]
            for upstream in item["upstreamIds"] or [""]
        )
        assert max(held.values(), default=1) == 1, held
        assert max(Counter(tier["name"] for tier in api["tiers"]).values(), default=1) == 1
    automated = Counter(item["assetId"] for item in after["automatedPolicies"])
    assert max(automated.values(), default=1) == 1
    assert len(after["apis"]) == len(before["apis"])


def check_unmanaged(world: World, before: State, after: State, planned: Plan) -> None:
    """What no file names is as it was, but for its number; APIs without a file are untouched."""
    now = {api["id"]: api for api in after["apis"]}
    for api in before["apis"]:
        if f"acme/production/api-{api['id']}.yaml" not in world.documents:
            assert now[api["id"]] == api
            continue
        named = {entry["policyRef"]["name"] for entry in world.entries(api, POLICIES)}
        names = {item.address.split("/")[3] for item in planned.unmanaged if _is_of(item, api)}
        for policy in api["policies"]:
            segment = ":".join(filter(None, (policy["assetId"], policy["label"])))
            if segment in names and policy["assetId"] not in named:
                assert _without_order(policy) in map(_without_order, now[api["id"]]["policies"])


def _is_of(item: Any, api: Mapping[str, Any]) -> bool:
    of_api: bool = item.address.startswith(f"acme/production/api-{api['id']}/")
    return of_api and item.kind == "policy"


def _without_order(policy: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in policy.items() if key != "order"}


def check_wanted(world: World, api: Mapping[str, Any]) -> None:
    """What the files say is what is stored, told without any code of ours."""
    for entry in world.entries(api, POLICIES):
        check_policy(entry, _stored(api, entry))
    for entry in world.entries(api, OUTBOUND):
        stored = [item for item in api["policies"] if item["upstreamIds"]]
        held = {upstream for item in stored for upstream in item["upstreamIds"]}
        labels = {
            upstream["id"]
            for upstream in api["upstreams"]
            if {upstream["label"], upstream["uri"]} & set(entry["upstreams"])
        }
        assert labels <= held
        for policy in stored:
            if labels & set(policy["upstreamIds"]):
                check_policy(entry, policy)
    orders = [
        (policy["order"], policy["disabled"])
        for entry in world.entries(api, POLICIES)
        if (policy := _stored(api, entry))["order"] is not None
    ]
    if not world.seed["settings"].get("nullOrderWhenDisabled"):
        assert [order for order, _ in orders] == sorted(order for order, _ in orders)
    tiers = {tier["name"]: tier for tier in api["tiers"]}
    for entry in world.entries(api, TIERS):
        assert tiers[entry["name"]]["autoApprove"] == entry["autoApprove"]
        assert tiers[entry["name"]]["status"] == entry["status"]


def _stored(api: Mapping[str, Any], entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """The stored policy of an entry; a single one may bear any label."""
    same = [item for item in api["policies"] if item["assetId"] == entry["policyRef"]["name"]]
    named = [item for item in same if item["label"] == entry.get("name")]
    found: Mapping[str, Any] = (named or same)[0]
    return found


def check_policy(entry: Mapping[str, Any], policy: Mapping[str, Any]) -> None:
    config = policy["configurationData"]
    assert policy["assetVersion"] == entry["policyRef"]["version"]
    assert policy["disabled"] == entry.get("disabled", False)
    for key, value in entry["config"].items():
        if key == "password":
            # Never lost; an update of anything else sends it again.
            assert config[key] in ("an-old-one", *SECRETS.values())
        elif key in config or value not in DEFAULTS:
            assert _bare(config[key]) == _bare(value)
    wanted = [(set(rule["methods"]), rule["path"]) for rule in entry.get("rules") or ()]
    held = [
        (set(rule["methodRegex"].split("|")), rule["uriTemplateRegex"])
        for rule in policy["pointcutData"] or ()
    ]
    assert held == wanted


DEFAULTS: Sequence[Any] = (False, True, -1, 600)
"""Values that may be left out where they are the catalogue's default."""


def _bare(value: Any) -> Any:
    """Lists of texts are sets in these policies."""
    is_texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return sorted(value) if is_texts else value
