"""Runs a command that dies with its parent: `python tether.py PARENT_PID COMMAND [ARGUMENT...]`.

Sets Linux's parent-death signal and becomes the command, so even a parent killed by SIGKILL leaves nothing behind.
The signal comes when the *thread* that started this process ends, so start it from a thread that lives long enough.
Stands alone (no import of ours), since it is run before anything else.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Never returns: becomes the command, or exits when the parent is already gone."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        sys.exit(f"cannot tie {command[0]} to its parent: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit(0)  # the parent died before the signal was set
    os.execv(command[0], command)  # noqa: S606 - our own command, no shell wanted


if __name__ == "__main__":
    main()
