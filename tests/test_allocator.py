"""Freed memory goes back to the system."""

import platform
import subprocess
import sys

import pytest

HELD = """
import sys
from pathlib import Path
from assistant.adapters.allocator import give_memory_back

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

if sys.argv[1] == "given back":
    assert give_memory_back()
once = bytearray(8_000_000)
del once  # From now on glibc keeps blocks of up to that size to itself.
before = resident()
blocks = [bytearray(200_000) for _ in range(400)]
last = blocks[-1]
del blocks
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_what_is_freed_goes_back_to_the_system() -> None:
    def held(how: str) -> float:
        command = [sys.executable, "-c", HELD, how]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert held("left alone") > 60
    assert held("given back") < 10
