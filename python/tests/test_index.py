"""The packed index and the graph of neighbours, against brute force in numpy."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import ohyeah

METRICS = ["angular", "euclidean", "dot"]


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(60, 20)) * 2
    return (centres[rng.integers(60, size=6000)] + rng.normal(size=(6000, 20))).astype("f4")


def distances(metric, vectors, query):
    vectors, query = vectors.astype("f8"), query.astype("f8")
    if metric == "euclidean":
        return np.linalg.norm(vectors - query, axis=1)
    if metric == "dot":
        return -(vectors @ query)
    cosines = vectors @ query / (np.linalg.norm(vectors, axis=1) * np.linalg.norm(query))
    return np.sqrt(np.maximum(2 - 2 * cosines, 0))


def nearest(metric, vectors, query, k):
    return np.argsort(distances(metric, vectors, query), kind="stable")[:k]


@pytest.mark.parametrize("metric", METRICS)
def test_recall_is_what_was_asked_for(vectors, metric):
    held_out, items = vectors[:300], vectors[300:]
    index = ohyeah.Index(items, metric)
    for recall in (0.8, 0.95, 1.0):
        ids, far = index.search(held_out, 10, recall=recall)
        assert ids.shape == far.shape == (300, 10)
        truth = [set(nearest(metric, items, q, 10)) for q in held_out]
        found = np.mean([len(t & set(i)) / 10 for t, i in zip(truth, ids)])
        assert found >= recall - 0.03
        if recall == 1.0:
            assert found == 1.0
        exact = distances(metric, items, held_out[7])[ids[7]]
        assert np.allclose(far[7], -exact if metric == "dot" else exact, atol=1e-4)


def test_one_query_and_many_give_the_same(vectors):
    index = ohyeah.Index(vectors)
    many, far = index.search(vectors[:50], 5, threads=-1)
    for row in range(50):
        ids, distances = index.search(vectors[row], 5)
        assert ids.tolist() == many[row].tolist() and distances.tolist() == far[row].tolist()
        assert index.search(vectors[row].tolist(), 5)[0].tolist() == ids.tolist()
        assert index.search(vectors[row].astype("f8"), 5)[0].tolist() == ids.tolist()


def test_filters(vectors):
    index = ohyeah.Index(vectors, "euclidean")
    allowed = np.arange(0, len(vectors), 50)
    mask = np.zeros(len(vectors), bool)
    mask[allowed] = True
    truth = allowed[nearest("euclidean", vectors[allowed], vectors[3], 10)]
    for filter in (allowed, mask, allowed.tolist()):
        ids, _ = index.search(vectors[3], 10, filter=filter, recall=1.0)
        assert ids.tolist() == truth.tolist()
        ids, _ = index.search(vectors[3], 10, filter=filter)
        assert set(ids) <= set(allowed) and -1 not in ids
    assert index.search(vectors[3], 3, filter=[5])[0].tolist() == [5, -1, -1]
    with pytest.raises(IndexError):
        index.search(vectors[3], 3, filter=[-5])


def test_files(vectors, tmp_path):
    words = [f"w{i}" for i in range(len(vectors))]
    index = ohyeah.Index(vectors, keys=words, seed=3)
    path = tmp_path / "words.oy"
    index.save(path)
    again = ohyeah.Index.open(path)
    again.verify()
    assert (len(again), again.metric, again.dimensions, again.key(7)) == (6000, "angular", 20, "w7")
    assert np.array_equal(again.vector(9), vectors[9])
    assert not again.vector(9).flags.writeable
    assert again.search(vectors[:20])[0].tolist() == index.search(vectors[:20])[0].tolist()
    assert path.read_bytes() == _saved(ohyeah.Index(vectors, keys=words, seed=3, threads=1), tmp_path / "one.oy")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="damaged"):
        ohyeah.Index.open(path).verify()
    path.write_bytes(data[:-5])
    with pytest.raises(OSError, match="words.oy"):
        ohyeah.Index.open(path)
    with pytest.raises(OSError, match="nothing.oy"):
        ohyeah.Index.open(tmp_path / "nothing.oy")


def _saved(index, path):
    index.save(path)
    return path.read_bytes()


@pytest.mark.parametrize("metric", METRICS)
def test_graph(vectors, metric):
    ids, far = ohyeah.knn_graph(vectors, 8, metric=metric, exact=True)
    near, _ = ohyeah.knn_graph(vectors, 8, metric=metric, recall=0.9)
    assert ids.shape == far.shape == near.shape == (6000, 8)
    found = np.mean([len(set(a) & set(b)) / 8 for a, b in zip(ids, near)])
    assert found >= 0.89
    for row in range(0, 6000, 500):
        truth = [i for i in nearest(metric, vectors, vectors[row], 9) if i != row][:8]
        assert ids[row].tolist() == truth


def test_bad_input(vectors):
    with pytest.raises(ValueError, match="forest"):
        ohyeah.Index(vectors, "manhattan")
    with pytest.raises(ValueError, match="metric"):
        ohyeah.Index(vectors, "euclid")
    with pytest.raises(ValueError, match="2-d"):
        ohyeah.Index(vectors[0])
    with pytest.raises(ValueError, match="keys"):
        ohyeah.Index(vectors, keys=["a"])
    bad = vectors.copy()
    bad[5, 3] = np.nan
    with pytest.raises(ValueError, match="vector 5"):
        ohyeah.Index(bad)
    index = ohyeah.Index(vectors)
    with pytest.raises(IndexError, match="length"):
        index.search(vectors[0, :5])
    with pytest.raises(ValueError, match="NaN"):
        index.search(bad[5])
    with pytest.raises(ValueError, match="recall"):
        index.search(vectors[0], recall=0)
    assert index.search(vectors[0], 0)[0].tolist() == []
    empty = ohyeah.Index(np.zeros((0, 4), "f4"))
    assert empty.search(np.zeros(4), 3)[0].tolist() == [-1] * 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("work", ["build", "search", "graph", "words"])
def test_a_forked_process_has_threads_of_its_own(work):
    code = f"""
