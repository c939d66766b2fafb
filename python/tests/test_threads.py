"""Many threads use one object, and arrays change while they are read."""

import pytest
from alone import run
from conftest import METRICS


@pytest.mark.parametrize("change", ["sketch", "load", "unload"])
def test_batches_go_on_while_an_index_changes(change, tmp_path):
    run(
        """
        import sys, threading, time
        import numpy as np, ohyeah
        change, path = sys.argv[1:]
        v = np.random.default_rng(0).normal(size=(4000, 16)).astype("f4")
        made = ohyeah.AnnoyIndex(16, "angular"); made.add_items(v); made.build(5); made.save(path)
        stop = time.monotonic() + 3

        def ask(index):
            index.get_nns_by_vectors(v[:500], 5)

        while time.monotonic() < stop:
            # Newly loaded, so it has no sketch, and makes one after a few batches.
            index = ohyeah.AnnoyIndex(16, "angular"); index.load(path)
            threads = [threading.Thread(target=ask, args=(index,)) for _ in range(4)]
            if change == "load":
                threads += [threading.Thread(target=lambda: [index.load(path) for _ in range(20)])]
            elif change == "unload":
                threads += [threading.Thread(target=index.unload)]
            [thread.start() for thread in threads]
            [thread.join() for thread in threads]
        """,
        change,
        tmp_path / "a.ann",
        timeout=20,
    )


def test_everything_at_once(tmp_path):
    """All methods of all classes, from more threads than there are cores. What an index is in the middle of may be an error to
    another thread; nothing may hang, die or panic."""
    run(
        """
        import sys, threading, time, random
        import numpy as np, ohyeah
        folder = sys.argv[1]
        v = np.random.default_rng(0).normal(size=(3000, 12)).astype("f4")
        made = ohyeah.AnnoyIndex(12, "angular"); made.add_items(v); made.build(4); made.save(folder + "/a.ann")
        index = ohyeah.AnnoyIndex(12, "angular")
        packed = ohyeah.Index(v, keys=[str(i) for i in range(3000)])
        packed.save(folder + "/p.oy")
        words = ohyeah.WordVectors([str(i) for i in range(3000)], v)

        def name(what):
            return f"{folder}/{threading.get_ident()}.{what}"

        calls = [
            lambda: index.add_item(random.randrange(3000), v[0]),
            lambda: index.add_items(v),
            lambda: index.build(3),
            lambda: index.build(2, n_jobs=2),
            lambda: index.unbuild(),
            lambda: index.on_disk_build(name("disk")),
            lambda: index.save(name("ann")),
            lambda: index._save_with(name("with"), b"more"),
            lambda: index._size(),
            lambda: index.load(folder + "/a.ann"),
            lambda: index._load_first(folder + "/a.ann", made._size()),
            lambda: index.unload(),
            lambda: index.get_nns_by_item(5, 10, include_distances=True),
            lambda: index.get_nns_by_vector(v[7], 10),
            lambda: index.get_nns_by_vectors(v[:200], 10),
            lambda: index.get_nns_by_vectors(v[:200], 10, n_jobs=3),
            lambda: index.get_nns_by_items(list(range(200)), 10),
            lambda: index.get_item_vector(3),
            lambda: index.get_distance(3, 4),
            lambda: (index.get_n_items(), len(index), index.get_n_trees(), index.f, bool(index)),
            lambda: index.set_seed(3),
            lambda: index.verbose(True),
            lambda: ohyeah.Index(v[:500]),
            lambda: ohyeah.Index.open(folder + "/p.oy").verify(),
            lambda: packed.save(name("oy")),
            lambda: packed.search(v[:100], threads=-1),
            lambda: packed.search(v[:100], threads=2, filter=range(50)),
            lambda: packed.search(v[3]),
            lambda: packed.within(v[3], 0.5),
            lambda: (packed.key(3), packed.vector(3), len(packed), packed.nbytes, repr(packed)),
            lambda: ohyeah.knn_graph(v[:500], 4),
            lambda: ohyeah.WordVectors([str(i) for i in range(3000)], v),
            lambda: words.save(name("bin")),
            lambda: words.save(name("txt.gz")),
            lambda: ohyeah.WordVectors.load(folder + "/words.bin"),
            lambda: words.most_similar("5", negative=["7"]),
            lambda: words.doesnt_match(["1", "2", "3"]),
            lambda: words.closer_than("1", "2"),
            lambda: (words.similarity("1", "2"), words["3"], words.vectors, words.words, words.index("3")),
            lambda: words.dictionary(top=2),
            lambda: words.dictionary(top=2, threads=2, trees=2),
        ]
        words.save(folder + "/words.bin")
        stop, wrong, done = time.monotonic() + 8, [], [0] * len(calls)

        def work(seed):
            draw = random.Random(seed)
            while time.monotonic() < stop:
                call = draw.randrange(len(calls))
                try:
                    calls[call]()
                    done[call] += 1
                except Exception as error:
                    # Annoy's own exceptions are of this class itself.
                    if type(error) not in (Exception, IndexError, OSError):
                        wrong.append(repr(error))
                except BaseException as error:
                    wrong.append(repr(error))

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(12)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert not wrong, wrong[:5]
        assert all(done), done
        """,
        tmp_path,
        timeout=40,
    )


