"""The sObjects: their fields, who may write and filter them, and what they refer to.

From the object reference, API version 67, read 2026-11-23; permissions are those that matter for
API access.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.emulator.salesforce.ids import PREFIXES

# Permissions that are booleans of PermissionSet.
PERMISSIONS = (
    "ApiEnabled",
    "ApiUserOnly",
    "AssignPermissionSets",
    "ClientSecretRotation",
    "CustomizeApplication",
    "ExternalClientAppAdmin",
    "ExternalClientAppDeveloper",
    "ExternalClientAppViewer",
    "InstallPackaging",
    "ManageProfilesPermissionsets",
    "ManageRemoteAccess",
    "ManageUsers",
    "ModifyAllData",
    "ModifyMetadata",
    "MonitorLoginHistory",
    "UseAnyApiAuth",
    "UseAnyApiClient",
    "ViewAllData",
    "ViewClientSecret",
    "ViewSetup",
)
# Exists in metadata; two tools found no column for it.
APPROVE_UNINSTALLED = "CanApproveUninstalledApps"
# Its column comes with the activation of API Access Control.
ANY_CLIENT = "UseAnyApiClient"


@dataclass(frozen=True, slots=True)
class Field:
    """`flags`: c may be set on create, u on update, - not filtered, G not grouped."""

    name: str
    kind: str = "string"
    flags: str = ""

    @property
    def createable(self) -> bool:
        return "c" in self.flags

    @property
    def updateable(self) -> bool:
        return "u" in self.flags

    @property
    def filterable(self) -> bool:
        return "-" not in self.flags

    @property
    def groupable(self) -> bool:
        return "G" not in self.flags and self.kind not in ("datetime", "double")


Parent = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class SObject:
    """`parents` are relationships: (name, field, other sObject). `calls` are c, u, d."""

    name: str
    label: str
    fields: Mapping[str, Field]
    parents: Mapping[str, Parent]
    calls: str = ""

    def field(self, name: str) -> Field | None:
        return self.fields.get(name.lower())

    def parent(self, name: str) -> Parent | None:
        return self.parents.get(name.lower())


_KINDS = {"id": "id", "ref": "reference", "bool": "boolean", "int": "int", "time": "datetime"}


def _fields(text: str) -> dict[str, Field]:
    """`Name:kind:flags`, separated by blanks; the kind is a string where it is missing."""
    found = {}
    for part in text.split():
        name, _, rest = part.partition(":")
        kind, _, flags = rest.partition(":")
        found[name.lower()] = Field(name, _KINDS.get(kind, kind or "string"), flags)
    return found


def _object(name: str, label: str, fields: str, parents: str = "", calls: str = "") -> SObject:
    links = {}
    for part in parents.split():
        relationship, field, target = part.split(":")
        links[relationship.lower()] = (relationship, field, target)
    return SObject(name, label, _fields("Id:id " + fields), links, calls)


_STAMPS = "CreatedById:ref CreatedDate:time LastModifiedById:ref LastModifiedDate:time"
_STAMPED = f"{_STAMPS} SystemModstamp:time"
_BY = "CreatedBy:CreatedById:User LastModifiedBy:LastModifiedById:User"
_BITS = " ".join(f"Permissions{name}:bool:cu" for name in (*PERMISSIONS, APPROVE_UNINSTALLED))

_ALL = (
    _object(
        "Organization",
        "Organization",
        "Name IsSandbox:bool InstanceName OrganizationType NamespacePrefix " + _STAMPED,
    ),
    _object(
        "Profile",
        "Profile",
        "Name UserType UserLicenseId:ref Description " + _STAMPED,
        _BY,
    ),
    _object(
        "PermissionSet",
        "Permission Set",
        "Name:string:cu Label:string:cu Description:string:cuG LicenseId:ref:c"
        " IsOwnedByProfile:bool ProfileId:ref IsCustom:bool NamespacePrefix"
        " PermissionSetGroupId:ref Type"
        f" HasActivationRequired:bool:cu {_BITS} {_STAMPED}",
        "Profile:ProfileId:Profile"
        f" PermissionSetGroup:PermissionSetGroupId:PermissionSetGroup {_BY}",
        "cud",
    ),
    _object(
        "PermissionSetGroup",
        "Permission Set Group",
        f"DeveloperName MasterLabel Status {_STAMPED}",
        _BY,
    ),
    _object(
        "PermissionSetGroupComponent",
        "Permission Set Group Component",
        f"PermissionSetGroupId:ref PermissionSetId:ref {_STAMPED}",
        "PermissionSetGroup:PermissionSetGroupId:PermissionSetGroup"
        f" PermissionSet:PermissionSetId:PermissionSet {_BY}",
    ),
    _object(
        "PermissionSetAssignment",
        "Permission Set Assignment",
        "AssigneeId:ref:c PermissionSetId:ref:c PermissionSetGroupId:ref ExpirationDate:time:cu"
        " IsActive:bool SystemModstamp:time",
        "Assignee:AssigneeId:User PermissionSet:PermissionSetId:PermissionSet"
        " PermissionSetGroup:PermissionSetGroupId:PermissionSetGroup",
        "cud",
    ),
    _object(
        "SetupEntityAccess",
        "Setup Entity Access",
        "ParentId:ref:c SetupEntityId:ref:c SetupEntityType SystemModstamp:time",
        "Parent:ParentId:PermissionSet",
        "cd",
    ),
    _object(
        "User",
        "User",
        "Username Name Email UserType IsActive:bool ProfileId:ref " + _STAMPED,
        f"Profile:ProfileId:Profile {_BY}",
    ),
    _object(
        "ConnectedApplication",
        "Connected App",
        "Name OptionsAllowAdminApprovedUsersOnly:bool OptionsRefreshTokenValidityMetric:bool"
        " OptionsHasSessionLevelPolicy:bool OptionsIsInternal:bool"
        " OptionsFullContentPushNotifications:bool OptionsCodeCredentialGuestEnabled:bool"
        " OptionsTokenExchangeManageBitEnabled:bool RefreshTokenValidityPeriod:int StartUrl:url"
        " MobileStartUrl:url MobileSessionTimeout PinLength UvidTimeout NamedUserUvidTimeout "
        + _STAMPED,
        _BY,
    ),
    _object(
        "AppMenuItem",
        "App Menu Item",
        "Name Label NamespacePrefix Type ApplicationId:ref IsUsingAdminAuthorization:bool",
        "Application:ApplicationId:ConnectedApplication",
    ),
    _object(
        "ExternalClientApplication",
        "External Client App",
        f"MasterLabel DeveloperName NamespacePrefix DistributionState {_STAMPED}",
        _BY,
    ),
    _object(
        "ExtlClntAppOauthPlcyCnfg",
        "External Client App OAuth Policies",
        "DeveloperName MasterLabel ExternalClientApplicationId:ref PermittedUsersPolicyType"
        " IpRelaxationPolicyType RefreshTokenPolicyType RefreshTokenValidityPeriod:int"
        " RefreshTokenValidityUnit RequiredSessionLevel IsClientCredentialsFlowEnabled:bool"
        f" ClientCredentialsFlowUser {_STAMPED}",
        f"ExternalClientApplication:ExternalClientApplicationId:ExternalClientApplication {_BY}",
    ),
    _object(
        "OauthToken",
        "OAuth Token",
        "AppName AppMenuItemId:ref UserId:ref LastUsedDate:time UseCount:int DeleteToken:string:-G"
        " AccessToken:string:-G RequestToken:string:-G CreatedDate:time",
        "User:UserId:User AppMenuItem:AppMenuItemId:AppMenuItem",
    ),
    _object(
        "LoginHistory",
        "Login History",
        "LoginTime:time UserId:ref LoginType LoginSubType:string:- Application:string:-"
        " Status:string:- SourceIp:string:- ForwardedForIp:string:- ApiType:string:-"
        " ApiVersion:string:- ClientVersion:string:- NetworkId:ref LoginUrl",
    ),
    _object(
        "SetupAuditTrail",
        "Setup Audit Trail",
        "CreatedById:ref CreatedDate:time Section Action Display:string:- DelegateUser",
        "CreatedBy:CreatedById:User",
    ),
)

SOBJECTS: Mapping[str, SObject] = {item.name.lower(): item for item in _ALL}
BY_PREFIX: Mapping[str, str] = {PREFIXES[item.name]: item.name for item in _ALL}
