"""The elements of the component types, in the order of the WSDL (63.0, read 2026-11-23)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from reconciler.emulator.salesforce.errors import Failure
from reconciler.emulator.salesforce.metadata.xml import is_nil, local


@dataclass(frozen=True, slots=True)
class Part:
    """One element: its kind is string, boolean, int, or a shape; `is_many` may be repeated."""

    name: str
    kind: str | Shape = "string"
    is_many: bool = False


Shape = tuple[Part, ...]


def _shape(text: str, **inner: Shape) -> Shape:
    """`name:kind*`, separated by blanks; `inner` are the shapes of elements that have parts."""
    found = []
    for item in text.split():
        name, _, kind = item.rstrip("*").partition(":")
        found.append(Part(name, inner.get(name, kind or "string"), item.endswith("*")))
    return tuple(found)


_BIT = _shape("enabled:boolean name")

SETTINGS = _shape(
    "enableAdminApprovedAppsOnly:boolean enableAdminApprovedAppsOnlyForExternalUser:boolean"
    " enableSkipUserProvisioningWizardWelcomePage:boolean"
)
CONNECTED_APP = _shape(
    "attributes* canvasConfig contactEmail contactPhone description iconUrl infoUrl ipRanges* label"
    " logoUrl mobileAppConfig mobileStartUrl oauthConfig oauthPolicy permissionSetName* plugin"
    " pluginExecutionUser profileName* samlConfig sessionPolicy startUrl",
    attributes=_shape("formula key"),
    canvasConfig=_shape(
        "accessMethod canvasUrl lifecycleClass locations* options* samlInitiationMethod"
    ),
    ipRanges=_shape("description end start"),
    mobileAppConfig=_shape(
        "applicationBundleIdentifier applicationInstallUrl devicePlatform deviceType"
        " minimumOsVersion privateApp:boolean version"
    ),
    oauthConfig=_shape(
        "callbackUrl certificate consumerKey consumerSecret isAdminApproved:boolean"
        " isClientCredentialEnabled:boolean isCodeCredentialEnabled:boolean"
        " isCodeCredentialPostOnly:boolean isConsumerSecretOptional:boolean"
        " isIntrospectAllTokens:boolean isNamedUserJwtEnabled:boolean isPkceRequired:boolean"
        " isRefreshTokenRotationEnabled:boolean isSecretRequiredForRefreshToken:boolean"
        " isSecretRequiredForTokenExchange:boolean isTokenExchangeEnabled:boolean"
        " oauthClientCredentialUser scopes* singleLogoutUrl"
    ),
    oauthPolicy=_shape(
        "ipRelaxation isTokenExchangeFlowEnabled:boolean refreshTokenPolicy singleLogoutUrl"
    ),
    samlConfig=_shape("acsUrl certificate entityUrl issuer samlNameIdFormat samlSubjectType"),
    sessionPolicy=_shape("policyAction sessionLevel sessionTimeout:int"),
)
PERMISSION_SET = _shape(
    "description hasActivationRequired:boolean label license userPermissions*",
    userPermissions=_BIT,
)
PROFILE = _shape("custom:boolean description userLicense userPermissions*", userPermissions=_BIT)
EXTERNAL_APP = _shape(
    "contactEmail contactPhone description distributionState iconUrl infoUrl isProtected:boolean"
    " label logoUrl managedType orgScopedExternalApp"
)
EXTERNAL_POLICY = _shape(
    "apexHandler clientCredentialsFlowUser commaSeparatedCustomScopes commaSeparatedPermissionSet"
    " commaSeparatedProfile customAttributes* executeHandlerAs externalClientApplication"
    " guestJwtTimeout:int ipRelaxationPolicyType isClientCredentialsFlowEnabled:boolean"
    " isGuestCodeCredFlowEnabled:boolean isNamedUserJwtEnabled:boolean"
    " isTokenExchangeFlowEnabled:boolean label namedUserJwtTimeout:int permittedUsersPolicyType"
    " policyAction refreshTokenPolicyType refreshTokenValidityPeriod:int refreshTokenValidityUnit"
    " requiredSessionLevel sessionTimeoutInMinutes:int singleLogoutUrl startUrl",
    customAttributes=_shape("formula key"),
)


def read_component(element: Element, shape: Shape) -> dict[str, Any]:
    """The elements of a component by name, without its full name.

    What stands out of order is dropped without a word, as users of the service report. An empty
    element of a list makes the list empty.
    """
    order = {part.name: place for place, part in enumerate(shape)}
    found: dict[str, Any] = {}
    last = -1
    for inner in element:
        name = local(inner)
        if name == "fullName":
            continue
        if name not in order:
            text = f"Element {name} invalid at this location in type {local(element)}"
            raise Failure("soapenv:Client", text)
        if order[name] < last:
            continue
        last = order[name]
        _add(found, shape[last], inner)
    return found


def _add(found: dict[str, Any], part: Part, element: Element) -> None:
    value = None if is_nil(element) else _value(part, element)
    if not part.is_many:
        found[part.name] = value
        return
    items = found.setdefault(part.name, [])
    if value not in (None, "", {}):
        items.append(value)


def _value(part: Part, element: Element) -> Any:
    if isinstance(part.kind, tuple):
        return read_component(element, part.kind)
    text = (element.text or "").strip()
    if part.kind == "boolean":
        if text.lower() not in ("true", "false", "1", "0"):
            raise _wrong(text, "xsd:boolean")
        return text.lower() in ("true", "1")
    if part.kind == "int":
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise _wrong(text, "xsd:int")
        return int(text)
    return text


def _wrong(text: str, kind: str) -> Failure:
    return Failure("soapenv:Client", f"'{text[:80]}' is not a valid value for the type {kind}")


def in_order(values: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """A component as it is written: the elements that have a value, in their order."""
    found: dict[str, Any] = {}
    for part in shape:
        value = values.get(part.name)
        if isinstance(part.kind, tuple) and isinstance(value, Mapping):
            value = in_order(value, part.kind)
        elif isinstance(part.kind, tuple) and isinstance(value, list):
            value = [in_order(item, part.kind) for item in value]
        if value not in (None, [], {}):
            found[part.name] = value
    return found
