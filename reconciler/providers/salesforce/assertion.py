"""A signed statement of who logs in, in place of a password."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from reconciler.errors import NotAllowed
from reconciler.transport.answers import clean

_LIFE_S = 150
_MAX_BYTES = 64 * 1024
_LEAST_BITS = 2048


def assertion_of(path: Path, *, issuer: str, subject: str, audience: str, now: float) -> str:
    """The assertion of a JWT bearer login, valid for less than the 3 minutes that are allowed.

    path: the private key in PEM, without a passphrase. now: epoch seconds. Raises NotAllowed, with
    nothing of the key in it, where the key does not serve.
    """
    try:
        # Costly to import, and needed only by this way to log in.
        import jwt
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise _refused(path, "reading it needs: pip install 'reconciler[salesforce]'") from None
    try:
        key = load_pem_private_key(_content(path), None)
    except TypeError:
        raise _refused(path, "it has a passphrase; give one without") from None
    except (ValueError, UnsupportedAlgorithm):
        raise _refused(path, "it is no private key in PEM") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < _LEAST_BITS:
        raise _refused(path, f"Salesforce takes RSA keys of {_LEAST_BITS} bits or more")
    claims = {"iss": issuer, "sub": subject, "aud": audience, "exp": int(now) + _LIFE_S}
    return jwt.encode(claims, key, algorithm="RS256")


def _content(path: Path) -> bytes:
    try:
        # Not to wait for whoever writes into a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _refused(path, "it is no file")
            content = os.read(descriptor, _MAX_BYTES + 1)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no such path"
        raise _refused(path, f"it cannot be read: {why}") from None
    if len(content) > _MAX_BYTES:
        raise _refused(path, "it is too long for a key")
    return content


def _refused(path: Path, why: str) -> NotAllowed:
    shown = clean(str(path))
    message = f"the private key {shown}: {why} (privateKeyFile, SALESFORCE_PRIVATE_KEY_FILE)"
    return NotAllowed(message, service="salesforce")
