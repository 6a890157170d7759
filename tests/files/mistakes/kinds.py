"""Kinds of mistakes: each puts one into a sound document and says what must be reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from reconciler.core.catalogue import MISSING, Field, PolicyType
from tests.files.mistakes.emit import Emitted, Path, emit
from tests.files.mistakes.sound import ALL, INBOUND, OUTBOUND, a_document, an_entry, known

ENTRY: Path = ("policies", 0)
_BROKEN_PATTERNS = {
    "/orders/(.*": "close the (",
    "/orders/.*)": "open the )",
    "/orders/[a-z": "close the [",
    "*": "write .* for anything",
    "/orders/{id}": "write [^/]+",
}
_BROKEN_ADDRESSES = {
    "10.0.0.256": "0 to 255",
    "10.0.0.0/33": "0 to 32",
    "10.0.0.9-10.0.0.1": "lower address first",
    "office.example.com": "write the addresses",
    "10.1.*": "leave the * out",
}
_BROKEN_EXPRESSIONS = {
    "#[attributes.headers['a']": "add ]",
    "#[attributes.headers['a]]": "add '",
    "#[(attributes.method]": "add )",
    "#[attributes.method)]": "remove it",
}
_WRONG_TYPES: dict[str, tuple[Any, str]] = {
    "integer": ("many", "write a whole number"),
    "boolean": ("maybe", "write true or false"),
    "array": ("one", "write a list"),
    "object": (["one"], "write a mapping"),
}


@dataclass(frozen=True, slots=True)
class Broken:
    """A document with one mistake. path: as reported; remedy: a part of the hint."""

    text: str
    line: int
    path: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Kind:
    """name: for the table. is_whole: found only once the layers are merged, or a warning, which
    is not given beside errors of the files."""

    name: str
    make: Callable[[int, Random], Broken]
    is_whole: bool = False


def shown(path: Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def at(document: Any, path: Path) -> Any:
    for part in path:
        document = document[part]
    return document


def typo(name: str, random: Random) -> str:
    """The name with one letter doubled, dropped or swapped."""
    index = random.randrange(1, len(name) - 1)
    doubled = name[:index] + name[index] + name[index:]
    dropped = name[:index] + name[index + 1 :]
    swapped = name[:index] + name[index + 1] + name[index] + name[index + 2 :]
    return random.choice([one for one in (doubled, dropped, swapped) if one != name])


def where(policy: PolicyType) -> Path:
    """The entry that `a_document` puts the policy into."""
    return ("policies" if policy.direction == "inbound" else "outboundPolicies", 0)


def renamed(document: Any, path: Path, name: str) -> None:
    """Gives a key another name, in its place."""
    holder = at(document, path[:-1])
    items = [(name if key == path[-1] else key, value) for key, value in holder.items()]
    holder.clear()
    holder.update(items)


def broken(document: Any, path: Path, remedy: str, *, of_key: bool = False) -> Broken:
    made = emit(document)
    line = (made.key_line if of_key else made.value_line)[path]
    return Broken(made.text, line, shown(path), remedy)


def in_entry(document: Any, path: Path, remedy: str, name: str) -> Broken:
    """A mistake reported of the merged policy: its path starts with the policy's name."""
    found = broken(document, path, remedy)
    return Broken(found.text, found.line, shown((name, *path[2:])), remedy)


def with_field(random: Random, fits: Callable[[Field], bool]) -> tuple[PolicyType, str]:
    """A policy and one of its keys."""
    policies = [one for one in ALL if any(map(fits, one.fields.values()))]
    policy = random.choice(policies)
    return policy, random.choice([key for key, field in policy.fields.items() if fits(field)])


def set_value(
    number: int, random: Random, fits: Callable[[Field], bool], value: Callable[[Field], Any]
) -> tuple[Any, Path]:
    """A document in which a key that `fits` holds `value`."""
    policy, key = with_field(random, fits)
    document = a_document(number, policy, random)
    path = (*where(policy), "config", key)
    at(document, path[:-1])[key] = value(policy.fields[key])
    return document, path


def misspelt_field(number: int, random: Random) -> Broken:
    def has_long_key(policy: PolicyType) -> bool:
        return policy.complete and any(len(key) > 4 for key in policy.example)

    policy = random.choice([one for one in ALL if has_long_key(one)])
    document = a_document(number, policy, random)
    key = random.choice([key for key in policy.example if len(key) > 4])
    wrong = typo(key, random)
    path = (*where(policy), "config", key)
    renamed(document, path, wrong)
    return broken(document, (*path[:-1], wrong), f'did you mean "{key}"', of_key=True)


def misspelt_key(number: int, random: Random) -> Broken:
    document = a_document(number, random.choice(INBOUND), random)
    keys: list[Path] = [("policies",), ("tiers",), (*ENTRY, "config"), (*ENTRY, "policyRef")]
    path = random.choice(keys)
    wrong = typo(str(path[-1]), random)
    renamed(document, path, wrong)
    remedy = f'did you mean "{path[-1]}"'
    return broken(document, (*path[:-1], wrong), remedy, of_key=True)


