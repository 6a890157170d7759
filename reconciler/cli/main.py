"""Entry point: reads the command line, and imports the rest only when there is work.

`--help` and `--version` are answered here, so that they do not pay for all of it.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from reconciler.cli.arguments import WrongArguments, build_parser, parse

_MADE_BETWEEN_LOOKS = 20_000


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if "_ARGCOMPLETE" in os.environ:
        _complete()
    try:
        asked = parse(arguments, os.environ)
    except WrongArguments as error:
        from reconciler.cli.dispatch import refuse

        return refuse(arguments, str(error))
    except SystemExit:  # --help and --version of argparse
        return _printed()
    except KeyboardInterrupt:
        return 130
    from reconciler.cli.dispatch import dispatch

    # Very many objects that do not hold themselves are made: looking for those that do, after
    # every 700 as is the default, took a fifth of the time of a large plan.
    gc.set_threshold(_MADE_BETWEEN_LOOKS)
    return dispatch(asked)


def _printed() -> int:
    """0, also where the reader of a long help went away (`| head`)."""
    with suppress(BrokenPipeError):
        sys.stdout.flush()
        return 0
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _complete() -> None:
    import argcomplete

    argcomplete.autocomplete(build_parser())
