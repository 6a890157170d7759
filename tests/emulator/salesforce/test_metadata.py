"""The SOAP endpoint: settings, apps, policies, permissions, and its faults."""

from __future__ import annotations

import pytest

from tests.emulator.salesforce.driver import (
    RECONCILER_APP,
    SOAP,
    Org,
    plain,
    read_body,
    update_body,
)

ALL = "enableAdminApprovedAppsOnly"
EXTERNAL = "enableAdminApprovedAppsOnlyForExternalUser"
WIZARD = "enableSkipUserProvisioningWizardWelcomePage"
POLICIES = "ExtlClntAppOauthConfigurablePolicies"
POLICY = "Partner_Sync_oauthPlcy"


def failure(result: object) -> tuple[str, str]:
    """The code and text of a component that was not saved."""
    found = result.find("errors")  # type: ignore[attr-defined]
    assert result.findtext("success") == "false"  # type: ignore[attr-defined]
    return found.findtext("statusCode"), found.findtext("message")


def an_app(*extra: str, approved: bool = True, key: str = "") -> str:
    """A whole Billing Sync, as an update must send it."""
    shown_key = f"<met:consumerKey>{key}</met:consumerKey>" if key else ""
    return (
        "<met:contactEmail>billing@acme.example</met:contactEmail>"
        "<met:label>Billing Sync</met:label>"
        "<met:oauthConfig><met:callbackUrl>https://x.example</met:callbackUrl>"
        f"{shown_key}<met:isAdminApproved>{str(approved).lower()}</met:isAdminApproved>"
        f"</met:oauthConfig>{''.join(extra)}"
    )


# The switches


def test_the_switches_are_shown_where_the_feature_is_activated(org: Org) -> None:
    assert org.switches() == {ALL: "false", EXTERNAL: "false", WIZARD: "false"}


def test_the_switches_are_absent_where_it_is_not(org: Org) -> None:
    org.emulator.settings(aacActivated=False)
    assert org.switches() == {WIZARD: "false"}


def test_the_second_switch_came_later(org: Org) -> None:
    body = read_body("ConnectedAppSettings", "ConnectedApp")
    (result,) = org.done(body, path=SOAP.replace("64.0", "48.0"))
    assert [item.tag for item in result[0]] == ["fullName", ALL, WIZARD]
    assert org.fault(body, path=SOAP.replace("64.0", "46.0")) == "sf:INVALID_TYPE"


def test_a_switch_is_turned_and_the_other_left(org: Org) -> None:
    assert org.turn(EXTERNAL, True).findtext("success") == "true"
    assert org.switches() == {ALL: "false", EXTERNAL: "true", WIZARD: "false"}
    trail = org.query("SELECT Section, Action FROM SetupAuditTrail ORDER BY CreatedDate DESC")
    assert (trail[0]["Section"], trail[0]["Action"]) == ("Connected Apps", EXTERNAL)


def test_a_switch_that_was_never_activated_cannot_be_turned(org: Org) -> None:
    org.emulator.settings(aacActivated=False)
    assert failure(org.turn(ALL, True))[0] == "INSUFFICIENT_ACCESS"
    org.emulator.settings(inactiveSwitchWrites="ignore")
    assert org.turn(ALL, True).findtext("success") == "true"
    org.emulator.settings(aacActivated=True)
    assert org.switches()[ALL] == "false"


def test_a_failure_without_a_reason(org: Org) -> None:
    org.emulator.settings(silentSaveFailures=True)
    result = org.turn(ALL, True)
    assert [item.tag for item in result] == ["fullName", "success"]
    assert org.switches()[ALL] == "false"


# Reading


def test_a_component_that_is_not_there_is_nil(org: Org) -> None:
    body = read_body("ConnectedApp", "Nothing", "Billing_Sync")
    nothing, found = org.done(body)[0]
    assert (len(nothing), found.findtext("fullName")) == (0, "Billing_Sync")


def test_an_app_is_read_without_its_secret(org: Org) -> None:
    config = org.read("ConnectedApp", "Access_Reconciler").find("oauthConfig")
    assert config is not None
    assert config.findtext("consumerKey") == "demo"
    assert config.find("consumerSecret") is None


def test_uninstalled_apps_are_no_components(org: Org) -> None:
    query = "<met:queries><met:type>ConnectedApp</met:type></met:queries>"
    body = f"<met:listMetadata>{query}</met:listMetadata>"
    names = [item.findtext("fullName") for item in org.done(body)]
    assert names == ["Access_Reconciler", "Billing_Sync", "whl__Warehouse_Loader"]


