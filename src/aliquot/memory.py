"""Tell the C library what a process does with its memory."""

import ctypes
import sys

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8
_LARGEST, _PAD = 2**31 - 1, 2**28


def share_freed_memory() -> bool:
    """Let all threads allocate from one arena.

    By default each thread has its own, and what one frees the others cannot use: a fifth of a
    restoration's memory on two threads. To be called before threads are started.

    Returns:
        Whether the C library took it; other systems' allocators are left alone.
    """
    return _tell((_M_ARENA_MAX, 1))


def keep_freed_memory() -> bool:
    """Do not hand freed memory back to the system.

    By default each large tensor is mapped anew and every page of it faulted in and zeroed by the
    kernel: half the time of a step of the waveform networks on two cores. A training process
    allocates the same sizes again in the next step.

    Returns:
        Whether the C library took it; other systems' allocators are left alone.
    """
    return _tell(
        (_M_MMAP_MAX, 0),
        (_M_TRIM_THRESHOLD, _LARGEST),
        (_M_TOP_PAD, _PAD),
        (_M_ARENA_MAX, 1),  # other threads' arenas cannot grow beyond 64 MiB without mappings
    )


def _tell(*settings: tuple[int, int]) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl has none
        return False
    taken = [mallopt(option, value) == 1 for option, value in settings]
    return all(taken)
