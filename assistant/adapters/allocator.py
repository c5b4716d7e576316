"""The C library's allocator (glibc), for processes that run for days."""

import ctypes

TRIM_FROM, MAPPED_FROM, MOST_HEAPS = -1, -3, -8
"""The numbers of `mallopt`'s options: M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX."""
LARGE_BLOCK = 131_072
HEAPS = 2


def give_memory_back() -> bool:
    """Let what is freed go back to the system; return whether the C library can.

    Chroma reads its index anew whenever another process has written. Left alone, glibc gives each
    thread a heap of its own, and holds on to larger and larger blocks in each: a server beside two
    writers grew by half a megabyte a second. So threads share two heaps, and blocks from 128 kB on
    are mapped, each by itself.
    """
    try:
        option = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False  # Another C library.
    settings = ((MOST_HEAPS, HEAPS), (MAPPED_FROM, LARGE_BLOCK), (TRIM_FROM, LARGE_BLOCK))
    return all(option(name, value) for name, value in settings)