def unknown_policy(number: int, random: Random) -> Broken:
    policy = random.choice(ALL)
    document = a_document(number, policy, random)
    path = (*where(policy), "policyRef", "name")
    at(document, path[:-1])["name"] = wrong = typo(policy.name, random)
    at(document, where(policy)).pop("rules", None)
    assert wrong not in {one.name for one in ALL}
    return broken(document, path, f'did you mean "{policy.name}"')


def wrong_type(number: int, random: Random) -> Broken:
    kind = random.choice(list(_WRONG_TYPES))
    value, remedy = _WRONG_TYPES[kind]

    def fits(field: Field) -> bool:
        return field.type == kind and not field.enum and field.name != "thresholds"

    document, path = set_value(number, random, fits, lambda _: value)
    return broken(document, path, remedy)


def out_of_range(number: int, random: Random) -> Broken:
    def fits(field: Field) -> bool:
        return field.type == "integer" and field.minimum is not None

    document, path = set_value(number, random, fits, lambda field: int(field.minimum or 0) - 1)
    return broken(document, path, f"write {at(document, path) + 1} or more")


def unknown_value(number: int, random: Random) -> Broken:
    def fits(field: Field) -> bool:
        return field.type == "string" and any(len(str(one)) > 4 for one in field.enum)

    policy, key = with_field(random, fits)
    right = next(one for one in policy.fields[key].enum if len(one) > 4)
    document = a_document(number, policy, random)
    path = (*where(policy), "config", key)
    at(document, path[:-1])[key] = right + "s"
    return broken(document, path, f'did you mean "{right}"')


def _is_expression(field: Field) -> bool:
    return field.type == "expression" and not field.depends_on


def no_wrapper(number: int, random: Random) -> Broken:
    document, path = set_value(number, random, _is_expression, lambda _: "attributes.method")
    return broken(document, path, 'write "#[...]"')


def unbalanced(number: int, random: Random) -> Broken:
    wrong, remedy = random.choice(list(_BROKEN_EXPRESSIONS.items()))
    document, path = set_value(number, random, _is_expression, lambda _: wrong)
    return broken(document, path, remedy)


def _listing(number: int, random: Random, *items: str) -> tuple[Any, Path]:
    policy = known(random.choice(["ip-allowlist", "ip-blocklist"]))
    document = a_document(number, policy, random)
    path = (*where(policy), "config", "ips")
    at(document, path[:-1])["ips"] = list(items)
    return document, path


def bad_address(number: int, random: Random) -> Broken:
    wrong, remedy = random.choice(list(_BROKEN_ADDRESSES.items()))
    document, path = _listing(number, random, "192.0.2.1", wrong)
    return broken(document, (*path, 1), remedy)


def _ruled(number: int, random: Random, **rule: Any) -> tuple[Any, Path]:
    policy = random.choice([one for one in INBOUND if one.rules])
    document = a_document(number, policy, random)
    entry = at(document, ENTRY)
    entry["rules"] = [{"methods": ["GET", "POST"], "path": "/orders/.*"} | rule]
    return document, (*ENTRY, "rules", 0)


def bad_pattern(number: int, random: Random) -> Broken:
    wrong, remedy = random.choice(list(_BROKEN_PATTERNS.items()))
    document, path = _ruled(number, random, path=wrong)
    return broken(document, (*path, "path"), remedy)


def unknown_method(number: int, random: Random) -> Broken:
    wrong, right = random.choice([("post", "POST"), ("PUTT", "PUT"), ("DELET", "DELETE")])
    document, path = _ruled(number, random, methods=["GET", wrong])
    return broken(document, (*path, "methods", 1), f'did you mean "{right}"')


def rules_of_cors(number: int, random: Random) -> Broken:
    document = a_document(number, known("cors"), random)
    at(document, ENTRY)["rules"] = [{"methods": ["GET"], "path": "/.*"}]
    return broken(document, (*ENTRY, "rules"), "remove rules")


def wrong_list(number: int, random: Random) -> Broken:
    document = a_document(number, random.choice(INBOUND), random)
    policy = random.choice(OUTBOUND)
    entry = an_entry(policy, random)
    del entry["upstreams"]
    document["policies"].append(entry)
    path = ("policies", len(document["policies"]) - 1, "policyRef", "name")
    return broken(document, path, "move it to outboundPolicies")


def key_twice(number: int, random: Random) -> Broken:
    document = a_document(number, random.choice(INBOUND), random)
    made = emit(document)
    path: Path = (*ENTRY, "policyRef", "name")
    line = made.key_line[path]
    made.lines.insert(line, " " * made.lines[line - 1].index("name") + 'name: "cors"')
    return Broken(made.text, line + 1, "", "remove one of them")


def tab(number: int, random: Random) -> Broken:
    document = a_document(number, random.choice(INBOUND), random)
    made = emit(document)
    line = made.key_line[(*ENTRY, "config")]
    made.lines[line - 1] = "\t" + made.lines[line - 1].lstrip()
    return Broken(made.text, line, "", "indent with spaces")


