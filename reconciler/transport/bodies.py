"""What is sent where it is not JSON, and which bodies only ask."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from urllib3.fields import RequestField
from urllib3.filepost import encode_multipart_formdata


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes as they are sent; in no `repr`, as they may hold a secret."""

    content: bytes = field(repr=False)
    content_type: str

    @classmethod
    def form(cls, fields: Mapping[str, str]) -> Body:
        """The fields as a browser sends a form."""
        return cls(urlencode(fields).encode(), "application/x-www-form-urlencoded")

    @classmethod
    def parts(cls, *parts: Part) -> Body:
        """Several bodies in one, in this order."""
        fields = []
        for part in parts:
            made = RequestField(part.name, part.body.content, filename=part.file_name)
            made.make_multipart(content_type=part.body.content_type)
            fields.append(made)
        return cls(*encode_multipart_formdata(fields))


@dataclass(frozen=True, slots=True)
class Part:
    """One body among several."""

    name: str
    body: Body = field(repr=False)
    file_name: str | None = None


def _always(body: bytes) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Reading:
    """POSTs that change nothing: those to paths that match `path` whole, with a body of which
    `is_read` says so. It gets the bytes that would leave, so that nothing said beside them counts.
    """

    path: str
    is_read: Callable[[bytes], bool] = _always

    def covers(self, path: str, body: bytes) -> bool:
        return re.fullmatch(self.path, path) is not None and self.is_read(body)
