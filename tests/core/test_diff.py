"""What makes live equal to desired, and what is never a change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from deepdiff import DeepDiff
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.diff import FieldChange, UnitDiff, diff_unit
from reconciler.core.fields import differing_fields
from reconciler.core.model import AUTOMATED, OUTBOUND, TIERS, Resource
from reconciler.core.redact import Secret
from tests.builders import (
    CATALOGUE,
    REDACTOR,
    a_desired,
    a_live,
    a_live_policy,
    a_policy,
    a_tier,
    actions,
    an_absent,
    diff,
)


def changed(desired: Resource, live: Resource) -> list[tuple[str, Any, Any]]:
    """Path, live and desired of each field of the one update; empty where there is none."""
    steps = diff([desired], [live]).steps
    assert len(steps) <= 1
    return [(f.path, f.live, f.desired) for step in steps for f in step.change.fields]


def test_what_is_not_live_is_created_with_its_fields_and_source() -> None:
    (step,) = diff([a_policy(config={"limit": 3})], []).steps
    assert (str(step.change.action), step.change.kind) == ("create", "policy")
    assert step.change.address == "acme/production/orders/alpha"
    assert FieldChange("config.limit", None, 3) in step.change.fields
    assert step.change.source is not None and step.change.source.line == 7


def test_what_differs_is_updated_field_by_field() -> None:
    desired = a_policy(config={"limit": 3, "expression": "#[a]"}, version="1.1.0")
    live = a_live_policy(config={"limit": 4, "expression": "#[a]"})
    assert changed(desired, live) == [("config.limit", 4, 3), ("version", "1.0.0", "1.1.0")]


def test_switching_off_is_an_update() -> None:
    assert changed(a_policy(disabled=True), a_live_policy()) == [("disabled", False, True)]


def test_a_new_version_is_an_update_in_place() -> None:
    found = diff([a_policy(version="2.0.0")], [a_live_policy(id_=5)])
    assert [str(step.change.action) for step in found.steps] == ["update"]
    assert found.steps[0].live is not None and found.steps[0].live.id == "5"


def test_what_no_file_names_is_unmanaged_and_left() -> None:
    found = diff([], [a_live_policy("beta")])
    assert found.steps == ()
    assert [item.address for item in found.unmanaged] == ["acme/production/orders/beta"]


def test_prune_deletes_what_no_file_names() -> None:
    assert actions(diff([], [a_live_policy("beta")], prune=True)) == [("delete", "beta")]


def test_prune_leaves_lists_that_no_layer_declares() -> None:
    live = [a_live_policy("beta"), a_tier(id_=4), a_live_policy("outward", listed=OUTBOUND, id_=2)]
    found = diff([], live, prune=True, managed=[TIERS])
    assert actions(found) == [("delete", "tier:Gold")]


def test_absent_deletes_exactly_that_policy_without_prune() -> None:
    live = [a_live_policy("alpha"), a_live_policy("beta", id_=2, order=2)]
    found = diff([], live, absent=[an_absent("alpha")])
    assert actions(found) == [("delete", "alpha")]
    assert found.steps[0].change.source is not None
    assert found.steps[0].change.source.line == 30


def test_absent_with_a_name_spares_other_labels() -> None:
    live = [a_live_policy(name="one", id_=1), a_live_policy(name="two", id_=2, order=2)]
    found = diff([], live, absent=[an_absent("alpha", "two")])
    assert actions(found) == [("delete", "alpha:two")]


def test_doubles_are_addressed_with_their_ids() -> None:
    live = [a_live_policy(id_=8), a_live_policy(id_=9, order=2)]
    assert actions(diff([], live, prune=True)) == [("delete", "alpha@8"), ("delete", "alpha@9")]


def test_unchanged_ones_are_counted() -> None:
    assert (
        diff(
            [a_policy(), a_policy("beta")], [a_live_policy(), a_live_policy("gamma", id_=2)]
        ).unchanged
        == 1
    )


def test_a_version_that_no_file_gives_is_the_live_one() -> None:
    assert changed(a_policy(version=None), a_live_policy(version="3.1.4")) == []


def test_the_other_fields_count_without_a_version() -> None:
    desired = a_policy(version=None, config={"limit": 1})
    assert changed(desired, a_live_policy(version="3.1.4")) == [("config.limit", 10, 1)]


def test_rules_of_an_automated_policy_are_left_for_files_cannot_give_them() -> None:
    rules = [{"methods": ["GET"], "path": "/x"}]
    live = a_live_policy(listed=AUTOMATED, rules=rules)
    assert changed(a_policy(listed=AUTOMATED), live) == []


@pytest.mark.parametrize("rules", [None, [], ()])
@pytest.mark.parametrize("others", [None, []])
def test_absent_null_and_empty_rules_are_equal(rules: Any, others: Any) -> None:
    assert changed(a_policy(rules=rules), a_live_policy(rules=others)) == []


def test_methods_are_a_set() -> None:
    one, other = ({"methods": m, "path": "/x"} for m in (["GET", "PUT"], ["PUT", "GET"]))
    assert changed(a_policy(rules=[one]), a_live_policy(rules=[other])) == []


def test_the_order_of_rules_is_not_lost() -> None:
    one, other = ({"methods": None, "path": path} for path in ("/x", "/y"))
    found = changed(a_policy(rules=[one, other]), a_live_policy(rules=[other, one]))
    assert [path for path, _, _ in found] == ["rules[0].path", "rules[1].path"]


def test_defaults_count_as_set_on_both_sides() -> None:
    assert changed(a_policy(config={"limit": 10}), a_live_policy()) == []
    assert changed(a_policy(), a_live_policy(config={"limit": 10})) == []


def test_unordered_lists_are_sets() -> None:
    desired = a_policy("beta", config={"ips": ["1.1.1.1", "2.2.2.2"]})
    live = a_live_policy("beta", config={"ips": ["2.2.2.2", "1.1.1.1"]})
    assert changed(desired, live) == []


def test_other_lists_are_not_sets() -> None:
    desired = a_policy("gamma", config={"items": [1, 2]})
    live = a_live_policy("gamma", config={"items": [2, 1]})
    assert changed(desired, live) == [("config.items", [2, 1], [1, 2])]


def test_a_number_as_text_is_equal_where_the_catalogue_says_number() -> None:
    assert changed(a_policy(config={"limit": 300}), a_live_policy(config={"limit": "300"})) == []


def test_a_number_as_text_is_another_value_elsewhere() -> None:
    desired = a_policy("gamma", config={"limit": 300})
    live = a_live_policy("gamma", config={"limit": "300"})
    assert changed(desired, live) == [("config.limit", "300", 300)]


def test_nulls_are_as_good_as_absent() -> None:
    desired = a_policy("gamma", config={"deep": {"key": None, "other": 1}})
    live = a_live_policy("gamma", config={"deep": {"other": 1}, "more": None})
    assert changed(desired, live) == []


def test_keys_of_the_server_are_dropped() -> None:
    live = a_live_policy(config={"limit": 10, "apiId": 7, "order": 3})
    assert changed(a_policy(), live) == []


@pytest.mark.parametrize("other", ["#[ a ]", "#[a]\n", "#[A]"])
def test_expressions_are_compared_byte_for_byte(other: str) -> None:
    desired = a_policy(config={"expression": "#[a]"})
    assert changed(desired, a_live_policy(config={"expression": other})) == [
        ("config.expression", other, "#[a]")
    ]


def test_a_description_that_no_file_gives_is_left() -> None:
    assert changed(a_tier(), a_tier(id_=4, description="from the console")) == []


@pytest.mark.parametrize(
    ("ours", "theirs", "path"),
    [(True, 1, "config.on"), (0, False, "config.on"), ([False], [0], "config.on")],
)
def test_true_is_not_one(ours: Any, theirs: Any, path: str) -> None:
    live = a_live_policy("gamma", config={"on": theirs})
    assert [found for found, _, _ in changed(a_policy("gamma", config={"on": ours}), live)] == [
        path
    ]


@pytest.mark.parametrize(
    ("live", "desired", "expected"),
    [
        ([{"a": 1, "b": 1}], [{"a": 2, "b": 1}], [("x", 0, "a")]),
        ([{"a": 1}], [{"a": 2}, {"a": 1}], [("x",)]),
        ([1, 2], [1, 3], [("x",)]),
        ([[1], [2]], [[1], [3]], [("x",)]),
        ([{"a": [1]}], [{"a": [2]}], [("x", 0, "a")]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [("x", "a", "b")]),
        ({"a": 1}, [1], [("x",)]),
        (None, {"a": 1}, [("x",)]),
        ({"__x": 1}, {"__x": 2}, [("x", "__x")]),
        ({"a.b": 1}, {"a.b": 2}, [("x", "a.b")]),
    ],
)
def test_the_path_of_a_field(live: Any, desired: Any, expected: Any) -> None:
    assert differing_fields({"x": live}, {"x": desired}) == expected


KEY = "key-of-the-partner"
REFERENCE = "${env:PARTNER_KEY}"


def with_secret(value: Any, *, is_write_only: bool = False, **config: Any) -> Resource:
    paths = ("config.key",)
    return a_policy(
        "gamma",
        config={"key": Secret(value, REFERENCE), **config},
        secrets=() if is_write_only else paths,
        write_only=paths if is_write_only else (),
    )


def test_an_equal_secret_is_no_change() -> None:
    assert changed(with_secret(KEY), a_live_policy("gamma", config={"key": KEY})) == []


def test_a_secret_is_shown_as_reference_and_the_live_value_as_digest() -> None:
    ((path, live, desired),) = changed(
        with_secret(KEY), a_live_policy("gamma", config={"key": "old-key"})
    )
    assert (path, desired) == ("config.key", REFERENCE)
    assert live.startswith("(secret sha256:") and "old-key" not in live


def test_a_created_secret_is_shown_as_its_reference() -> None:
    (step,) = diff([with_secret(KEY)], []).steps
    assert FieldChange("config.key", None, REFERENCE) in step.change.fields


def test_a_literal_secret_is_shown_as_a_digest() -> None:
    desired = a_policy("gamma", config={"key": Secret(KEY)}, secrets=["config.key"])
    (step,) = diff([desired], []).steps
    shown = {field.path: field.desired for field in step.change.fields}["config.key"]
    assert shown.startswith("(secret sha256:")


def test_a_variable_that_is_not_set_is_no_change() -> None:
    assert changed(with_secret(None), a_live_policy("gamma", config={"key": "anything"})) == []
    assert changed(with_secret(None), a_live_policy("gamma")) == []


def test_an_unset_variable_does_not_hide_its_neighbours() -> None:
    live = a_live_policy("gamma", config={"key": "anything", "ttl": 1})
    assert changed(with_secret(None, ttl=2), live) == [("config.ttl", 1, 2)]


def test_a_write_only_value_that_is_not_returned_is_no_change_and_is_said() -> None:
    found = diff([with_secret(KEY, is_write_only=True)], [a_live_policy("gamma")])
    assert found.steps == ()
    assert found.incomparable == ("acme/production/orders/gamma config.key",)


def test_a_write_only_value_that_is_returned_after_all_is_compared() -> None:
    live = a_live_policy("gamma", config={"key": "old"})
    assert [path for path, _, _ in changed(with_secret(KEY, is_write_only=True), live)] == [
        "config.key"
    ]


def test_a_missing_value_that_is_not_write_only_is_a_change() -> None:
    assert changed(with_secret(KEY), a_live_policy("gamma")) == [("config.key", None, REFERENCE)]


def test_secrets_in_lists_of_objects_are_hidden_one_by_one() -> None:
    claims = [{"name": "a", "value": Secret(KEY, REFERENCE)}]
    desired = a_policy("gamma", config={"claims": claims}, secrets=["config.claims.*.value"])
    live = a_live_policy("gamma", config={"claims": [{"name": "a", "value": "old-key"}]})
    ((path, shown, reference),) = changed(desired, live)
    assert (path, reference) == ("config.claims[0].value", REFERENCE)
    assert "old-key" not in shown


def test_a_list_whose_length_changed_hides_the_secrets_in_it() -> None:
    claims = [{"name": "a", "value": Secret(KEY, REFERENCE)}]
    desired = a_policy("gamma", config={"claims": claims}, secrets=["config.claims.*.value"])
    live = a_live_policy("gamma", config={"claims": [{"value": "old-key"}, {"value": "other-key"}]})
    ((path, shown, _),) = changed(desired, live)
    assert path == "config.claims"
    assert "old-key" not in str(shown) and "other-key" not in str(shown)


def test_a_key_with_a_dot_can_be_secret() -> None:
    desired = a_policy("gamma", config={"a.b": Secret(None, REFERENCE)}, secrets=["config.a.b"])
    assert changed(desired, a_live_policy("gamma", config={"a.b": "old-key"})) == []


def messages(found: UnitDiff) -> list[str]:
    return [problem.message for problem in found.problems]


def test_a_create_without_a_version_is_a_problem() -> None:
    found = diff([a_policy(version=None)], [])
    assert messages(found) == ["a new policy needs a version"]
    assert (found.problems[0].file, found.problems[0].line) == ("orders.yaml", 7)


def test_a_new_tier_needs_no_version() -> None:
    assert diff([a_tier()], []).problems == ()


def test_what_is_ambiguous_asks_for_a_name_and_lists_the_live_ones() -> None:
    live = [
        a_live_policy(config={"limit": 1}, id_=41),
        a_live_policy(config={"limit": 2}, id_=42, order=2),
    ]
    found = diff([a_policy(config={"limit": 3})], live)
    (problem,) = found.problems
    assert "id 41" in problem.message and "id 42" in problem.message
    assert "`name`" in problem.hint
    assert found.steps == ()


def test_tiers_come_before_policies_and_go_after_them() -> None:
    desired = [a_policy("alpha"), a_tier("New")]
    live = [a_live_policy("beta"), a_tier("Old", id_=4)]
    assert actions(diff(desired, live, prune=True)) == [
        ("create", "tier:New"),
        ("create", "alpha"),
        ("delete", "beta"),
        ("delete", "tier:Old"),
    ]


def test_what_is_added_comes_before_what_is_taken_away() -> None:
    desired = [a_policy("gamma"), a_policy("beta"), a_policy("alpha", config={"limit": 20})]
    live = [
        a_live_policy("alpha", id_=1, order=1),
        a_live_policy("beta", id_=2, order=2),
        a_live_policy("other", id_=3, order=3),
    ]
    found = diff(desired, live, prune=True)
    assert [action for action, _ in actions(found)] == ["create", "update", "reorder", "delete"]


def test_a_reorder_shows_the_managed_ones_and_sends_all() -> None:
    live = [
        a_live_policy("alpha", id_=1, order=1),
        a_live_policy("other", id_=2, order=2),
        a_live_policy("beta", id_=3, order=3),
    ]
    (step,) = diff([a_policy("beta"), a_policy("alpha")], live).steps
    assert step.change.fields == (FieldChange("order", ["alpha", "beta"], ["beta", "alpha"]),)
    assert step.change.address == "acme/production/orders"
    assert step.sequence == ("3", "2", "1")


def test_a_reorder_names_what_the_plan_creates_by_its_address() -> None:
    live = [a_live_policy("alpha", id_=1, order=1), a_live_policy("beta", id_=2, order=2)]
    found = diff([a_policy("beta"), a_policy("gamma"), a_policy("alpha")], live)
    new = a_policy("gamma").key.token
    assert found.steps[-1].sequence == ("2", new, "1")


def test_numbers_with_gaps_are_in_order() -> None:
    live = [a_live_policy("alpha", id_=1, order=3), a_live_policy("beta", id_=2, order=70)]
    assert diff([a_policy("alpha"), a_policy("beta")], live).steps == ()


def test_equal_numbers_stay_in_the_order_in_which_they_were_read() -> None:
    live = [a_live_policy("alpha", id_=9, order=1), a_live_policy("beta", id_=10, order=1)]
    assert diff([a_policy("alpha"), a_policy("beta")], live).steps == ()


def test_what_the_service_does_not_order_takes_no_part() -> None:
    live = [
        a_live_policy("alpha", id_=1, order=1),
        a_live_policy("cors", id_=2, order=None),
        a_live_policy("beta", id_=3, order=None, disabled=True),
    ]
    desired = [a_policy("beta", disabled=True), a_policy("cors"), a_policy("alpha")]
    assert diff(desired, live).steps == ()


def test_a_policy_that_cannot_be_ordered_asks_for_no_place() -> None:
    found = diff([a_policy("cors"), a_policy("alpha")], [a_live_policy("alpha")])
    assert [step.place for step in found.steps] == [None]


def test_a_create_asks_for_the_place_of_the_next_one() -> None:
    live = [a_live_policy("alpha", id_=1, order=4)]
    found = diff([a_policy("gamma"), a_policy("alpha"), a_policy("beta")], live)
    assert [(step.change.address[-5:], step.place) for step in found.steps] == [
        ("gamma", 4),
        ("/beta", None),
    ]


def test_places_do_not_count_what_is_deleted() -> None:
    live = [a_live_policy("other", id_=1, order=1), a_live_policy("beta", id_=2, order=2)]
    found = diff([a_policy("alpha"), a_policy("beta")], live, prune=True)
    assert found.steps[0].place == 2


def test_outbound_and_automated_policies_have_no_order() -> None:
    live = [
        a_live_policy("outward", listed=OUTBOUND, id_=1, order=2),
        a_live_policy("alpha", listed=AUTOMATED, id_=2, order=1),
        a_live_policy("beta", listed=AUTOMATED, id_=3, order=2),
    ]
    desired = [
        a_policy("beta", listed=AUTOMATED),
        a_policy("alpha", listed=AUTOMATED),
        a_policy("outward", listed=OUTBOUND),
    ]
    assert diff(desired, live).steps == ()


def test_the_guard_against_doubles_is_lifted_only_where_files_hold_the_policy_twice() -> None:
    found = diff([a_policy(name="one"), a_policy(name="two"), a_policy("beta")], [])
    assert [step.duplicate for step in found.steps] == [True, True, False]


def test_the_same_name_in_two_groups_is_two_policies() -> None:
    desired = [a_policy("alpha"), a_policy("alpha", group="own"), a_policy("beta")]
    found = diff(desired, [a_live_policy("beta", id_=1, order=5)])
    assert [step.place for step in found.steps] == [5, 6]


def test_an_upstream_named_by_uri_is_the_one_with_the_label() -> None:
    desired = a_policy("outward", listed=OUTBOUND, upstreams=["https://backend"])
    live = a_live_policy("outward", listed=OUTBOUND, upstreams=["backend"])
    unit = a_live(live, upstreams={"u1": ("backend", "https://backend")})
    assert diff_unit(a_desired(desired), unit, CATALOGUE, REDACTOR).steps == ()


@pytest.mark.parametrize("prune", [False, True])
@pytest.mark.parametrize("config", [{}, {"other": 1}])
def test_what_is_shared_with_other_units_is_seen_and_never_changed(
    config: dict[str, Any], prune: bool
) -> None:
    shared = replace(a_live_policy(listed=AUTOMATED, config=config), shared=True)
    found = diff([], [shared], prune=prune)
    assert (actions(found), len(found.unmanaged)) == ([], 1)
    own = diff([a_policy(listed=AUTOMATED, config={"mine": 1})], [shared], prune=prune)
    assert [action for action, _ in actions(own)] == ["create"]


def test_one_policy_takes_the_place_of_several_of_its_type() -> None:
    desired = [a_policy("alpha", name="third", config={"limit": 30})]
    live = [
        a_live_policy("alpha", name="first", id_=1, order=1),
        a_live_policy("alpha", name="second", id_=2, order=2),
    ]
    found = diff(desired, live, prune=True)
    assert [(str(s.change.action), s.live.id if s.live else "") for s in found.steps] == [
        ("update", "1"),
        ("delete", "2"),
    ]


def test_what_stays_beside_it_is_not_taken_over() -> None:
    desired = [a_policy("alpha", name="third")]
    live = [
        a_live_policy("alpha", name="first", id_=1, order=1),
        a_live_policy("alpha", name="second", id_=2, order=2),
    ]
    found = diff(desired, live)
    assert [str(step.change.action) for step in found.steps] == ["create"]
    assert len(found.unmanaged) == 2


flat_items = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 2) | st.sampled_from("xy") | st.none()),
    min_size=2,
    max_size=2,
)


@given(flat_items, flat_items)
def test_a_walk_through_flat_mappings_finds_what_deepdiff_finds(
    live: list[dict[str, object]], desired: list[dict[str, object]]
) -> None:
    tree = DeepDiff(live, desired, view="tree", threshold_to_diff_deeper=0)
    theirs = {
        tuple(delta.path(output_format="list")) for deltas in tree.values() for delta in deltas
    }
    ours = differing_fields({"x": live}, {"x": desired})
    assert {path[1:] for path in ours} == theirs
