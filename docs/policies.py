"""schemas/catalogue.yaml -> docs/policies.md: what is known of the policies; by `make schemas`.

The page depends on the catalogue alone, so that a test can tell whether it is up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

_HERE = Path(__file__).parent
_CATALOGUE = _HERE.parent / "schemas" / "catalogue.yaml"
_CATEGORIES = {
    "authentication": "Authentication",
    "threat-protection": "Threat protection",
    "quality-of-service": "Quality of service",
    "transformation": "Transformation",
    "compliance": "Compliance",
    "troubleshooting": "Troubleshooting",
    "ai": "AI and agents",
    "other": "Other",
}
# Of MuleSoft's own Terraform provider, read in November 2026.
_PROVIDER = {
    "policies known by name": "63 (in 96 typed resources)",
    "what is checked before anything is sent": "required and unknown keys, for most",
}
_HEAD = """\
# The policies we know

<!-- Written by docs/policies.py from schemas/catalogue.yaml: run `make schemas`. -->

`reconciler describe POLICY` shows the fields of one. A policy that is not here can be used with its
`groupId`, and one whose fields are not all known takes other keys with a warning.
"""
_CHECKS = "types, ranges, values, conditions, expressions, addresses, patterns, conflicts"
_LEGEND = """\
The fields with a known direction are those of which the plan can tell whether a change strengthens
or weakens; of the others any change may weaken. Fields inside lists and mappings count.

*Protects*: what is open once the policy is gone. *Fields*: how many are known; with a + where there
may be more. *Gateways*: in brackets where no document says so. Policies marked † are for files on
the gateway itself; API Manager cannot apply them.
"""


def page(catalogue: Mapping[str, Any]) -> str:
    """The text of docs/policies.md."""
    policies: Mapping[str, Any] = catalogue["policies"]
    parts = [_HEAD, _table(("", "reconciler", "Terraform provider"), _figures(policies)), _LEGEND]
    for category, title in _CATEGORIES.items():
        rows = [_row(name, one) for name, one in sorted(_of(policies, category))]
        parts += [
            f"## {title}\n",
            _table(("policy", "does", "protects", "fields", "gateways"), rows),
        ]
    return "\n".join(parts).rstrip() + "\n"


def _of(policies: Mapping[str, Any], category: str) -> Iterator[tuple[str, Any]]:
    return ((name, one) for name, one in policies.items() if one["category"] == category)


def _figures(policies: Mapping[str, Any]) -> list[tuple[str, ...]]:
    fields = [
        (policy, field) for policy in policies.values() for field in _fields(policy.get("fields"))
    ]
    complete = sum(policy.get("complete", True) for policy in policies.values())
    applicable = sum(policy.get("apiManager", True) for policy in policies.values())
    directed = sum(_is_directed(policy, field) for policy, field in fields)
    with_direction = sum(
        any(_is_directed(policy, field) for field in _fields(policy.get("fields")))
        or policy["protects"] == "none"
        for policy in policies.values()
    )
    figures = {
        "policies known by name": f"{len(policies)} ({applicable} that API Manager can apply)",
        "policies whose fields are all known": f"{complete} ({_share(complete, len(policies))})",
        "policies that know what strengthens them": str(with_direction),
        "fields": str(len(fields)),
        "fields with a type": str(sum(field["type"] != "any" for _, field in fields)),
        "fields with a known direction": str(directed),
        "secrets that the service does not give back": str(_count(fields, "sensitive")),
        "lists whose order says nothing": str(_count(fields, "unordered")),
        "what is checked before anything is sent": _CHECKS,
    }
    return [(name, value, _PROVIDER.get(name, "–")) for name, value in figures.items()]


def _is_directed(policy: Mapping[str, Any], field: Mapping[str, Any]) -> bool:
    return policy["protects"] == "none" or "strengthensWhen" in field


def _count(fields: list[tuple[Any, Any]], key: str) -> int:
    return sum(bool(field.get(key)) for _, field in fields)


def _share(part: int, whole: int) -> str:
    return f"{100 * part // whole} %"


def _fields(fields: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    for field in (fields or {}).values():
        yield field
        yield from _fields(field.get("fields"))


def _row(name: str, policy: Mapping[str, Any]) -> tuple[str, ...]:
    count = len(list(_fields(policy.get("fields"))))
    gateways = ", ".join(policy["gateways"])
    is_inferred = policy.get("gatewaysConfidence") == "inferred"
    mark = "" if policy.get("apiManager", True) else " †"
    return (
        f"`{name}`{mark}",
        policy["summary"],
        policy["protects"],
        f"{count}" if policy.get("complete", True) else f"{count}+",
        f"({gateways})" if is_inferred else gateways,
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> int:
    """Writes the page."""
    catalogue = yaml.safe_load(_CATALOGUE.read_text(encoding="utf-8"))
    (_HERE / "policies.md").write_text(page(catalogue), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
