from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.access import DENY_GRANTS
from reconciler.core.plan import desired_digest
from tests.files.crm import ACCESS, OWN_APP, SELF, a_crm, desired_of, problems_of

DEFAULTS = f"defaults:\n  apps:\n  {OWN_APP}"
BILLING = "  - {name: Billing Sync, adminApproved: true, allow: {permissionSets: [Billing_Use]}}\n"


def test_a_document_becomes_switches_apps_grants_and_bypasses(tmp_path: Path) -> None:
    text = (
        f"settings: {{limitAllUsersToAllowlistedApps: true}}\napps:\n{OWN_APP}{BILLING}"
        "unlistedApps: denyGrants\n"
        "bypass: {useAnyApiClient: {permissionSets: [Break_Glass], profiles: []}}\n"
    )
    desired = desired_of(a_crm(tmp_path, text))
    assert [str(one.key.segment) for one in desired.resources] == [
        "limitAllUsersToAllowlistedApps",
        "Access Reconciler",
        "Billing Sync",
        "Access Reconciler/permissionSet:Own_Use",
        "Billing Sync/permissionSet:Billing_Use",
        "bypass:useAnyApiClient/permissionSet:Break_Glass",
    ]
    assert desired.self_user == "reconciler@acme.example.uat"
    assert desired.unlisted == DENY_GRANTS
    assert desired.bypassed == {"useAnyApiClient"}


def test_what_is_not_said_is_not_managed(tmp_path: Path) -> None:
    desired = desired_of(a_crm(tmp_path, "apps: [{name: Access Reconciler}]\n"))
    (app,) = desired.resources
    assert dict(app.canonical) == {}
    assert not (desired.granted or desired.exact or desired.bypassed)
    assert desired.managed == {"apps", "grants"}


def test_apps_of_the_organization_merge_by_name_key_by_key(tmp_path: Path) -> None:
    own = "apps: [{name: Access Reconciler, refreshToken: zero}]\n"
    desired = desired_of(a_crm(tmp_path, own, organization=DEFAULTS))
    app, grant = desired.resources
    assert dict(app.canonical) == {"adminApproved": True, "refreshToken": "zero"}
    assert app.source and app.source.file.endswith("uat/access.yaml")
    assert grant.source and grant.source.file.endswith("organization.yaml")
    assert grant.source.line == 6


def test_a_list_of_the_document_replaces_the_inherited_one(tmp_path: Path) -> None:
    own = "apps: [{name: Access Reconciler, allow: {permissionSets: [Other_Use]}}]\n"
    desired = desired_of(a_crm(tmp_path, own, organization=DEFAULTS))
    assert [one.key.name for one in desired.of("grants")] == ["Other_Use"]


def test_null_takes_an_inherited_key_away(tmp_path: Path) -> None:
    own = "apps: [{name: Access Reconciler, allow: null}]\n"
    desired = desired_of(a_crm(tmp_path, own, organization=DEFAULTS))
    assert desired.of("grants") == ()
    assert desired.granted == frozenset()


def test_switches_and_bypasses_are_inherited(tmp_path: Path) -> None:
    shared = (
        f"{DEFAULTS}  settings: {{limitAllUsersToAllowlistedApps: true}}\n"
        "  bypass: {useAnyApiClient: {permissionSets: [Break_Glass]}}\n  unlistedApps: narrow\n"
    )
    own = "settings: {limitAllUsersToAllowlistedApps: false}\n"
    desired = desired_of(a_crm(tmp_path, own, organization=shared))
    (switch,) = desired.of("settings")
    assert switch.canonical == {"enabled": False}
    assert [one.key.name for one in desired.of("bypass")] == ["Break_Glass"]
    assert desired.unlisted == "narrow"


def test_at_least_is_part_of_what_is_desired(tmp_path: Path) -> None:
    exact = desired_of(a_crm(tmp_path, f"apps:\n{OWN_APP}"))
    loose = desired_of(
        a_crm(tmp_path, f"apps:\n{OWN_APP.replace('allow', 'grants: atLeast, allow')}")
    )
    assert exact.exact == {"Access Reconciler"}
    assert not loose.exact
    assert desired_digest(exact) != desired_digest(loose)


