"""A command in a process of its own, with its time and its peak memory.

A child's peak memory, as the kernel reports it, includes what its parent held when it forked. So the
command is started by a fresh, small interpreter, this file, and not by the caller.
"""

import json
import os
import subprocess
import sys
import tempfile
import time


def measured(command, stderr=None):
    """Standard output, and a dict of `seconds`, `cpu` and `peak` (bytes); raises when it fails."""
    with tempfile.NamedTemporaryFile("r") as result:
        launcher = [sys.executable, "-S", "-E", __file__, result.name, *map(str, command)]
        done = subprocess.run(launcher, stdout=subprocess.PIPE, stderr=stderr, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{command} ended with {done.returncode}")
        return done.stdout, json.load(result)


def main():
    result, *command = sys.argv[1:]
    started = time.perf_counter()
    child = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - started
    with open(result, "w") as out:
        json.dump({"seconds": seconds, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024}, out)
    sys.exit(abs(os.waitstatus_to_exitcode(status)))


if __name__ == "__main__":
    main()
