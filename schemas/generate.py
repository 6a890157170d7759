"""catalogue.yaml -> policies/*.schema.json and policy-entry.schema.json; run by `make schemas`.

The output depends on the input alone, so that a test can tell whether both were committed
together. Keys that JSON Schema does not have are written as `x-...`:

- `x-reconciler`, of a policy: group, versions, category, gateways, gatewaysDocumented, direction,
  rules, ordered, complete, and notAllEmpty (lists of which one must hold something);
- `x-protects`, of a policy: access, traffic, payload, confidentiality or none;
- `x-type`, `x-sensitive`, `x-unordered`, `x-expression`, `x-dependsOn`, `x-open`, `x-format`,
  `x-unlimited`, of a field;
- `x-strengthens-when`, of a field: lower, higher, narrower, wider, true, false or neutral, always
  as text; absent where it is not known. The head of catalogue.yaml says what each means;
- `x-required`, of a field that must be there once all layers are merged. Plain `required` stands
  only inside lists, which a layer replaces as a whole.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Schema = dict[str, Any]

_HERE = Path(__file__).parent
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE = r"\$\{(env|file):"
_EXPRESSION = r"^\s*#\[[\s\S]+\]\s*$"
_WIDTH = 100
_EXAMPLES = {"expression": "#[attributes.requestPath]", "boolean": True, "array": [], "object": {}}


def generate(catalogue: Mapping[str, Any]) -> dict[str, str]:
    """Text of each generated file by its path below `schemas/`."""
    group, policies = catalogue["group"], catalogue["policies"]
    applicable = {name: known for name, known in policies.items() if known.get("apiManager", True)}
    files = {
        f"policies/{name}.schema.json": _policy(name, known, group)
        for name, known in sorted(applicable.items())
    }
    local = sorted(set(policies) - set(applicable))
    files["policy-entry.schema.json"] = _entries(group, applicable, local)
    return {path: dump(schema) + "\n" for path, schema in files.items()}


def _policy(name: str, known: Mapping[str, Any], group: str) -> Schema:
    fields = known.get("fields", {})
    schema: Schema = {
        "$schema": _DRAFT,
        "$id": f"{name}.schema.json",
        "title": known["title"],
        "description": known["summary"],
        "x-reconciler": _about(known, group),
        "x-protects": known["protects"],
        "type": "object",
        "properties": {key: _field(field, in_list=False) for key, field in fields.items()},
    }
    if known["protects"] == "none":
        _set_neutral(schema["properties"])
    if known.get("complete", True):
        schema["additionalProperties"] = False
    schema["examples"] = [known.get("example", _example(fields))]
    return schema


def _about(known: Mapping[str, Any], group: str) -> Schema:
    about: Schema = {
        "group": group,
        "versions": [str(version) for version in known["versions"]],
        "category": known["category"],
        "gateways": known["gateways"],
        "gatewaysDocumented": known.get("gatewaysConfidence") != "inferred",
        "direction": known.get("direction", "inbound"),
        "rules": known.get("rules", True),
        "ordered": known.get("ordered", True),
        "complete": known.get("complete", True),
    }
    if "notAllEmpty" in known:
        about["notAllEmpty"] = known["notAllEmpty"]
    return about


def _field(field: Mapping[str, Any], *, in_list: bool) -> Schema:
    schema = {"description": field["title"], "x-type": field["type"]}
    schema.update(_shape(field, in_list=in_list))
    if field.get("required") and not _is_required(field, in_list=in_list):
        schema["x-required"] = True
    if "default" in field:
        schema["default"] = field["default"]
    for key in ("sensitive", "unordered", "dependsOn", "open", "format", "unlimited"):
        if key in field:
            schema[f"x-{key}"] = field[key]
    if "strengthensWhen" in field:
        # YAML reads true and false as truth values.
        schema["x-strengthens-when"] = str(field["strengthensWhen"]).lower()
    if field["type"] == "expression":
        schema["x-expression"] = True
    return schema


def _set_neutral(properties: Mapping[str, Schema]) -> None:
    for schema in properties.values():
        schema["x-strengthens-when"] = "neutral"
        _set_neutral(schema.get("items", schema).get("properties", {}))


def _is_required(field: Mapping[str, Any], *, in_list: bool) -> bool:
    is_free = "default" in field or "dependsOn" in field
    return in_list and bool(field.get("required")) and not is_free


def _shape(field: Mapping[str, Any], *, in_list: bool) -> Schema:
    """The keywords that check a value. Outside lists null is allowed: it removes a key."""
    kind = field["type"]
    null = [] if in_list else ["null"]
    if kind == "any":
        return {}
    if kind == "array":
        return {"type": _one_or_more(["array", *null])} | _array(field)
    if kind == "object":
        return {"type": _one_or_more(["object", *null])} | _object(field, in_list=in_list)
    if "enum" in field:
        return _enum(field, null)
    return _scalar(field, null)


def _array(field: Mapping[str, Any]) -> Schema:
    schema: Schema = {"minItems": field["minimum"]} if "minimum" in field else {}
    kind = field.get("items")
    if kind == "object":
        schema["items"] = {"type": "object"} | _object(field, in_list=True)
    elif "enum" in field:
        schema["items"] = {"x-type": kind} | _enum(field, [])
    elif kind:
        schema["items"] = {"x-type": kind} | _scalar({"type": kind}, [])
    return schema


def _object(field: Mapping[str, Any], *, in_list: bool) -> Schema:
    fields = field.get("fields", {})
    if not fields:
        return {}
    required = [key for key, item in fields.items() if _is_required(item, in_list=in_list)]
    schema: Schema = {"required": required} if required else {}
    schema["properties"] = {key: _field(item, in_list=in_list) for key, item in fields.items()}
    if not field.get("open"):
        schema["additionalProperties"] = False
    return schema


def _enum(field: Mapping[str, Any], null: list[str]) -> Schema:
    """Editors offer the first branch; the second takes a reference."""
    values = field["enum"] + [None for _ in null]
    return {"anyOf": [{"enum": values}, {"type": "string", "pattern": _REFERENCE}]}


def _scalar(field: Mapping[str, Any], null: list[str]) -> Schema:
    """`pattern` holds for text alone, so it lets references pass where a number is asked for."""
    kind = field["type"]
    if kind == "expression":
        empty = "^$|" if field.get("mayBeEmpty") else ""
        return {
            "type": _one_or_more(["string", *null]),
            "pattern": f"{empty}{_EXPRESSION}|{_REFERENCE}",
            "patternErrorMessage": "must be an expression: #[...]",
        }
    if kind == "string":
        schema: Schema = {"type": _one_or_more(["string", *null])}
        if "pattern" in field:
            schema["pattern"] = f"{field['pattern']}|{_REFERENCE}"
            schema["patternErrorMessage"] = field["says"]
        return schema
    schema = {"type": [kind, "string", *null], "pattern": _REFERENCE}
    schema["patternErrorMessage"] = f"must be {_A[kind]}, or a reference such as ${{env:NAME}}"
    return schema | {key: field[key] for key in ("minimum", "maximum") if key in field}


_A = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}


def _one_or_more(kinds: list[str]) -> str | list[str]:
    return kinds[0] if len(kinds) == 1 else kinds


def _example(fields: Mapping[str, Any]) -> Schema:
    """The required fields without a default, with a plain value each."""
    return {
        name: _example_value(name, field)
        for name, field in fields.items()
        if field.get("required") and "default" not in field
    }


def _example_value(name: str, field: Mapping[str, Any]) -> Any:
    if field.get("sensitive"):
        return "${env:" + "".join(f"_{c}" if c.isupper() else c for c in name).upper() + "}"
    if field["type"] == "array":
        items = _example_items(field)
        return items[: max(1, field.get("minimum", 0))]
    if "enum" in field:
        return field["enum"][0]
    if field["type"] in ("integer", "number"):
        return field.get("minimum", 1)
    return _EXAMPLES.get(field["type"], name)


def _example_items(field: Mapping[str, Any]) -> list[Any]:
    if "enum" in field:
        return [field["enum"][0]]
    if field.get("items") == "object":
        return [_example(field.get("fields", {}))]
    return ["example"]


def _entries(group: str, policies: Mapping[str, Any], local: list[str]) -> Schema:
    inbound = [n for n, known in sorted(policies.items()) if known.get("direction") != "outbound"]
    outbound = sorted(set(policies) - set(inbound))
    return {
        "$schema": _DRAFT,
        "$id": "policy-entry.schema.json",
        "title": "Policy entry",
        "description": "An entry of a list of policies; policyRef.name selects what config holds.",
        "x-names": {"inbound": inbound, "outbound": outbound, "local": local},
        "$defs": {
            "inbound": _entry("inboundEntry", inbound, policies, group),
            "outbound": _entry("outboundEntry", outbound, policies, group),
            "automated": _entry("automatedEntry", sorted(policies), policies, group),
        },
    }


def _entry(base: str, names: list[str], policies: Mapping[str, Any], group: str) -> Schema:
    summaries = [policies[name]["summary"] for name in names]
    name_of_known = {"enum": names, "enumDescriptions": summaries}
    known = {"properties": {"policyRef": {"properties": {"name": name_of_known}}}}
    custom = {"properties": {"policyRef": {"required": ["groupId"]}}, "required": ["policyRef"]}
    branches = [{"if": custom, "else": known}]
    branches += [_branch(name, group) for name in names]
    return {"$ref": f"common.schema.json#/$defs/{base}", "allOf": branches}


def _branch(name: str, group: str) -> Schema:
    ref = {
        "properties": {"name": {"const": name}, "groupId": {"const": group}},
        "required": ["name"],
    }
    return {
        "if": {"properties": {"policyRef": ref}, "required": ["policyRef"]},
        "then": {"properties": {"config": {"$ref": f"policies/{name}.schema.json"}}},
    }


def dump(value: Any, indent: int = 0, used: int = 0) -> str:
    """JSON in which whatever fits on a line stands on one; `used` is what stands before it."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent + used <= _WIDTH or not isinstance(value, dict | list) or not value:
        return flat
    inner = " " * (indent + 2)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        lines = [inner + line for line in _rows(value, _WIDTH - len(inner) - 1)]
    elif isinstance(value, list):
        lines = [inner + dump(item, indent + 2, 1) for item in value]
    else:
        lines = [inner + line for line in _members(value, indent + 2)]
    start, end = ("[", "]") if isinstance(value, list) else ("{", "}")
    return start + "\n" + ",\n".join(lines) + "\n" + " " * indent + end


def _rows(texts: list[str], width: int) -> Iterator[str]:
    """Short texts side by side, separated by commas."""
    row = ""
    for text in (json.dumps(text, ensure_ascii=False) for text in texts):
        if row and len(row) + 2 + len(text) > width:
            yield row
            row = ""
        row = f"{row}, {text}" if row else text
    yield row


def _members(value: Mapping[str, Any], indent: int) -> Iterator[str]:
    for key, item in value.items():
        name = json.dumps(key, ensure_ascii=False)
        yield f"{name}: {dump(item, indent, len(name) + 3)}"


def main() -> int:
    """Writes what differs and removes what no policy stands for."""
    catalogue = yaml.safe_load((_HERE / "catalogue.yaml").read_text(encoding="utf-8"))
    files = generate(catalogue)
    (_HERE / "policies").mkdir(exist_ok=True)
    for path, text in files.items():
        (_HERE / path).write_text(text, encoding="utf-8")
    stale = [p for p in (_HERE / "policies").iterdir() if f"policies/{p.name}" not in files]
    for path_ in stale:
        path_.unlink()
    print(f"{len(files)} files written, {len(stale)} removed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
