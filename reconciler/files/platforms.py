"""Which documents and keys belong to which platform, and the org of a Salesforce environment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from reconciler.core.project import AccessDocument, Org
from reconciler.errors import Problem
from reconciler.files.documents import source_of
from reconciler.files.hosts import org_url
from reconciler.files.placement import ACCESS_KIND, API_KINDS, Placed
from reconciler.files.yaml import Map

ANYPOINT, SALESFORCE = "anypoint", "salesforce"
_VERSION = "64.0"
_ONLY = {
    (ANYPOINT, "Organization"): ("host", "auth", "versions", "prune"),
    (ANYPOINT, "Environment"): ("versions", "prune", "automatedPolicies", "defaults"),
    (SALESFORCE, "Environment"): ("instanceUrl", "orgId", "sandbox", "serviceVersion", "auth"),
}
_KINDS = {ANYPOINT: API_KINDS, SALESFORCE: (ACCESS_KIND,)}
_OTHER = {ANYPOINT: SALESFORCE, SALESFORCE: ANYPOINT}


def check_platforms(placed: Iterable[Placed]) -> Iterator[Problem]:
    """What belongs to another platform than that of its organization, and more than one ApiAccess
    in an environment."""
    by_folder: dict[str, list[Placed]] = defaultdict(list)
    for item in placed:
        if item.folders:
            by_folder[item.folders[0]].append(item)
    for items in by_folder.values():
        heads = [item for item in items if item.kind == "Organization"]
        if len(heads) == 1:
            yield from _check(items, _platform(heads[0]))


def _platform(head: Placed) -> str:
    return SALESFORCE if head.document.get("platform") == SALESFORCE else ANYPOINT


def _check(items: Sequence[Placed], platform: str) -> Iterator[Problem]:
    other = _OTHER[platform]
    access: dict[tuple[str, ...], Placed] = {}
    for item in items:
        if item.kind in _KINDS[other]:
            message = f"{item.kind} is for platform: {other}, and this organization is {platform}"
            yield item.problem(message, "move it below another organization", path="kind")
        for key in _ONLY.get((other, item.kind), ()):
            if key in item.document:
                yield _of_other(item, key, other)
        if platform == SALESFORCE and item.kind == "Environment":
            yield from _check_org(item)
        if item.kind == ACCESS_KIND and platform == SALESFORCE:
            first = access.setdefault(item.folders, item)
            if first is not item:
                message = f"the environment has an ApiAccess already: {first.file}"
                yield item.problem(message, "write it all into one document", path="kind")


def _of_other(item: Placed, key: str, other: str) -> Problem:
    hint = "write it in each Environment" if key in ("host", "auth") else "remove it"
    message = f"{key} in {item.kind} is for platform: {other}"
    return Problem(item.file, *item.document.key_at[key], key, message, hint)


def _check_org(item: Placed) -> Iterator[Problem]:
    url = item.document.get("instanceUrl")
    if url is None:
        hint = "add instanceUrl: https://MYDOMAIN.my.salesforce.com"
        yield item.problem("instanceUrl is missing: this organization is salesforce", hint)
        return
    try:
        org_url(str(url))
    except ValueError as error:
        hint = "write instanceUrl: https://MYDOMAIN.my.salesforce.com"
        yield item.problem(str(error), hint, path="instanceUrl")


def org_of(document: Map, file: str) -> Org | None:
    """The org of a Salesforce environment, whose URL is checked already; None of any other."""
    if document.get("instanceUrl") is None:
        return None
    try:
        url = org_url(str(document["instanceUrl"]))
    except ValueError:  # said already
        return None
    return Org(
        url=url,
        id=str(document.get("orgId") or ""),
        is_sandbox=bool(document.get("sandbox")),
        version=str(document.get("serviceVersion") or _VERSION),
        source=source_of(document, file),
        auth=document.get("auth"),
    )


def access_of(items: Sequence[Placed]) -> AccessDocument | None:
    """The ApiAccess of an environment's folder; None where there is none."""
    for item in items:
        if item.kind == ACCESS_KIND:
            source = source_of(item.document, item.file)
            return AccessDocument(item.source.stem, item.document, source)
    return None