@pytest.mark.parametrize(
    ("access", "problem"),
    [
        (
            f"apps:\n{BILLING}",
            "crm/uat/access.yaml:3:13: self.app: the app that this tool signs in with must be one "
            "of apps (allowed: Billing Sync)",
        ),
        (
            f"apps:\n{OWN_APP}{BILLING}{BILLING}",
            "crm/uat/access.yaml:7:5: apps: the app 'Billing Sync' stands here twice, first at "
            "crm/uat/access.yaml:6 (remove one of them)",
        ),
        (
            f"apps:\n{OWN_APP}{BILLING.replace('true', 'false')}",
            "crm/uat/access.yaml:6:41: Billing Sync.adminApproved: a grant says nothing while "
            "every user may authorize the app by himself (write adminApproved: true, or drop "
            "allow:)",
        ),
        (
            f"apps:\n{OWN_APP}  - {{name: A, grants: exact}}\n",
            "crm/uat/access.yaml:6:23: A.grants: there are no grants without allow: (add allow:)",
        ),
        (
            f"apps:\n{OWN_APP}  - {{name: A, reviewBy: 2027-02-30}}\n",
            "crm/uat/access.yaml:6:25: A.reviewBy: there is no such day (write a day such as "
            "2027-02-01)",
        ),
        (
            f"apps:\n{OWN_APP}  - {{name: A, refreshToken: forever}}\n",
            "crm/uat/access.yaml:6:29: apps[1].refreshToken: must be infinite, zero, "
            "specific_lifetime:N:UNIT or specific_inactivity:N:UNIT with HOURS, DAYS or MONTHS",
        ),
        (
            f"apps:\n{OWN_APP}  - {{name: A, allow: {{permissionSets: [a b]}}}}\n",
            "crm/uat/access.yaml:6:40: apps[1].allow.permissionSets[0]: must be the API name of a "
            "permission set, such as Billing_Sync_Use",
        ),
        (
            f"apps:\n{OWN_APP}  - {{name: A, allow: {{profiles: [X, X]}}}}\n",
            "crm/uat/access.yaml:6:37: apps[1].allow.profiles[1]: stands here twice (remove one of "
            "them)",
        ),
        (
            f"apps:\n{OWN_APP}unlistedApps: remove\n",
            "crm/uat/access.yaml:6:15: unlistedApps: must be one of report, narrow, denyGrants "
            "(choose one of them)",
        ),
        (
            f"apps:\n{OWN_APP}settings: {{limitAllUserToAllowlistedApps: true}}\n",
            "crm/uat/access.yaml:6:12: settings.limitAllUserToAllowlistedApps: unknown key "
            '"limitAllUserToAllowlistedApps" (did you mean "limitAllUsersToAllowlistedApps"?)',
        ),
        (
            f"apps:\n{OWN_APP}  - {{name: '${{env:APP}}'}}\n",
            "crm/uat/access.yaml:6:12: apps[1].name: a reference is resolved in config: and auth: "
            "only (write the value out)",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_and_remedy(
    tmp_path: Path, access: str, problem: str
) -> None:
    assert problems_of(a_crm(tmp_path, access)) == [problem]


def test_a_mistake_that_only_the_layers_show_is_told_where_it_stands(tmp_path: Path) -> None:
    own = "apps: [{name: Access Reconciler, adminApproved: false}]\n"
    (problem,) = problems_of(a_crm(tmp_path, own, organization=DEFAULTS))
    assert problem.startswith("crm/uat/access.yaml:4:49: Access Reconciler.adminApproved: a grant")


def test_self_is_not_inherited_and_not_left_out(tmp_path: Path) -> None:
    root = a_crm(tmp_path, more={"crm/uat/access.yaml": ACCESS.replace(SELF, "apps: []\n")})
    assert problems_of(root) == ["crm/uat/access.yaml:1:1: self is missing (add self:)"]
