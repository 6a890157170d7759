"""Whatever is live, its export loads, and a plan right after it shows no change."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.model import MULESOFT_GROUP
from reconciler.core.plan import Plan
from reconciler.files.entry_check import EntryChecker
from reconciler.run.context import Scope
from reconciler.run.converge import compare
from reconciler.run.export import Exported, export
from reconciler.run.folders import slug
from reconciler.run.inventory import Live
from tests.emulator.driver import ACME, PAYMENTS, PRODUCTION, SANDBOX, Emulator
from tests.providers.suite import SHIPPED, connected, one_api
from tests.run.scene import SCHEMAS, a_context, write

HOST = "https://anypoint.mulesoft.com"
API = "acme-corp/production/orders-api.yaml"
UPSTREAM = "7e1a90c4-0000-4b6b-9d11-0000000000b1"


def exported(emulator: Emulator, seed: Any, scope: Scope | None = None) -> tuple[Exported, Plan]:
    """The export of a seed, and what a plan over it says."""
    emulator.reset(seed)
    with connected(emulator) as provider, tempfile.TemporaryDirectory() as folder:
        made = export(Live(provider, scope or Scope()), SHIPPED, EntryChecker(SCHEMAS), HOST)
        write(Path(folder) / "policies", made.files)
        context = a_context(Path(folder), provider, {})
        return made, compare(context).plan(context, "now")


def check_settled(emulator: Emulator, seed: Any) -> Exported:
    made, planned = exported(emulator, seed)
    assert (made.errors, planned.errors) == ((), ())
    assert (planned.changes, planned.unmanaged) == ((), ())
    return made


def check_left_out(emulator: Emulator, seed: Any, count: int = 1) -> Exported:
    """The export loads and plans nothing; what it leaves out is said, and unmanaged."""
    made, planned = exported(emulator, seed)
    assert (planned.changes, planned.errors) == ((), ())
    assert (len(planned.unmanaged), len(made.warnings)) == (count, count)
    return made


def a_native(
    asset: str = "ip-allowlist", version: str = "1.1.1", config: Any = None, **more: Any
) -> dict[str, Any]:
    configuration = {"ips": ["1.1.1.1"]} if config is None else config
    coordinates = {"groupId": MULESOFT_GROUP, "assetId": asset, "assetVersion": version}
    return {**coordinates, "configurationData": configuration, **more}


def with_config(asset: str, version: str, **config: Any) -> dict[str, Any]:
    return one_api(policies=[a_native(asset, version, config)])


def entries(made: Exported, path: str = API) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = made.files[path]["policies"]
    return found


def test_the_demo_is_exported_whole(emulator: Emulator) -> None:
    made = check_settled(emulator, "demo")
    assert "payments/production/ledger-api.yaml" in made.files
    assert len([path for path in made.files if path.count("/") == 2]) == 17


def test_only_what_is_in_scope_is_exported(emulator: Emulator) -> None:
    made, planned = exported(emulator, "demo", Scope(envs=("Sandbox",), apis=("orders-*",)))
    assert [path for path in made.files if "orders" in path] == [
        "acme-corp/sandbox/orders-api-internal.yaml"
    ]
    assert (planned.changes, planned.errors) == ((), ())


@pytest.mark.parametrize(
    "text",
    [
        "#[payload]",
        "#[\n  a\n]",
        "#[a]\n\n",
        "#[ 'x: #y' ]",
        "#['${literal}' ++ \"$${\"]",
        "#['é\t\u2028']",
        "#[a \n\n  b]",
    ],
)
def test_expressions_come_back_byte_for_byte(emulator: Emulator, text: str) -> None:
    seed = with_config("ip-allowlist", "1.1.1", ips=["1.1.1.1"], ipExpression=text)
    check_settled(emulator, seed)


@pytest.mark.parametrize(
    "text", ["yes", "0123", "1.10", "~", "1:30", "${env:HOME}", "- a", "é", ""]
)
def test_texts_come_back_as_texts(emulator: Emulator, text: str) -> None:
    headers = [{"key": "x-team", "value": text or "x"}, {"key": text or "y", "value": "1"}]
    check_settled(
        emulator,
        with_config("header-injection", "1.3.1", inboundHeaders=headers, outboundHeaders=[]),
    )


@pytest.mark.parametrize(
    "config",
    [
        {"ips": ["1.1.1.1"], "apiId": 7, "policyId": 8, "order": 2},
        {"ips": ["2.2.2.2", "1.1.1.1"], "methodsString": None},
        {"ips": ["2.2.2.2"], "ipExpression": "#[attributes.headers['x-forwarded-for']]"},
    ],
    ids=["keys of the server", "nulls", "defaults"],
)
def test_what_the_service_added_is_left_out(emulator: Emulator, config: Any) -> None:
    check_settled(emulator, with_config("ip-allowlist", "1.1.1", **config))


def test_numbers_that_came_as_text_are_numbers(emulator: Emulator) -> None:
    limits = [{"maximumRequests": "10", "timePeriodInMilliseconds": "1000"}]
    made = check_settled(emulator, with_config("rate-limiting", "1.4.0", rateLimits=limits))
    assert entries(made)[0]["config"]["rateLimits"][0]["maximumRequests"] == 10


def test_the_order_is_the_live_one(emulator: Emulator) -> None:
    policies = [
        a_native("ip-blocklist", "1.1.2", order=9),
        a_native(order=3),
        a_native("cors", "1.3.2", {"publicResource": True, "originGroups": []}),
    ]
    made = check_settled(emulator, one_api(policies=policies))
    names = [entry["policyRef"]["name"] for entry in entries(made)]
    assert names == ["cors", "ip-allowlist", "ip-blocklist"]


@pytest.mark.parametrize("labels", [(None, None), ("one", None), ("one", "two"), (None, "one")])
@pytest.mark.parametrize("is_equal", [True, False])
def test_doubles_are_told_apart(
    emulator: Emulator, labels: tuple[str | None, str | None], is_equal: bool
) -> None:
    policies = [
        a_native(config={"ips": ["1.1.1.1" if is_equal else f"1.1.1.{number}"]}, label=label)
        for number, label in enumerate(labels)
    ]
    check_settled(emulator, one_api(policies=policies))


def test_a_label_is_kept_though_nothing_needs_it(emulator: Emulator) -> None:
    made = check_settled(emulator, one_api(policies=[a_native(label="mine: 1/2")]))
    assert entries(made)[0]["name"] == "mine: 1/2"


def test_rules_and_the_switch_are_kept(emulator: Emulator) -> None:
    pointcut = [
        {"methodRegex": "POST|GET", "uriTemplateRegex": "/a/.*"},
        {"methodRegex": ".*", "uriTemplateRegex": "/b"},
    ]
    policies = [a_native(pointcutData=pointcut, disabled=True)]
    made = check_settled(emulator, one_api(policies=policies))
    assert entries(made)[0]["disabled"] is True
    assert len(entries(made)[0]["rules"]) == 2


def test_a_custom_policy_names_its_group(emulator: Emulator) -> None:
    template = {
        "groupId": ACME,
        "assetId": "our-own",
        "name": "Our own",
        "category": "custom",
        "versions": ["1.0.0"],
        "technologies": ["mule4"],
        "complete": False,
        "fields": [],
    }
    policy = {**a_native("our-own", "1.0.0", {"a.b": {"x": [1]}}), "groupId": ACME}
    seed = {**one_api(policies=[policy]), "templates": [template]}
    made = check_settled(emulator, seed)
    assert entries(made)[0]["policyRef"]["groupId"] == ACME


@pytest.mark.parametrize(
    "tier",
    [
        {"name": "Gold", "description": "for partners", "autoApprove": True},
        {"name": "on", "status": "DEPRECATED"},
        {"name": "a: b"},
    ],
    ids=["described", "deprecated", "named"],
)
def test_tiers_are_kept(emulator: Emulator, tier: dict[str, Any]) -> None:
    limit = {"maximumRequests": 5, "timePeriodInMilliseconds": 1000, "visible": False}
    check_settled(emulator, one_api(tiers=[{"limits": [limit], **tier}]))


def test_secrets_are_left_as_variables_each_its_own(emulator: Emulator) -> None:
    secret = {"username": "a", "password": "hunter2"}
    seed = one_api()
    (api,) = seed["apis"]
    policy = a_native("http-basic-authentication", "1.3.2", secret)
    sandbox = {"id": SANDBOX, "organizationId": ACME, "name": "Sandbox", "type": "sandbox"}
    made = check_settled(
        emulator,
        {
            **seed,
            "environments": [*seed["environments"], sandbox],
            "apis": [
                {**api, "policies": [policy]},
                {**api, "id": 2, "environmentId": SANDBOX, "policies": [policy]},
            ],
        },
    )
    assert len(made.variables) == 2
    assert "hunter2" not in str(made)


def automated(asset: str = "ip-allowlist", **rule: Any) -> dict[str, Any]:
    place = {"organizationId": ACME, "environmentId": PRODUCTION}
    return {**a_native(asset), "ruleOfApplication": {**place, **rule}}


def test_automated_policies_are_kept(emulator: Emulator) -> None:
    removal = a_native("header-removal", "1.1.2", {"outboundHeaders": ["via"]})
    pointcut = [{"methodRegex": "GET", "uriTemplateRegex": "/a"}]
    first = automated(technologies=["mule4"], range={"from": "4.1.1"})
    second = {**automated(), **removal, "pointcutData": pointcut}
    made = check_settled(emulator, {**one_api(), "automatedPolicies": [first, second]})
    entries = made.files["acme-corp/production/environment.yaml"]["automatedPolicies"]
    assert [entry["policyRef"]["name"] for entry in entries] == ["ip-allowlist", "header-removal"]


def test_automated_policies_of_one_type_are_told_apart_by_gateway(emulator: Emulator) -> None:
    policies = [automated(technologies=[name]) for name in ("mule4", "flexGateway")]
    made = check_settled(emulator, {**one_api(), "automatedPolicies": policies})
    assert made.warnings == ()


@pytest.mark.parametrize(
    ("more", "count"),
    [({"technologies": ["mule4"]}, 2), ({"range": {"to": "4.4.0"}, "javaVersions": ["9"]}, 1)],
)
def test_an_automated_policy_that_files_cannot_say_is_left_out(
    emulator: Emulator, more: dict[str, Any], count: int
) -> None:
    policies = [automated(technologies=["mule4"]), automated(**more)]
    check_left_out(emulator, {**one_api(), "automatedPolicies": policies}, count)


def test_an_automated_policy_that_is_off_is_left_out(emulator: Emulator) -> None:
    policies = [{**automated(), "disabled": True}]
    made = check_left_out(emulator, {**one_api(), "automatedPolicies": policies})
    assert "switched off" in made.warnings[0]


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        (a_native("ip-allowlist", "1.1.1", {"ips": ["1.1.1.1"], "ipz": []}), "ipz: unknown key"),
        (a_native("ip-allowlist", "1.1.1", {}), "ips is missing"),
        (a_native("spike-control", "1.2.1", {"maximumRequests": "many"}), "a whole number"),
        (a_native(pointcutData=[{"methodRegex": "G.*", "uriTemplateRegex": "/"}]), "methods"),
        (a_native(pointcutData=[{"methodRegex": "GET", "uriTemplateRegex": "("}]), "path"),
        (a_native("xml-threat-protection", "1.2.1", {}), "mule4"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_files_may_not_hold_is_left_out_and_said(
    emulator: Emulator, policy: dict[str, Any], why: str
) -> None:
    seed = one_api(technology="flexGateway", policies=[policy])
    made = check_left_out(emulator, seed)
    assert why in made.warnings[0]
    assert made.warnings[0].startswith("acme-corp/production/orders-api: ")


def test_doubles_with_one_label_are_left_out(emulator: Emulator) -> None:
    policies = [a_native(label="a"), a_native(label="a", config={"ips": ["2.2.2.2"]})]
    check_left_out(emulator, one_api(policies=policies), 2)


def test_an_optional_secret_that_may_be_there_is_said(emulator: Emulator) -> None:
    known = SHIPPED.get(MULESOFT_GROUP, "bedrock-llm-provider-policy")
    assert known
    secrets = {"awsAccessKeyId": "a", "awsSecretAccessKey": "b", "awsSessionToken": "c"}
    config = {**known.example, **secrets}
    policy = a_native(known.name, known.versions[-1], config, upstreamIds=[UPSTREAM])
    upstream = {"id": UPSTREAM, "label": None, "uri": "https://backend.example"}
    seed = one_api(technology="flexGateway", upstreams=[upstream], policies=[policy])
    made, planned = exported(emulator, seed)
    assert planned.changes == ()
    assert [text for text in made.warnings if "may hold awsSessionToken" in text]
    assert len(made.variables) == 2


def test_equal_names_of_two_variables_are_told_apart(emulator: Emulator) -> None:
    secret = {"username": "a", "password": "hunter2"}
    seed = one_api()
    (api,) = seed["apis"]
    policy = a_native("http-basic-authentication", "1.3.2", secret)
    apis = [
        {**api, "id": number, "assetId": asset, "policies": [policy]}
        for number, asset in enumerate(("a.b", "a-b"), 1)
    ]
    made = check_settled(emulator, {**seed, "apis": apis})
    assert len(made.variables) == 2


def test_twins_are_told_apart_by_what_it_takes(emulator: Emulator) -> None:
    seed = one_api()
    (api,) = seed["apis"]
    apis = [
        {**api, "id": 1, "assetVersion": "1.0.0"},
        {**api, "id": 2, "assetVersion": "2.0.0"},
        {**api, "id": 3, "assetVersion": "2.0.0", "instanceLabel": "x"},
    ]
    made = check_settled(emulator, {**seed, "apis": apis})
    selectors = [each["api"] for each in made.files.values() if "api" in each]
    assert [sorted(selector) for selector in selectors] == [
        ["asset", "label", "productVersion"],
        ["asset", "label", "productVersion"],
        ["asset", "label"],
    ]


def test_instances_that_only_their_ids_tell_apart(emulator: Emulator) -> None:
    seed = one_api()
    (api,) = seed["apis"]
    apis = [{**api, "id": number, "policies": [a_native()]} for number in (1, 2, 3)]
    check_settled(emulator, {**seed, "apis": apis})


@pytest.mark.parametrize(
    "labels",
    [
        ["a", "A", "a-2"],
        ["a-2", "a", "a "],
        ["organization", "Environment", "reconciler"],
        [".hidden", "..", "x/y"],
        ["é", "ü", None],
        ["yes", "1.10", "null"],
    ],
)
def test_each_api_gets_a_file_of_its_own(emulator: Emulator, labels: list[str | None]) -> None:
    seed = one_api()
    (api,) = seed["apis"]
    apis = [
        {**api, "id": n, "instanceLabel": label, "assetId": "x", "policies": [a_native()]}
        for n, label in enumerate(labels, 1)
    ]
    made = check_settled(emulator, {**seed, "apis": apis})
    assert len([path for path in made.files if path.count("/") == 2]) == len(labels) + 1


@pytest.mark.parametrize("names", [["Prod", "prod", "prod-2"], ["Twin", "Twin", "other"]])
def test_each_environment_gets_a_folder_of_its_own(emulator: Emulator, names: list[str]) -> None:
    seed = one_api()
    (api,) = seed["apis"]
    environments = [
        {"id": f"e-{n}", "organizationId": ACME, "name": name, "type": "sandbox"}
        for n, name in enumerate(names)
    ]
    apis = [
        {**api, "id": n + 1, "environmentId": f"e-{n}", "policies": [a_native()]}
        for n in range(len(names))
    ]
    made = check_settled(emulator, {**seed, "environments": environments, "apis": apis})
    assert len([path for path in made.files if path.endswith("/environment.yaml")]) == 3


def test_organizations_of_one_name_are_told_apart_by_id(emulator: Emulator) -> None:
    seed = one_api()
    twin = {"id": PAYMENTS, "name": "Acme Corp", "parentId": ACME}
    place = {"id": SANDBOX, "organizationId": PAYMENTS, "name": "Sandbox", "type": "sandbox"}
    made = check_settled(
        emulator,
        {
            **seed,
            "organizations": [*seed["organizations"], twin],
            "environments": [*seed["environments"], place],
        },
    )
    assert {made.files[path]["organization"] for path in made.files if path.count("/") == 1} == {
        ACME,
        PAYMENTS,
    }


def test_a_twin_out_of_scope_is_a_twin_all_the_same(emulator: Emulator) -> None:
    seed = one_api()
    (api,) = seed["apis"]
    apis = [{**api, "id": number, "policies": [a_native()]} for number in (1, 2)]
    made, planned = exported(emulator, {**seed, "apis": apis}, Scope(apis=("2",)))
    assert (planned.errors, planned.changes) == ((), ())
    assert made.files[API]["api"] == {"id": 2}


def test_outbound_policies_are_kept(emulator: Emulator) -> None:
    config = {"username": "a", "password": "hunter2", "overwrite": False}
    policy = a_native("credential-injection-basic-auth", "1.0.1", config, upstreamIds=[UPSTREAM])
    upstream = {"id": UPSTREAM, "label": None, "uri": "https://backend.example"}
    seed = one_api(technology="flexGateway", upstreams=[upstream], policies=[policy])
    made = check_settled(emulator, seed)
    (entry,) = made.files[API]["outboundPolicies"]
    assert entry["upstreams"] == ["https://backend.example"]


def test_an_environment_that_cannot_be_read_is_said(emulator: Emulator) -> None:
    emulator.reset(one_api(policies=[a_native()]))
    with connected(emulator) as provider:
        emulator.fail({"status": 403, "body": {"name": "Forbidden"}}, path="/apis/1/policies")
        made = export(Live(provider), SHIPPED, EntryChecker(SCHEMAS), HOST)
    assert API not in made.files
    assert len(made.errors) == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Acme Corp", "acme-corp"),
        ("orders-api", "orders-api"),
        ("v1.2", "v1.2"),
        ("../../etc", "etc"),
        ("", "unnamed"),
        ("...", "unnamed"),
        ("A / B", "a-b"),
    ],
)
def test_a_name_becomes_a_file_name(name: str, expected: str) -> None:
    assert slug(name) == expected
