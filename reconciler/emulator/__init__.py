"""A local stand-in for the services, over HTTP; imports nothing of the rest of the package.

    connection -> server -> app -(faults, request log)-> service -> handler -> store

`anypoint` plays Anypoint Platform at `/`, `salesforce` an org at `/salesforce`; `controls` serves
`/_emulator` for tests and demos.
"""
