"""``WordVectors`` as Python objects: the index that is held, pickles, copies, threads, processes, Ctrl-C."""

import copy
import doctest
import inspect
import os
import pickle
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import ohyeah
import ohyeah.gensim
from conftest import same_words


@pytest.fixture(scope="module")
def indexed(vectors):
    vectors = copy.copy(vectors)
    vectors.index()
    return vectors


def test_an_index_finds_what_is_asked_for(vectors):
    words = vectors.words[::97]
    mine = copy.copy(vectors)
    exact = [mine.most_similar(word) for word in words]
    for recall in (0.6, 0.9, 0.99):
        found = [mine.most_similar(word, recall=recall) for word in words]
        right = sum(len(set(a) & set(b)) for a, b in zip(map(dict, exact), map(dict, found)))
        assert right >= (recall - 0.03) * 10 * len(words)
        assert all(len(some) == 10 and word not in dict(some) for word, some in zip(words, found))
    same_words(mine.most_similar(words[0], recall=1), exact[0])
    # Nothing is kept but the index: without recall the answer is exact.
    assert mine.most_similar(words[0]) == exact[0]


def place(index):
    """Where its first vector is: indexes that share what they are made of have theirs at the same place."""
    return index.vector(0).ctypes.data


def test_an_index_is_held_and_used(vectors):
    mine = copy.copy(vectors)
    index = mine.index(recall=0.7)
    assert isinstance(index, ohyeah.Index) and len(index) == len(mine) and index.key(7) == mine.words[7]
    assert place(mine.index(recall=0.7)) == place(index)
    assert mine.most_similar("cat") == mine.most_similar("cat", recall=0.7) == mine.similar_by_word("cat")
    assert mine.most_similar("cat", recall=1) == vectors.most_similar("cat")
    # Parts of the rows are looked at one by one.
    assert mine.most_similar("cat", restrict_vocab=500) == vectors.most_similar("cat", restrict_vocab=500)
    assert mine.most_similar("cat", clip_start=50) == vectors.most_similar("cat", clip_start=50)
    assert np.array_equal(mine.most_similar("cat", topn=None), vectors.most_similar("cat", topn=None))
    everything = mine.most_similar(["cat", "dog"], topn=10**9)
    assert len({word for word, _ in everything}) == len(everything) == len(mine) - 2
    assert mine.index("cat") == vectors.key_to_index["cat"]


def test_another_seed_is_another_index(vectors):
    small = ohyeah.WordVectors(vectors.words[:2000], vectors.vectors[:2000])
    index = small.index(seed=5)
    assert place(small.index()) == place(index) == place(small.index(seed=5)) != place(small.index(seed=6))


def test_words_that_cancel_each_other_have_the_same_answer_through_an_index(indexed, vectors):
    assert indexed.most_similar("cat", "cat") == vectors.most_similar("cat", "cat")


def test_pickles(vectors):
    small = ohyeah.WordVectors(vectors.words[:3000], vectors.vectors[:3000])
    small.index(recall=0.8)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(small, protocol))
        assert type(again) is ohyeah.WordVectors and again.words == small.words and (again.vectors == small.vectors).all()
        assert again.most_similar("king") == small.most_similar("king")
    buffers = []
    data = pickle.dumps(small, 5, buffer_callback=buffers.append)
    assert len(data) < 100_000 and (pickle.loads(data, buffers=buffers).vectors == small.vectors).all()


def test_copies_share_the_vectors(indexed):
    for other in (copy.copy(indexed), copy.deepcopy(indexed), copy.deepcopy([indexed, indexed])[0]):
        assert other is not indexed and other.words == indexed.words
        assert np.shares_memory(other.vectors, indexed.vectors)
        assert other.most_similar("cat") == indexed.most_similar("cat")


def test_subclasses_stay_what_they_are(sample):
    class Mine(ohyeah.WordVectors):
        pass

    mine = Mine.load(sample, limit=10)
    assert type(mine) is Mine and type(copy.copy(mine)) is Mine and type(mine.vectors_for_all(["the"])) is Mine


def test_repr_and_help(vectors):
    assert repr(vectors) == "<WordVectors: 20000 words of 100 dimensions>"
    assert ohyeah.WordVectors.__module__ == "ohyeah" and "gensim" in ohyeah.WordVectors.__doc__
    with pytest.raises(AttributeError):
        vectors.vectors = 1