def policy_twice(number: int, random: Random) -> Broken:
    policy = random.choice(INBOUND)
    document = a_document(number, policy, random)
    document["policies"].append(an_entry(policy, random))
    path = ("policies", len(document["policies"]) - 1)
    return in_entry(document, path, "tell them apart by name", policy.name)


def missing_field(number: int, random: Random) -> Broken:
    def fits(field: Field) -> bool:
        return field.required and field.default is MISSING and not field.depends_on

    policy, key = with_field(random, fits)
    document = a_document(number, policy, random)
    path = (*where(policy), "config")
    del at(document, path)[key]
    return in_entry(document, path, f"add {key}:", policy.name)


def no_tiers(number: int, random: Random) -> Broken:
    document = a_document(number, known("rate-limiting-sla-based"), random)
    document["tiers"] = []
    return in_entry(document, ENTRY, "add tiers:", "rate-limiting-sla-based")


def lost_position(number: int, random: Random) -> Broken:
    policy = random.choice([one for one in INBOUND if one.name not in ("cors", "spike-control")])
    document = a_document(number, policy, random)
    if len(document["policies"]) == 1:
        document["policies"].append(an_entry(known("spike-control"), random))
    side = random.choice(["before", "after"])
    at(document, ENTRY)["position"] = {side: "no-such-policy"}
    return in_entry(document, (*ENTRY, "position", side), "name one of: ", policy.name)


def host_bits(number: int, random: Random) -> Broken:
    document, path = _listing(number, random, "192.0.2.1", "10.1.2.3/8")
    return in_entry(document, (*path, 1), "write 10.0.0.0/8", "policies[0]")


def contained(number: int, random: Random) -> Broken:
    item = random.choice(["10.0.0.0/8", "10.1.2.3", "10.2"])
    document, path = _listing(number, random, "10.0.0.0/8", "192.0.2.1", item)
    return in_entry(document, (*path, 2), "remove it", "policies[0]")


def everything(number: int, random: Random) -> Broken:
    item = random.choice(["0.0.0.0/0", "::/0"])
    document, path = _listing(number, random, item)
    return in_entry(document, (*path, 0), "list", "policies[0]")


def believed_header(number: int, random: Random) -> Broken:
    policy = known(random.choice(["ip-allowlist", "ip-blocklist"]))
    document = a_document(number, policy, random)
    path = (*ENTRY, "config", "ipExpression")
    at(document, ENTRY)["description"] = "Our offices."
    header = random.choice(["x-forwarded-for", "x-real-ip"])
    at(document, path[:-1])["ipExpression"] = f"#[attributes.headers['{header}']]"
    return in_entry(document, path, "which trusted proxy", policy.name)


def plain_secret(number: int, random: Random) -> Broken:
    policy, key = with_field(random, lambda field: field.sensitive and not field.depends_on)
    document = a_document(number, policy, random)
    path = (*where(policy), "config", key)
    at(document, path[:-1])[key] = "hunter2"
    return in_entry(document, path, "write ${env:NAME}", policy.name)


def two_logins(number: int, random: Random) -> Broken:
    document = a_document(number, known("http-basic-authentication"), random)
    other = random.choice(["ldap-authentication", "oauth2-token-introspection", "jwt-validation"])
    document["policies"].append(an_entry(known(other), random))
    for entry in document["policies"]:
        entry.pop("rules", None)
    path = ("policies", len(document["policies"]) - 1)
    return in_entry(document, path, "exclude one of them", other)


def kinds() -> Iterator[Kind]:
    """All kinds, in the order of the table."""
    yield Kind("key of a configuration misspelt", misspelt_field)
    yield Kind("key of a document or entry misspelt", misspelt_key)
    yield Kind("policy misspelt", unknown_policy)
    yield Kind("value of another type", wrong_type)
    yield Kind("time or count out of range", out_of_range)
    yield Kind("value that is not offered", unknown_value)
    yield Kind("required key missing", missing_field, is_whole=True)
    yield Kind("expression without #[...]", no_wrapper)
    yield Kind("expression with an open bracket or quote", unbalanced)
    yield Kind("text that is no address", bad_address)
    yield Kind("network with bits beyond its prefix", host_bits, is_whole=True)
    yield Kind("address listed already", contained, is_whole=True)
    yield Kind("list of every address", everything, is_whole=True)
    yield Kind("header that any caller can set", believed_header, is_whole=True)
    yield Kind("secret as plain text", plain_secret, is_whole=True)
    yield Kind("pattern that does not compile", bad_pattern)
    yield Kind("method that does not exist", unknown_method)
    yield Kind("rules of CORS", rules_of_cors)
    yield Kind("outbound policy among the inbound", wrong_list)
    yield Kind("two policies that read one header", two_logins, is_whole=True)
    yield Kind("SLA-based limit without tiers", no_tiers, is_whole=True)
    yield Kind("position beside no policy", lost_position, is_whole=True)
    yield Kind("policy twice without names", policy_twice)
    yield Kind("key twice in a mapping", key_twice)
    yield Kind("tab for indentation", tab)


__all__ = ["Broken", "Emitted", "Kind", "kinds"]
