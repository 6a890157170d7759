"""Exported documents made shorter: what all APIs have in common goes into defaults and pins.

Pure. What the documents say of each API stays the same: a fold is only made where every API ends
up with the policies that it had, in an order that is the same wherever order counts.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.core.model import AUTOMATED, MULESOFT_GROUP, OUTBOUND, POLICIES
from reconciler.files.write import to_yaml
from reconciler.run.pins import pin_versions

Entry = Mapping[str, Any]
Document = Mapping[str, Any]
IsOrdered = Callable[[str, str], bool]
"""Whether the service gives policies of this group and name a place among the others."""

_REASON = "not on this API when it was exported"
_LISTS = (POLICIES, OUTBOUND)


def fold_documents(files: Mapping[str, Document], is_ordered: IsOrdered) -> dict[str, Document]:
    """The same documents by path, folded: `org/organization.yaml`, `org/env/environment.yaml`
    and one file for each API beside it."""
    made = {path: dict(document) for path, document in files.items()}
    for environment in _environments(made):
        for listed in _LISTS:
            _fold_environment(made, environment, listed, is_ordered)
    for organization in _organizations(made):
        for listed in _LISTS:
            _fold_organization(made, organization, listed)
        pin_versions(made, f"{organization}/organization.yaml", f"{organization}/")
    for environment in _environments(made):
        pin_versions(made, f"{environment}/environment.yaml", f"{environment}/")
    return {path: _arranged(document) for path, document in made.items()}


_Files = dict[str, dict[str, Any]]


def _organizations(files: _Files) -> list[str]:
    return [path.rpartition("/")[0] for path, each in files.items() if _is(each, "Organization")]


def _environments(files: _Files) -> list[str]:
    return [path.rpartition("/")[0] for path, each in files.items() if _is(each, "Environment")]


def _is(document: Document, kind: str) -> bool:
    return bool(document["kind"] == kind)


def _apis(files: _Files, environment: str) -> list[dict[str, Any]]:
    return [
        document
        for path, document in files.items()
        if path.startswith(f"{environment}/") and _is(document, "ApiInstance")
    ]


@dataclass(frozen=True, slots=True)
class _Fold:
    """Defaults: those that run before what an API has of its own, and those that run last."""

    head: tuple[Entry, ...] = ()
    tail: tuple[Entry, ...] = ()

    def entries(self) -> Iterator[Entry]:
        yield from self.head
        yield from self.tail

    def with_one_more(self, entry: Entry) -> Iterator[_Fold]:
        """Every fold that has this entry too; the plainest first."""
        for place in range(len(self.head), -1, -1):
            yield _Fold((*self.head[:place], entry, *self.head[place:]), self.tail)
        for place in range(len(self.tail) + 1):
            yield _Fold(self.head, (*self.tail[:place], entry, *self.tail[place:]))


def _fold_environment(files: _Files, environment: str, listed: str, is_ordered: IsOrdered) -> None:
    apis = _apis(files, environment)
    if len(apis) < 2:
        return
    held = [api.get(listed, []) for api in apis]
    fold = _best_fold(held, listed, is_ordered)
    if not any(fold.entries()):
        return
    for api, entries in zip(apis, held, strict=True):
        _leave_own(api, listed, entries, fold)
    document = files[f"{environment}/environment.yaml"]
    last = [{**entry, "position": "last"} for entry in fold.tail]
    document["defaults"] = {**document.get("defaults", {}), listed: [*fold.head, *last]}


def _best_fold(held: Sequence[Sequence[Entry]], listed: str, is_ordered: IsOrdered) -> _Fold:
    """Takes in one entry after the other, as long as every API stays as it is."""
    fold = _Fold()
    waiting = [entry for entry in _candidates(held) if _is_shorter(entry, held, listed)]
    has_grown = True
    # What has no place yet may get one once what runs after it is folded.
    while waiting and has_grown:
        has_grown = False
        for entry in list(waiting):
            for larger in fold.with_one_more(entry):
                if all(_keeps(larger, entries, listed, is_ordered) for entries in held):
                    fold, has_grown = larger, True
                    waiting.remove(entry)
                    break
    return fold


def _candidates(held: Sequence[Sequence[Entry]]) -> list[Entry]:
    """Entries without secrets that more than half of the APIs hold, those that run first first."""
    places: dict[str, list[float]] = defaultdict(list)
    first: dict[str, Entry] = {}
    for entries in held:
        for place, entry in enumerate(entries):
            text = json.dumps(entry, sort_keys=True)
            first.setdefault(text, entry)
            places[text].append(place / len(entries))
    # What a variable holds is not known, so that two variables may not be equal.
    common = [text for text in first if len(places[text]) * 2 > len(held) and "${env:" not in text]
    common.sort(key=lambda text: sum(places[text]) / len(places[text]))
    return [first[text] for text in common]


def _is_shorter(entry: Entry, held: Sequence[Sequence[Entry]], listed: str) -> bool:
    """Whether the files lose more than they gain by it."""
    key = _key(entry)
    holders = sum(entry in entries for entries in held)
    lacking = sum(all(_key(each) != key for each in entries) for entries in held)
    if listed == OUTBOUND and lacking:
        return False
    # A pin may take the version out of each of them anyway.
    reference = {key: value for key, value in entry["policyRef"].items() if key != "version"}
    plain = {**entry, "policyRef": reference}
    default = len(to_yaml({"defaults": {listed: [{**plain, "position": "last"}]}}))
    exclusion = len(to_yaml({"exclude": [_exclusion(entry, listed)]}))
    return len(to_yaml({"": [plain]})) * holders > default + exclusion * lacking


def _keeps(fold: _Fold, entries: Sequence[Entry], listed: str, is_ordered: IsOrdered) -> bool:
    """Whether an API has the same policies with the fold as it has without."""
    own = {_key(entry): entry for entry in entries}
    for entry in fold.entries():
        mine = own.get(_key(entry))
        if mine is not None and mine != entry and _merged(entry, mine) != mine:
            return False
    folded = {_key(entry) for entry in fold.entries()}
    head, tail = ([_key(entry) for entry in part] for part in (fold.head, fold.tail))
    effective = [
        *(key for key in head if key in own),
        *(key for key in own if key not in folded),
        *(key for key in tail if key in own),
    ]
    if listed == OUTBOUND:
        return True
    return _ordered(effective, is_ordered) == _ordered(own, is_ordered)


def _ordered(keys: Iterable[_Key], is_ordered: IsOrdered) -> list[_Key]:
    return [key for key in keys if is_ordered(key[0], key[1])]


def _merged(below: Entry, above: Entry) -> dict[str, Any]:
    """What layers make of an entry: mappings merge key by key, all else is replaced."""
    made = dict(below)
    for key, value in above.items():
        is_both = isinstance(value, Mapping) and isinstance(made.get(key), Mapping)
        made[key] = _merged(made[key], value) if is_both else value
    return made


def _leave_own(api: dict[str, Any], listed: str, entries: Sequence[Entry], fold: _Fold) -> None:
    """Takes out of the document of an API what it inherits; excludes what it does not have."""
    inherited = list(fold.entries())
    keys = {_key(entry) for entry in entries}
    own = [entry for entry in entries if entry not in inherited]
    if own:
        api[listed] = own
    else:
        api.pop(listed, None)
    lacking = [_exclusion(entry, listed) for entry in inherited if _key(entry) not in keys]
    if lacking:
        api["exclude"] = [*api.get("exclude", []), *lacking]


def _exclusion(entry: Entry, listed: str) -> dict[str, Any]:
    reference = entry["policyRef"]
    made = {"policy": reference["name"]}
    if "groupId" in reference:
        made |= {"groupId": reference["groupId"], "list": listed}
    if "name" in entry:
        made["name"] = entry["name"]
    return {**made, "reason": _REASON}


_Key = tuple[str, str, str]


def _key(entry: Entry) -> _Key:
    """What tells an entry from the others of its list: group, policy, name."""
    reference = entry["policyRef"]
    group = reference.get("groupId", MULESOFT_GROUP)
    return group, reference["name"], entry.get("name", "")


def _fold_organization(files: _Files, organization: str, listed: str) -> None:
    """What the defaults of all environments begin with: only there is the order kept."""
    folders = [
        path
        for path in _environments(files)
        if path.startswith(f"{organization}/") and _apis(files, path)
    ]
    documents = [files[f"{folder}/environment.yaml"] for folder in folders]
    held = [document.get("defaults", {}).get(listed, []) for document in documents]
    if len(held) < 2:
        return
    heads = [[each for each in entries if "position" not in each] for entries in held]
    tails = [[each for each in entries if "position" in each] for entries in held]
    shared = [*_common_start(heads), *_common_start(tails)]
    if not shared:
        return
    for document, entries in zip(documents, held, strict=True):
        _set_default(document, listed, [each for each in entries if each not in shared])
    top = files[f"{organization}/organization.yaml"]
    top["defaults"] = {**top.get("defaults", {}), listed: shared}


def _common_start(sequences: Sequence[Sequence[Entry]]) -> list[Entry]:
    made: list[Entry] = []
    for items in zip(*sequences, strict=False):
        if any(item != items[0] for item in items):
            break
        made.append(items[0])
    return made


def _set_default(document: dict[str, Any], listed: str, entries: Sequence[Entry]) -> None:
    defaults = {**document["defaults"], listed: list(entries)}
    kept = {key: value for key, value in defaults.items() if value}
    document.pop("defaults")
    if kept:
        document["defaults"] = kept


_LAST = ("versions", "defaults", AUTOMATED, *_LISTS, "tiers", "exclude")


def _arranged(document: Document) -> dict[str, Any]:
    """The keys in the order in which people write them."""
    first = {key: value for key, value in document.items() if key not in _LAST}
    return first | {key: document[key] for key in _LAST if key in document}
