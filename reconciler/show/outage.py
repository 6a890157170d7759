"""Who would lose an app that he uses: the cells of a table, for text and for Markdown; pure."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.outage import Outage
from reconciler.core.plan import Plan
from reconciler.core.use import USUAL_DAYS

_NAMED = 5


def heading(plan: Plan) -> str:
    """What the table is of."""
    days = plan.scope.get("useDays", USUAL_DAYS)
    return f"In use in the last {days} {'day' if days == 1 else 'days'}, and taken away"


def cells(outage: Outage) -> tuple[str, str, str, str, str]:
    """App, users, uses, day of the last use, and who they are: five at most by name."""
    app = outage.app if outage.is_installed else f"{outage.app} (not installed)"
    return app, str(len(outage.users)), str(outage.count), outage.last[:10], _names(outage.users)


def words(outage: Outage) -> tuple[str, str, str, str, str]:
    """The same, with what each number is."""
    app, users, uses, day, names = cells(outage)
    return (
        app,
        f"{users} {'user' if users == '1' else 'users'}",
        f"{uses} {'use' if uses == '1' else 'uses'}",
        f"last {day}",
        names,
    )


def _names(users: Sequence[str]) -> str:
    named = ", ".join(users[:_NAMED])
    return f"{named} and {len(users) - _NAMED} more" if len(users) > _NAMED else named


def unseen(outage: Outage) -> str:
    """What cannot be seen, in one sentence."""
    return f"not seen: {outage.unseen}"
