"""Programs that run in a process of their own, which may hang or die without taking the tests along."""

import subprocess
import sys
import textwrap


def run(program, *args, timeout=60):
    """Runs a program; what it printed. Where it takes too long, the error shows what all threads wait for."""
    head = f"import faulthandler; faulthandler.dump_traceback_later({timeout}, exit=True)\n"
    done = subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(program), *map(str, args)],
        capture_output=True,
        text=True,
        timeout=timeout + 30,
    )
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout
