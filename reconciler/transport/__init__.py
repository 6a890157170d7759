"""The one place for HTTP; nothing else imports `requests`.

    request -> (read-only?) -> (may it begin?) -> connection -> answer -(again?)-> decoded JSON,
                                                                    or one of our errors

`http` sends and repeats what may be repeated, `bodies` are what it sends besides JSON, `backoff`
says how long to wait; `budget` paces all calls to a host and `deadline` ends the run, `bounds`
holds them; `sessions` makes connections, `reasons` says why there was none, `answers` turns what
came back into JSON or an error, `hosts` says where credentials may go.
"""

from __future__ import annotations

from reconciler.transport.backoff import Backoff
from reconciler.transport.bodies import Body, Part, Reading
from reconciler.transport.bounds import Bounds
from reconciler.transport.budget import Host
from reconciler.transport.deadline import Deadline
from reconciler.transport.hosts import check_host
from reconciler.transport.http import Transport
from reconciler.transport.timing import Timing

__all__ = [
    "Backoff",
    "Body",
    "Bounds",
    "Deadline",
    "Host",
    "Part",
    "Reading",
    "Timing",
    "Transport",
    "check_host",
]
