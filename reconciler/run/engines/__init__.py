"""Where units are compared: here, or by workers on other machines.

jobs ──slices──▶ Slice ──dask──▶ worker ──▶ Compared, bare ──▶ plan

slices   which units may travel, and in what form: no credentials, no secret value
worker   what a process elsewhere does with a slice: the same as `converge.here`
dask     hands slices to the workers of a Dask scheduler, and takes what comes back
"""
