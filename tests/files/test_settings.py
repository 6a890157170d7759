from __future__ import annotations

import pytest

from reconciler.core.catalogue import with_required_defaults
from reconciler.core.model import MULESOFT_GROUP
from reconciler.files.catalogue import ShippedCatalogue


def test_a_required_key_left_to_its_default_is_written_out() -> None:
    known = ShippedCatalogue.load().get(MULESOFT_GROUP, "credential-injection-basic-auth")
    config = with_required_defaults({"username": "u", "password": "p"}, known)
    assert config == {"username": "u", "password": "p", "overwrite": False}


def test_what_is_declared_or_not_required_stays_as_it_is() -> None:
    known = ShippedCatalogue.load().get(MULESOFT_GROUP, "rate-limiting")
    config = {"rateLimits": [{"maximumRequests": 1, "timePeriodInMilliseconds": 1}]}
    assert with_required_defaults(config, known) == config
    assert with_required_defaults({"x": 1}, None) == {"x": 1}


def test_a_required_key_inside_a_list_is_written_out_too() -> None:
    known = ShippedCatalogue.load().get(MULESOFT_GROUP, "message-logging")
    item = {"itemName": "in", "itemData": {"message": "#[payload]"}}
    made = with_required_defaults({"loggingConfiguration": [item]}, known)
    assert made["loggingConfiguration"][0]["itemData"] == {
        "message": "#[payload]",
        "level": "INFO",
    }
    assert item["itemData"] == {"message": "#[payload]"}


@pytest.mark.parametrize(("public", "is_asked_for"), [(True, False), (False, True)])
def test_a_required_key_of_another_branch_is_not_written_out(
    public: bool, is_asked_for: bool
) -> None:
    known = ShippedCatalogue.load().get(MULESOFT_GROUP, "cors")
    config = {"publicResource": public, "originGroups": [{"name": "a"}]}
    made = with_required_defaults(config, known)
    assert ("accessControlMaxAge" in made["originGroups"][0]) == is_asked_for
