"""The folder of schemas that ships with the package."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

SUFFIX = ".schema.json"


@cache
def schema_folder() -> Traversable:
    """`reconciler/schemas` of an installed wheel; `schemas/` of the checkout where there is one."""
    package = files("reconciler")
    installed = package / "schemas"
    return installed if installed.is_dir() else package / ".." / "schemas"


@cache
def read_schema(path: str) -> dict[str, Any]:
    """The parsed schema at a path such as `policies/cors`; one instance, not to be changed."""
    text = (schema_folder() / f"{path}{SUFFIX}").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@cache
def policy_names() -> dict[str, tuple[str, ...]]:
    """Asset ids by use: `inbound`, `outbound`, and `local`, which API Manager cannot apply."""
    names = read_schema("policy-entry")["x-names"]
    return {use: tuple(items) for use, items in names.items()}
