"""A write whose answer says nothing: looked after, and sent once more where it was not taken."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.errors import BadAnswer, CannotSee, LockedOut, ProviderError, Throttled, Unreachable
from reconciler.providers.salesforce.writing import Writer
from reconciler.transport import Bounds
from tests.transport.clock import Clock

LOST = Unreachable("the connection broke", service="salesforce")
LOCKED = Throttled("held", service="salesforce", status=400, code="UNABLE_TO_LOCK_ROW")


def sending(*came: Exception | None) -> tuple[Callable[[], None], list[int]]:
    """What sends, and one entry for each time that it did; `came` is what it met with."""
    sent: list[int] = []

    def send() -> None:
        sent.append(len(sent))
        error = came[len(sent) - 1]
        if error:
            raise error

    return send, sent


def a_writer(clock: Clock | None = None) -> Writer:
    return Writer(Bounds(timing=(clock or Clock()).timing))


def there() -> bool:
    return True


def not_there() -> bool:
    return False


def test_a_success_is_not_looked_after() -> None:
    send, sent = sending(None)
    a_writer().write(send, not_there)
    assert len(sent) == 1


@pytest.mark.parametrize(
    "error",
    [
        LOST,
        BadAnswer("HTML"),
        ProviderError("500", status=500),
        Throttled("503", status=503),
    ],
)
def test_what_was_taken_is_not_sent_again(error: ProviderError) -> None:
    send, sent = sending(error)
    a_writer().write(send, there)
    assert len(sent) == 1


def test_what_was_not_taken_is_sent_once_more() -> None:
    send, sent = sending(LOST, LOST)
    with pytest.raises(Unreachable):
        a_writer().write(send, not_there)
    assert len(sent) == 2


@pytest.mark.parametrize(
    "error", [ProviderError("400", status=400), CannotSee("a fault", status=500)]
)
def test_a_refusal_is_the_last_word(error: ProviderError) -> None:
    send, sent = sending(error)
    with pytest.raises(type(error)):
        a_writer().write(send, not_there)
    assert len(sent) == 1


def test_what_cannot_be_looked_after_is_told_as_it_came() -> None:
    def blind() -> bool:
        raise ProviderError("no read either")

    send, sent = sending(LOST)
    with pytest.raises(Unreachable):
        a_writer().write(send, blind)
    assert len(sent) == 1


def test_a_lock_out_is_told_in_any_case() -> None:
    def shut_out() -> bool:
        raise LockedOut("gets in no more")

    send, _ = sending(LOST)
    with pytest.raises(LockedOut):
        a_writer().write(send, shut_out)


def test_a_record_that_is_held_is_tried_again_after_a_while() -> None:
    clock = Clock()
    send, sent = sending(LOCKED, LOCKED, None)
    a_writer(clock).write(send, not_there)
    assert len(sent) == 3
    assert clock.slept == [0.5, 1.0]


def test_a_record_that_stays_held_is_told() -> None:
    send, sent = sending(*[LOCKED] * 9)
    with pytest.raises(Throttled):
        a_writer().write(send, there)
    assert len(sent) == 4
