"""An estate of any size, as files: the same for the same size."""

from __future__ import annotations

from pathlib import Path

_HEAD = "apiVersion: reconciler/v1\n"
_ORGANIZATION = f"{_HEAD}kind: Organization\norganization: Acme Corp\n"
_ENVIRONMENT = f"{_HEAD}kind: Environment\nenvironment: Production\n"
_API = """\
# yaml-language-server: $schema=../../../schemas/api-instance.schema.json
apiVersion: reconciler/v1
kind: ApiInstance
api: {asset: ASSET}

policies:
  - policyRef: {name: client-id-enforcement, version: 1.3.3}
    config:
      credentialsOriginHasHttpBasicAuthenticationHeader: customExpression
      clientIdExpression: "#[attributes.headers['CLIENT']]"
      clientSecretExpression: "#[attributes.headers['client_secret']]"

  # Our own networks only.
  - description: As told by the load balancer, which is the only way in.
    policyRef: {name: ip-allowlist, version: 1.1.1}
    config:
      ipExpression: "#[attributes.headers['x-forwarded-for']]"
      ips:
        - 10.0.0.0/8
        - NETWORK

  - policyRef: {name: rate-limiting, version: 1.4.0}
    config:
      rateLimits:
        - maximumRequests: QUOTA
          timePeriodInMilliseconds: 1000

  - policyRef: {name: header-removal, version: 1.1.2}
    config:
      inboundHeaders: []
      outboundHeaders:
        - server
        - HEADER
"""
_LIVE = {
    "CLIENT": "client_id",
    "QUOTA": "100",
    "NETWORK": "192.168.0.0/16",
    "HEADER": "x-powered-by",
}
_OTHER = {
    "CLIENT": "x-client-id",
    "QUOTA": "90",
    "NETWORK": "192.168.0.0/24",
    "HEADER": "x-runtime",
}


def asset(number: int) -> str:
    """The asset of an API, counted from 1, as the emulator's seed `scale:N` names it."""
    return f"api-{number:05d}"


def api_text(number: int, *, changed: bool = False) -> str:
    """The document of an API. changed: all four policies differ from what is live."""
    text = _API.replace("ASSET", asset(number))
    for word, value in (_OTHER if changed else _LIVE).items():
        text = text.replace(word, value)
    return text


def write(root: Path, apis: int, *, changed_every: int = 100) -> Path:
    """Writes `policies/` for so many APIs with four policies each; every `changed_every`-th one
    differs from what is live, none where that is 0. Gives the folder of `policies/`."""
    folder = root / "policies" / "acme" / "production"
    folder.mkdir(parents=True)
    (folder.parent / "organization.yaml").write_text(_ORGANIZATION)
    (folder / "environment.yaml").write_text(_ENVIRONMENT)
    for number in range(1, apis + 1):
        is_changed = changed_every > 0 and number % changed_every == 0
        (folder / f"{asset(number)}.yaml").write_text(api_text(number, changed=is_changed))
    return root
