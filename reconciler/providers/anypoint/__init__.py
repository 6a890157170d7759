"""Anypoint Platform: API Manager policies, SLA tiers and automated policies.

auth      credentials -> token
client    one method per endpoint
convert   native -> Resource
bodies    Resource -> request body
provider  these joined to the protocol of `providers.base`
"""
