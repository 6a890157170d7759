"""The one place for HTTP; nothing else imports `requests`.

    request -> (read-only?) -> connection -> answer -(again?)-> decoded JSON, or one of our errors

`http` keeps connections and repeats what may be repeated, `backoff` says how long to wait,
`answers` turns what came back into JSON or an error, `hosts` says where credentials may go.
"""

from __future__ import annotations

from reconciler.transport.backoff import Backoff
from reconciler.transport.hosts import check_host
from reconciler.transport.http import Transport

__all__ = ["Backoff", "Transport", "check_host"]
