"""What a run asks of the service, call by call: what the design says, and not one more."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.model import MULESOFT_GROUP
from reconciler.core.outcome import APPLIED
from reconciler.run.context import Scope
from reconciler.run.platforms import Platforms
from reconciler.transport import Bounds
from tests.emulator.driver import ACME, PAYMENTS, PRODUCTION, SANDBOX, Emulator
from tests.providers.suite import SHIPPED, one_api
from tests.run.scene import Scene, staged

UPSTREAM = "7e1a90c4-0000-4b6b-9d11-0000000000b1"
PLAN = {
    "POST token": 1,
    "GET me": 1,
    "GET hierarchy": 1,
    "GET environments": 1,
    "GET apis": 1,
    "GET policies": 1,
}
_NAMES = (
    ("token", r"/oauth2/token$"),
    ("me", r"/accounts/api/me$"),
    ("hierarchy", r"/hierarchy$"),
    ("environments", r"/accounts/.*/environments$"),
    ("automated", r"/automated-policies$"),
    ("outbound", r"/outbound-policies$"),
    ("policy", r"/policies/\d+$"),
    ("tier", r"/tiers/\d+$"),
    ("policies", r"/policies$"),
    ("tiers", r"/tiers$"),
    ("upstreams", r"/upstreams$"),
    ("apis", r"/environments/[^/]+/apis$"),
)


def asked(emulator: Emulator) -> dict[str, int]:
    """Method and kind of each call since the last reset, counted."""
    return dict(Counter(_named(entry) for entry in emulator.logged()))


def _named(entry: Mapping[str, Any]) -> str:
    name = next(name for name, pattern in _NAMES if re.search(pattern, entry["path"]))
    return f"{entry['method']} {name}"


def paths(emulator: Emulator) -> str:
    return "\n".join(entry["path"] for entry in emulator.logged())


def a_document(kind: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": "reconciler/v1", "kind": kind, **more}


def an_entry(ips: Sequence[str] = ("1.1.1.1",)) -> dict[str, Any]:
    return {"policyRef": {"name": "ip-allowlist", "version": "1.1.1"}, "config": {"ips": list(ips)}}


def an_api(asset: str = "orders-api", **more: Any) -> dict[str, Any]:
    return a_document("ApiInstance", api={"asset": asset}, **({"policies": [an_entry()]} | more))


def a_tree(*apis: Mapping[str, Any], **environment: Any) -> dict[str, Any]:
    """One organization with Production, and an API in each document."""
    files = {f"acme/production/api-{n}.yaml": api for n, api in enumerate(apis, 1)}
    head = a_document("Environment", environment="Production", **environment)
    return {
        "acme/organization.yaml": a_document("Organization", organization="Acme Corp"),
        "acme/production/environment.yaml": head,
        **files,
    }


def a_native(ips: Sequence[str] = ("1.1.1.1",), asset: str = "ip-allowlist") -> dict[str, Any]:
    return {
        "groupId": MULESOFT_GROUP,
        "assetId": asset,
        "assetVersion": "1.1.1",
        "configurationData": {"ips": list(ips)},
    }


def planned(emulator: Emulator, seed: Any, documents: Any, **more: Any) -> dict[str, int]:
    """What one plan asks for; it must be whole."""
    with staged(emulator, seed, documents, {}, **more) as scene:
        assert scene.plan().errors == ()
        return asked(emulator)


def test_a_plan_of_one_api(emulator: Emulator) -> None:
    assert planned(emulator, one_api(), a_tree(an_api())) == PLAN


def test_a_second_plan_keeps_token_caller_and_tree(emulator: Emulator) -> None:
    with staged(emulator, one_api(), a_tree(an_api()), {}) as scene:
        scene.plan()
        scene.plan()
        again = {"GET environments": 2, "GET apis": 2, "GET policies": 2}
        assert asked(emulator) == PLAN | again


def test_each_api_adds_one_list(emulator: Emulator) -> None:
    assert planned(emulator, many_apis(7), a_tree(a_group())) == PLAN | {"GET policies": 7}


def test_tiers_add_one_list_to_the_api_that_declares_them(emulator: Emulator) -> None:
    tier = {"name": "Gold", "limits": [{"maximumRequests": 1, "timePeriodInMilliseconds": 1}]}
    documents = a_tree(an_api("api-0", tiers=[tier]), an_api("api-1"))
    assert planned(emulator, many_apis(2), documents) == PLAN | {
        "GET policies": 2,
        "GET tiers": 1,
    }


def test_outbound_policies_add_the_full_list_and_the_upstreams(emulator: Emulator) -> None:
    upstream = {"id": UPSTREAM, "label": "backend", "uri": "https://backend.example"}
    seed = one_api(technology="flexGateway", upstreams=[upstream])
    documents = a_tree(an_api(outboundPolicies=[]))
    assert planned(emulator, seed, documents) == PLAN | {"GET policies": 2, "GET upstreams": 1}


def test_automated_policies_add_one_list(emulator: Emulator) -> None:
    documents = a_tree(an_api(), automatedPolicies=[])
    assert planned(emulator, one_api(), documents) == PLAN | {"GET automated": 1}


def test_automated_policies_alone_need_no_instances(emulator: Emulator) -> None:
    calls = planned(emulator, one_api(), a_tree(automatedPolicies=[]))
    expected = PLAN | {"GET automated": 1}
    assert calls == {
        name: count for name, count in expected.items() if name not in ("GET apis", "GET policies")
    }


def test_files_without_apis_ask_for_nothing(emulator: Emulator) -> None:
    assert planned(emulator, one_api(), a_tree()) == {}


def many_apis(count: int) -> dict[str, Any]:
    seed = one_api()
    (api,) = seed["apis"]
    apis = [{**api, "id": number + 1, "assetId": f"api-{number}"} for number in range(count)]
    return {**seed, "apis": apis}


def a_group() -> dict[str, Any]:
    return a_document("ApiGroup", api={"match": {"asset": "*"}}, policies=[an_entry()])


@pytest.mark.parametrize(("count", "pages"), [(100, 1), (101, 2), (250, 3)])
def test_a_page_holds_100_assets(emulator: Emulator, count: int, pages: int) -> None:
    only = Scope(apis=("api-7",))
    calls = planned(emulator, many_apis(count), a_tree(a_group()), scope=only)
    assert calls == PLAN | {"GET apis": pages}


@pytest.mark.parametrize(("count", "pages"), [(26, 1), (500, 1), (501, 2)])
def test_a_page_holds_500_environments(emulator: Emulator, count: int, pages: int) -> None:
    seed = one_api()
    more = [
        {"id": f"e-{number}", "organizationId": ACME, "name": f"Env {number}", "type": "sandbox"}
        for number in range(count - 1)
    ]
    calls = planned(
        emulator, {**seed, "environments": [*seed["environments"], *more]}, a_tree(an_api())
    )
    assert calls == PLAN | {"GET environments": pages}


def two_environments() -> tuple[dict[str, Any], dict[str, Any]]:
    """The same API in Production and in Sandbox, and files for both."""
    seed = one_api()
    (api,) = seed["apis"]
    sandbox = {"id": SANDBOX, "organizationId": ACME, "name": "Sandbox", "type": "sandbox"}
    documents = {
        **a_tree(an_api()),
        "acme/sandbox/environment.yaml": a_document("Environment", environment="Sandbox"),
        "acme/sandbox/api.yaml": an_api(),
    }
    state = {
        **seed,
        "environments": [*seed["environments"], sandbox],
        "apis": [api, {**api, "id": 2, "environmentId": SANDBOX}],
    }
    return state, documents


def test_environments_of_one_organization_share_what_comes_before(emulator: Emulator) -> None:
    seed, documents = two_environments()
    assert planned(emulator, seed, documents) == PLAN | {"GET apis": 2, "GET policies": 2}


def test_an_environment_out_of_scope_is_not_asked_for(emulator: Emulator) -> None:
    seed, documents = two_environments()
    assert planned(emulator, seed, documents, scope=Scope(envs=("sand*",))) == PLAN
    assert SANDBOX in paths(emulator)
    assert PRODUCTION not in paths(emulator)


def test_an_api_out_of_scope_is_not_asked_for(emulator: Emulator) -> None:
    documents = a_tree(an_api("api-0"), an_api("api-1"))
    assert planned(emulator, many_apis(2), documents, scope=Scope(apis=("api-2",))) == PLAN
    assert "/apis/2/policies" in paths(emulator)


def test_declared_automated_policies_are_listed_once_whatever_the_apis_in_scope(
    emulator: Emulator,
) -> None:
    documents = a_tree(an_api("api-0"), an_api("api-1"), automatedPolicies=[])
    counted = planned(emulator, many_apis(2), documents, scope=Scope(apis=("api-2",)))
    assert counted == PLAN | {"GET automated": 1}


def with_platforms(scene: Scene, **environ: str) -> Scene:
    """The same scene with the logins that the command makes."""
    variables = {"ANYPOINT_CLIENT_ID": "demo", "ANYPOINT_CLIENT_SECRET": "demo", **environ}
    platforms = Platforms(
        environ={"ANYPOINT_HOST": scene.emulator.url, **variables},
        catalogue=SHIPPED,
        resolver=scene.context.layering.resolver,
        bounds=Bounds(calls=2),
        read_only=True,
    )
    return Scene(scene.emulator, replace(scene.context, connect=platforms.connect))


def two_organizations() -> dict[str, Any]:
    ledger = an_api("ledger-api")
    return {
        **a_tree(an_api(), an_api("inventory-api")),
        "payments/organization.yaml": a_document("Organization", organization="Payments"),
        "payments/production/environment.yaml": a_document("Environment", environment="Production"),
        "payments/production/ledger.yaml": ledger,
    }


def test_two_organizations_on_one_host_share_token_caller_and_tree(emulator: Emulator) -> None:
    documents = two_organizations()
    documents["acme/production/api-1.yaml"]["api"]["label"] = "internal"
    with staged(emulator, "demo", documents, {}, parallelism=4) as scene:
        made = with_platforms(scene).plan()
        assert made.errors == ()
        assert asked(emulator) == PLAN | {
            "GET environments": 2,
            "GET apis": 2,
            "GET policies": 3,
        }


def test_an_organization_out_of_scope_is_not_asked_for(emulator: Emulator) -> None:
    with staged(
        emulator, "demo", two_organizations(), {}, scope=Scope(orgs=("payments",))
    ) as scene:
        assert with_platforms(scene).plan().errors == ()
        assert asked(emulator) == PLAN
        # The tree of organizations is read from its root, and nothing else of it.
        assert PAYMENTS in paths(emulator)
        assert f"{ACME}/environments" not in paths(emulator)


def applied(emulator: Emulator, seed: Any, documents: Any) -> dict[str, int]:
    """What an apply asks for beyond the plan that it is made from; every step goes well."""
    with staged(emulator, seed, documents, {}) as scene:
        scene.plan()
        before = Counter(asked(emulator))
        outcomes = scene.apply()
        assert [item.outcome for item in outcomes] == [APPLIED] * len(outcomes)
        replanned = Counter({"GET environments": 1, "GET apis": 1, "GET policies": 1})
        return dict(Counter(asked(emulator)) - before - replanned)


def test_apply_reads_before_and_after_its_one_create(emulator: Emulator) -> None:
    assert applied(emulator, one_api(), a_tree(an_api())) == {
        "GET policies": 2,
        "POST policies": 1,
    }


def test_apply_reads_before_and_after_its_one_update(emulator: Emulator) -> None:
    seed = one_api(policies=[a_native(["9.9.9.9"])])
    assert applied(emulator, seed, a_tree(an_api())) == {"GET policies": 2, "PATCH policy": 1}


def test_apply_reads_before_and_after_its_one_delete(emulator: Emulator) -> None:
    seed = one_api(
        policies=[a_native(), a_native(asset="ip-blocklist") | {"assetVersion": "1.1.2"}]
    )
    documents = a_tree(an_api(prune=True))
    assert applied(emulator, seed, documents) == {"GET policies": 2, "DELETE policy": 1}


def test_an_order_is_one_write(emulator: Emulator) -> None:
    blocked = {"policyRef": {"name": "ip-blocklist", "version": "1.1.2"}}
    entries = [{**blocked, "config": {"ips": ["1.1.1.1"]}}, an_entry()]
    seed = one_api(
        policies=[a_native(), a_native(asset="ip-blocklist") | {"assetVersion": "1.1.2"}]
    )
    documents = a_tree(an_api(policies=entries))
    assert applied(emulator, seed, documents) == {"GET policies": 2, "PATCH policies": 1}


def test_several_creates_in_their_places_need_no_order(emulator: Emulator) -> None:
    blocked = {"policyRef": {"name": "ip-blocklist", "version": "1.1.2"}}
    removed = {"policyRef": {"name": "header-removal", "version": "1.1.2"}}
    entries = [
        {**blocked, "config": {"ips": ["1.1.1.1"]}},
        an_entry(),
        {**removed, "config": {"outboundHeaders": ["server"]}},
    ]
    documents = a_tree(an_api(policies=entries))
    assert applied(emulator, one_api(policies=[a_native()]), documents) == {
        "GET policies": 3,
        "POST policies": 2,
    }


def test_nothing_to_do_reads_nothing_more(emulator: Emulator) -> None:
    assert applied(emulator, one_api(policies=[a_native()]), a_tree(an_api())) == {}


@pytest.mark.soak
def test_a_large_estate_converges_with_a_read_per_api(emulator: Emulator) -> None:
    """Two thousand APIs, one file; what is not wrong is read once and never written."""
    documents = a_tree(a_group())
    with staged(emulator, "scale:2000", documents, {}, parallelism=8) as scene:
        made = scene.plan()
        assert (made.counts["update"], made.errors) == (2000, ())
        assert asked(emulator) == PLAN | {"GET apis": 20, "GET policies": 2000}
        assert {item.outcome for item in scene.apply()} == {APPLIED}
        writes = len(emulator.writes())
        assert scene.plan().changes == ()
        assert len(emulator.writes()) == writes
