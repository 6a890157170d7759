"""Trees, documents and stand-ins for the tests of loading."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.core.catalogue import Field, PolicyType
from reconciler.core.model import MULESOFT_GROUP, Instance, Source, Target, UnitAddress
from reconciler.core.project import (
    ApiDocument,
    ApiSelector,
    Environment,
    GroupDocument,
    GroupSelector,
    Layer,
    Organization,
)
from reconciler.core.redact import Secret
from reconciler.errors import PolicyError, Problem
from reconciler.files import documents
from reconciler.files.layers import Layering
from reconciler.files.load import load
from reconciler.files.values import Resolver
from reconciler.files.yaml import Map, Place, parse

ORGANIZATION = "apiVersion: reconciler/v1\nkind: Organization\norganization: Acme Corp\n"
ENVIRONMENT = "apiVersion: reconciler/v1\nkind: Environment\nenvironment: Production\n"
API = "apiVersion: reconciler/v1\nkind: ApiInstance\napi: {asset: orders-api}\n"
GROUP = "apiVersion: reconciler/v1\nkind: ApiGroup\napi: {match: {asset: 'pay-*'}}\n"
ADDRESS = UnitAddress("acme", "production", "orders")
TARGET = Target("https://anypoint.mulesoft.com", "org", "env", "1")


def write_tree(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Writes a tree and gives its root, `policies/`."""
    policies = root / "policies"
    policies.mkdir(exist_ok=True)
    for name, content in files.items():
        path = policies / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return policies


def a_tree(root: Path, **files: str) -> Path:
    """A tree of one organization and one environment; `orders=` is production/orders.yaml."""
    named = {f"acme/production/{name}.yaml": text for name, text in files.items()}
    heads = {"acme/organization.yaml": ORGANIZATION, "acme/production/env.yaml": ENVIRONMENT}
    return write_tree(root, heads | named)


def a_resolver(
    root: Path = Path("/work-dir"),
    environ: Mapping[str, str] | None = None,
    *,
    offline: bool = False,
) -> Resolver:
    return Resolver(environ or {}, root, root / ".reconciler", offline)


def problems_of(
    root: Path, schemas: StandInSchemas | None = None, resolver: Resolver | None = None
) -> list[str]:
    """The problems of a tree as text, with the root left out; none where it loads."""
    try:
        load(root, schemas or StandInSchemas(), resolver=resolver or a_resolver(root.parent))
    except PolicyError as error:
        return [str(problem).replace(f"{root}/", "") for problem in error.problems]
    return []


@dataclass
class StandInSchemas:
    """Finds the keys of `wrong` and `odd` in a document, and asks for those of `required`."""

    wrong: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    refused: Any = None
    checked: list[str] = field(default_factory=list)

    def check_document(self, document: Map, file: str) -> list[Problem]:
        return [
            Problem(file, *document.key_at[key], key, "unknown key")
            for key in document
            if key in self.wrong
        ]

    def document_warnings(self, document: Map, file: str) -> list[Problem]:
        return [
            Problem(file, *document.key_at[key], key, "is odd")
            for key in document
            if key in self.odd
        ]

    def check_config(
        self,
        config: Map,
        group: str,
        name: str,
        *,
        file: str,
        at: Place,
        path: str,
        partial: bool,
        secrets_resolved: bool = False,
    ) -> tuple[list[Problem], list[Problem]]:
        self.checked.append(name)
        found = [
            Problem(file, *config.value_at[key], f"{path}.{key}", "is refused")
            for key, value in config.items()
            if self.refused is not None
            and (value.reveal() if isinstance(value, Secret) else value) == self.refused
        ]
        missing = [key for key in self.required if key not in config and not partial]
        return found + [Problem(file, *at, path, f"{key} is missing") for key in missing], []


@dataclass
class StandInCatalogue:
    types: Mapping[tuple[str, str], PolicyType] = field(default_factory=dict)

    def get(self, group: str, name: str) -> PolicyType | None:
        return self.types.get((group, name))

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(name for _, name in self.types))


def a_catalogue(*types: PolicyType) -> StandInCatalogue:
    return StandInCatalogue({(known.group, known.name): known for known in types})


def a_type(name: str, *fields: Field, **changes: Any) -> PolicyType:
    values: dict[str, Any] = {
        "group": MULESOFT_GROUP,
        "name": name,
        "title": name,
        "category": "security",
        "versions": ("1.0.0",),
        "gateways": frozenset(["mule4", "flexGateway"]),
        "direction": "inbound",
        "rules": True,
        "ordered": True,
        "complete": True,
        "fields": {one.name: one for one in fields},
    }
    return PolicyType(**(values | changes))


def a_map(text: str) -> Map:
    """The mapping that a YAML text means."""
    found, problems = parse(textwrap.dedent(text).encode(), "test.yaml")
    assert not problems, problems
    value = found[0].value
    assert isinstance(value, Map)
    return value


def a_layer(name: str, text: str = "{}", file: str = "") -> Layer:
    """A layer from the body of a document; `name` is `api`, `group x`, `organization` ..."""
    return documents.layer(a_map(text), name, file or f"{name}.yaml")


def layering(
    *types: PolicyType, schemas: StandInSchemas | None = None, resolver: Resolver | None = None
) -> Layering:
    return Layering(
        schemas or StandInSchemas(), a_catalogue(*types), resolver or a_resolver(offline=True)
    )


def an_instance(number: int = 1, asset: str = "orders-api", **changes: Any) -> Instance:
    return Instance(id=number, asset=asset, group=changes.pop("group", "org"), **changes)


def an_api(name: str = "orders", **selector: Any) -> ApiDocument:
    source = Source(f"{name}.yaml", 1, 1)
    has_label = "label" in selector
    chosen = ApiSelector(**({"asset": "orders-api"} | selector), has_label=has_label)
    return ApiDocument(name, chosen, a_layer("api", file=source.file), source)


def a_group(name: str = "payments", **selector: Any) -> GroupDocument:
    source = Source(f"{name}.yaml", 1, 1)
    chosen = GroupSelector(**selector, has_label="label" in selector)
    return GroupDocument(name, chosen, a_layer(f"group {name}", file=source.file), source)


def an_environment(*documents: ApiDocument | GroupDocument, **changes: Any) -> Environment:
    return Environment(
        folder="production",
        environment="Production",
        layer=changes.pop("layer", a_layer("environment defaults")),
        apis=tuple(one for one in documents if isinstance(one, ApiDocument)),
        groups=tuple(one for one in documents if isinstance(one, GroupDocument)),
        source=Source("environment.yaml", 1, 1),
        **changes,
    )


def an_organization(*environments: Environment, **changes: Any) -> Organization:
    return Organization(
        folder="acme",
        platform="anypoint",
        organization="Acme Corp",
        host="https://anypoint.mulesoft.com",
        layer=changes.pop("layer", a_layer("organization defaults")),
        environments=environments,
        source=Source("organization.yaml", 1, 1),
        **changes,
    )
