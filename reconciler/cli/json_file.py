"""A JSON file that the command is given, or what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reconciler.errors import PolicyError, Problem, UsageError

_MAX_BYTES = 128 * 1024 * 1024
_MAX_VALUES = 5_000_000


class _Ambiguous(ValueError):
    """JSON that two readers could take for different things."""


def read_json(path: Path, name: str, what: str) -> Any:
    """The data of a file, of which `what` says what it should be (`plan file`).

    Raises UsageError where it cannot be read, PolicyError where it is no JSON.
    """
    try:
        with path.open("rb") as file:
            # Not by the size that is told: of a device it is 0.
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES or sum(map(data.count, (b",", b"[", b"{"))) > _MAX_VALUES:
            raise PolicyError([Problem(name, message=f"too large for a {what}")])
        return json.loads(data.decode(), parse_constant=_no_number, object_pairs_hook=_object)
    except FileNotFoundError:
        raise UsageError(f"no {what} {name}") from None
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror}") from error
    except json.JSONDecodeError as error:
        problem = Problem(name, error.lineno, error.colno, message=f"not JSON: {error.msg}")
        raise PolicyError([problem]) from error
    except _Ambiguous as error:
        raise PolicyError([Problem(name, message=str(error))]) from None
    except (ValueError, RecursionError):  # not UTF-8, a number of thousands of digits, too deep
        raise PolicyError([Problem(name, message=f"not a {what}")]) from None


def _no_number(name: str) -> Any:
    raise _Ambiguous(f"{name} is no number of JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _Ambiguous("an object has the same key twice")
    return made