def test_several_threads(indexed):
    small = ohyeah.WordVectors(indexed.words[:3000], indexed.vectors[:3000])
    small.index(recall=0.8)
    expected = {word: small.most_similar(word) for word in small.words[:40]}
    wrong = []

    def ask(mine):
        wrong.extend(word for word in expected if mine.most_similar(word) != expected[word])

    # One has its index, and another must build it, by whichever thread is first.
    for mine in (small, pickle.loads(pickle.dumps(small))):
        threads = [threading.Thread(target=ask, args=(mine,)) for _ in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    assert not wrong


def test_a_child_can_use_what_its_parent_has(indexed, tmp_path):
    expected = indexed.most_similar("cat"), indexed.most_similar("cat", recall=1)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            found = indexed.most_similar("cat"), indexed.most_similar("cat", recall=1)
            small = ohyeah.WordVectors(indexed.words[:500], indexed.vectors[:500])
            small.save(tmp_path / "child.bin")
            status = 0 if found == expected and len(small.dictionary(top=3)) == 500 else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert len(ohyeah.WordVectors.load(tmp_path / "child.bin")) == 500


POOL = """
    import multiprocessing, sys
    import ohyeah

    def near(task):
        vectors, word = task
        return vectors.most_similar(word, topn=3)

    if __name__ == "__main__":
        vectors = ohyeah.WordVectors.load(sys.argv[1], limit=2000)
        vectors.index(recall=0.9)
        tasks = [(vectors, word) for word in vectors.words[:4]]
        with multiprocessing.get_context(sys.argv[2]).Pool(2) as pool:
            assert pool.map(near, tasks) == [near(task) for task in tasks]
"""


@pytest.mark.parametrize("start", ["spawn", "fork", "forkserver"])
def test_pools_of_processes(sample, tmp_path, start):
    program = tmp_path / "pool.py"
    program.write_text(textwrap.dedent(POOL))
    subprocess.run([sys.executable, program, sample, start], check=True, timeout=120)


# The work takes seconds, and the signal comes when it has begun; what matters is that it ends long before it would be done.
INTERRUPTED = """
    import os, signal, sys, threading, time
    import numpy as np, ohyeah

    rows = np.random.default_rng(0).standard_normal((60_000, 200)).astype("f4")
    vectors = ohyeah.WordVectors([f"w{i}" for i in range(len(rows))], rows)
    folder = sys.argv[1]
    if sys.argv[2] == "load":
        # So much that it takes seconds on any machine; text of many digits.
        vectors.save(f"{folder}/long.txt")
        text = open(f"{folder}/long.txt", "rb").read().split(b"\\n", 1)[1]
        with open(f"{folder}/long.txt", "wb") as file:
            for part in range(8):
                file.write(text.replace(b"\\nw", b"\\nw%d-" % part)[1:] + b"x")
    calls = {
        "dictionary": lambda: vectors.dictionary(),
        "exact": lambda: vectors.dictionary(exact=True),
        "long lists": lambda: vectors.dictionary(top=150),
        "long exact lists": lambda: vectors.dictionary(top=150, exact=True),
        "forest": lambda: vectors.dictionary(trees=20),
        "many candidates": lambda: vectors.dictionary(search_k=50_000),
        "save": lambda: vectors.save(f"{folder}/v.txt.gz"),
        "load": lambda: ohyeah.WordVectors.load(f"{folder}/long.txt"),
        "index": lambda: vectors.index(),
    }
    after = []
    def interrupt():
        time.sleep(0.3)
        after.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=interrupt).start()
    try:
        calls[sys.argv[2]]()
        print("not interrupted")
    except KeyboardInterrupt:
        print("interrupted after", round(time.monotonic() - after[0], 2))
    # It can be used again, and nothing is left of what was being written.
    assert len(vectors.most_similar("w1")) == 10
    print(sorted(os.listdir(folder)))
"""


@pytest.mark.parametrize("call", ["dictionary", "exact", "long lists", "long exact lists", "forest", "many candidates", "save", "load", "index"])
def test_ctrl_c(tmp_path, call):
    program = textwrap.dedent(INTERRUPTED)
    done = subprocess.run([sys.executable, "-c", program, tmp_path, call], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "interrupted after" in done.stdout, done.stdout
    assert "v.txt.gz" not in done.stdout


def examples():
    classes = [ohyeah.WordVectors, ohyeah.gensim.Indexer]
    return [(cls, name) for cls in classes for name in ["", *(name for name in vars(cls) if not name.startswith("_"))]]


@pytest.mark.parametrize("cls, name", examples(), ids=lambda x: x if isinstance(x, str) else x.__name__)
def test_examples(cls, name, tmp_path, monkeypatch):
    """Each method has a docstring with an example, which goes on with the objects of the class's own."""
    monkeypatch.chdir(tmp_path)
    member = inspect.getattr_static(cls, name) if name else cls
    member = getattr(member, "__func__", member)
    if name and not callable(member) and not isinstance(member, property):
        return
    assert member.__doc__, name
    assert name in ("", "words") or ">>>" in member.__doc__, f"{name} has no example"
    shared = {"ohyeah": ohyeah, "np": np}
    for text in [cls.__doc__, *([ohyeah.gensim.Indexer.save.__doc__] if cls is ohyeah.gensim.Indexer and name == "load" else [])]:
        exec("\n".join(example.source for example in doctest.DocTestParser().get_examples(text)), shared)
    test = doctest.DocTestParser().get_doctest(member.__doc__, shared, name or cls.__name__, None, None)
    results = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)
    assert results.failed == 0
