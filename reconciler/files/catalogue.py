"""The catalogue of policies, as values; the data stand in `schemas/policies/`, and those of an
organization's own policies in the folder of custom schemas."""

from __future__ import annotations

from functools import cache

from reconciler.core.catalogue import PolicyType
from reconciler.core.model import MULESOFT_GROUP
from reconciler.files.custom import CustomPolicies
from reconciler.files.policy_schema import policy_type_of
from reconciler.files.shipped import policy_names, read_schema


class ShippedCatalogue:
    """Implements `core.catalogue.Catalogue`; a policy's file is read when it is first asked for."""

    def __init__(self, custom: CustomPolicies | None = None) -> None:
        self._custom = custom or CustomPolicies()

    @classmethod
    def load(cls, custom: CustomPolicies | None = None) -> ShippedCatalogue:
        """The catalogue; reads nothing yet."""
        return cls(custom)

    def get(self, group: str, name: str) -> PolicyType | None:
        """The policy type; None for what API Manager cannot apply and for custom policies that
        have no schema."""
        if group == MULESOFT_GROUP:
            return _read(name) if name in _known() else None
        found = self._custom.find(group, name)
        return found.known if found else None

    def names(self) -> tuple[str, ...]:
        """Asset ids of all policies that API Manager can apply, sorted."""
        return tuple(sorted(_known()))


@cache
def _known() -> frozenset[str]:
    names = policy_names()
    return frozenset(names["inbound"] + names["outbound"])


@cache
def _read(name: str) -> PolicyType:
    return policy_type_of(read_schema(f"policies/{name}"), name)
