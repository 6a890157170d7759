"""The command line: verbs, flags, and the `RECONCILER_*` variables that stand for flags."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from reconciler import __version__
from reconciler.errors import UsageError

FORMATS = ("text", "json", "markdown")

_EPILOG = """\
exit codes:
  0 done   1 a service or the network failed   2 changes or drift   3 invalid files
  4 not authenticated or not permitted   5 refused   6 stale plan   7 partly applied
  64 wrong usage   130 interrupted

first steps:
  reconciler init                  write a policies/ tree to start from
  reconciler plan                  what would change
  reconciler apply                 change it
  reconciler drift                 has anybody changed it since
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `{self.prog} --help`")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e6:
        raise ValueError(text)
    return number


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _truth(text: str) -> bool:
    return text.strip().lower() not in ("", "0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class _Flag:
    """A flag that stands before or after the verb, or in a variable."""

    names: tuple[str, ...]
    dest: str
    help: str
    default: Any
    read: Callable[[str], Any]
    options: Mapping[str, Any]


_FLAGS = (
    _Flag(
        ("-f", "--policies"),
        "policies",
        "the tree of policy files (policies)",
        "policies",
        str,
        {"metavar": "DIR"},
    ),
    _Flag(
        ("--org",),
        "org",
        "only organizations whose folder matches (glob, repeatable)",
        [],
        _listed,
        {"metavar": "GLOB", "action": "append"},
    ),
    _Flag(
        ("--env",),
        "env",
        "only environments whose folder matches (glob, repeatable)",
        [],
        _listed,
        {"metavar": "GLOB", "action": "append"},
    ),
    _Flag(
        ("--api",),
        "api",
        "only APIs whose file stem or asset:label matches (glob, repeatable)",
        [],
        _listed,
        {"metavar": "GLOB", "action": "append"},
    ),
    _Flag(
        ("--format",),
        "format",
        "text, json or markdown",
        "text",
        str,
        {"choices": FORMATS, "metavar": "FORMAT"},
    ),
    _Flag(
        ("--parallelism",),
        "parallelism",
        "calls side by side (8)",
        8,
        _positive,
        {"type": _positive, "metavar": "N"},
    ),
    _Flag(
        ("--state-dir",),
        "state_dir",
        "where lasting state is kept (.reconciler)",
        ".reconciler",
        str,
        {"metavar": "DIR"},
    ),
    _Flag(
        ("--timeout",),
        "timeout",
        "seconds to wait for an answer (30)",
        30.0,
        _seconds,
        {"type": _seconds, "metavar": "S"},
    ),
    _Flag(("--no-color",), "no_color", "no colour", False, _truth, {"action": "store_true"}),
    _Flag(
        ("-q", "--quiet"),
        "quiet",
        "only data and errors",
        False,
        _truth,
        {"action": "store_true"},
    ),
    _Flag(
        ("-v", "--verbose"),
        "verbose",
        "log calls to stderr; twice for more",
        0,
        int,
        {"action": "count"},
    ),
)


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = _Parser(
        prog="reconciler",
        description="API policies as YAML in git: plan, apply, drift.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"reconciler {__version__}")
    _add_flags(parser, "before_")
    verbs = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, (summary, add) in _VERBS.items():
        verb = verbs.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        add(verb)
        if name != "emulator":
            _add_flags(verb.add_argument_group("common flags"), "")
    return parser


def _add_flags(parser: Any, prefix: str) -> None:
    for flag in _FLAGS:
        parser.add_argument(
            *flag.names,
            dest=prefix + flag.dest,
            help=flag.help,
            default=argparse.SUPPRESS,
            **flag.options,
        )


def parse(argv: Sequence[str] | None, environ: Mapping[str, str]) -> argparse.Namespace:
    """The arguments with every common flag set; raises UsageError."""
    parser = build_parser()
    args = parser.parse_args(argv)
    if not args.command:
        raise UsageError("say what to do: plan, apply, drift ...; see `reconciler --help`")
    for flag in _FLAGS:
        setattr(args, flag.dest, _value(flag, args, environ))
    return args


def _value(flag: _Flag, args: argparse.Namespace, environ: Mapping[str, str]) -> Any:
    given = [getattr(args, dest, None) for dest in (f"before_{flag.dest}", flag.dest)]
    present = [value for value in given if value is not None]
    if present and isinstance(flag.default, list):
        return [item for value in present for item in value]
    if present:
        return present[-1]
    name = f"RECONCILER_{flag.dest.upper()}"
    if not environ.get(name):
        return list(flag.default) if isinstance(flag.default, list) else flag.default
    try:
        value = flag.read(environ[name])
    except ValueError:
        raise UsageError(f"{name}: {environ[name]!r} is not a value of {flag.names[-1]}") from None
    if "choices" in flag.options and value not in flag.options["choices"]:
        raise UsageError(f"{name}: must be one of {', '.join(flag.options['choices'])}")
    return value


def _init(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--organization", metavar="NAME", help="name or id of the organization")
    verb.add_argument(
        "--environment",
        metavar="NAME",
        action="append",
        help="name or id of an environment (repeatable)",
    )
    verb.add_argument("--asset", metavar="ASSET", help="asset id of a first API (orders-api)")
    verb.add_argument("--force", action="store_true", help="write into a folder that is not empty")
    verb.add_argument("--yes", action="store_true", help="ask nothing, take the defaults")


def _validate(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--online", action="store_true", help="also resolve names and values on the platform"
    )


def _plan(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("-o", "--out", metavar="FILE", help="write a plan file for `apply FILE`")
    verb.add_argument(
        "--detailed-exitcode", action="store_true", help="exit 2 where there are changes"
    )
    _limits(verb)


def _limits(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--max-deletes",
        type=_count,
        metavar="N",
        help="allow up to N deletes (else 10, and 20 %% of an environment)",
    )


def _show(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("plan", metavar="PLAN", help="a plan file")


def _apply(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("plan", metavar="PLAN", nargs="?", help="a plan file: apply exactly this")
    verb.add_argument("--yes", action="store_true", help="do not ask")
    verb.add_argument(
        "--expect-digest", metavar="DIGEST", help="plan afresh; go on only if it is this plan"
    )
    verb.add_argument(
        "--on-stale",
        choices=("fail", "skip"),
        default="fail",
        help="what to do where live state moved since the plan (fail)",
    )
    _limits(verb)


def _drift(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--fail-on-unmanaged",
        action="store_true",
        help="exit 2 where live policies are in no file (the default where `protected`)",
    )


def _list(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("what", choices=("orgs", "envs", "apis", "policies"))


def _describe(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("policy", metavar="POLICY", nargs="?", help="asset id; all where left out")
    verb.add_argument("--version", dest="policy_version", metavar="V", help="of this version")


def _explain(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("address", metavar="ADDRESS", help="such as acme/production/orders")
    verb.add_argument("--live", action="store_true", help="what the service holds, side by side")


def _export(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--to", metavar="DIR", required=True, help="the folder to write")
    verb.add_argument("--force", action="store_true", help="write into a folder that is not empty")


def _completion(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("shell", choices=("bash", "zsh", "fish"))


def _nothing(verb: argparse.ArgumentParser) -> None:
    del verb


def _emulator(verb: argparse.ArgumentParser) -> None:
    # The emulator reads its own arguments: it is a program of its own.
    verb.add_argument("rest", nargs=argparse.REMAINDER, help="see `reconciler emulator --help`")


_VERBS: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "init": ("write a policies/ tree to start from", _init),
    "validate": ("check the files, offline", _validate),
    "plan": ("show what would change", _plan),
    "show": ("print a saved plan", _show),
    "apply": ("make the platform match the files", _apply),
    "drift": ("compare, read-only; exit 2 on a difference", _drift),
    "list": ("list what the login can see, with ids", _list),
    "describe": ("fields, defaults and an example of a policy", _describe),
    "explain": ("the effective policies of an API and where each field is set", _explain),
    "export": ("write live policies to files", _export),
    "doctor": ("check credentials, names, permissions and versions", _nothing),
    "emulator": ("run the local stand-in for the services", _emulator),
    "completion": ("print the completion script of a shell", _completion),
}
