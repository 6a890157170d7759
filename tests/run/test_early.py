"""What is asked before it is needed is what the run would ask, and never decides by itself."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from reconciler.core.model import LiveUnit, Target
from reconciler.core.plan import Plan
from reconciler.files.load import load
from reconciler.run.context import Context, Scope
from reconciler.run.converge import compare
from reconciler.run.early import Early
from tests.builders import TARGET, a_live_policy
from tests.files.builders import StandInSchemas, a_resolver, an_instance
from tests.run.fake import FakeProvider, a_loaded_context, an_api_file, an_entry

COUNT = 30
APIS = tuple(an_instance(number, f"a{number}") for number in range(1, COUNT + 1))
FILES = {
    f"production/a{number}.yaml": an_api_file(an_entry(), asset=f"a{number}")
    for number in range(1, COUNT + 1)
}


class Counted(FakeProvider):
    """Keeps what it is asked for."""

    def counting(self) -> Counted:
        self.asked: list[str] = []
        return self

    def fetch(self, target: Target, lists: frozenset[str], technology: str) -> LiveUnit:
        self.asked.append(f"{target.api} {' '.join(sorted(lists))}")
        return super().fetch(target, lists, technology)


def a_provider(**options: object) -> Counted:
    units = {replace(TARGET, api="3"): [a_live_policy("alpha")]}
    return Counted(units, apis=APIS, **options).counting()  # type: ignore[arg-type]


def early_context(
    tmp_path: Path, provider: Counted, files: dict[str, str], scope: Scope | None = None
) -> Context:
    """A context of which the platform was asked while the files were read, as far as it got."""
    context = a_loaded_context(tmp_path, provider, files)
    context = replace(context, scope=scope or Scope())
    early = Early(lambda organization: provider, context.scope, 4)
    root = Path(context.project.root)
    load(root, StandInSchemas(), resolver=a_resolver(), watcher=early)
    return replace(context, asked=early)


def plan(context: Context) -> Plan:
    return compare(context).plan(context, "now")


def numbers(asked: list[str]) -> list[int]:
    return sorted(int(each.split()[0]) for each in asked)


def test_the_plan_is_the_same_and_nothing_is_asked_twice(tmp_path: Path) -> None:
    provider = a_provider()
    made = plan(early_context(tmp_path, provider, FILES))
    assert numbers(provider.asked) == list(range(1, COUNT + 1))
    assert made == plan(a_loaded_context(tmp_path, a_provider(), FILES))
    assert len(made.changes) == COUNT - 1


def test_what_is_out_of_scope_is_not_asked_for(tmp_path: Path) -> None:
    for scope, expected in (
        (Scope(apis=("a1*",)), [1, *range(10, 20)]),
        (Scope(envs=("sand*",)), []),
        (Scope(orgs=("other",)), []),
    ):
        provider = a_provider()
        context = early_context(tmp_path, provider, FILES, scope)
        if expected:
            plan(context)
        assert numbers(provider.asked) == expected


def test_what_failed_early_is_asked_for_again(tmp_path: Path) -> None:
    provider = a_provider(unread=frozenset(range(1, 6)))
    made = plan(early_context(tmp_path, provider, FILES))
    assert made.errors == ()
    assert len(made.changes) == COUNT - 1


def test_a_platform_that_is_down_is_told_as_ever(tmp_path: Path) -> None:
    made = plan(early_context(tmp_path, a_provider(is_down=True), FILES))
    assert [error.message for error in made.errors] == ["anypoint: nobody answers"]


def test_an_api_that_declares_more_is_asked_for_all_of_it(tmp_path: Path) -> None:
    tiers = "tiers: [{name: Gold, limits: [{maximumRequests: 1}]}]"
    files = {**FILES, "production/a3.yaml": an_api_file(an_entry(), asset="a3", more=tiers)}
    provider = a_provider()
    made = plan(early_context(tmp_path, provider, files))
    assert "3 policies tiers" in provider.asked
    assert made == plan(a_loaded_context(tmp_path, a_provider(), files))


def test_it_does_not_wait_for_a_service_that_does_not_answer(tmp_path: Path) -> None:
    answer = threading.Event()

    class Silent(Counted):
        def organizations(self) -> tuple[object, ...]:  # type: ignore[override]
            answer.wait(10)
            return super().organizations()

    provider = Silent(apis=APIS).counting()
    early = Early(lambda organization: provider, Scope(), 2)
    context = a_loaded_context(tmp_path, a_provider(), FILES)
    load(Path(context.project.root), StandInSchemas(), resolver=a_resolver(), watcher=early)
    early.stop()
    assert early.instances("org", "env") is None
    answer.set()
    assert provider.asked == []