def test_one_thread_changes_and_others_see_the_old_or_the_new():
    run(
        """
        import threading
        import numpy as np, ohyeah
        v = np.random.default_rng(0).normal(size=(2000, 12)).astype("f4")
        index = ohyeah.AnnoyIndex(12, "euclidean")
        index.add_items(v); index.build(3)
        expected, wrong, stop = index.get_nns_by_vectors(v, 1, 10**6)[:, 0].tolist(), [], threading.Event()
        assert expected == list(range(2000))

        def ask():
            while not stop.is_set():
                found = index.get_nns_by_vectors(v, 1, 10**6)[:, 0].tolist()
                # Without trees, as between unbuild and build, nothing is found.
                if found not in (expected, [-1] * 2000):
                    wrong.append(found)
                if index.get_n_items() != 2000 or index.get_item_vector(7) != v[7].tolist():
                    wrong.append("items")

        threads = [threading.Thread(target=ask) for _ in range(3)]
        [thread.start() for thread in threads]
        for turn in range(20):
            index.unbuild()
            index.build(2)
        stop.set()
        [thread.join() for thread in threads]
        assert not wrong, wrong[0]
        """,
        timeout=60,
    )


@pytest.mark.parametrize("call", ["index.add_items(a)", "index.get_nns_by_vectors(a, 2)", "ohyeah.Index(a)",
                                  "packed.search(a, 2, threads=-1)", "ohyeah.knn_graph(a, 2)", "ohyeah.WordVectors(words, a)"])
def test_an_array_that_is_made_smaller_while_it_is_read(call):
    run(
        """
        import sys, threading
        import numpy as np, ohyeah
        for turn in range(4):
            a = np.random.default_rng(0).normal(size=(30_000, 64)).astype("f4")
            words = [str(i) for i in range(30_000)]
            index = ohyeah.AnnoyIndex(64, "euclidean")
            packed = ohyeah.Index(a[:500])
            if "add" not in sys.argv[1]:
                index.add_items(a[:500]); index.build(2)
            begun = threading.Event()

            def shrink():
                begun.wait()
                for to in (20_000, 100, 0):
                    # A writer, too.
                    a[:to] = 1
                    a.resize((to, 64), refcheck=False)

            thread = threading.Thread(target=shrink)
            thread.start()
            begun.set()
            try:
                eval(sys.argv[1])
            except ValueError as error:
                # The words are more than the rows that were left.
                assert "another thread" in str(error) or "words" in str(error) or "numbers" in str(error), error
            thread.join()
        """,
        call,
        timeout=60,
    )


