"""The JWT of the bearer flow: read, and verified with the certificate of an app."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from reconciler.emulator.salesforce.errors import oauth

AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")

# Three minutes are documented; two more for clocks that differ.
_LONGEST_S = 300
# The vendor's own client sends milliseconds, and the service takes them as a far future.
_MILLISECONDS = 100_000_000_000


@dataclass(frozen=True, slots=True)
class Assertion:
    """The claims, and what was signed."""

    issuer: str
    subject: str
    audience: str
    expires: float
    signed: bytes
    signature: bytes


def read_assertion(text: str) -> Assertion:
    """The parts of a JWT; refused when it is none, or not signed with RS256."""
    try:
        head, body, tail = text.split(".")
        header, claims = json.loads(_decode(head)), json.loads(_decode(body))
        if header["alg"] != "RS256":
            raise ValueError(header["alg"])
        return Assertion(
            _text(claims["iss"]),
            _text(claims["sub"]),
            _text(claims["aud"]),
            # One client sends a number in quotes.
            float(claims["exp"]),
            f"{head}.{body}".encode(),
            _decode(tail),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        raise oauth("invalid_grant", "invalid assertion") from None


def check_assertion(assertion: Assertion, certificate: str | None, origin: str, now: float) -> None:
    """Refuses a wrong signature, audience or time; `origin` is this server's own address."""
    key = _public_key(certificate) if certificate else None
    if key is None or not _is_signed(assertion, key):
        raise oauth("invalid_grant", "invalid assertion")
    if assertion.audience.rstrip("/") not in (*AUDIENCES, origin, f"{origin}/salesforce"):
        raise oauth("invalid_grant", "audience is invalid")
    expires = assertion.expires
    if expires <= now:
        raise oauth("invalid_grant", "expired authorization code")
    if now + _LONGEST_S < expires < _MILLISECONDS:
        raise oauth("invalid_grant", "invalid assertion")


def _is_signed(assertion: Assertion, key: RSAPublicKey) -> bool:
    try:
        key.verify(assertion.signature, assertion.signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=64)
def _public_key(pem: str) -> RSAPublicKey | None:
    """The key of a certificate, or of a bare public key."""
    data = pem.encode()
    try:
        if "CERTIFICATE" in pem:
            key = load_pem_x509_certificate(data).public_key()
            return key if isinstance(key, RSAPublicKey) else None
        bare = load_pem_public_key(data)
    except ValueError:
        return None
    return bare if isinstance(bare, RSAPublicKey) else None


def _decode(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a claim is not text")
    return value
