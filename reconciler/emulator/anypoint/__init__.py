"""Anypoint Platform: accounts, API Manager, the policy part of Exchange, and the audit log.

    service -(routes)-> handler -> store of frozen values -> render

Handlers are plain functions from a `Call` to a `Response`; nothing awaits between reading and
writing the store, so every request is atomic.
"""
