"""A JSON file that the command is given, or what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reconciler.errors import PolicyError, Problem, UsageError

_MAX_BYTES = 512 * 1024 * 1024


def read_json(path: Path, name: str, what: str) -> Any:
    """The data of a file, of which `what` says what it should be (`plan file`).

    Raises UsageError where it cannot be read, PolicyError where it is no JSON.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise PolicyError([Problem(name, message=f"too large for a {what}")])
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UsageError(f"no {what} {name}") from None
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror}") from error
    except json.JSONDecodeError as error:
        problem = Problem(name, error.lineno, error.colno, message=f"not JSON: {error.msg}")
        raise PolicyError([problem]) from error
    except (ValueError, RecursionError):  # not UTF-8, a number of thousands of digits, too deep
        raise PolicyError([Problem(name, message=f"not a {what}")]) from None
