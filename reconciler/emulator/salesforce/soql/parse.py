"""From the text of a query to its parts; Failure MALFORMED_QUERY for what is none."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.emulator.salesforce.errors import Failure, malformed
from reconciler.emulator.salesforce.soql.syntax import (
    Aggregate,
    Comparison,
    Condition,
    Junction,
    Literal,
    Order,
    Path,
    Query,
)

_LONGEST = 100_000
_DEEPEST = 20
_TOKEN = re.compile(
    r"""(?P<blank>\s+)
    |(?P<time>\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))?)
    |(?P<number>[+-]?\d+(?:\.\d+)?)
    |(?P<string>'(?:[^'\\]|\\.)*')
    |(?P<range>[A-Za-z_]+:\d{1,4}\b)
    |(?P<name>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*)
    |(?P<sign><=|>=|!=|<>|[=<>(),])""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_FUNCTIONS = ("count", "count_distinct", "max", "min", "sum", "avg")
_SIGNS = ("=", "!=", "<>", "<", ">", "<=", ">=")
# Names that end a list of fields, so that they are no alias.
_WORDS = frozenset(("select", "from", "where", "group", "order", "limit", "offset", "having")) | {
    *("and", "or", "not", "in", "like", "using", "with", "for")
}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    place: int

    def is_word(self, *words: str) -> bool:
        return self.kind == "name" and self.text.lower() in words


def parse(text: str) -> Query:
    """The query of a text."""
    if len(text) > _LONGEST:
        raise malformed("SOQL statements cannot be longer than 100000 characters.")
    parser = _Parser(list(_tokens(text)))
    query = parser.query()
    parser.expect_end()
    return query


def _tokens(text: str) -> list[_Token]:
    found, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise malformed(f"line 1:{place} no viable alternative at character '{text[place]}'")
        if match.lastgroup != "blank":
            found.append(_Token(match.lastgroup, match[0], place))
        place = match.end()
    return [*found, _Token("end", "<EOF>", place)]


class _Parser:
    """Walks over the tokens; one method for each part of the grammar."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def query(self) -> Query:
        self._word("select")
        items = [self._item()]
        while self._take(","):
            items.append(self._item())
        self._word("from")
        name = self._name()
        alias = self._alias()
        where = self._condition() if self._take_word("where") else None
        groups = self._groups()
        orders = self._orders()
        limit = self._whole() if self._take_word("limit") else None
        offset = self._whole() if self._take_word("offset") else 0
        return Query(
            tuple(items), name.text, name.place, alias, where, groups, orders, limit, offset
        )

    def expect_end(self) -> None:
        if self._next.kind != "end":
            raise self._unexpected()

    def _item(self) -> Path | Aggregate:
        token = self._name()
        if not self._take("("):
            return _path(token)
        if token.text.lower() not in _FUNCTIONS:
            raise malformed(f"Unknown function: {token.text}")
        path = None if self._next.text == ")" else _path(self._name())
        self._sign(")")
        return Aggregate(token.text.upper(), path, self._alias() if path else None)

    def _alias(self) -> str | None:
        token = self._next
        if token.kind != "name" or token.text.lower() in _WORDS:
            return None
        self._at += 1
        return token.text

    def _groups(self) -> tuple[Path, ...]:
        if not self._take_word("group"):
            return ()
        self._word("by")
        found = [_path(self._name())]
        while self._take(","):
            found.append(_path(self._name()))
        return tuple(found)

    def _orders(self) -> tuple[Order, ...]:
        if not self._take_word("order"):
            return ()
        self._word("by")
        found = [self._order()]
        while self._take(","):
            found.append(self._order())
        return tuple(found)

    def _order(self) -> Order:
        path = _path(self._name())
        descending = self._take_word("desc")
        if not descending:
            self._take_word("asc")
        nulls_first = not descending
        if self._take_word("nulls"):
            nulls_first = self._next.is_word("first")
            self._word("first", "last")
        return Order(path, descending, nulls_first)

    # Conditions

    def _condition(self) -> Condition:
        """A chain of ANDs or of ORs; a mixed one needs parentheses."""
        first = self._negated()
        if not self._next.is_word("and", "or"):
            return first
        operator, found = self._next.text.lower(), [first]
        while self._take_word(operator):
            found.append(self._negated())
        if self._next.is_word("and", "or"):
            raise self._unexpected()
        return Junction(operator, tuple(found))

    def _negated(self) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise malformed("the query is nested too deeply")
        try:
            if self._take_word("not"):
                return Junction("not", (self._negated(),))
            if self._take("("):
                inner = self._condition()
                self._sign(")")
                return inner
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> Comparison:
        path = _path(self._name())
        token = self._next
        if token.kind == "sign" and token.text in _SIGNS:
            self._at += 1
            operator = "!=" if token.text == "<>" else token.text
            return Comparison(path, operator, self._literal())
        if self._take_word("like"):
            return Comparison(path, "like", self._literal())
        if self._take_word("in"):
            return Comparison(path, "in", self._list())
        if self._take_word("not"):
            self._word("in")
            return Comparison(path, "not in", self._list())
        raise self._unexpected()

    def _list(self) -> tuple[Literal, ...] | Query:
        self._sign("(")
        if self._next.is_word("select"):
            query = self.query()
            self._sign(")")
            return query
        found = [self._literal()]
        while self._take(","):
            found.append(self._literal())
        self._sign(")")
        return tuple(found)

    def _literal(self) -> Literal:
        token = self._next
        literal = _literal_of(token)
        if literal is None:
            raise self._unexpected()
        self._at += 1
        return literal

    # Tokens

    def _take(self, sign: str) -> bool:
        if self._next.kind == "sign" and self._next.text == sign:
            self._at += 1
            return True
        return False

    def _sign(self, sign: str) -> None:
        if not self._take(sign):
            raise self._unexpected()

    def _take_word(self, word: str) -> bool:
        if self._next.is_word(word):
            self._at += 1
            return True
        return False

    def _word(self, *words: str) -> None:
        if not self._next.is_word(*words):
            raise self._unexpected()
        self._at += 1

    def _name(self) -> _Token:
        token = self._next
        if token.kind != "name" or token.text.lower() in _WORDS:
            raise self._unexpected()
        self._at += 1
        return token

    def _whole(self) -> int:
        token = self._next
        if token.kind != "number" or not token.text.isdigit() or len(token.text) > 9:
            raise self._unexpected()
        self._at += 1
        return int(token.text)

    def _unexpected(self) -> Failure:
        return malformed(f"unexpected token: '{self._next.text[:80]}'")


def _path(token: _Token) -> Path:
    return Path(tuple(token.text.split(".")), token.place)


def _literal_of(token: _Token) -> Literal | None:
    if token.kind == "string":
        return Literal("string", _ESCAPE.sub(_unescape, token.text[1:-1]))
    if token.kind in ("number", "time"):
        return Literal(token.kind, token.text)
    if token.is_word("true", "false"):
        return Literal("boolean", token.text.lower())
    if token.is_word("null"):
        return Literal("null", "null")
    # Whether it is a date literal at all is known where it is compared.
    plain = token.kind == "name" and "." not in token.text and token.text.lower() not in _WORDS
    return Literal("date", token.text.upper()) if plain or token.kind == "range" else None


def _unescape(match: re.Match[str]) -> str:
    # \_ and \% keep their stroke: LIKE looks at it.
    if match[1] in "_%":
        return match[0]
    return _ESCAPES.get(match[1], match[1])
