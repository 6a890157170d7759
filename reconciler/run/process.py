"""Which process this is, and whether another one still lives."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """A process, so that it is told from a later one with the same number.

    machine: the boot, and the space of process numbers within it, that `pid` counts in; two
    containers of one host may hold equal ones. started: when, in the kernel's own words.
    """

    user: str
    host: str
    machine: str
    pid: int
    started: str


def this_process() -> Process:
    """The process that asks."""
    pid = os.getpid()
    return Process(_user(), socket.gethostname(), _machine(), pid, _started(pid) or "")


def is_gone(other: Process, here: Process) -> bool | None:
    """Whether a process is over; None where that cannot be told from here."""
    is_near = other.machine == here.machine and (other.machine or other.host == here.host)
    if not is_near or other.pid < 1:
        return None
    started = _started(other.pid)
    if started is not None:
        return started != other.started
    try:
        os.kill(other.pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        return None
    return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's number without a name
        return str(os.getuid())


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except (OSError, ValueError):  # not Linux: the name of the host has to do
        return ""


def _started(pid: int) -> str | None:
    """When a process began; empty for one that is over, None where nothing can be read of it."""
    if not Path("/proc/self/stat").exists():
        return _started_by_ps(pid)
    try:
        # The name of the program, in parentheses, may hold anything.
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


def _started_by_ps(pid: int) -> str | None:
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
