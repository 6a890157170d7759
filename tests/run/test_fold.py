"""What is common stands once, and every API keeps what it has, in its order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.files.write import to_yaml
from reconciler.run.fold import fold_documents

Documents = Mapping[str, Mapping[str, Any]]
TOP, PRODUCTION, SANDBOX = "o/organization.yaml", "o/p/environment.yaml", "o/s/environment.yaml"


def an_entry(policy: str, *, version: str | None = "1.0.0", **more: Any) -> dict[str, Any]:
    reference = {"name": policy, **({"version": version} if version else {})}
    config = more.pop("config", {"key": "a text that is long enough to be worth it"})
    return {"policyRef": reference, "config": config, **more}


def folded(*production: list[Any], sandbox: list[list[Any]] | None = None) -> Documents:
    """The fold of APIs with these policies; APIs are p/0, p/1 ... and s/0, s/1 ..."""
    files: dict[str, Any] = {TOP: {"kind": "Organization"}, PRODUCTION: {"kind": "Environment"}}
    if sandbox is not None:
        files[SANDBOX] = {"kind": "Environment"}
    for folder, apis in (("p", production), ("s", sandbox or [])):
        for number, entries in enumerate(apis):
            files[f"o/{folder}/{number}.yaml"] = {
                "kind": "ApiInstance",
                "api": {"asset": str(number)},
                "policies": entries,
            }
    return fold_documents(files, lambda group, name: name != "cors")


def names(document: Mapping[str, Any]) -> list[str]:
    """The policies of a document or of its defaults, with their place where it is said."""
    listed = document.get("defaults", document).get("policies", [])
    places = [f" {entry['position']}" if "position" in entry else "" for entry in listed]
    return [entry["policyRef"]["name"] + at for entry, at in zip(listed, places, strict=True)]


A, B, C = an_entry("a"), an_entry("b"), an_entry("c")


def test_what_all_apis_have_goes_into_the_defaults() -> None:
    made = folded([A, B], [A, B])
    assert names(made[PRODUCTION]) == ["a", "b"]
    assert made["o/p/0.yaml"] == {"kind": "ApiInstance", "api": {"asset": "0"}}


def test_one_api_has_nothing_in_common() -> None:
    assert "defaults" not in folded([A, B])[PRODUCTION]


def test_what_differs_stays() -> None:
    made = folded([A, B], [A, {**B, "disabled": True}])
    assert names(made[PRODUCTION]) == ["a"]
    assert [names(made[f"o/p/{number}.yaml"]) for number in (0, 1)] == [["b"], ["b"]]


def test_what_runs_after_the_rest_stays_last() -> None:
    made = folded([A, C], [B, C])
    assert names(made[PRODUCTION]) == ["c last"]
    assert names(made["o/p/0.yaml"]) == ["a"]


def test_several_run_last_in_their_order() -> None:
    made = folded([an_entry("x"), A, B, C], [an_entry("y"), A, B, C])
    assert names(made[PRODUCTION]) == ["a last", "b last", "c last"]


def test_what_has_no_common_place_is_not_folded() -> None:
    assert "defaults" not in folded([A, B], [B, A])[PRODUCTION]
    assert "defaults" not in folded([A, C, B], [B, C, A])[PRODUCTION]


def test_a_policy_without_a_place_goes_anywhere() -> None:
    cors = an_entry("cors")
    made = folded([cors, A, B], [A, cors, C])
    assert names(made[PRODUCTION]) == ["cors", "a"]


def test_the_few_without_it_exclude_it() -> None:
    made = folded([A, B], [A, B], [A, B], [B])
    assert names(made[PRODUCTION]) == ["a", "b"]
    (exclusion,) = made["o/p/3.yaml"]["exclude"]
    assert exclusion["policy"] == "a" and exclusion["reason"]


def test_half_of_the_apis_are_too_few() -> None:
    assert "defaults" not in folded([A], [A], [B], [B])[PRODUCTION]


def test_an_exclusion_longer_than_what_it_saves_is_not_made() -> None:
    short = an_entry("a", config={})
    assert "defaults" not in folded([short], [short], [B])[PRODUCTION]


def test_an_api_may_say_more_than_the_default() -> None:
    other = an_entry("a", config={"key": "another", "more": 1})
    made = folded([A], [A], [other])
    assert names(made[PRODUCTION]) == ["a"]
    assert made["o/p/2.yaml"]["policies"] == [
        {"policyRef": {"name": "a"}, "config": other["config"]}
    ]


def test_an_api_that_says_less_than_the_default_would_get_the_rest() -> None:
    made = folded([A], [A], [an_entry("a", config={})])
    assert "defaults" not in made[PRODUCTION]


def test_a_secret_may_be_another_one_each_time() -> None:
    secret = an_entry("a", config={"password": "${env:X}"})
    assert "defaults" not in folded([secret], [secret])[PRODUCTION]


def test_policies_with_a_name_are_told_apart() -> None:
    one, two = an_entry("a", name="one"), an_entry("a", name="two")
    made = folded([one, two], [one, two], [one, two], [two])
    assert [entry["name"] for entry in made[PRODUCTION]["defaults"]["policies"]] == ["one", "two"]
    assert made["o/p/3.yaml"]["exclude"][0]["name"] == "one"


def test_an_excluded_custom_policy_says_its_list() -> None:
    custom = {**A, "policyRef": {"name": "a", "groupId": "g", "version": "1.0.0"}}
    made = folded([custom], [custom], [custom], [B])
    exclusion = made["o/p/3.yaml"]["exclude"][0]
    assert (exclusion["groupId"], exclusion["list"]) == ("g", "policies")


def test_what_all_environments_share_goes_up() -> None:
    made = folded([A, B], [A, B], sandbox=[[A, C], [A, C]])
    assert names(made[TOP]) == ["a"]
    assert (names(made[PRODUCTION]), names(made[SANDBOX])) == (["b"], ["c"])


def test_an_environment_without_apis_has_no_say() -> None:
    made = folded([A], [A], sandbox=[])
    assert names(made[PRODUCTION]) == ["a"]
    assert "defaults" not in made[TOP]


def test_versions_that_everything_uses_are_pinned() -> None:
    other = an_entry("c", version="2.0.0")
    made = folded([A, B, C], [other, B, A], sandbox=[[A, C], [{**C, "disabled": True}]])
    assert made[TOP]["versions"] == {"a": "1.0.0", "b": "1.0.0"}
    assert made[SANDBOX]["versions"] == {"c": "1.0.0"}
    assert "versions" not in made[PRODUCTION]
    text = to_yaml(made["o/p/0.yaml"])
    assert "version: 1.0.0" in text and "a, version" not in text


def test_a_version_that_one_entry_leaves_open_is_not_pinned() -> None:
    made = folded([A, an_entry("b", version=None)], [an_entry("a", version=None), B])
    assert "versions" not in made[TOP]
