"""Ctrl-C in long calls: it is heard while the work goes on, and what was there before is there afterwards."""

import pytest
from alone import run

SETUP = """
import os, signal, sys, tempfile, threading, time
import numpy as np, ohyeah
# What runs in the background may have been told to ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
v = np.random.default_rng(0).normal(size=(60_000, 100)).astype("f4")
def interrupted(work, after=0.5):
    timer = threading.Timer(after, os.kill, [os.getpid(), signal.SIGINT])
    start = time.perf_counter()
    timer.start()
    try:
        work()
    except KeyboardInterrupt:
        pass
    else:
        timer.cancel()
        raise SystemExit(f"it ended after {time.perf_counter() - start:.1f} s by itself, or went on")
"""

WORK = {
    "exact batch": "index = ohyeah.Index(v[:20_000]); interrupted(lambda: index.search(v, 10, recall=1.0))",
    "exact batch on one thread": "index = ohyeah.Index(v[:20_000]); interrupted(lambda: index.search(v, 10, recall=1.0, threads=1))",
    "batch": "index = ohyeah.Index(v[:20_000]); w = np.tile(v, (5, 1)); interrupted(lambda: index.search(w, 100, recall=0.99))",
    "within": "index = ohyeah.Index(v[:20_000]); interrupted(lambda: index.within(v, 1.2, recall=1.0))",
    "masks": "index = ohyeah.Index(v[:20_000]); m = np.ones((5000, 20_000), bool); "
             "interrupted(lambda: [index.search(v[:5000], 10, filter=m, recall=1.0) for _ in range(99)])",
    "exact graph": "interrupted(lambda: ohyeah.knn_graph(np.tile(v, (4, 1)), 10, exact=True))",
    "build": "interrupted(lambda: ohyeah.Index(np.tile(v, (8, 1)) + 1))",
    "forest": "a = ohyeah.AnnoyIndex(100, 'angular'); a.add_items(v); interrupted(lambda: a.build(3000)); assert len(a) == 60_000; a.build(1)",
    "batch of a forest": "a = ohyeah.AnnoyIndex(100, 'angular'); a.add_items(v); a.build(5); "
                         "interrupted(lambda: a.get_nns_by_vectors(v, 10, 60_000))",
    "items of a forest": "a = ohyeah.AnnoyIndex(100, 'angular'); a.add_items(v); a.build(5); "
                         "interrupted(lambda: a.get_nns_by_items(range(60_000), 10, 60_000, n_jobs=1))",
    "added items": "a = ohyeah.AnnoyIndex(100, 'angular'); "
                   "interrupted(lambda: [a.add_items(v) for _ in range(10_000)])",
}  # fmt: skip


@pytest.mark.parametrize("work", WORK)
def test_ctrl_c_is_heard(work):
    run(SETUP + WORK[work])


@pytest.mark.parametrize("given", ["rows", "rows.tolist()", "tuple(rows.tolist())", "memoryview(rows)", "rows.astype(object)"])
def test_ctrl_c_is_heard_while_arguments_are_looked_at(given):
    """Python notices a signal where it makes a string of an object, for instance: nothing may take the exception for something else."""
    run(
        f"""
        import _thread, signal
        import numpy as np, ohyeah
        signal.signal(signal.SIGINT, signal.default_int_handler)
        rows = np.random.default_rng(0).normal(size=(40, 4)).astype("f4")
        # An iterator that leaves a signal behind which nobody has looked at when it ends.
        try:
            ohyeah.Index({given}, keys=iter(_thread.interrupt_main, None))
        except KeyboardInterrupt:
            pass
        else:
            raise SystemExit("it was not heard")
        """
    )
