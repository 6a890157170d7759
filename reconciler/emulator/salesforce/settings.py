"""Switches for what the documentation of the service leaves open, and for tests."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.emulator.switches import Switches


@dataclass(frozen=True)
class SalesforceSettings(Switches):
    """One field per switch, named as in the control call. What no source confirms:

    - `inactiveSwitchWrites`: what a write of a switch does that was never activated.
    - `connectedAppListsCleared`: an update without `profileName` or `permissionSetName` empties it.
    - `installedAppsInMetadata`: apps installed on the OAuth usage page are metadata components.
    - `refuseDormantGrants`: no grant on an app that its users may authorize themselves.
    - `refuseProfileGrants`: no grant on the permission set of a profile.
    - `ecaDeployEndsSession`: narrowing an external client app ends the session that came by it.
    - `switchCoversExternalClientApps`: the first switch holds for them too.
    - `approveUninstalledInSoql`: the permission is a column of PermissionSet.

    For tests: `aacActivated` is Support's activation; `propagationLagSeconds` hides an app from
    the token endpoint after a change; `queryBatchSize` bounds a page; `dailyApiRequests` is the
    quota; `deploySeconds` the time until a deployment is carried out; `silentSaveFailures` lets
    metadata writes fail without a reason; `sessionLifetimeSeconds` ends sessions.
    """

    choices = {"inactiveSwitchWrites": ("refuse", "ignore")}

    aacActivated: bool = True
    inactiveSwitchWrites: str = "refuse"
    connectedAppListsCleared: bool = False
    installedAppsInMetadata: bool = False
    refuseDormantGrants: bool = False
    refuseProfileGrants: bool = False
    ecaDeployEndsSession: bool = True
    switchCoversExternalClientApps: bool = True
    approveUninstalledInSoql: bool = False
    allowConnectedAppCreation: bool = False
    propagationLagSeconds: int = 0
    queryBatchSize: int = 2000
    dailyApiRequests: int = 15_000
    deploySeconds: int = 0
    silentSaveFailures: bool = False
    sessionLifetimeSeconds: int = 7200
