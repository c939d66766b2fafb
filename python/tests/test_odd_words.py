"""`WordVectors` and `Indexer` in unusual use: lengths, pickles of derived classes, damaged files, signals."""

import copy
import json
import os
import pickle
import struct
import warnings

import numpy as np
import pytest
from alone import run

import ohyeah
from ohyeah import _arguments
from ohyeah.gensim import Indexer

WORDS = [f"w{i}" for i in range(400)]


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(4).normal(size=(400, 8)).astype("f4")


@pytest.fixture
def words(rows):
    return ohyeah.WordVectors(WORDS, rows)


def test_an_index_that_is_handed_out_may_be_closed(words):
    before = words.most_similar("w3", recall=0.99)
    with words.index(recall=0.99) as index:
        assert index.search("w3", 1)[0].tolist() == [3]
    assert index.closed
    assert words.most_similar("w3", recall=0.99) == before
    assert not words.index().closed and words.index("w3") == 3
    assert words.most_similar("w3") == before


def test_only_directions_count(rows):
    scales = np.ones((400, 1), "f4")
    scales[:50], scales[50:100] = 2.0**70, 2.0**-70
    mine, odd = ohyeah.WordVectors(WORDS, rows), ohyeah.WordVectors(WORDS, rows * scales)
    odd.index(recall=1.0)
    indexers = [Indexer(odd, recall=1.0), Indexer(odd, num_trees=10, search_k=10_000)]
    for word in ("w3", "w77", "w200"):
        expected = [name for name, _ in mine.most_similar(word, topn=5, recall=1.0)]
        assert [name for name, _ in odd.most_similar(word, topn=5, recall=0.9999)] == expected
        for indexer in indexers:
            for scale in (1, 2.0**70):
                found = indexer.most_similar(mine[word] * np.float32(scale), 6)
                assert [name for name, _ in found] == [word, *expected]
                assert found[0][1] == pytest.approx(1, abs=1e-5)
    # Those that need no other length stay as they are.
    assert Indexer(mine).index.to_bytes() == ohyeah.Index(rows, "angular", keys=WORDS).to_bytes()


def test_rows_at_an_odd_address(rows):
    record = np.zeros(400, [("x", "u1"), ("v", "f4", 8)])
    record["v"] = rows
    odd = record["v"]
    assert not odd.flags.aligned
    # What is handed to the part in Rust: reading at an odd address is undefined there, even where it works.
    assert _arguments.matrix(odd).flags.aligned and _arguments.numbers(odd[5]).flags.aligned
    words = ohyeah.WordVectors(WORDS, odd)
    assert np.array_equal(words.vectors, rows)
    assert words.similar_by_vector(odd[5], topn=1)[0][0] == "w5"
    assert words.distances(odd[5]) == pytest.approx(words.distances(rows[5]))


@pytest.mark.parametrize("number", [10**400, -(10**400), 1e300], ids=["whole", "negative", "float"])
def test_numbers_too_large_are_an_error_without_warnings(words, number):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for call in [
            lambda: ohyeah.WordVectors(["a"], [[number, 1.0]]),
            lambda: words.similar_by_vector([number] + [1.0] * 7),
            lambda: ohyeah.Index([[number, 1.0], [1.0, 2.0]]),
            lambda: ohyeah.Index(np.array([[1.0, 2.0]])).search([number, 1.0]),
            lambda: ohyeah.AnnoyIndex(2, "angular").add_items([[number, 1.0]]),
        ]:
            with pytest.raises(ValueError, match="finite|infinite"):
                call()


@pytest.mark.parametrize("weight", [np.nan, np.inf, 1e300])
def test_weights_are_finite(words, weight):
    with pytest.raises(ValueError, match="a weight is (nan|inf)"):
        words.get_mean_vector(["w1", "w2"], weights=[1.0, weight])


def test_rows_and_words_may_be_mixed_and_repeated(words):
    assert words.vectors_for_all(["w1", 0, "w0", 1, "none", "w5", 5]).words == ["w1", "w0", "w5"]


class Named(ohyeah.WordVectors):
    def __init__(self, name):
        super().__init__(["a", "b"], [[1, 0], [0.9, 0.1]])
        self.name = name


def test_derived_classes_are_pickled_with_what_they_hold():
    mine = Named("mine")
    mine.index(recall=1.0, seed=7)
    assert mine.index_to_key == ["a", "b"] and mine.key_to_index["b"] == 1
    for again in [pickle.loads(pickle.dumps(mine)), copy.copy(mine), copy.deepcopy(mine)]:
        assert type(again) is Named and again.name == "mine" and again.words == ["a", "b"]
        assert np.array_equal(again.vectors, mine.vectors)
        assert again.most_similar("a") == mine.most_similar("a") and again.index().to_bytes() == mine.index().to_bytes()