def test_the_items_that_were_added_are_those_of_some_time():
    """A thread that writes to the array while its rows are copied: each number is an old or a new one."""
    run(
        """
        import threading
        import numpy as np, ohyeah
        a = np.zeros((50_000, 32), "f4")
        index = ohyeah.AnnoyIndex(32, "euclidean")
        stop = threading.Event()

        def write():
            while not stop.is_set():
                a[:] = 1
                a[:] = 0

        thread = threading.Thread(target=write)
        thread.start()
        index.add_items(a)
        stop.set()
        thread.join()
        assert all(set(index.get_item_vector(i)) <= {0.0, 1.0} for i in range(0, 50_000, 50))
        """,
        timeout=60,
    )


def test_ctrl_c_ends_the_wait_for_another_thread():
    printed = run(
        """
        import signal, threading, time
        import numpy as np, ohyeah
        signal.signal(signal.SIGINT, signal.default_int_handler)
        index = ohyeah.AnnoyIndex(32, "euclidean")
        index.add_items(np.random.default_rng(0).normal(size=(60_000, 32)).astype("f4"))
        builder = threading.Thread(target=lambda: index.build(30, n_jobs=1))
        builder.start()
        time.sleep(0.1)
        threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()
        try:
            index.get_n_items()
        except KeyboardInterrupt:
            assert builder.is_alive()
            print("interrupted")
        builder.join()
        assert index.get_n_trees() == 30
        """,
        timeout=120,
    )
    assert printed == "interrupted\n"


CTRL_C = """
import signal, sys, threading, time
import numpy as np, ohyeah
# What runs in the background may have been told to ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
metric, path = sys.argv[1:]
v = np.random.default_rng(0).normal(size=(60_000, 32)).astype("f4")
v = (v > 0).astype("f4") if metric == "hamming" else v

def interrupted(work):
    sent = []
    timer = threading.Timer(0.3, lambda: (sent.append(time.monotonic()), signal.raise_signal(signal.SIGINT)))
    timer.start()
    try:
        work()
    except KeyboardInterrupt:
        return time.monotonic() - sent[0]
    raise SystemExit("was not interrupted")
"""


@pytest.mark.parametrize("n_jobs", [1, -1])
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("where", ["memory", "file"])
def test_ctrl_c_ends_a_build_and_keeps_the_items(where, metric, n_jobs, tmp_path):
    run(
        CTRL_C
        + f"""
def filled(path):
    index = ohyeah.AnnoyIndex(32, metric)
    if "{where}" == "file":
        index.on_disk_build(path)
    index.add_items(v)
    return index

index, other = filled(path), filled(path + ".other")
for turn in range(2):
    # Many seconds.
    took = interrupted(lambda: index.build(600, n_jobs={n_jobs}))
    assert took < 0.5, took
    assert index.get_n_items() == 60_000 and index.get_n_trees() == 0
    assert all(index.get_item_vector(i) == v[i].tolist() for i in range(0, 60_000, 7))
# More can be added, and the trees are those of items that were never interrupted.
for index, name in (index, path), (other, path + ".other"):
    index.add_item(60_000, v[0])
    index.build(2)
    if "{where}" == "memory":
        index.save(name)
assert open(path, "rb").read() == open(path + ".other", "rb").read()
""",
        metric,
        tmp_path / "a.ann",
        timeout=120,
    )


@pytest.mark.parametrize("call", [
    "forest.get_nns_by_vectors(many, 10, 10**6)",
    "forest.get_nns_by_items(list(range(60_000)) * 10, 10, 10**6)",
    "packed.search(many, 10, recall=1.0)",
    "packed.search(many, 10, recall=1.0, threads=-1)",
])
def test_ctrl_c_ends_a_batch(call, tmp_path):
    run(
        CTRL_C
        + f"""
many = np.concatenate([v] * 10)
forest = ohyeah.AnnoyIndex(32, metric); forest.add_items(v); forest.build(2)
packed = ohyeah.Index(v, metric)
took = interrupted(lambda: {call})
assert took < 1.5, took
""",
        "euclidean",
        tmp_path / "a.ann",
        timeout=120,
    )
