"""What must hold before a plan may narrow who reaches an org's APIs. Pure.

Once all users are limited to allowlisted apps, a tool whose own app or user is not on that list
cannot repair it by any call: only Setup in a browser can (facts, section 10). So each condition is
looked at when a plan is made, with what the plan itself will have done by then, and once more just
before the switch, with only what is live.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.core.access import (
    ADMIN_APPROVED,
    ALL_USERS,
    EXTERNAL_USERS,
    IP_RELAXATION,
    OTHER_APP,
    USE_ANY_API_CLIENT,
    DesiredAccess,
    Holder,
    LiveAccess,
    holder_of,
)
from reconciler.core.access_effect import is_stricter_ip
from reconciler.core.diff import Action, Step
from reconciler.core.model import APPS, BYPASS, GRANTS, SETTINGS, Resource

WAY_OUT = (
    "no API call of this login can repair it. In a browser, as an administrator: "
    "Setup > API Access Control > Edit, and untick the limit; "
    "or Setup > Connected Apps OAuth Usage > Install or Unblock the app, then Manage App Policies, "
    "and add a permission set or profile of the user; "
    "or give the user a permission set with Use Any API Client"
)
"""The way out of a lock-out, as far as a human can go it."""

_SWITCH = "before all users are limited to allowlisted apps"
_OWN = "before the app of this tool is narrowed"
_OWN_GRANT = "before somebody loses the app of this tool"


@dataclass(frozen=True, slots=True, order=True)
class Missing:
    """A step that is missing, in words that say what to do.

    is_final: not even somebody who can rescue the tool makes it right.
    """

    message: str
    is_final: bool = False


def missing_steps(
    desired: DesiredAccess, live: LiveAccess, steps: Sequence[Step]
) -> tuple[Missing, ...]:
    """Everything that stands between these steps and a tool that keeps its access.

    steps: those that are still to be carried out, in their order.
    """
    guard = _Guard(desired, live, steps)
    found = [*guard.who(), *guard.activation(), *guard.removals()]
    if reason := guard.reason():
        found += guard.conditions(reason)
    elif guard.takes_own_grant():
        found += guard.reach(_OWN_GRANT)
    if guard.switches_on(ALL_USERS):
        found += guard.rescue()
    return tuple(dict.fromkeys(found))


def is_delicate(desired: DesiredAccess, step: Step) -> bool:
    """Whether the tool's access is to be proved after this step: it narrows the tool's own app,
    or it is the switch for all users."""
    wanted = step.desired
    if wanted is None or step.change.action is not Action.UPDATE:
        return False
    if wanted.key.list == SETTINGS:
        return bool(wanted.canonical["enabled"])
    return wanted.key.list == APPS and wanted.key.type == desired.self_app


@dataclass(frozen=True, slots=True)
class _Guard:
    desired: DesiredAccess
    live: LiveAccess
    steps: Sequence[Step]

    def who(self) -> Iterator[Missing]:
        """The token is who the files say that this tool is."""
        identity, wanted = self.live.identity, self.desired.self_user
        if identity.username.lower() != wanted.lower():
            yield Missing(
                f"self.username is {wanted}, and this login is {identity.username}: sign in as "
                f"{wanted}, or correct self",
                is_final=True,
            )
        if identity.app and identity.app != self.desired.self_app:
            other = "another app" if identity.app == OTHER_APP else repr(identity.app)
            yield Missing(
                f"self.app is {self.desired.self_app!r}, and this login goes through "
                f"{other}: sign in with the consumer key of {self.desired.self_app!r}, "
                "or correct self",
                is_final=True,
            )

    def activation(self) -> Iterator[Missing]:
        for one in self.desired.of(SETTINGS):
            if one.canonical["enabled"] and self.live.switch(one.key.type) is None:
                yield Missing(
                    f"{one.key.type} cannot be switched on: Salesforce Support has not activated "
                    "API Access Control in this org; open a case with Support (a sandbox takes it "
                    "over with Setup > Company Information > Match Production Licenses)",
                    is_final=True,
                )

    def removals(self) -> Iterator[Missing]:
        """The tool's own grants and app are not taken away, nor the last way to rescue it."""
        own = {one.parent for one in self.live.assignments}
        for step in self.steps:
            live = step.live
            if live is None:
                continue
            key, is_delete = live.key, step.change.action is Action.DELETE
            is_own = key.type == self.desired.self_app
            if is_delete and key.list == GRANTS and is_own and live.settings["parentId"] in own:
                holder = holder_of(live)
                yield Missing(
                    f"the plan takes the app of this tool away from its own user: keep the "
                    f"{holder} in allow of {self.desired.self_app!r}",
                    is_final=True,
                )
            if key.list == APPS and is_own and _checks_addresses(step):
                yield Missing(
                    f"the plan has {self.desired.self_app!r} check the addresses that this tool "
                    "calls from, and the ranges of its user cannot be seen: drop ipRelaxation of "
                    "it here, and set it in Setup > Manage Connected Apps once they are right"
                )
            if key.list == APPS and is_own and _sets(step, ADMIN_APPROVED, False):
                yield Missing(
                    f"the plan takes the pre-authorization of {self.desired.self_app!r} away, with "
                    "which this tool signs in: write adminApproved: true for it",
                    is_final=True,
                )
        yield from self._last_rescuers()
        yield from self._lifted()

    def _lifted(self) -> Iterator[Missing]:
        """A login without a screen needs pre-authorization, which the limit gives to every app."""
        app = self._own_app()
        is_approved = app is not None and app.canonical.get(ADMIN_APPROVED)
        is_lifted = self._switches(ALL_USERS, on=False)
        if is_lifted and not is_approved and not self._will_be_approved():
            yield Missing(
                f"the plan lifts the limit for all users, and then {self.desired.self_app!r} is "
                "not pre-authorized any more, with which this tool signs in: write adminApproved: "
                "true for it"
            )

    def _last_rescuers(self) -> Iterator[Missing]:
        gone = [
            step.live
            for step in self.steps
            if step.live
            and step.live.key.list == BYPASS
            and step.live.key.type == USE_ANY_API_CLIENT
            and step.change.action is Action.DELETE
        ]
        left = [
            one
            for one in self.live.of(BYPASS)
            if one.key.type == USE_ANY_API_CLIENT and one not in gone
        ]
        if gone and not left and self.switches_on(ALL_USERS):
            names = ", ".join(str(holder_of(one)) for one in gone)
            yield Missing(
                f"the plan takes Use Any API Client from everybody ({names}) and limits all users "
                "in one run: keep it in bypass for this run, and drop it in a later one",
                is_final=True,
            )

    def reason(self) -> str:
        """Why the conditions must hold, or nothing."""
        if self.switches_on(ALL_USERS):
            return _SWITCH
        if self.switches_on(EXTERNAL_USERS) and self.live.identity.is_external:
            return "before outsiders are limited to installed apps, and this tool's user is one"
        if any(self._is_own(step) and _sets(step, ADMIN_APPROVED, True) for step in self.steps):
            return _OWN
        if any(map(self._takes_own_bypass, self.steps)):
            return "before the user of this tool loses Use Any API Client"
        return ""

    def switches_on(self, name: str) -> bool:
        return self._switches(name, on=True)

    def _switches(self, name: str, *, on: bool) -> bool:
        return any(
            step.desired is not None
            and step.desired.key.list == SETTINGS
            and step.desired.key.type == name
            and step.desired.canonical["enabled"] is on
            for step in self.steps
        )

    def _is_own(self, step: Step) -> bool:
        resource = step.desired or step.live
        return (
            resource is not None
            and resource.key.list == APPS
            and resource.key.type == self.desired.self_app
        )

    def _takes_own_bypass(self, step: Step) -> bool:
        live = step.live
        if live is None or step.change.action is not Action.DELETE:
            return False
        own = {one.parent for one in self.live.assignments}
        is_bypass = live.key.list == BYPASS and live.key.type == USE_ANY_API_CLIENT
        return is_bypass and live.settings["parentId"] in own

    def takes_own_grant(self) -> bool:
        """Whether grants of the tool's app go, while nobody gets in without one."""
        app = self._own_app()
        is_limited = self.live.switch(ALL_USERS)
        is_needed = app is not None and (app.canonical.get(ADMIN_APPROVED) or is_limited)
        return bool(is_needed) and any(
            step.live is not None
            and step.live.key.list == GRANTS
            and step.live.key.type == self.desired.self_app
            and step.change.action is Action.DELETE
            for step in self.steps
        )

    def reach(self, reason: str) -> Iterator[Missing]:
        """That the user still has a grant of the tool's app in the end."""
        app = self._own_app()
        if app is not None:
            yield from self._reach(reason, app)

    def conditions(self, reason: str) -> Iterator[Missing]:
        """Conditions (i) to (v) of the facts."""
        name = self.desired.self_app
        app = self._own_app()
        if app is None:
            yield Missing(
                f"{reason}: the app {name!r} of this tool is not in this org; install it in Setup "
                "> Connected Apps OAuth Usage > Install"
            )
            return
        if not (app.canonical.get(ADMIN_APPROVED) or self._will_be_approved()):
            yield Missing(
                f"{reason}: the app {name!r} of this tool must be admin-approved; write "
                f"adminApproved: true for it in apps"
            )
        yield from self._reach(reason, app)
        if not self.live.identity.app:
            yield Missing(
                f"{reason}: it cannot be seen that this login goes through {name!r}; give its user "
                "the rights to read connected apps (Customize Application, Manage Connected Apps)"
            )
        action = app.settings.get("policyAction")
        if action == "Block":
            yield Missing(
                f"{reason}: the app {name!r} of this tool is blocked; unblock it in Setup > "
                "Connected Apps OAuth Usage > Unblock"
            )
        elif action == "RaiseSessionLevel":
            yield Missing(
                f"{reason}: the app {name!r} of this tool asks for a high-assurance session, which "
                "no integration has; set its session policy in Setup > Manage Connected Apps"
            )

    def _own_app(self) -> Resource | None:
        found = [one for one in self.live.of(APPS) if one.key.type == self.desired.self_app]
        return found[0] if len(found) == 1 else None

    def _will_be_approved(self) -> bool:
        return any(self._is_own(step) and _sets(step, ADMIN_APPROVED, True) for step in self.steps)

    def _reach(self, reason: str, app: Resource) -> Iterator[Missing]:
        """A grant of the app to something that the user holds, without an end or a condition."""
        holders = self._granted(app)
        if not holders:
            yield Missing(
                f"{reason}: nobody is granted the app {app.key.type!r} of this tool; name a "
                f"permission set of {self.live.identity.username} in its allow:"
            )
            return
        whys = {holder: self._why_not(holder) for holder in sorted(holders)}
        if all(whys.values()):
            yield Missing(
                f"{reason}: {self.live.identity.username} does not reach the app "
                f"{app.key.type!r} of this tool: {'; '.join(whys.values())}"
            )

    def _granted(self, app: Resource) -> set[Holder]:
        name = app.key.type
        held = {holder_of(one) for one in self.live.of(GRANTS) if one.key.type == name}
        for step in self.steps:
            resource = step.desired or step.live
            if resource and resource.key.list == GRANTS and resource.key.type == name:
                if step.change.action is Action.CREATE:
                    held.add(holder_of(resource))
                else:
                    held.discard(holder_of(resource))
        return held

    def _why_not(self, holder: Holder) -> str:
        """Why the user does not have what the holder is granted; nothing where he does."""
        user = self.live.identity.username
        parent = self.live.parents.get(holder)
        held = [one for one in self.live.assignments if parent and one.parent == parent.id]
        if not held:
            return f"assign the {holder} to {user}"
        if parent and parent.is_session_based:
            return f"the {holder} counts only once it is activated in a session: use another one"
        if not any(one.is_active for one in held):
            return f"the assignment of the {holder} to {user} is not active: renew it"
        if all(one.expires for one in held):
            when = held[0].expires[:10]
            return f"the assignment of the {holder} to {user} ends on {when}: remove its end"
        return ""

    def rescue(self) -> Iterator[Missing]:
        """Somebody can repair it, or the files say that nobody shall."""
        declared = [one for one in self.desired.of(BYPASS) if one.key.type == USE_ANY_API_CLIENT]
        if self.live.rescuers or (USE_ANY_API_CLIENT in self.desired.bypassed and not declared):
            return
        if self.live.rescuers is None:
            yield Missing(
                f"{_SWITCH}: it cannot be seen who may Use Any API Client; give this login's user "
                "View Setup and Configuration"
            )
            return
        yield Missing(
            f"{_SWITCH}: nobody but this tool could get in if it were locked out; give an "
            "administrator a permission set with Use Any API Client first, or say that nobody "
            "shall have it: bypass: {useAnyApiClient: {permissionSets: [], profiles: []}}"
        )


def _checks_addresses(step: Step) -> bool:
    """Whether an app gets stricter about the addresses that its users call from."""
    return any(
        one.path == IP_RELAXATION and is_stricter_ip(one.live, one.desired)
        for one in step.change.fields
    )


def _sets(step: Step, path: str, value: object) -> bool:
    return any(field.path == path and field.desired is value for field in step.change.fields)


def refusals_of(
    missing: Sequence[Missing], rescuers: Sequence[str] | None, *, break_glass_ok: bool
) -> tuple[str, ...]:
    """The messages that refuse a plan. break_glass_ok: what can be repaired by somebody who may
    use any API client is let pass, if there is such a one."""
    if not break_glass_ok:
        return tuple(one.message for one in missing)
    if rescuers:
        return tuple(one.message for one in missing if one.is_final)
    none = "--break-glass-ok holds only where somebody may Use Any API Client, and nobody may"
    return (*(one.message for one in missing), *([none] if missing else []))
