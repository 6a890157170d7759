"""Files of at most 1 MiB that want far more of the machine."""

from __future__ import annotations

from collections.abc import Mapping

from tests.cli.test_bad_files import API, ORGANIZATION

_HEAD = API.partition("policies:")[0]
_CONFIG = API.partition("    config:")[0] + "    config: "
_ENTRIES = API.partition("  - ")[0]


def matching(selector: str) -> str:
    """A group with this selector."""
    group = API.replace("ApiInstance", "ApiGroup")
    return group.replace("{asset: inventory-api, label: internal}", f"{{match: {selector}}}")


def _laughs() -> str:
    names = "abcdefghi"
    pairs = zip(names, names[1:], strict=False)
    lines = [f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in pairs]
    return "a: &a [x, x, x, x, x, x, x, x, x]\n" + "\n".join(lines)


def _deep_keys() -> str:
    keys = ("{" + "k" * 490 + ": ") * 40
    return _CONFIG + keys + "[" + "'${'," * 25_000 + "]" + "}" * 40


def _placed(number: int) -> str:
    after = f"{{after: n{number + 1}}}"
    return f"  - {{name: n{number}, policyRef: {{name: cors}}, position: {after}}}\n"


def _ruled(paths: str) -> str:
    return f"{API}    rules: [{paths}]\n"


def _pins() -> str:
    pins = ",".join(f"k{number}: 1" for number in range(29_000))
    return ORGANIZATION.replace("ip-allowlist: 1.1.1", pins)


BOMBS: Mapping[str, bytes | str] = {
    "aliases": _laughs(),
    "an alias of a long text": 'd: &a "' + "x" * 900_000 + '"\nb: [' + "*a," * 9000 + "]",
    "an alias of itself": "a: &a [*a]",
    "deep lists": "[" * 500_000,
    "deep mappings": "{a: " * 200_000,
    "deep blocks": "- " * 500_000,
    "deep keys": "? " * 500_000,
    "one text": "a: " + "x" * 1_040_000,
    "one text, too long": "a: " + "x" * 1_100_000,
    "many documents": "--- a\n" * 170_000,
    "many APIs": ("---\n" + _HEAD) * 9_000,
    "merge keys": "a: &a {b: 1}\nc: {<<: *a}\n",
    "an object": "a: !!python/object/apply:os.system ['touch owned']\n",
    "a module": "a: !!python/module:yaml_evil\n",
    "a binary": "a: !!binary aGVsbG8=\n",
    "NUL": API.encode() + b"a: \0\n",
    "UTF-16": API.encode("utf-16"),
    "UTF-32": API.encode("utf-32"),
    "not UTF-8": b"a: \xff\xfe\n",
    "half a mark": b"\xef\xbb" + API.encode(),
    "two marks": b"\xef\xbb\xbf\xef\xbb\xbf" + API.encode(),
    "a long key": _CONFIG + "{? " + "k" * 500_000 + "\n : [" + "'${'," * 60_000 + "]}\n",
    "deep keys with many faults": _deep_keys(),
    "many faults": _CONFIG + "{ips: [" + "1," * 29_900 + "]}\n",
    "many wrong entries": _ENTRIES + "  - {}\n" * 29_000,
    "many unknown keys": API + "".join(f"k{number}: 1\n" for number in range(29_000)),
    "many pins": _pins(),
    "many tags": matching("{asset: '*', tags: [" + "a," * 29_000 + "]}"),
    "many kinds of tags": matching("{tags: [" + "{a: 1},1,a," * 9_000 + "]}"),
    "a glob": matching("{asset: '" + "*a" * 400_000 + "'}"),
    "a glob of brackets": matching("{asset: '" + "[" * 400_000 + "'}"),
    "many places": _ENTRIES + "".join(map(_placed, range(3_300))),
    "a pattern of sets": _ruled("{methods: [GET], path: '" + "[\\x00-\ufffc]" * 1_100 + "'}"),
    "many patterns": _ruled(("{methods: [GET], path: '" + "[\\x00-\\uffff]" * 700 + "'},") * 70),
    "a long pattern": _ruled("{methods: [GET], path: '" + "(a|b)*" * 150_000 + "'}"),
    "an expression": _CONFIG + "{ips: [1.1.1.1], ipExpression: '#[" + "(" * 900_000 + "]'}\n",
    "a password of stars": _CONFIG + "{password: " + "*" * 900_000 + "}\n",
    "a number": "a: " + "9" * 900_000 + "\n",
}