import os, signal, numpy as np, ohyeah
v = np.random.default_rng(0).normal(size=(3000, 8)).astype("f4")
words = ohyeah.WordVectors([str(i) for i in range(3000)], v)
a = ohyeah.AnnoyIndex(8, "angular"); a.add_items(v); a.build(5)
index = ohyeah.Index(v)
index.search(v, threads=-1)
words.most_similar("5")
child = os.fork()
if child == 0:
    signal.alarm(30)
    if "{work}" == "build":
        b = ohyeah.AnnoyIndex(8, "angular"); b.add_items(v); b.build(5)
    elif "{work}" == "search":
        [a.get_nns_by_item(i, 10) for i in range(3000)]
        a.get_nns_by_vectors(v, 5)
        index.search(v, threads=-1)
    elif "{work}" == "graph":
        ohyeah.knn_graph(v, 3)
    else:
        words.most_similar("5"); words.dictionary(top=2)
    os._exit(7)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 7


@pytest.mark.parametrize("metric", ["angular", "euclidean", "dot"])
def test_within_a_distance(vectors, metric):
    index = ohyeah.Index(vectors, metric)
    far = distances(metric, vectors, vectors[3])
    limit = np.sort(far)[200]
    ids, found = index.within(vectors[3], -limit if metric == "dot" else limit, recall=1.0)
    assert abs(len(ids) - 201) <= 1 and (np.diff(found) <= 0 if metric == "dot" else np.diff(found) >= 0).all()
    some, _ = index.within(list(vectors[3]), -limit if metric == "dot" else limit, filter=np.arange(0, 6000, 2))
    assert set(some) <= set(ids) and all(id % 2 == 0 for id in some)
    with pytest.raises(IndexError):
        index.within(vectors[3][:-1], 1.0)


@pytest.mark.parametrize("work", [
    lambda vectors: ohyeah.knn_graph(vectors, 10, exact=True),
    lambda vectors: ohyeah.Index(vectors),
])
def test_ctrl_c_ends_long_work(work):
    vectors = np.random.default_rng(4).standard_normal((60_000, 64)).astype("f4")
    start = time.perf_counter()
    work(vectors)
    whole = time.perf_counter() - start
    # What runs in the background may have been told to ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(whole / 10, signal.raise_signal, [signal.SIGINT])
    start = time.perf_counter()
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            work(vectors)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert time.perf_counter() - start < whole * 0.8
