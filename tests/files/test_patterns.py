from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.files.patterns import check_pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "/orders/.*",
        "/orders/[^/]+/items",
        "(/[^/]+)*",
        "(?!/health).*",
        "(?<=a{1,3})b",
        r"/\p{L}+/\p{Alpha}",
        r"\Q/a(b\E.*",
        r"(?<id>\d+)/\k<id>",
        "/a(?i)b",
        "(?iu:/a)",
        "[a-z&&[^b]]",
        r"/\d{4}/\d{2,}",
        "/x++",
    ],
)
def test_pattern_of_either_gateway_passes(pattern: str) -> None:
    assert check_pattern(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "message", "hint"),
    [
        ("/orders/(a", "missing )", "close the ( with )"),
        ("/orders/a)", "unbalanced parenthesis", "open the ) with ("),
        ("/orders/[a", "unterminated character set", "close the [ with ]"),
        ("*", "nothing to repeat", "write .* for anything"),
        ("/a{3,1}", "min repeat greater", "write the lower count first"),
        ("/[z-a]", "bad character range", "write the lower end first"),
        ("/orders/{id}", "{id} is no pattern", "write [^/]+ in place of {id}"),
        ("(" * 5000 + ")" * 5000, "it is too large", "such as /orders/.*"),
    ],
)
def test_what_does_not_compile_is_an_error_with_its_remedy(
    pattern: str, message: str, hint: str
) -> None:
    found = check_pattern(pattern)
    assert found and found.is_error
    assert message in found.message
    assert hint in found.hint


@pytest.mark.parametrize("pattern", ["/orders/*", "/a/*/b", "(a+)+", "([a-z]*)*", r"(\w+){2,}"])
def test_what_compiles_and_surprises_is_a_warning(pattern: str) -> None:
    found = check_pattern(pattern)
    assert found and not found.is_error and found.hint


@given(st.text("ab/\\()[]{}*+?|^$.<>=!:-&,1QEpkx", max_size=20))
def test_no_pattern_raises(pattern: str) -> None:
    check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["[\x00-\uffff]" * 800, r"[\u0000-\uffff]" * 600, "(?i:[a-\U0010ffff])" * 500]
)
def test_wide_sets_of_characters_take_no_time(pattern: str) -> None:
    started = time.process_time()
    assert check_pattern(pattern) is None
    assert time.process_time() - started < 1


def test_a_pattern_that_nobody_could_read_is_refused() -> None:
    fault = check_pattern("a" * 10_001)
    assert fault is not None
    assert "longer than 10,000" in fault.message


def test_a_backslash_before_a_u_stays_one() -> None:
    assert check_pattern(r"/a\\u1234(") is not None
    assert check_pattern(r"/a\\u1234") is None
