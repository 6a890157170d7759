"""Which live policy is which desired one; never a guess, never one of them twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model import AUTOMATED, OUTBOUND, Resource
from reconciler.core.pairing import Pairing, pair
from reconciler.core.redact import Secret
from tests.builders import a_live_policy, a_policy, a_tier

WRITES = [{"methods": ["POST"], "path": "/.*"}]
READS = [{"methods": ["GET"], "path": "/.*"}]


def ids(pairing: Pairing) -> list[tuple[str, str]]:
    return [(desired.key.segment, live.id) for desired, live in pairing.pairs]


def test_one_and_one_pair_by_coordinates_whatever_their_content() -> None:
    pairing = pair([a_policy(config={"limit": 1})], [a_live_policy(config={"limit": 2}, id_=5)])
    assert ids(pairing) == [("alpha", "5")]


def test_one_and_one_pair_whatever_their_labels() -> None:
    pairing = pair([a_policy(name="here")], [a_live_policy(name="there", id_=5)])
    assert ids(pairing) == [("alpha:here", "5")]


def test_another_type_group_or_list_is_another_policy() -> None:
    desired = [a_policy("alpha"), a_policy("beta", group="own"), a_policy("gamma", listed=OUTBOUND)]
    live = [a_live_policy("other"), a_live_policy("beta", id_=2), a_live_policy("gamma", id_=3)]
    pairing = pair(desired, live)
    assert pairing == Pairing((), tuple(desired), tuple(live))


def test_labels_tell_doubles_apart() -> None:
    desired = [a_policy(name="one"), a_policy(name="two")]
    live = [a_live_policy(name="two", id_=2), a_live_policy(name="one", id_=1)]
    assert ids(pair(desired, live)) == [("alpha:one", "1"), ("alpha:two", "2")]


def test_rules_tell_doubles_apart_where_there_are_no_labels() -> None:
    desired = [a_policy(name="one", rules=WRITES), a_policy(name="two", rules=READS)]
    live = [a_live_policy(rules=READS, id_=2), a_live_policy(rules=WRITES, id_=1)]
    assert ids(pair(desired, live)) == [("alpha:one", "1"), ("alpha:two", "2")]


def test_content_tells_doubles_apart_where_the_rules_are_the_same() -> None:
    desired = [a_policy(name="one", config={"limit": 1}), a_policy(name="two", config={"limit": 2})]
    live = [a_live_policy(config={"limit": 2}, id_=2), a_live_policy(config={"limit": 1}, id_=1)]
    assert ids(pair(desired, live)) == [("alpha:one", "1"), ("alpha:two", "2")]


def test_the_last_two_pair_once_the_others_are_told() -> None:
    desired = [a_policy(name="one", config={"limit": 1}), a_policy(name="two", config={"limit": 9})]
    live = [a_live_policy(config={"limit": 2}, id_=2), a_live_policy(name="one", id_=1)]
    assert ids(pair(desired, live)) == [("alpha:one", "1"), ("alpha:two", "2")]


def test_a_label_that_says_otherwise_outweighs_equal_content() -> None:
    desired = [a_policy(name="one"), a_policy(name="two", config={"limit": 2})]
    live = [a_live_policy(name="three", id_=3), a_live_policy(name="two", id_=2)]
    pairing = pair(desired, live)
    assert ids(pairing) == [("alpha:two", "2")]
    assert (pairing.only_desired, pairing.only_live) == ((desired[0],), (live[0],))


def test_what_cannot_be_told_apart_is_ambiguous() -> None:
    desired = [a_policy(config={"limit": 3})]
    live = [a_live_policy(config={"limit": 1}, id_=1), a_live_policy(config={"limit": 2}, id_=2)]
    pairing = pair(desired, live)
    assert pairing == Pairing((), (), (), ((tuple(desired), tuple(live)),))


def test_equal_doubles_pair_in_their_order() -> None:
    desired = [a_policy(name="one"), a_policy(name="two")]
    live = [a_live_policy(id_=1), a_live_policy(id_=2)]
    assert ids(pair(desired, live)) == [("alpha:one", "1"), ("alpha:two", "2")]


def test_more_live_doubles_than_desired_ones_are_ambiguous() -> None:
    assert pair([a_policy(name="one")], [a_live_policy(id_=1), a_live_policy(id_=2)]).ambiguous


def test_automated_doubles_are_told_apart_by_their_technology() -> None:
    mule, flex = ({"technologies": [name]} for name in ("mule4", "flexGateway"))
    desired = [
        a_policy(name="m", listed=AUTOMATED, ruleOfApplication=mule),
        a_policy(name="f", listed=AUTOMATED, ruleOfApplication=flex),
    ]
    live = [
        a_live_policy(listed=AUTOMATED, ruleOfApplication=flex, id_=2),
        a_live_policy(listed=AUTOMATED, ruleOfApplication=mule, id_=1),
    ]
    assert ids(pair(desired, live)) == [("alpha:m", "1"), ("alpha:f", "2")]


def test_tiers_pair_by_name() -> None:
    desired = [a_tier("Gold", limit=5), a_tier("Silver")]
    live = [a_tier("Bronze", id_=3), a_tier("Gold", id_=1)]
    pairing = pair(desired, live)
    assert ids(pairing) == [("tier:Gold", "1")]
    assert [item.key.name for item in pairing.only_live] == ["Bronze"]


def test_each_part_keeps_the_given_order() -> None:
    desired = [a_policy("alpha", "one"), a_policy("beta"), a_policy("alpha", "two")]
    live = [a_live_policy("gamma", id_=1), a_live_policy("cors", id_=2), a_live_policy("gamma")]
    pairing = pair(desired, live)
    assert pairing.only_desired == tuple(desired)
    assert pairing.only_live == tuple(live)


def test_doubles_that_only_a_switch_or_version_tells_apart_pair_with_their_like() -> None:
    desired = [a_policy(disabled=True), a_policy(), a_policy(version="2.0.0")]
    live = [
        a_live_policy(version="2.0.0", id_=1),
        a_live_policy(id_=2),
        a_live_policy(disabled=True, id_=3),
    ]
    pairing = pair(desired, live)
    assert [each for _, each in ids(pairing)] == ["3", "2", "1"]
    assert pairing.ambiguous == ()


def test_doubles_with_secrets_that_are_not_returned_pair_by_the_rest() -> None:
    desired = [
        a_policy(config={"user": user, "password": Secret("x")}, write_only=["config.password"])
        for user in ("a", "b")
    ]
    live = [a_live_policy(config={"user": user}, id_=number) for number, user in enumerate("ba")]
    assert [each for _, each in ids(pair(desired, live))] == ["1", "0"]


def test_which_of_two_equal_ones_is_meant_stays_unsaid() -> None:
    live = [a_live_policy(id_=1), a_live_policy(id_=2), a_live_policy(disabled=True, id_=3)]
    pairing = pair([a_policy(), a_policy(version="7.0.0")], live)
    assert len(pairing.ambiguous) == 1


@st.composite
def resources(draw: st.DrawFn, *, is_live: bool) -> list[Resource]:
    """Up to six policies of few types, names, rules and contents, so that they often meet."""
    made: list[Resource] = []
    for number in range(draw(st.integers(0, 6))):
        type_ = draw(st.sampled_from(["alpha", "beta"]))
        name = draw(st.sampled_from(["", "one", "two", "three"]))
        config = {"limit": draw(st.integers(1, 2))}
        rules = draw(st.sampled_from([None, WRITES, READS]))
        if is_live:
            made.append(a_live_policy(type_, name, config, rules=rules, id_=number))
        else:
            made.append(a_policy(type_, name, config, rules=rules))
    return made


def _identities(resources: Sequence[Resource]) -> list[int]:
    return sorted(id(resource) for resource in resources)


@given(resources(is_live=False), resources(is_live=True))
def test_each_resource_is_in_the_answer_exactly_once(
    desired: list[Resource], live: list[Resource]
) -> None:
    pairing = pair(desired, live)
    ours = [*(one for one, _ in pairing.pairs), *pairing.only_desired]
    theirs = [*(one for _, one in pairing.pairs), *pairing.only_live]
    for some, others in pairing.ambiguous:
        ours.extend(some)
        theirs.extend(others)
    assert _identities(ours) == _identities(desired)
    assert _identities(theirs) == _identities(live)


@given(resources(is_live=False), resources(is_live=True))
def test_a_pair_has_the_same_coordinates(desired: list[Resource], live: list[Resource]) -> None:
    for ours, theirs in pair(desired, live).pairs:
        assert (ours.key.list, ours.key.group, ours.key.type) == (
            theirs.key.list,
            theirs.key.group,
            theirs.key.type,
        )


@given(resources(is_live=False), resources(is_live=True), st.randoms())
def test_the_order_of_the_input_does_not_change_who_pairs(
    desired: list[Resource], live: list[Resource], random: object
) -> None:
    shuffled = list(live)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    def told(pairing: Pairing) -> set[tuple[int, str]]:
        return {(id(ours), repr(theirs.canonical)) for ours, theirs in pairing.pairs}

    assert told(pair(desired, live)) == told(pair(desired, shuffled))


def test_a_desired_one_with_an_id_is_the_live_one_with_that_id() -> None:
    live = [a_live_policy(id_=1), a_live_policy(id_=2, order=2)]
    wanted = replace(a_policy(config={"limit": 3}), id="2")
    found = pair([wanted], live)
    assert found.pairs == ((wanted, live[1]),)
    assert found.only_live == (live[0],)


def test_labels_do_not_keep_what_bears_one_id_apart() -> None:
    live = a_live_policy(name="new", id_=1)
    wanted = replace(a_policy(name="old"), id="1")
    assert pair([wanted], [live]).pairs == ((wanted, live),)