@pytest.mark.parametrize("shown", [False, True])
def test_whether_installed_apps_are_components_is_a_setting(org: Org, shown: bool) -> None:
    org.emulator.settings(installedAppsInMetadata=shown)
    org.tamper("ConnectedApp", "Data Tool", origin="installed")
    assert bool(len(org.read("ConnectedApp", "Data_Tool"))) is shown


def test_ten_components_and_no_more(org: Org) -> None:
    names = [f"N{n}" for n in range(11)]
    assert org.fault(read_body("ConnectedApp", *names)) == "sf:LIMIT_EXCEEDED"
    assert len(org.done(read_body("ConnectedApp", *names[:10]))[0]) == 10


def test_describe(org: Org) -> None:
    (result,) = org.done(
        "<met:describeMetadata><met:asOfVersion>64.0</met:asOfVersion></met:describeMetadata>"
    )
    names = [item.findtext("xmlName") for item in result.findall("metadataObjects")]
    assert {"Settings", "ConnectedApp", "PermissionSet", "Profile", POLICIES} <= set(names)


# Apps


def test_an_app_is_narrowed(org: Org) -> None:
    assert org.update("ConnectedApp", "Billing_Sync", an_app()).findtext("success") == "true"
    (record,) = org.query(
        "SELECT OptionsAllowAdminApprovedUsersOnly FROM ConnectedApplication"
        " WHERE Name = 'Billing Sync'"
    )
    assert record["OptionsAllowAdminApprovedUsersOnly"] is True


@pytest.mark.parametrize(
    ("inner", "code"),
    [
        (an_app(key="billing-sync"), "FIELD_INTEGRITY_EXCEPTION"),
        ("<met:label>x</met:label>", "REQUIRED_FIELD_MISSING"),
        ("<met:contactEmail>a@b.example</met:contactEmail>", "REQUIRED_FIELD_MISSING"),
        (
            an_app(
                "<met:oauthPolicy><met:ipRelaxation>NEVER</met:ipRelaxation>"
                "<met:refreshTokenPolicy>zero</met:refreshTokenPolicy></met:oauthPolicy>"
            ),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        ),
        (
            an_app(
                "<met:permissionSetName>Billing_Sync_Use</met:permissionSetName>", approved=False
            ),
            "FIELD_INTEGRITY_EXCEPTION",
        ),
        (
            an_app("<met:permissionSetName>Nothing</met:permissionSetName>"),
            "INVALID_CROSS_REFERENCE_KEY",
        ),
    ],
)
def test_refused_updates_of_an_app_change_nothing(org: Org, inner: str, code: str) -> None:
    before = org.state()["ConnectedApp"], org.state()["SetupEntityAccess"]
    assert failure(org.update("ConnectedApp", "Billing_Sync", inner))[0] == code
    assert (org.state()["ConnectedApp"], org.state()["SetupEntityAccess"]) == before


def test_the_consumer_key_is_refused_in_the_words_of_the_service(org: Org) -> None:
    result = org.update("ConnectedApp", "Billing_Sync", an_app(key="new-key-1"))
    assert failure(result)[1] == "You cannot provide a Consumer Key"


def test_the_lists_of_an_app_are_its_grants(org: Org) -> None:
    lists = (
        "<met:permissionSetName>Billing_Sync_Use</met:permissionSetName>"
        "<met:profileName>System Administrator</met:profileName>"
    )
    org.update("ConnectedApp", "Billing_Sync", an_app(lists))
    soql = (
        "SELECT Parent.Name, Parent.Profile.Name FROM SetupEntityAccess WHERE SetupEntityId = '{}'"
    )
    assert len(org.query(soql.format("0H45g000000Bill"))) == 2
    record = org.read("ConnectedApp", "Billing_Sync")
    assert record.findtext("permissionSetName") == "Billing_Sync_Use"
    # An empty element removes all; an omitted one leaves them.
    org.update("ConnectedApp", "Billing_Sync", an_app("<met:profileName/>"))
    (left,) = org.query(soql.format("0H45g000000Bill"))
    assert left["Parent"]["Name"] == "Billing_Sync_Use"


def test_whether_omitted_lists_are_cleared_is_a_setting(org: Org) -> None:
    granted = an_app("<met:permissionSetName>Billing_Sync_Use</met:permissionSetName>")
    org.update("ConnectedApp", "Billing_Sync", granted)
    org.emulator.settings(connectedAppListsCleared=True)
    org.update("ConnectedApp", "Billing_Sync", an_app())
    left = [g["SetupEntityId"] for g in org.state()["SetupEntityAccess"]]
    assert left == [RECONCILER_APP]


