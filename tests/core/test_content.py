"""The digest of an environment's files: what they ask for counts, how they say it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.content import content_digest
from reconciler.core.redact import Redactor
from reconciler.files.load import load
from tests.builders import CATALOGUE, REDACTOR
from tests.files.builders import StandInSchemas, a_resolver, write_tree

HEAD = "apiVersion: reconciler/v1\n"
ORGANIZATION = HEAD + "kind: Organization\norganization: Acme Corp\n"
ENVIRONMENT = HEAD + "kind: Environment\nenvironment: Production\n"
API = HEAD + (
    "kind: ApiInstance\napi: {asset: orders-api}\npolicies:\n"
    "  - policyRef: {name: alpha, version: 1.0.0}\n"
    "    config: {limit: 2}\n"
)
GROUP = HEAD + "kind: ApiGroup\napi: {match: {asset: 'pay-*'}}\npolicies: []\n"


def content(root: Path, redactor: Redactor = REDACTOR, **files: str) -> str:
    """Of one environment; `orders=` and so on replace its files."""
    texts = {"organization": ORGANIZATION, "environment": ENVIRONMENT, "orders": API, **files}
    folder = {"organization": "acme"}
    tree = {f"{folder.get(n, 'acme/production')}/{n}.yaml": text for n, text in texts.items()}
    root.mkdir(exist_ok=True)
    project = load(write_tree(root, tree), StandInSchemas(), resolver=a_resolver(root))
    (organization,) = project.organizations
    return content_digest(organization, organization.environments[0], CATALOGUE, redactor)


def is_same(root: Path, **files: str) -> bool:
    return content(root / "one") == content(root / "two", REDACTOR, **files)


@pytest.mark.parametrize(
    "orders",
    [
        "# a comment\n\n" + API,
        API.replace("config: {limit: 2}", "config:\n      limit: 2"),
        API.replace("api: {", "description: of orders\napi: {"),
        API + "    description: why\n",
    ],
    ids=["comment", "format", "description", "description of a policy"],
)
def test_what_asks_for_the_same_is_the_same(tmp_path: Path, orders: str) -> None:
    assert is_same(tmp_path, orders=orders)


@pytest.mark.parametrize(
    "files",
    [
        {"orders": API.replace("limit: 2", "limit: 3")},
        {"orders": API.replace("1.0.0", "1.0.1")},
        {"orders": API + "    disabled: true\n"},
        {"orders": API + "prune: true\n"},
        {"orders": API.replace("orders-api", "orders-two")},
        {"environment": ENVIRONMENT + "versions: {beta: 1.0.0}\n"},
        {"environment": ENVIRONMENT + "automatedPolicies: []\n"},
        {"organization": ORGANIZATION + "defaults: {policies: []}\n"},
        {"organization": ORGANIZATION + "host: https://eu1.anypoint.mulesoft.com\n"},
        {"group": GROUP},
    ],
    ids=str,
)
def test_what_asks_for_something_else_is_another(tmp_path: Path, files: dict[str, str]) -> None:
    assert not is_same(tmp_path, **files)


def test_a_group_counts_with_what_it_matches(tmp_path: Path) -> None:
    one = content(tmp_path / "one", group=GROUP)
    assert one == content(tmp_path / "two", group="# a comment\n" + GROUP)
    assert one != content(tmp_path / "three", group=GROUP.replace("pay-*", "pay-in*"))


def test_a_version_counts_as_it_is_written(tmp_path: Path) -> None:
    short, long = (ENVIRONMENT + f"versions: {{beta: {text}}}\n" for text in ("1.1", "1.10"))
    one = content(tmp_path / "one", environment=short)
    assert one != content(tmp_path / "two", environment=long)


LOGIN = API.replace("alpha", "login").replace("limit: 2", "user: u, password: 'SECRET'")


def test_a_reference_counts_as_its_name_and_needs_no_key(tmp_path: Path) -> None:
    def refuse() -> bytes:
        raise AssertionError("no key is needed")

    by_name = LOGIN.replace("SECRET", "${env:PASSWORD}")
    one = content(tmp_path / "one", Redactor(refuse), orders=by_name)
    assert one == content(tmp_path / "two", orders=by_name)
    assert one != content(tmp_path / "three", orders=by_name.replace("PASSWORD", "OTHER"))


def test_a_literal_secret_counts_by_its_hmac(tmp_path: Path) -> None:
    one = content(tmp_path / "one", orders=LOGIN)
    assert one != content(tmp_path / "two", orders=LOGIN.replace("SECRET", "OTHER"))
    assert one != content(tmp_path / "three", Redactor(lambda: b"another key"), orders=LOGIN)


def test_what_stands_beside_a_reference_counts_by_its_hmac_too(tmp_path: Path) -> None:
    mixed = LOGIN.replace("SECRET", "literal ${env:PASSWORD}")
    one = content(tmp_path / "one", orders=mixed)
    assert one != content(tmp_path / "two", Redactor(lambda: b"another key"), orders=mixed)
