"""Processes that fork while other threads are at work: a child has none of the threads, and whatever they had locked stays so."""

import os

import pytest
from alone import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

FORKS = """
import os, signal, sys, threading, time
import numpy as np, ohyeah

def forks(times, child, meanwhile):
    stop = threading.Event()

    def repeat(work):
        while not stop.is_set():
            work()

    threads = [threading.Thread(target=repeat, args=(work,)) for work in meanwhile]
    [thread.start() for thread in threads]
    codes = []
    for turn in range(times):
        time.sleep(0.01)
        process = os.fork()
        if process == 0:
            # Ends the process where it hangs, whoever has the interpreter.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(10)
            code = 1
            try:
                child()
                code = 0
            finally:
                os._exit(code)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
        if codes.count(-signal.SIGALRM) > 2:
            break
    stop.set()
    [thread.join() for thread in threads]
    assert codes == [0] * times, codes

v = np.random.default_rng(0).normal(size=(3000, 16)).astype("f4")
"""


def test_a_child_searches_and_builds_while_its_parent_searches(tmp_path):
    run(
        FORKS
        + """
path = sys.argv[1]
made = ohyeah.AnnoyIndex(16, "angular"); made.add_items(v); made.build(5); made.save(path)
packed = ohyeah.Index(v)
words = ohyeah.WordVectors([str(i) for i in range(3000)], v)
index = ohyeah.AnnoyIndex(16, "angular"); index.load(path)

def search():
    index.get_nns_by_vectors(v[:300], 5)
    packed.search(v[:300], threads=-1)
    words.most_similar("5")

def load():
    # A child that begins without a sketch will make one.
    index.load(path)
    index.get_nns_by_item(3, 5)

def child():
    index.get_nns_by_item(3, 5)
    [index.get_nns_by_vector(row, 50) for row in v[:100]]
    index.get_nns_by_vectors(v, 5)
    packed.search(v[3])
    packed.search(v, threads=-1)
    words.most_similar("5")
    small = ohyeah.AnnoyIndex(16, "angular"); small.add_items(v[:200]); small.build(3)
    assert small.get_nns_by_item(3, 1) == [3]
    ohyeah.Index(v[:200])
    index.unload()

forks(40, child, [search, search, load])
""",
        tmp_path / "a.ann",
        timeout=120,
    )


def test_a_child_of_a_process_that_builds_is_told():
    run(
        FORKS
        + """
index = ohyeah.AnnoyIndex(16, "angular"); index.add_items(v); index.build(1)

def build():
    index.unbuild()
    index.build(40)

def child():
    try:
        index.get_nns_by_vectors(v[:10], 5)
        index.get_n_items()
    except RuntimeError as error:
        assert "forked" in str(error)
        index.unload()
        assert index.get_n_items() == 0
        index.add_items(v); index.build(2)
        assert index.get_nns_by_item(3, 1) == [3]

forks(20, child, [build])
""",
        timeout=120,
    )


def test_a_file_that_is_being_built_stays_its_parents(tmp_path):
    run(
        """
        import os, sys
        import numpy as np, ohyeah
        v = np.random.default_rng(0).normal(size=(3000, 16)).astype("f4")
        index = ohyeah.AnnoyIndex(16, "angular")
        index.on_disk_build(sys.argv[1])
        index.add_items(v)
        child = os.fork()
        if child == 0:
            code = 1
            for change in (lambda: index.add_item(0, v[5]), lambda: index.build(2)):
                try:
                    change()
                    os._exit(2)
                except RuntimeError as error:
                    assert "forked" in str(error)
            # Its memory goes, and the file must not.
            index.unload()
            del index
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        index.build(3)
        again = ohyeah.AnnoyIndex(16, "angular")
        again.load(sys.argv[1])
        assert again.get_item_vector(0) == v[0].tolist() and again.get_n_items() == 3000
        """,
        tmp_path / "a.ann",
        timeout=60,
    )


def test_a_child_saves_while_its_parent_saves(tmp_path):
    """The list of temporary files was locked while one was created, and stayed so in a child."""
    run(
        FORKS
        + """
folder = sys.argv[1]
# Small: what is to be met is the time in which a file is created or renamed.
packed = ohyeah.Index(v[:5])

def save():
    packed.save(f"{folder}/{threading.get_ident()}.oy")

def child():
    for turn in range(3):
        packed.save(f"{folder}/{os.getpid()}.oy")
    assert len(ohyeah.Index.open(f"{folder}/{os.getpid()}.oy")) == 5

forks(60, child, [save] * 3)
# Children take nothing of their parent's away, and nothing is left behind.
names = os.listdir(folder)
assert len(names) == 63 and all(name.endswith(".oy") for name in names), names
""",
        tmp_path,
        timeout=120,
    )