def test_elements_out_of_order_are_dropped_without_a_word(org: Org) -> None:
    late = "<met:description>late</met:description>"
    assert org.update("ConnectedApp", "Billing_Sync", an_app(late)).findtext("success") == "true"
    assert org.read("ConnectedApp", "Billing_Sync").find("description") is None


def test_of_a_packaged_app_only_the_policies_change(org: Org) -> None:
    inner = an_app().replace("Billing Sync", "Another name")
    assert org.update("ConnectedApp", "whl__Warehouse_Loader", inner).findtext("success") == "true"
    record = org.read("ConnectedApp", "whl__Warehouse_Loader")
    assert record.findtext("label") == "Warehouse Loader"
    assert record.findtext("oauthConfig/isAdminApproved") == "true"


def test_blocking_by_metadata(org: Org) -> None:
    session = org.by_jwt("billing-sync", "billing@acme.example").json()["access_token"]
    policy = "<met:sessionPolicy><met:policyAction>Block</met:policyAction></met:sessionPolicy>"
    org.update("ConnectedApp", "Billing_Sync", an_app(policy))
    assert org.call("GET", "/limits", session=session).status_code == 401


def test_new_apps_are_not_created_unless_the_org_lets_them(org: Org) -> None:
    body = update_body("ConnectedApp", "New", an_app(), "upsertMetadata")
    (refused,) = org.done(body)
    assert failure(refused)[1].startswith("You can't create a connected app.")
    org.emulator.settings(allowConnectedAppCreation=True)
    (made,) = org.done(body)
    assert (made.findtext("success"), made.findtext("created")) == ("true", "true")


# External client apps


def a_policy(kind: str, *before: str) -> str:
    return (
        f"{''.join(before)}<met:externalClientApplication>Partner_Sync</met:externalClientApplication>"
        f"<met:permittedUsersPolicyType>{kind}</met:permittedUsersPolicyType>"
    )


def test_the_policy_of_an_external_client_app(org: Org) -> None:
    sets = "<met:commaSeparatedPermissionSet>Partner_Sync_Use</met:commaSeparatedPermissionSet>"
    result = org.update(POLICIES, POLICY, a_policy("AdminApprovedPreAuthorized", sets))
    assert result.findtext("success") == "true"
    (record,) = org.query("SELECT PermittedUsersPolicyType FROM ExtlClntAppOauthPlcyCnfg")
    assert record["PermittedUsersPolicyType"] == "AdminApprovedPreAuthorized"
    assert org.read(POLICIES, POLICY).findtext("commaSeparatedPermissionSet") == "Partner_Sync_Use"


def test_its_enum_has_no_shorter_word(org: Org) -> None:
    result = org.update(POLICIES, POLICY, a_policy("AdminApproved"))
    assert failure(result)[0] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def test_a_guessed_name_of_a_policy_is_a_duplicate(org: Org) -> None:
    body = update_body(POLICIES, "Partner_Sync", a_policy("AllSelfAuthorized"), "upsertMetadata")
    (result,) = org.done(body)
    wanted = ("DUPLICATE_VALUE", "duplicate value found: ExternalClientApplicationId")
    assert failure(result) == wanted


def test_narrowing_it_may_end_the_own_session(org: Org) -> None:
    org.tamper("OauthToken", App="Partner Sync", User="admin@acme.example")
    session = org.by_jwt("partner-sync", "admin@acme.example").json()["access_token"]
    inner = a_policy("AdminApprovedPreAuthorized")
    result = org.update(POLICIES, POLICY, inner, session=session)
    assert result.findtext("success") == "true"
    assert org.call("GET", "/limits", session=session).status_code == 401


# Permissions


def test_a_permission_set_is_taken_as_complete(org: Org) -> None:
    inner = (
        "<met:label>Break Glass API</met:label><met:userPermissions><met:enabled>true</met:enabled>"
        "<met:name>CanApproveUninstalledApps</met:name></met:userPermissions>"
    )
    org.update("PermissionSet", "Break_Glass_API", inner)
    record = org.read("PermissionSet", "Break_Glass_API")
    assert [i.text for i in record.iterfind("userPermissions/name")] == [
        "CanApproveUninstalledApps"
    ]
    # Before version 40 what was not sent was left alone.
    bit = (
        "<met:userPermissions><met:enabled>true</met:enabled>"
        "<met:name>ApiEnabled</met:name></met:userPermissions>"
    )
    org.update(
        "PermissionSet",
        "Break_Glass_API",
        f"<met:label>B</met:label>{bit}",
        path=SOAP.replace("64.0", "39.0"),
    )
    record = org.read("PermissionSet", "Break_Glass_API")
    assert len(record.findall("userPermissions")) == 2


