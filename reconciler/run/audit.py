"""The orgs in scope -> their reviews; reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.core.access import BYPASSES, LiveAccess
from reconciler.core.audit import Evidence, Review, Said, review
from reconciler.core.model import BYPASS, GRANTS
from reconciler.core.plan import PlanError
from reconciler.errors import CannotSee, PolicyError, ReconcilerError
from reconciler.files.access import effective_access, merged_access
from reconciler.providers.base import UsePlatform
from reconciler.run.access import access_platform
from reconciler.run.context import Context
from reconciler.run.converge import locate_all
from reconciler.run.locate import Job, as_errors
from reconciler.run.side_by_side import side_by_side


@dataclass(frozen=True, slots=True)
class Audited:
    """The reviews of the orgs that could be read, by address, and why others could not be."""

    reviews: tuple[Review, ...]
    errors: tuple[PlanError, ...]


def audit(context: Context, unused_days: int) -> Audited:
    """Reviews every org in scope; raises UsageError where a filter matches nothing."""
    located = locate_all(context)
    jobs = [job for job in located.jobs if job.is_access]
    reviews: list[Review] = []
    errors = list(located.errors)
    context.progress.begin("reading orgs", len(jobs))
    made = side_by_side(lambda job: _attempt(context, job, unused_days), jobs, context.parallelism)
    for found in made:
        context.progress.advance()
        reviews += found.reviews
        errors += found.errors
    context.progress.end()
    return Audited(tuple(sorted(reviews, key=lambda one: one.address)), tuple(errors))


def _attempt(context: Context, job: Job, unused_days: int) -> Audited:
    try:
        return Audited((_review(context, job, unused_days),), ())
    except ReconcilerError as error:
        return Audited((), tuple(as_errors(error, str(job.address))))


def _review(context: Context, job: Job, unused_days: int) -> Review:
    desired, problems = effective_access(job.organization, job.environment, job.target)
    if problems:
        raise PolicyError(problems)
    provider = job.provider
    # Also who gets around it all, which no file need name.
    asked = replace(desired, bypassed=frozenset(BYPASSES))
    live = access_platform(provider).fetch_access(job.target, asked)
    if not isinstance(provider, UsePlatform):
        raise ReconcilerError(f"{provider.host} does not tell who uses it")
    now = context.clock()
    evidence = Evidence(
        desired,
        live,
        said_of(job),
        provider.fetch_use(job.target, unused_days, now),
        _holders(provider, job, live),
        _profiles(provider, job),
        now.date(),
        unused_days,
    )
    return review(evidence)


def said_of(job: Job) -> Mapping[str, Said]:
    """What the files say of each app, by its name."""
    document = job.environment.access
    assert document is not None
    merged = merged_access(job.organization, document)
    return {
        name: Said(
            str(app.body.get("owner") or ""),
            str(app.body.get("reason") or ""),
            str(app.body.get("reviewBy") or ""),
            app.source,
        )
        for name, app in merged.apps.items()
    }


def _holders(
    provider: UsePlatform, job: Job, live: LiveAccess
) -> Mapping[str, frozenset[str]] | None:
    parents = {
        str(one.settings["parentId"]) for listed in (GRANTS, BYPASS) for one in live.of(listed)
    }
    try:
        return provider.fetch_holders(job.target, parents) if parents else {}
    except CannotSee:
        return None


def _profiles(provider: UsePlatform, job: Job) -> int | None:
    try:
        return provider.count_profiles(job.target)
    except CannotSee:
        return None
