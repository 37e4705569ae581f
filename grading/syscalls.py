"""Refuse system calls with which a program could evade its limits (Linux; on other processors nothing is refused).

Memory that belongs to no process (anonymous files, System V segments) is in no sum over processes, and a program with
a user namespace of its own may mount file systems in memory, as large as it likes. A filter of the kernel (seccomp)
refuses the calls that lead there, for this process and all that it starts; nothing can take it away again.
"""

import ctypes
import errno
import platform
import struct

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # instructions of the filter
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # where the kernel puts them
CLONE_NEWUSER, X32 = 0x10000000, 0x40000000

# The architecture's mark, its number of `clone`, and those of what is refused: memfd_create, shmget, unshare, mount,
# setns, ptrace. The newer calls have the same number everywhere.
MACHINES = {
    "x86_64": (0xC000003E, 56, (319, 29, 272, 165, 308, 101)),
    "aarch64": (0xC00000B7, 220, (279, 194, 97, 40, 268, 117)),
}
OPEN_TREE, MOVE_MOUNT, FSOPEN, MEMFD_SECRET, IO_URING_SETUP, CLONE3 = 428, 429, 430, 447, 425, 435


def refuse() -> bool:
    """Put the filter in place; say whether this machine has one."""
    if platform.machine() not in MACHINES:
        return False
    program = b"".join(struct.pack("<HBBI", *step) for step in steps(*MACHINES[platform.machine()]))
    code = ctypes.create_string_buffer(program, len(program))
    filter_ = struct.pack("<HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(filter_), 0, 0) == 0


def steps(architecture: int, clone: int, refused: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """The filter: (instruction, steps to skip if true, steps to skip if false, value)."""
    no = (RETURN, 0, 0, REFUSE | errno.EPERM)
    program = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, architecture), no]
    program += [(LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, X32), no]
    for number in (*refused, OPEN_TREE, MOVE_MOUNT, FSOPEN, MEMFD_SECRET, IO_URING_SETUP):
        program += [(EQUAL, 0, 1, number), no]
    # Without clone3, whose arguments a filter cannot see, libraries use clone.
    program += [(EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, REFUSE | errno.ENOSYS)]
    program += [(EQUAL, 0, 3, clone), (LOAD, 0, 0, FIRST_ARGUMENT), (ANY_BIT, 0, 1, CLONE_NEWUSER), no]
    return [*program, (RETURN, 0, 0, ALLOW)]
