"""What processes cost, read from /proc (Linux alone)."""

from __future__ import annotations

import os
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
_UTIME, _STIME, _CUTIME, _CSTIME, _PARENT = 11, 12, 13, 14, 1


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat behind the name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def family(pid: int) -> list[int]:
    """Return a process and all that come from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int(_stat(int(entry.name))[_PARENT])
            except OSError:  # it ended just now
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, left = [], [pid]
    while left:
        found.append(left.pop())
        left += children.get(found[-1], [])
    return found


def cpu(pid: int) -> float:
    """Return the seconds that a process and its children took, those that ended included."""
    ticks = 0
    for each in family(pid):
        try:
            fields = _stat(each)
        except OSError:
            continue
        ticks += sum(int(fields[field]) for field in (_UTIME, _STIME, _CUTIME, _CSTIME))
    return ticks / TICK


def busy() -> float:
    """Return the seconds that the machine's processors worked since it started."""
    user, nice, system, _, _, irq, softirq, *_ = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + irq + softirq) / TICK


def memory(pid: int) -> float:
    """Return the megabytes that a process and its children have in use, shared pages parted."""
    total = 0
    for each in family(pid):
        try:
            text = Path(f"/proc/{each}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total / 1024


def processor() -> str:
    """Return what it calls itself."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"
