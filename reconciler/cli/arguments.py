"""The command line: common flags, and the `RECONCILER_*` variables that stand for them.

Imports little, and not even `typing`: `--help` is to answer at once.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from reconciler import __version__
from reconciler.cli.verbs import VERBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

STATE_DIR = ".reconciler"
FORMATS = ("text", "json", "markdown")
TABLES: Mapping[str, str] = {"csv": "audit"}
"""Formats of one verb alone."""

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


class WrongArguments(Exception):
    """The command line does not make sense; the message says what would."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise WrongArguments(f"{message}; see `{self.prog} --help`")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As in argparse, in words for people."""
        if action.choices is None or value in action.choices:
            return
        if action.dest == "command":
            self.error(f"there is no command {value!r}{_did_you_mean(value, action.choices)}")
        message = f"{value!r} is not one of {', '.join(map(str, action.choices))}"
        raise argparse.ArgumentError(action, message)


def _did_you_mean(given: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # only needed where something went wrong

    near = get_close_matches(given, list(known), 2, 0.6)
    return f", did you mean {' or '.join(near)}?" if near else ""


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


class Parallelism:
    """calls: side by side at most. is_auto: how many a second is found while calling."""

    __slots__ = ("calls", "is_auto")

    def __init__(self, calls: int, *, is_auto: bool = False) -> None:
        self.calls = calls
        self.is_auto = is_auto


AUTO = Parallelism(128, is_auto=True)


def _parallelism(text: str) -> Parallelism:
    if text == "auto":
        return AUTO
    try:
        return Parallelism(_positive(text))
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, nor auto") from None


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return number


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _truth(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return word in _TRUE


_TRUE = frozenset(("1", "true", "yes", "on"))
_FALSE = frozenset(("", "0", "false", "no", "off"))


def _count(text: str) -> int:
    return 0 if text in _FALSE else _positive(text)


def _format(text: str) -> str:
    if text not in (*FORMATS, *TABLES):
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(FORMATS)}")
    return text


class _Flag:
    """A flag that stands before or after the verb, or in a variable, which `read` reads."""

    __slots__ = ("default", "dest", "help", "names", "options", "read")

    def __init__(
        self,
        names: tuple[str, ...],
        dest: str,
        help: str,
        default: Any,
        read: Callable[[str], Any],
        options: Mapping[str, Any],
    ) -> None:
        self.names, self.dest, self.help = names, dest, help
        self.default, self.read, self.options = default, read, options


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
        _format,
        {"choices": (*FORMATS, *TABLES), "metavar": "FORMAT"},
    ),
    _Flag(
        ("--parallelism",),
        "parallelism",
        "calls side by side (8); auto finds how many a second each service takes",
        Parallelism(8),
        _parallelism,
        {"type": _parallelism, "metavar": "N|auto"},
    ),
    _Flag(
        ("--state-dir",),
        "state_dir",
        f"where lasting state is kept, a folder or s3://BUCKET/PREFIX ({STATE_DIR})",
        STATE_DIR,
        str,
        {"metavar": "DIR"},
    ),
    _Flag(
        ("--schema-dir",),
        "schema_dir",
        "schemas of custom policies (schemas/custom)",
        "schemas/custom",
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
    _Flag(
        ("--max-time",),
        "max_time",
        "seconds that the whole run may take (3600)",
        3600.0,
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
        _count,
        {"action": "count"},
    ),
)


def build_parser(named: Collection[str] = tuple(VERBS)) -> argparse.ArgumentParser:
    """The whole command line; flags only of the verbs in `named`, which takes less time."""
    parser = _Parser(
        prog="reconciler",
        description="API policies as YAML in git: plan, apply, drift.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"reconciler {__version__}")
    _add_flags(parser, "before_")
    verbs = parser.add_subparsers(
        dest="command", metavar="COMMAND", title="commands", prog="reconciler"
    )
    for name, (summary, add) in VERBS.items():
        verb = verbs.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        if name in named:
            add(verb)
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


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> argparse.Namespace:
    """The arguments with every common flag set; raises WrongArguments."""
    args, unknown = build_parser(argv).parse_known_args(argv)
    prog = f"reconciler {args.command}" if args.command else "reconciler"
    if unknown:
        raise WrongArguments(f"unknown: {' '.join(unknown)}; see `{prog} --help`")
    if not args.command:
        raise WrongArguments("say what to do: plan, apply, drift ...; see `reconciler --help`")
    for flag in _FLAGS:
        setattr(args, flag.dest, _value(flag, args, environ))
    if TABLES.get(args.format, args.command) != args.command:
        args.format, wrong = "text", args.format
        raise WrongArguments(
            f"--format {wrong} is for {TABLES[wrong]}; there is {', '.join(FORMATS)}"
        )
    return args


def _value(flag: _Flag, args: argparse.Namespace, environ: Mapping[str, str]) -> Any:
    given = [getattr(args, dest, None) for dest in (f"before_{flag.dest}", flag.dest)]
    present = [value for value in given if value is not None]
    if present and isinstance(flag.default, list):
        return [item for value in present for item in value]
    if present:
        return sum(present) if flag.options.get("action") == "count" else present[-1]
    name = f"RECONCILER_{flag.dest.upper()}"
    if not environ.get(name):
        return list(flag.default) if isinstance(flag.default, list) else flag.default
    try:
        return flag.read(environ[name])
    except argparse.ArgumentTypeError as error:
        raise WrongArguments(f"{name}: {error}") from None


def wanted_format(argv: Sequence[str], environ: Mapping[str, str]) -> str:
    """The format of a command line that does not parse: JSON is printed all the same."""
    found = environ.get("RECONCILER_FORMAT", "")
    for before, item in zip(["", *argv], argv, strict=False):
        if before == "--format" or item.startswith("--format="):
            found = item.removeprefix("--format=")
    return found if found in FORMATS else "text"