def test_pickles_of_old_are_read(rows):
    class Old:
        def __reduce__(self):
            return ohyeah.WordVectors, (WORDS, rows), {"_recall": 0.9, "_seed": 5}

    again = pickle.loads(pickle.dumps(Old()))
    assert again.words == WORDS and again.index().to_bytes() == ohyeah.WordVectors(WORDS, rows).index(seed=5).to_bytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda about: about.pop("labels"),
        lambda about: about.update(labels=None),
        lambda about: about.update(labels=[{"bytes": 7}, {}]),
        lambda about: about.update(labels=[{"numpy": ["none", 1]}]),
        lambda about: about.update(dimensions="many"),
        lambda about: about.update(dimensions=10**30),
        lambda about: about.update(search_k=[]) or about.pop("dimensions"),
        lambda about: about.update(search_k="x"),
        lambda about: about["labels"].pop(),
        lambda about: "[" * 100_000,
        lambda about: "no JSON",
        lambda about: "[]",
    ],
)
def test_a_damaged_indexer_is_told_by_one_kind_of_error(words, tmp_path, change):
    path = tmp_path / "words.oy"
    Indexer(words, num_trees=2).save(path)
    data, end = path.read_bytes(), struct.Struct("<QQ8s")
    length, size, magic = end.unpack(data[-end.size :])
    about = json.loads(data[length : length + size])
    text = change(about)
    text = (text if isinstance(text, str) else json.dumps(about)).encode()
    path.write_bytes(data[:length] + text + end.pack(length, len(text), magic))
    with pytest.raises(ohyeah.FileFormatError, match="words.oy") as error:
        Indexer.load(path)
    assert str(error.value.filename) == str(path)


def test_a_damaged_label_is_told_by_the_same_kind(tmp_path, rows):
    for key in ['\0{"numpy": 3}', "\0{}", "\0" + "[" * 100_000, "\0{"]:
        path = tmp_path / "labels.oy"
        ohyeah.Index(rows[:1], keys=[key]).save(path)
        with pytest.raises(ohyeah.FileFormatError):
            Indexer.load(path)


def test_what_is_no_file_of_vectors_is_told_as_by_the_others(tmp_path):
    path = tmp_path / "words.vec"
    path.write_text("2 3\na 1 2 3\nb 1 x 3\n")
    with pytest.raises(ohyeah.FileFormatError, match="words.vec") as error:
        ohyeah.WordVectors.load(path)
    assert str(error.value.filename) == str(path)
    with pytest.raises(FileNotFoundError):
        ohyeah.WordVectors.load(tmp_path / "none.vec")


def test_a_handler_of_a_signal_may_ask_while_an_index_is_built():
    run(
        """
        import signal, threading, time, numpy as np, ohyeah
        rows = np.random.default_rng(0).normal(size=(60_000, 50)).astype("f4")
        names = [str(i) for i in range(len(rows))]
        words, others = ohyeah.WordVectors(names, rows), ohyeah.WordVectors(names[:300], rows[:300])
        told = []
        def look(*_):
            told.append(others.most_similar("3", recall=0.9)[0][0])
            if len(told) == 1:
                told.append(words.most_similar("3", topn=1, recall=0.9)[0][0])
        signal.signal(signal.SIGALRM, look)
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        words.index(recall=0.9)
        while not told:
            time.sleep(0.01)
        assert len(told) == 2, told
        """
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_builds_though_a_thread_of_its_parent_did():
    run(
        """
        import os, threading, time, numpy as np, ohyeah
        rows = np.random.default_rng(0).normal(size=(60_000, 50)).astype("f4")
        words = ohyeah.WordVectors([str(i) for i in range(len(rows))], rows)
        thread = threading.Thread(target=words.index)
        thread.start()
        while thread.is_alive() and not any(repr(lock).startswith("<locked") for lock in list(words._lock._locks.values())):
            time.sleep(0.001)
        child = os.fork()
        if child == 0:
            found = words.most_similar("3", topn=3, recall=0.9)
            os._exit(0 if len(found) == 3 else 1)
        thread.join()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        """
    )


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="how much memory is used is not known")
def test_vectors_that_do_not_fit_are_a_memory_error(tmp_path):
    path = tmp_path / "large.bin"
    with open(path, "wb") as file:
        file.write(b"20000 10000\nword ")
        # Without room on the disk.
        file.truncate(20000 * 40_005)
    run(
        """
        import resource, sys, ohyeah
        ohyeah.WordVectors(["a"], [[1.0]]).most_similar("a")
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (300 << 20), -1))
        try:
            ohyeah.WordVectors.load(sys.argv[1])
        except MemoryError as error:
            assert "limit=" in str(error), error
        else:
            raise SystemExit("there was enough")
        """,
        path,
    )
