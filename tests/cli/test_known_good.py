"""`validate` does not look twice at what it has found good, and never misses what is not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.driver import Cli

ORDERS = "policies/acme/production/orders.yaml"


def kept(cli: Cli) -> list[Path]:
    return sorted(Path(cli.environ["XDG_CACHE_HOME"]).rglob("validated/*"))


def marked(cli: Cli) -> None:
    """What is kept of the tree says so from now on."""
    (one,) = kept(cli)
    one.write_text('{"documents": 4711, "warnings": ["as before"]}')


def is_recalled(cli: Cli, *arguments: str) -> bool:
    return "4711" in cli.run("validate", *arguments).out


@pytest.fixture
def seen(cli: Cli) -> Cli:
    first = cli.run("validate")
    assert first.code == 0
    assert (first.out, first.err) == ((again := cli.run("validate")).out, again.err)
    marked(cli)
    done = cli.run("validate")
    assert (done.out, done.err) == (
        "policies: 4711 API documents, no errors\n",
        "warning: as before\n",
    )
    return cli


def write(name: str, text: str) -> Callable[[Cli], object]:
    return lambda cli: cli.write({name: text})


CHANGES: dict[str, Callable[[Cli], object]] = {
    "a file": lambda cli: cli.edit(ORDERS, "1.1.1.1", "1.1.1.2"),
    "a new file": write("policies/acme/production/more.yaml", "kind: Nothing"),
    "a file gone": lambda cli: (cli.folder / ORDERS).unlink(),
    "a name": lambda cli: (cli.folder / ORDERS).rename(
        cli.folder / "policies/acme/production/o.yaml"
    ),
    "a place": lambda cli: (cli.folder / ORDERS).rename(
        cli.folder / "policies/acme/sandbox/o.yaml"
    ),
    "custom schemas": write("schemas/custom/g/n.schema.json", "{}"),
    "a link": lambda cli: (cli.folder / "policies/acme/production/l.yaml").symlink_to(
        "orders.yaml"
    ),
    "a name that is refused": write("policies/acme/production/CAPITALS.YAML", ""),
    "another file": lambda cli: cli.edit(ORDERS, "1.1.1.1", "'${file:key.txt}'"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_is_looked_at(seen: Cli, change: str) -> None:
    CHANGES[change](seen)
    assert not is_recalled(seen)


def test_so_is_another_question(seen: Cli) -> None:
    assert is_recalled(seen)
    for other in (["--api", "orders"], ["--no-cache"], ["--baseline", "./policies"]):
        assert not is_recalled(seen, *other)
    assert "4711" not in seen.run("validate", RECONCILER_ENV_ALLOW="NONE_*").out
    seen.write({"policies/acme/production/empty.yaml": ""})
    (seen.folder / "policies/acme/production/empty.yaml").unlink()
    assert is_recalled(seen)


def test_what_has_errors_is_not_kept(cli: Cli) -> None:
    cli.edit(ORDERS, "ips:", "ipz:")
    assert [cli.run("validate").code for _ in range(2)] == [3, 3]
    assert kept(cli) == []


def test_a_folder_that_others_can_write_is_not_believed(seen: Cli) -> None:
    folder = kept(seen)[0].parent
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    assert not is_recalled(seen)
    folder.chmod(0o700)
    assert is_recalled(seen)
    folder.rename(folder.with_name("moved"))
    folder.symlink_to("moved")
    assert not is_recalled(seen)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"documents": "x", "warnings": []}', "\0"])
def test_what_is_damaged_is_done_without(seen: Cli, text: str) -> None:
    kept(seen)[0].write_text(text)
    done = seen.run("validate")
    assert (done.code, "4711" in done.out) == (0, False)


def test_without_a_place_for_it_it_works_all_the_same(cli: Cli) -> None:
    for variables in ({"XDG_CACHE_HOME": "/proc/none"}, {"XDG_CACHE_HOME": None, "HOME": None}):
        assert cli.run("validate", **variables).code == 0
    assert kept(cli) == []


def test_the_newest_are_kept(cli: Cli) -> None:
    cli.run("validate")
    folder = kept(cli)[0].parent
    for number in range(120):
        (folder / f"old-{number}").write_text("{}")
        os.utime(folder / f"old-{number}", (number, number))
    cli.edit(ORDERS, "1.1.1.1", "1.1.1.2")
    cli.run("validate")
    assert len(kept(cli)) == 100
