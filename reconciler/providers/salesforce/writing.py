"""Writes whose answer does not tell what became of them: looked after first, then sent again.

Each of them sets a value or takes something away by its id, so that twice is once (facts,
section 10). A record that another transaction holds has not been touched at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from reconciler.errors import BadAnswer, LockedOut, NotAllowed, ProviderError, Unreachable
from reconciler.providers.salesforce.failures import is_locked
from reconciler.transport import Bounds

_WAITS_S = (0.5, 1.0, 2.0)
"""Before a record that was held is tried again, and again."""

log = logging.getLogger(__name__)


class Writer:
    """Sends writes within the bounds of a run; used by several threads."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds

    def write(self, send: Callable[[], object], is_there: Callable[[], bool]) -> None:
        """Sends until it is told or seen that the write was taken; at most once more where the
        answer was lost. Raises the first error where nobody can tell."""
        try:
            self.when_free(send)
            return
        except ProviderError as error:
            if not _is_unclear(error):
                raise
            if _seen(is_there, error):
                return
        self.when_free(send)

    def when_free(self, send: Callable[[], object]) -> None:
        """Sends, and again after a while where another transaction holds the record."""
        for wait_s in _WAITS_S:
            try:
                send()
                return
            except ProviderError as error:
                if not is_locked(error) or wait_s > self._bounds.deadline.left_s():
                    raise
                log.debug("salesforce: %s; again in %.1f s", error.message, wait_s)
            self._bounds.timing.sleep(wait_s)
        send()


def _is_unclear(error: ProviderError) -> bool:
    """Whether the service may have acted. A fault says with status 500 what was refused."""
    is_lost = isinstance(error, Unreachable | BadAnswer) or error.status >= 500
    return is_lost and not isinstance(error, NotAllowed)


def _seen(is_there: Callable[[], bool], error: ProviderError) -> bool:
    try:
        return is_there()
    except LockedOut:
        raise
    except ProviderError:
        raise error from None
