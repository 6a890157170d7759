"""Whether a policy believes what a caller says of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.core.catalogue import MISSING, PolicyType
from reconciler.core.redact import Secret
from reconciler.files.merge import Contribution
from reconciler.files.schema_words import Fault

_EXPRESSION = "ipExpression"
_HEADER = re.compile(r"""\bheaders\s*(?:\.\s*|\[\s*)['"]?([A-Za-z0-9_-]+)""")
_PROXY = re.compile(
    r"\b(prox(y|ies)|load[ -]?balancers?|ingress|cdn|waf|firewall|edge)\b", re.IGNORECASE
)


def untrusted_address(
    body: Mapping[str, Any], known: PolicyType | None, chain: Sequence[Contribution]
) -> Fault | None:
    """A warning where a list of addresses is compared with a header, which any caller can set,
    and no description names the proxy that overwrites it.

    `body` is merged. The description of the entry counts, else those of its documents.
    """
    if known is None or body.get("disabled") or not _lists_addresses(known):
        return None
    config = body.get("config") or {}
    field = known.fields.get(_EXPRESSION)
    default = field.default if field and field.default is not MISSING else None
    expression = config.get(_EXPRESSION, default)
    expression = expression.reveal() if isinstance(expression, Secret) else expression
    header = _HEADER.search(expression) if isinstance(expression, str) else None
    if header is None or _PROXY.search(_description(body, chain)):
        return None
    message = f"any caller can set the header {header[1]}, and the policy believes it"
    path = ("config", _EXPRESSION) if _EXPRESSION in config else ("config",)
    return Fault(path, message, "say in description: which trusted proxy overwrites it")


def _lists_addresses(known: PolicyType) -> bool:
    return any(field.format == "address" for field in known.fields.values())


def _description(body: Mapping[str, Any], chain: Sequence[Contribution]) -> str:
    own = body.get("description")
    return str(own) if own else " ".join(link.description for link in chain)
