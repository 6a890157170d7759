"""One REST request that has passed the gate, with what most handlers begin with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.emulator.salesforce.errors import Failure
from reconciler.emulator.salesforce.gate import Caller
from reconciler.emulator.salesforce.store import Store
from reconciler.emulator.wire import Request, Response, json_response

_NOBODY = Caller("", "", None, frozenset())


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler gets; `caller` is nobody where a path needs no session."""

    store: Store
    request: Request
    params: Mapping[str, str]
    caller: Caller = _NOBODY

    @property
    def base(self) -> str:
        """Where clients find the org: with the prefix, where they came by it."""
        prefix = "/salesforce" if self.request.path.startswith("/salesforce/") else ""
        return self.request.origin + prefix

    @property
    def version(self) -> str:
        return self.params["version"].removeprefix("v")

    @property
    def data_path(self) -> str:
        return f"/services/data/v{self.version}"

    def body(self) -> dict[str, Any]:
        try:
            document = self.request.json()
        except (ValueError, RecursionError) as error:
            raise Failure("JSON_PARSER_ERROR", str(error)) from None
        if not isinstance(document, dict):
            raise Failure("JSON_PARSER_ERROR", "an object is needed at [line:1, column:1]")
        return document


Handler = Callable[[Call], Response]


def ok(payload: Any, status: int = 200) -> Response:
    return json_response(status, payload)
