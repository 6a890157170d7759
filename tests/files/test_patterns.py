from __future__ import annotations

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
