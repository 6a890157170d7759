"""A template's JSON Schema -> fields. Pure.

Only the parts that fields can say are read: types, values, bounds, defaults, and branches on the
value of another key. A reference is followed within the schema alone, patterns are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.core.catalogue import Field
from reconciler.errors import BadAnswer
from reconciler.providers.anypoint.template_fields import made_field

Schema = Mapping[str, Any]

_MAX_DEPTH = 8
_MAX_FIELDS = 2000
_SCALARS = ("string", "integer", "number", "boolean")
_SENSITIVE = "security:sensitive"


def fields_of_schema(schema: Schema) -> tuple[dict[str, Field], bool]:
    """The fields, and whether the schema says that there are no others."""
    reader = _Reader(schema)
    fields = reader.fields(schema, 0)
    return fields, reader.is_closed


@dataclass(slots=True)
class _Reader:
    """root: where references point. is_closed: no level read so far lets other keys in."""

    root: Schema
    is_closed: bool = True
    count: int = field(default=0)

    def fields(self, schema: Schema, depth: int) -> dict[str, Field]:
        """The fields of an object, those of its branches included."""
        schema = self._resolved(schema)
        if depth > _MAX_DEPTH or not _is_closed(schema):
            self.is_closed = False
        if depth > _MAX_DEPTH:  # as a schema of trees, which refers to itself, always is
            return {}
        found = self._properties(schema, depth)
        mentions: dict[str, list[tuple[Schema | None, Field, bool]]] = {}
        for condition, branch in _branches(schema):
            branch = self._resolved(branch)
            required = _required(branch)
            for name, item in self._properties(branch, depth).items():
                mentions.setdefault(name, []).append((condition, item, name in required))
            for name in required & found.keys():
                if name not in _mapping(branch.get("properties")):
                    mentions.setdefault(name, []).append((condition, found[name], True))
        for name, said in mentions.items():
            found[name] = _branched(found.get(name), said)
        return found

    def _properties(self, schema: Schema, depth: int) -> dict[str, Field]:
        required = _required(schema)
        made = {}
        for name, item in _mapping(schema.get("properties")).items():
            self.count += 1
            if self.count > _MAX_FIELDS:
                raise BadAnswer("the configuration of the template has too many fields")
            found = self._field(str(name), _mapping(item), name in required, depth)
            if found is None:
                self.is_closed = False
            else:
                made[found.name] = found
        return made

    def _field(self, name: str, item: Schema, is_required: bool, depth: int) -> Field | None:
        item = self._resolved(item)
        kind = _kind(item)
        is_list = kind == "array"
        inner = self._resolved(_mapping(item.get("items"))) if is_list else item
        of_items = _kind(inner) if is_list else kind
        fields = self.fields(inner, depth + 1) if of_items == "object" else {}
        bounds = ("minItems", "maxItems") if is_list else ("minimum", "maximum")
        return made_field(
            name,
            of_items,
            is_list=is_list,
            enum=_enum(inner),
            default=item.get("default"),
            is_required=is_required,
            is_secret=_is_secret(item) or _is_secret(inner),
            fields=fields,
            bounds=(item.get(bounds[0]), item.get(bounds[1])),
            title=item.get("title") or item.get("description"),
        )

    def _resolved(self, schema: Schema) -> Schema:
        """The schema with a reference within the template followed, a few times at most."""
        for _ in range(_MAX_DEPTH):
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                return schema
            own = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**_pointed(self.root, reference), **own}
        return {}


def _pointed(root: Schema, reference: str) -> Schema:
    """What `#/$defs/name` points to; nothing for an address elsewhere."""
    if not reference.startswith("#/"):
        return {}
    found: Any = root
    for part in reference[2:].split("/"):
        found = _mapping(found).get(part.replace("~1", "/").replace("~0", "~"))
    return _mapping(found)


def _branches(schema: Schema) -> Iterator[tuple[Schema | None, Schema]]:
    """Each part that adds to the object: what it depends on ({} for nothing, None where that
    cannot be said in fields) and itself."""
    for part in (schema, *_list(schema.get("allOf"))):
        part = _mapping(part)
        if part is not schema and "if" not in part:
            yield {}, part
        if "if" in part:
            yield _condition(_mapping(part["if"])), _mapping(part.get("then"))
            yield None, _mapping(part.get("else"))
        for key in ("anyOf", "oneOf"):
            for choice in _list(part.get(key)):
                yield None, _mapping(choice)


def _condition(schema: Schema) -> Schema | None:
    """`{key: value}` of an `if` that asks for constants, else None."""
    made = {}
    for key, item in _mapping(schema.get("properties")).items():
        values = _enum(_mapping(item))
        if len(values) != 1:
            return None
        made[str(key)] = values[0]
    return made or None


def _branched(base: Field | None, said: list[tuple[Schema | None, Field, bool]]) -> Field:
    """A field that branches mention. Only one that a single branch asks for depends on it."""
    condition, item, is_required = said[0]
    plain = base or item
    if len(said) > 1 or condition is None:
        return replace(plain, required=bool(base and base.required))
    if not condition:
        return replace(plain, required=plain.required or is_required)
    if base is not None and (base.required or not is_required):
        return base
    return replace(plain, required=is_required, depends_on=dict(condition))


def _is_closed(schema: Schema) -> bool:
    closing = ("additionalProperties", "unevaluatedProperties")
    return any(schema.get(key) is False for key in closing) and "patternProperties" not in schema


def _kind(schema: Schema) -> str:
    """The type; empty where there are several or none."""
    listed = schema.get("type")
    kinds = [each for each in (listed if isinstance(listed, list) else [listed]) if each != "null"]
    if len(kinds) == 1 and kinds[0] in (*_SCALARS, "array", "object"):
        return str(kinds[0])
    return "object" if "properties" in schema and kinds == [None] else ""


def _enum(schema: Schema) -> list[Any]:
    if "const" in schema:
        return [schema["const"]]
    if isinstance(schema.get("enum"), list):
        return [value for value in schema["enum"] if value is not None]
    choices = [_mapping(each) for each in _list(schema.get("oneOf"))]
    return [each["const"] for each in choices] if all("const" in c for c in choices) else []


def _is_secret(schema: Schema) -> bool:
    """How templates mark secrets in this shape is not documented: every sign of one counts, since
    taking a plain value for a secret only hides it."""
    marks = _mapping(schema.get("@context")).get("@characteristics")
    is_marked = _SENSITIVE in (marks if isinstance(marks, list) else [marks])
    is_sensitive = schema.get("sensitive") is True or schema.get("writeOnly") is True
    return is_marked or is_sensitive or schema.get("format") == "password"


def _required(schema: Schema) -> set[str]:
    return {name for name in _list(schema.get("required")) if isinstance(name, str)}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
