"""The component types: how each is listed, read and written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.emulator.salesforce.errors import Failure
from reconciler.emulator.salesforce.gate import Caller
from reconciler.emulator.salesforce.metadata import connectedapps, external, permissions, shapes
from reconciler.emulator.salesforce.metadata import switches as switches_
from reconciler.emulator.salesforce.metadata.desk import Desk, Listed
from reconciler.emulator.salesforce.metadata.shapes import Shape

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A metadata type. `write` gives whether it created, and refuses by Failure.

    `manifest` is the type's name in package.xml, `since` the first API version, `may` who may
    write it.
    """

    name: str
    directory: str
    suffix: str
    shape: Shape
    listed: Callable[[Desk], Iterator[Listed]]
    read: Callable[[Desk, str], Values | None]
    write: Callable[[Desk, str, Values], None]
    create: Callable[[Desk, str, Values], None]
    may: Callable[[Caller], bool]
    since: float = 31.0
    manifest: str = ""

    @property
    def package_type(self) -> str:
        return self.manifest or self.name


def _may_apps(caller: Caller) -> bool:
    right = caller.may_any("ModifyAllData", "ManageRemoteAccess")
    return caller.may("CustomizeApplication") and right


def _cannot_create(_: Desk, name: str, __: Values) -> None:
    raise Failure("INVALID_CROSS_REFERENCE_KEY", f"no component named {name} found")


_ALL = (
    Kind(
        "ConnectedAppSettings",
        "settings",
        "settings",
        shapes.SETTINGS,
        switches_.listed,
        switches_.read,
        switches_.write,
        _cannot_create,
        lambda caller: caller.may("CustomizeApplication"),
        since=47.0,
        manifest="Settings",
    ),
    Kind(
        "ConnectedApp",
        "connectedApps",
        "connectedApp",
        shapes.CONNECTED_APP,
        connectedapps.listed,
        connectedapps.read,
        connectedapps.write,
        connectedapps.create,
        _may_apps,
    ),
    Kind(
        "PermissionSet",
        "permissionsets",
        "permissionset",
        shapes.PERMISSION_SET,
        permissions.listed_sets,
        permissions.read_set,
        permissions.write_set,
        permissions.create_set,
        lambda caller: caller.may("ManageProfilesPermissionsets"),
    ),
    Kind(
        "Profile",
        "profiles",
        "profile",
        shapes.PROFILE,
        permissions.listed_profiles,
        permissions.read_profile,
        permissions.write_profile,
        _cannot_create,
        lambda caller: caller.may("ManageProfilesPermissionsets"),
    ),
    Kind(
        "ExternalClientApplication",
        "externalClientApps",
        "eca",
        shapes.EXTERNAL_APP,
        external.listed_apps,
        external.read_app,
        external.write_app,
        _cannot_create,
        lambda caller: caller.may("ExternalClientAppAdmin"),
        since=59.0,
    ),
    Kind(
        "ExtlClntAppOauthConfigurablePolicies",
        "extlClntAppOauthPolicies",
        "ecaOauthPlcy",
        shapes.EXTERNAL_POLICY,
        external.listed_policies,
        external.read_policy,
        external.write_policy,
        external.create_policy,
        lambda caller: caller.may("ExternalClientAppAdmin"),
        since=59.0,
    ),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}
BY_DIRECTORY: Mapping[str, Kind] = {kind.directory: kind for kind in _ALL}


def kind_of(desk: Desk, name: str) -> Kind:
    """The type of this name; one that the asked version did not know is none."""
    found = KINDS.get(name)
    if found is None or found.since > desk.version:
        raise Failure("INVALID_TYPE", f"This type of metadata is not available: {name[:80]}")
    return found


def save(desk: Desk, kind: Kind, name: str, values: Values, *, upsert: bool = False) -> bool:
    """Writes one component; whether it is new. Failure says why not."""
    if not kind.may(desk.caller):
        raise Failure("INSUFFICIENT_ACCESS", "insufficient access rights on cross-reference id")
    is_new = kind.read(desk, name) is None
    if is_new and not upsert:
        text = f"In field: fullName - no {kind.name} named {name} found"
        raise Failure("INVALID_CROSS_REFERENCE_KEY", text, fields=("fullName",))
    (kind.create if is_new else kind.write)(desk, name, values)
    return is_new
