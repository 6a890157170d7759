"""Which apps and users called an org's APIs, as far as the org tells. Pure values."""

from __future__ import annotations

from dataclasses import dataclass

MIN_DAYS, USUAL_DAYS, MAX_DAYS = 1, 30, 180
"""How far back use may be asked for: an org keeps its logins for six months (facts, 6.5)."""

NO_NAME = "(no name)"
"""In the place of the name of an app that the org does not tell."""


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """That a user used an app.

    app: its label, as Setup shows it. user: the username. count: logins in the days asked for;
    where the login history has none of it, how often its tokens were used since they were given.
    last: when last, in UTC (`2026-11-20T09:12:44Z`), or empty where that is not told. app_id:
    record id, empty for an app that is not installed, or where only logins tell of it.
    is_external: a customer or partner. is_active: the user may log in at all.
    """

    app: str
    user: str
    count: int = 0
    last: str = ""
    user_id: str = ""
    app_id: str = ""
    is_external: bool = False
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Usage:
    """What was read of use.

    since: the begin of the days asked for, in UTC. uses: all that is told, one for each app and
    user, older ones among them where their tokens are still there. unseen: what could not be seen,
    each with the right that is missing; what is not in `uses` may then be in use all the same.
    """

    days: int
    since: str
    uses: tuple[Use, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether what is not told of was surely not used."""
        return not self.unseen

    @property
    def recent(self) -> tuple[Use, ...]:
        """Use within the days asked for."""
        return tuple(one for one in self.uses if one.last >= self.since)
