"""Checks documents and policy configurations against the schemas.

A schema is chosen by `kind`, or by the name of the policy, so that the long if/then chains that
serve editors are never walked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.core.catalogue import PolicyType
from reconciler.core.model import MULESOFT_GROUP
from reconciler.core.redact import Secret
from reconciler.errors import Problem
from reconciler.files.checker import Checker
from reconciler.files.custom import CustomPolicies
from reconciler.files.entry_rules import check_entries
from reconciler.files.policy_names import check_names, check_versions, is_known
from reconciler.files.policy_rules import check_rules
from reconciler.files.policy_schema import schema_of
from reconciler.files.schema_words import Fault, Path, faults, shown_path, suggest
from reconciler.files.semantics import check_values
from reconciler.files.settings import plain
from reconciler.files.shipped import document_schema, read_schema
from reconciler.files.yaml import Map, Place, Seq, number_text, place

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

API_VERSION = "reconciler/v1"
KINDS = {
    "Project": "project",
    "Organization": "organization",
    "Environment": "environment",
    "ApiInstance": "api-instance",
    "ApiGroup": "api-group",
    "ApiAccess": "api-access",
}
_STAND_IN = "${env:SECRET}"
_SECRET = "Secret("
_MAX_REMEMBERED = 4096
_TEXT = {"integer": r"-?[0-9]+", "number": r"-?[0-9]+(\.[0-9]+)?", "boolean": "true|false"}


@dataclass(slots=True)
class Schemas:
    """The shipped schemas, compiled when they are first asked for."""

    custom: CustomPolicies = field(default_factory=CustomPolicies)
    _documents: dict[str, Checker] = field(default_factory=dict)
    _policies: dict[tuple[str, str], Checker] = field(default_factory=dict)
    _sound: set[tuple[str, str, bool, str]] = field(default_factory=set)

    @classmethod
    def load(cls, custom: CustomPolicies | None = None) -> Schemas:
        """The schemas of this installation, and those of custom policies; reads nothing yet."""
        return cls(custom or CustomPolicies())

    def check_document(self, document: Map, file: str) -> list[Problem]:
        """What is wrong with a document; `config` is only checked to be a mapping.

        Numbers where the format asks for text are replaced in place by their text.
        """
        if not isinstance(document, Map):
            return [Problem(file, *place(document, []), message="a document must be a mapping")]
        kind = document.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            found = [*_check_head(document)]
        else:
            found = faults(_errors(self._document(kind), document, document))
            taken = {fault.path for fault in found}
            late = [*check_names(document), *check_entries(document).errors]
            found += [fault for fault in late if fault.path not in taken]
        return [_problem(fault, document, file, document.at, "") for fault in found]

    def document_warnings(self, document: Map, file: str) -> list[Problem]:
        """What is odd and may be right: versions of a known policy that the catalogue lacks,
        patterns that do not do what they seem to, a place that the service does not heed."""
        found = [*check_versions(document), *check_entries(document).warnings]
        return [_problem(fault, document, file, document.at, "") for fault in found]

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
        """Errors and warnings of a policy's configuration.

        partial: the part of one layer, so nothing is missing. at: place of the configuration.
        secrets_resolved: known secrets are checked like any value, and never shown. A name that
        MuleSoft's group does not have is left to `check_document`. Numbers where the policy asks
        for text are replaced in place by their text.
        """
        custom = self.custom.find(group, name)
        if custom and custom.problems:
            return list(custom.problems), []
        if group != MULESOFT_GROUP and custom is None:
            message = "not checked: no schema for a custom policy"
            hint = "`reconciler schema pull` fetches it"
            return [], [Problem(file, *at, path, message, hint)]
        if custom is None and not is_known(name):
            return [], []
        text = repr(config)
        # What a secret is decides too, and is not in the text.
        key = (group, name, partial, text) if _SECRET not in text else None
        if key in self._sound:
            return [], []
        schema = custom.schema if custom else read_schema(f"policies/{name}")
        checker = self._policy(group, name, schema)
        errors, warnings = _check(config, checker, schema, partial=partial, reveal=secrets_resolved)
        is_good = key and not errors and not warnings and repr(config) == text
        if key and is_good and len(self._sound) < _MAX_REMEMBERED:
            self._sound.add(key)
        return (
            [_problem(fault, config, file, at, path) for fault in errors],
            [_problem(fault, config, file, at, path) for fault in warnings],
        )

    def _document(self, kind: str) -> Checker:
        if kind not in self._documents:
            self._documents[kind] = Checker(document_schema(KINDS[kind]))
        return self._documents[kind]

    def _policy(self, group: str, name: str, schema: Mapping[str, Any]) -> Checker:
        if (group, name) not in self._policies:
            self._policies[group, name] = Checker(schema)
        return self._policies[group, name]


def misfits(config: Mapping[str, Any], known: PolicyType) -> tuple[list[Fault], list[Fault]]:
    """What of a merged configuration does not fit `known`, and the keys that it does not know."""
    schema = schema_of(known)
    copied = plain(config)
    errors, warnings = _check(copied, Checker(schema), schema, partial=False, reveal=False)
    return errors, [fault for fault in warnings if fault.of_key and "unknown" in fault.message]


def _check(
    config: Mapping[str, Any],
    checker: Checker,
    schema: Mapping[str, Any],
    *,
    partial: bool,
    reveal: bool,
) -> tuple[list[Fault], list[Fault]]:
    shown = _plain(config, reveal=reveal)
    errors = [
        error
        for error in _errors(checker, shown, config)
        if not _is_excused(error, config, reveal=reveal)
    ]
    found = check_rules(shown, schema, partial=partial)
    values = check_values(shown, schema, lambda path: isinstance(_at(config, path), Secret))
    meant = {fault.meant for fault in faults(errors) if len(fault.path) == 1}
    late = [fault for fault in found.errors if fault.path or fault.missing not in meant]
    return faults(errors) + late + values.errors, found.warnings + values.warnings


def _check_head(document: Map) -> Iterator[Fault]:
    """`kind` is missing or unknown: nothing else of the document can be judged."""
    if document.get("apiVersion") != API_VERSION:
        lacks = "apiVersion" not in document
        message = "apiVersion is missing" if lacks else f"must be {API_VERSION}"
        yield Fault(() if lacks else ("apiVersion",), message, f"write apiVersion: {API_VERSION}")
    kind, known = document.get("kind"), ", ".join(KINDS)
    if kind is None:
        yield Fault(("kind",) if "kind" in document else (), "kind is missing", f"one of {known}")
    elif isinstance(kind, str):
        yield Fault(("kind",), f'unknown kind "{kind}"', suggest(kind, KINDS)[1])
    else:
        yield Fault(("kind",), f"must be one of {known}")


def _errors(checker: Checker, value: Any, original: Any) -> list[ValidationError]:
    """The errors, after numbers have become text where text is asked for."""
    errors = checker.errors(value)
    replaced = [error for error in errors if _replace(error, value, original)]
    return checker.errors(value) if replaced else errors


def _replace(error: ValidationError, *roots: Any) -> bool:
    text = number_text(error.instance)
    path = list(error.absolute_path)
    if error.validator != "type" or text is None or not path or not _asks_for_text(error.schema):
        return False
    for root in roots:
        _at(root, path[:-1])[path[-1]] = text
    return True


def _asks_for_text(schema: Any) -> bool:
    kinds = schema["type"]
    has_text = "string" in ([kinds] if isinstance(kinds, str) else kinds)
    return has_text and schema.get("x-type", "string") in ("string", "expression")


def _at(root: Any, path: Path | list[str | int]) -> Any:
    for part in path:
        root = root[part]
    return root


def _plain(value: Any, *, reveal: bool) -> Any:
    """The value with a reference in place of each secret; itself where it holds none."""
    if isinstance(value, Secret):
        return value.reveal() if reveal and value.is_known else _STAND_IN
    if isinstance(value, Mapping):
        items = {key: _plain(item, reveal=reveal) for key, item in value.items()}
        return items if any(items[key] is not value[key] for key in items) else value
    if isinstance(value, list):
        parts = [_plain(item, reveal=reveal) for item in value]
        return (
            parts if any(new is not old for new, old in zip(parts, value, strict=True)) else value
        )
    return value


def _is_excused(error: ValidationError, config: Mapping[str, Any], *, reveal: bool) -> bool:
    """Whether a secret stands there whose value is not known, or is right as text."""
    value = _at(config, list(error.absolute_path))
    if not isinstance(value, Secret):
        return False
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    pattern = _TEXT.get(str(schema.get("x-type", "")))
    is_right = pattern is not None and re.fullmatch(pattern, str(value.reveal())) is not None
    return not (reveal and value.is_known) or is_right


def _problem(fault: Fault, root: Any, file: str, at: Place, prefix: str) -> Problem:
    line, column = at
    if fault.path and isinstance(root, Map | Seq):
        line, column = place(root, list(fault.path), of_key=fault.of_key)
    return Problem(file, line, column, shown_path(fault.path, prefix), fault.message, fault.hint)
