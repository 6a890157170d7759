"""A plan file with anything in it is shown or refused, and never breaks the command."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.plan_file import read
from reconciler.core.plan import PlanFileError, from_file, to_data, to_file
from reconciler.errors import PolicyError
from reconciler.show.markdown import plan_markdown
from reconciler.show.text import Style, plan_text
from tests.show.builders import a_change, a_field, a_plan, a_reorder

_ODD: tuple[Any, ...] = (None, True, -1, 1e300, "", "x\x1b[31m\n", [], ["x"], {}, {"address": 1})


def _places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, item in items:
        if isinstance(item, dict | list):
            yield from _places(item, (*path, key))
        else:
            yield (*path, key)


def _put(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    made = copy.deepcopy(data)
    holder = made
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return made


_FILE = to_file(
    a_plan(
        a_change("acme/production/orders/cors", "update", a_field("config.ttl", 1, 2)),
        a_reorder("acme/production/orders", ["a", "b"], ["b", "a"]),
        unmanaged=("acme/production/orders/own",),
        warnings=("a warning",),
        errors=("an error",),
        pinned=("acme/production/orders",),
    )
)


def test_the_file_itself_is_read_back() -> None:
    plan, claimed = from_file(_FILE)
    assert to_file(plan) == _FILE
    assert claimed == _FILE["digest"]


@pytest.mark.parametrize("path", list(_places(_FILE)), ids=lambda path: ".".join(map(str, path)))
def test_any_value_anywhere_is_shown_or_refused(path: tuple[Any, ...]) -> None:
    for odd in _ODD:
        try:
            plan, _ = from_file(_put(_FILE, path, odd))
        except PlanFileError:
            continue
        shown = plan_text(plan, Style()) + plan_markdown(plan)
        assert "\x1b" not in shown
        to_data(plan)


@pytest.mark.parametrize(
    ("text", "words"),
    [('{"a": NaN}', "no number of JSON"), ('{"a": 1, "a": 2}', "the same key twice")],
)
def test_json_that_two_readers_take_for_different_things(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(PolicyError, match=words):
        read(tmp_path / "plan.json", "plan.json")
