"""The verbs, in the order of the help, and the arguments of each."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module


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
    verb.add_argument(
        "--no-cache", action="store_true", help="look again at files that were found good before"
    )
    _baseline(verb)
    _weakening(verb)
    _out(verb)


def _fmt(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("paths", metavar="PATH", nargs="*", help="files or folders (policies)")
    verb.add_argument("--check", action="store_true", help="change nothing; exit 2 if it would")
    verb.add_argument("--diff", action="store_true", help="as --check, and show what it would")


def _plan(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "-o",
        "--out",
        metavar="FILE|KIND=FILE",
        action="append",
        help="write a plan file for `apply FILE`, or what was found as json, markdown, sarif or "
        "junit (repeatable)",
    )
    verb.add_argument(
        "--detailed-exitcode", action="store_true", help="exit 2 where there are changes"
    )
    verb.add_argument(
        "--changed-since",
        metavar="REV",
        help="only the APIs that the change of the files since this git revision reaches",
    )
    _limits(verb)
    _proofs(verb)
    _baseline(verb)
    _engine(verb)


def _out(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--out",
        metavar="KIND=FILE",
        action="append",
        help="also write what was found as json, markdown, sarif or junit (repeatable)",
    )


def _limits(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--max-deletes",
        type=_count,
        metavar="N",
        help="allow up to N deletes (else 10, and 20 %% of an environment)",
    )
    _weakening(verb)
    verb.add_argument(
        "--allow-empty",
        action="store_const",
        const=True,
        help="believe a list that is empty although the last run saw something in it",
    )
    verb.add_argument(
        "--break-glass-ok",
        action="store_const",
        const=True,
        help="Salesforce: narrow although this tool may lose its access, where somebody with Use "
        "Any API Client can repair it",
    )
    _outage(verb)
    verb.add_argument(
        "--resend-secrets",
        nargs="?",
        action="append",
        const="*",
        metavar="ADDRESS",
        help="send secrets again where it is not known what was sent (glob of addresses)",
    )


def _outage(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--accept-outage",
        nargs="?",
        action="append",
        const="*",
        metavar="APP",
        help="Salesforce: take an app from users who use it (glob of app names; all without one)",
    )
    verb.add_argument(
        "--use-days",
        type=_days,
        metavar="N",
        help="Salesforce: how many days back use counts (30, at most 180)",
    )


def _weakening(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--allow-weakening",
        nargs="?",
        action="append",
        const="*",
        metavar="ADDRESS",
        help="allow what weakens a protected environment (glob of addresses; all without one)",
    )


def _baseline(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--baseline",
        metavar="REV|DIR",
        help="take `protected`, `requires` and limits also from this git revision or ./FOLDER; "
        "the stricter holds",
    )


def _engine(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--engine",
        metavar="dask://HOST:PORT",
        help="let the workers of a Dask scheduler compare, for an estate too large for one machine",
    )


def _proofs(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--drift-result",
        action="append",
        metavar="FILE",
        help="a `drift --format json` that tells what has converged, for `requires` (repeatable)",
    )


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def _days(text: str) -> int:
    from reconciler.core.use import MAX_DAYS, MIN_DAYS  # --help does not need it

    days = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    if not MIN_DAYS <= days <= MAX_DAYS:
        message = f"{text!r} is not a number of days from {MIN_DAYS} to {MAX_DAYS}"
        raise argparse.ArgumentTypeError(message)
    return days


def _show(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("plan", metavar="PLAN", help="a plan file")
    _out(verb)


def _apply(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("plan", metavar="PLAN", nargs="?", help="a plan file: apply exactly this")
    _out(verb)
    verb.add_argument("--yes", action="store_true", help="do not ask")
    verb.add_argument(
        "--resume", metavar="RUN", help="finish a run that did not come to its end, or `last`"
    )
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
    _proofs(verb)
    _baseline(verb)


def _history(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("run", metavar="RUN", nargs="?", help="one run: its changes, or `last`")


def _rollback(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("run", metavar="RUN", help="a run of `history`, or `last`")
    verb.add_argument("--yes", action="store_true", help="do not ask")
    _out(verb)
    _limits(verb)
    verb.set_defaults(expect_digest=None)


def _drift(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--fail-on-unmanaged",
        action="store_true",
        help="exit 2 where live policies are in no file (the default where `protected`)",
    )
    _baseline(verb)
    _engine(verb)
    _out(verb)


def _audit(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--unused-days",
        type=_days,
        default=90,
        metavar="N",
        help="after so many days without use an app counts as unused (90, at most 180)",
    )


def _list(verb: argparse.ArgumentParser) -> None:
    choices = ("orgs", "envs", "apis", "policies")
    verb.add_argument("what", choices=choices, metavar="WHAT", help=", ".join(choices))


def _describe(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("policy", metavar="POLICY", nargs="?", help="asset id; all where left out")
    verb.add_argument("--version", dest="policy_version", metavar="V", help="of this version")


def _explain(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("address", metavar="ADDRESS", help="such as acme/production/orders")
    verb.add_argument("--live", action="store_true", help="what the service holds, side by side")


def _promote(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("from_", metavar="FROM", help="an environment, such as acme/sandbox")
    verb.add_argument("to", metavar="TO", help="another one, such as acme/production")
    verb.add_argument("--detailed-exitcode", action="store_true", help="exit 2 where they differ")


def _export(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--to", metavar="DIR", required=True, help="the folder to write")
    verb.add_argument(
        "--fold",
        action="store_true",
        help="put what all APIs have in common into defaults, and versions into pins",
    )
    verb.add_argument("--force", action="store_true", help="write into a folder that is not empty")


def _schema(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "action", choices=("pull",), metavar="pull", help="read them from the platform"
    )
    verb.add_argument("--to", metavar="DIR", help="the folder to write (that of --schema-dir)")


def _versions(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--detailed-exitcode",
        "--exit-code",
        action="store_true",
        help="exit 2 where a policy is behind",
    )


def _completion(verb: argparse.ArgumentParser) -> None:
    choices = ("bash", "zsh", "fish")
    verb.add_argument("shell", choices=choices, metavar="SHELL", help=", ".join(choices))


def _nothing(verb: argparse.ArgumentParser) -> None:
    del verb


def _emulator(verb: argparse.ArgumentParser) -> None:
    # Its packages are an extra; without them running it says what to install.
    with suppress(ModuleNotFoundError):
        import_module("reconciler.emulator.__main__").add_arguments(verb)


VERBS: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "init": ("write a policies/ tree to start from", _init),
    "validate": ("check the files, offline", _validate),
    "fmt": ("lay the files out in one way, comments kept", _fmt),
    "plan": ("show what would change", _plan),
    "show": ("print a saved plan", _show),
    "apply": ("make the platform match the files", _apply),
    "drift": ("compare, read-only; exit 2 on a difference", _drift),
    "audit": ("Salesforce: review who may call an org; exit 2 if overdue", _audit),
    "list": ("list what the login can see, with ids", _list),
    "describe": ("fields, defaults and an example of a policy", _describe),
    "explain": ("the effective policies of an API and where each field is set", _explain),
    "promote": ("what one environment has that another has not, by the files", _promote),
    "export": ("write live policies to files", _export),
    "history": ("list past runs, or the changes of one", _history),
    "rollback": ("undo a past run", _rollback),
    "schema": ("write schemas of the organization's own policies", _schema),
    "versions": ("compare the versions in use with the newest ones", _versions),
    "doctor": ("check credentials, names, permissions and versions", _nothing),
    "emulator": ("run the local stand-in for the services", _emulator),
    "completion": ("print the completion script of a shell", _completion),
}