def test_a_profile_keeps_what_was_not_sent(org: Org) -> None:
    bit = (
        "<met:userPermissions><met:enabled>false</met:enabled>"
        "<met:name>CanApproveUninstalledApps</met:name></met:userPermissions>"
    )
    # Not by its label.
    assert len(org.read("Profile", "System Administrator")) == 0
    org.update("Profile", "Admin", bit)
    names = [item.text for item in org.read("Profile", "Admin").iterfind("userPermissions/name")]
    assert "CanApproveUninstalledApps" not in names and "ApiEnabled" in names


def test_the_plausible_name_of_a_permission_is_unknown(org: Org) -> None:
    bit = (
        "<met:label>B</met:label><met:userPermissions><met:enabled>true</met:enabled>"
        "<met:name>ApproveUninstalledConnectedApps</met:name></met:userPermissions>"
    )
    result = org.update("PermissionSet", "Break_Glass_API", bit)
    assert failure(result)[0] == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_all_or_none(org: Org) -> None:
    def a_set(name: str) -> str:
        inner = f"<met:fullName>{name}</met:fullName><met:label>L</met:label>"
        return f'<met:metadata xsi:type="met:PermissionSet">{inner}</met:metadata>'

    header = "<met:AllOrNoneHeader><met:allOrNone>true</met:allOrNone></met:AllOrNoneHeader>"
    body = f"<met:updateMetadata>{a_set('Billing_Sync_Use')}{a_set('Nothing')}</met:updateMetadata>"
    results = org.done(body, header=header)
    assert [r.findtext("success") for r in results] == ["false", "false"]
    assert [r.findtext("success") for r in org.done(body)] == ["true", "false"]


# Envelopes


@pytest.mark.parametrize(
    "body",
    [
        "",
        "nonsense",
        "<a/>",
        "<a><b></a>",
        '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        "<a>" * 100 + "</a>" * 100,
        "<a>" * 20_000 + "</a>" * 20_000,
        '<?xml version="1.0" encoding="strange"?><a/>',
    ],
)
def test_what_is_no_envelope_is_a_fault(org: Org, body: str) -> None:
    answer = org.emulator.anonymous("POST", SOAP, data=body.encode())
    assert answer.status_code == 500
    assert plain(answer.text).findtext("Body/Fault/faultcode") == "soapenv:Client"


def test_entities_are_never_read(org: Org) -> None:
    text = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>'
    answer = org.emulator.anonymous("POST", SOAP, data=text)
    assert "Forbidden" in answer.text


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("<met:strange/>", "soapenv:Client"),
        (read_body("Strange", "X"), "sf:INVALID_TYPE"),
        (update_body("ConnectedAppSettings", "ConnectedApp", "<met:x>1</met:x>"), "soapenv:Client"),
        (
            update_body("ConnectedAppSettings", "ConnectedApp", f"<met:{ALL}>maybe</met:{ALL}>"),
            "soapenv:Client",
        ),
        (update_body("ConnectedAppSettings", "", ""), "soapenv:Client"),
    ],
)
def test_refused_operations(org: Org, body: str, code: str) -> None:
    assert org.fault(body) == code


def test_an_unknown_session_is_a_fault(org: Org) -> None:
    assert org.fault(read_body("ConnectedApp", "x"), session="x") == "sf:INVALID_SESSION_ID"


@pytest.mark.parametrize("tail", ["", "/", "/00D5g000000AcmeEAC", "/deployRequest/0Af"])
def test_the_operation_is_in_the_body_whatever_the_path_says(org: Org, tail: str) -> None:
    body = read_body("ConnectedAppSettings", "ConnectedApp")
    assert org.soap(body, path=SOAP + tail).status_code == 200


@pytest.mark.parametrize("version", ["30.0", "99.0", "x", "64.5"])
def test_versions_that_are_not_there(org: Org, version: str) -> None:
    path = SOAP.replace("64.0", version)
    assert org.fault("<met:x/>", path=path) == "sf:UNSUPPORTED_API_VERSION"
