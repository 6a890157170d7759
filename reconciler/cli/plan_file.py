"""`show`: print a saved plan, stale or not."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from reconciler.cli.plan import show
from reconciler.cli.shell import Shell
from reconciler.core.plan import Plan, PlanFileError, from_file
from reconciler.errors import Exit, PolicyError, Problem, Refusal, UsageError
from reconciler.run.reviewed import check_digest

_MAX_BYTES = 512 * 1024 * 1024


def run(args: argparse.Namespace, shell: Shell) -> Exit:
    plan, claimed = read(shell.cwd / args.plan, args.plan)
    show(plan, args, shell)
    try:
        check_digest(plan, claimed)
    except Refusal as refusal:
        shell.err.write(f"error: {refusal}\n")
        return refusal.exit
    return Exit.OK


def read(path: Path, name: str) -> tuple[Plan, str]:
    """The plan in a file and the digest it claims; raises PolicyError for what is no plan."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise PolicyError([Problem(name, message="too large for a plan file")])
        return from_file(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise UsageError(f"no plan file {name}") from None
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror}") from error
    except json.JSONDecodeError as error:
        problem = Problem(name, error.lineno, error.colno, message=f"not JSON: {error.msg}")
        raise PolicyError([problem]) from error
    except PlanFileError as error:
        raise PolicyError([Problem(name, message=str(error))]) from error
    except (ValueError, RecursionError):  # not UTF-8, a number of thousands of digits, too deep
        raise PolicyError([Problem(name, message="not a plan file")]) from None
