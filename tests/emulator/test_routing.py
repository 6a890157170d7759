"""Paths to handlers."""

from __future__ import annotations

import pytest

from reconciler.emulator.routing import Match, Router

ROUTER: Router[str] = Router(
    (
        ("GET", "/a/{x}", "one"),
        ("DELETE", "/a/{x}", "remove"),
        ("POST", "/a/fixed", "special"),
        ("GET", "/a/{x}/b/{y}", "two"),
        ("GET", "/a/fixed/c", "deep"),
    )
)


@pytest.mark.parametrize(
    ("method", "path", "handler", "params"),
    [
        ("GET", "/a/1", "one", {"x": "1"}),
        ("HEAD", "/a/1", "one", {"x": "1"}),
        ("GET", "/a/1/", "one", {"x": "1"}),
        ("GET", "/a/p%20q%2Fr", "one", {"x": "p q/r"}),
        ("POST", "/a/fixed", "special", {}),
        ("GET", "/a/1/b/2", "two", {"x": "1", "y": "2"}),
        ("GET", "/a/fixed/b/2", "two", {"x": "fixed", "y": "2"}),
        ("GET", "/a/fixed/c", "deep", {}),
    ],
)
def test_a_path_leads_to_its_handler(
    method: str, path: str, handler: str, params: dict[str, str]
) -> None:
    match = ROUTER.match(method, path)
    assert match is not None
    assert (match.handler, match.params) == (handler, params)


def test_a_wrong_verb_tells_the_allowed_ones() -> None:
    assert ROUTER.match("PUT", "/a/1") == Match(None, {"x": "1"}, ("DELETE", "GET"))


@pytest.mark.parametrize("path", ["/", "", "/a", "/a//b/1", "/a/1/b", "/a/1/b/2/3", "/b"])
def test_an_unknown_path_leads_nowhere(path: str) -> None:
    assert ROUTER.match("GET", path) is None
