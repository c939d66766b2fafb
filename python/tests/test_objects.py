"""Indexes as Python objects: pickled, copied, sent to other processes, closed, shown, and made with progress."""

import copy
import gc
import multiprocessing
import os
import pickle
import sys
import threading

import joblib
import numpy as np
import pytest
from alone import run
from conftest import METRICS, rows

import ohyeah


@pytest.fixture(scope="module")
def vectors():
    return np.random.default_rng(1).normal(size=(3000, 16)).astype("f4")


@pytest.fixture(scope="module")
def index(vectors):
    return ohyeah.Index(vectors, keys=[f"k{i}" for i in range(3000)])


@pytest.fixture(scope="module")
def forest(vectors):
    forest = ohyeah.AnnoyIndex(16, "angular")
    forest.add_items(vectors)
    forest.build(5)
    return forest


def ids_of(index, vectors):
    """For pools: functions that they call must be importable."""
    if isinstance(index, ohyeah.AnnoyIndex):
        return index.get_nns_by_vectors(vectors, 5).tolist()
    return index.search(vectors, 5)[0].tolist()


COPIES = [lambda x: pickle.loads(pickle.dumps(x)), lambda x: pickle.loads(pickle.dumps(x, 2)), copy.copy, copy.deepcopy]


@pytest.mark.parametrize("copied", COPIES)
def test_an_index_is_pickled_and_copied(index, vectors, copied, tmp_path):
    again = copied(index)
    assert again.to_bytes() == index.to_bytes() and again.key(7) == "k7" and again.path is None
    index.save(tmp_path / "a.oy")
    mapped = ohyeah.Index.open(tmp_path / "a.oy")
    assert len(pickle.dumps(mapped)) < 1000 < len(pickle.dumps(index))
    again = copied(mapped)
    assert ids_of(again, vectors[:20]) == ids_of(index, vectors[:20])
    assert os.fspath(again.path) == str(tmp_path / "a.oy")
    read = ohyeah.Index.open(tmp_path / "a.oy", mmap=False)
    (tmp_path / "a.oy").unlink()
    assert copied(read).to_bytes() == index.to_bytes()


def test_a_pickle_names_its_file_from_the_root(index, vectors, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    index.save("a.oy")
    pickled = pickle.dumps(ohyeah.Index.open("a.oy"))
    monkeypatch.chdir("/")
    assert ids_of(pickle.loads(pickled), vectors[:3]) == ids_of(index, vectors[:3])
    ohyeah.Index(vectors[:100]).save(tmp_path / "a.oy")
    with pytest.raises(ohyeah.FileFormatError, match="another index than the one that was pickled"):
        pickle.loads(pickled)
    (tmp_path / "a.oy").unlink()
    with pytest.raises(FileNotFoundError):
        pickle.loads(pickled)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("copied", COPIES)
def test_a_forest_is_pickled_and_copied(metric, copied, tmp_path):
    v = rows(metric, 400, 12)
    index = ohyeah.AnnoyIndex(12, metric)
    for i in range(0, 400, 2):
        index.add_item(i, v[i])
    index.set_seed(9)
    again = copied(index)
    assert len(again) == 399 and all(again.get_item_vector(i) == index.get_item_vector(i) for i in range(399))
    again.build(4)
    index.build(4)
    answers = lambda x: [x.get_nns_by_item(i, 5, include_distances=True) for i in range(0, 399, 20)]
    assert answers(again) == answers(index)
    again = copied(index)
    assert answers(again) == answers(index) and again.get_n_trees() == 4
    again.unbuild()
    again.add_item(399, v[399])
    again.build(3)
    assert again.get_n_items() == 400 and index.get_n_items() == 399
    index.save(str(tmp_path / "a.ann"))
    assert len(pickle.dumps(index)) < 1000
    assert answers(copied(index)) == answers(index)
    pickled = pickle.dumps(index)
    other = ohyeah.AnnoyIndex(12, metric)
    other.add_items(v[::-1])
    other.build(4)
    other.save(str(tmp_path / "a.ann"))
    with pytest.raises(OSError, match="another index|multiple|bytes|node"):
        pickle.loads(pickled)


class Named(ohyeah.AnnoyIndex):
    def __new__(cls, f, metric, name="none"):
        return super().__new__(cls, f, metric)

    def __init__(self, f, metric, name="none"):
        super().__init__(f, metric)
        self.name = name


def test_a_class_that_derives_from_a_forest_keeps_its_attributes():
    index = Named(2, "euclidean", name="mine")
    index.add_item(0, [1, 2])
    for copied in COPIES:
        again = copied(index)
        assert type(again) is Named and again.name == "mine" and again.get_item_vector(0) == [1, 2]


def test_sets_are_pickled_and_copied():
    for some in (ohyeah.IdSet([3, 5]), ohyeah.IdSet([3, 5], 10), ohyeah.IdSet(np.array([True, False, True])), ohyeah.IdSet([])):
        for copied in COPIES:
            assert copied(some) == some and repr(copied(some)) == repr(some)


@pytest.mark.parametrize("kind", ["index", "forest"])
@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_pools_of_processes(kind, mapped, method, index, forest, vectors, tmp_path):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"there is no {method} here")
    given = {"index": index, "forest": copy.copy(forest)}[kind]
    if mapped:
        given.save(str(tmp_path / "a"))
        given = ohyeah.Index.open(tmp_path / "a") if kind == "index" else given
    expected = ids_of(given, vectors[:50])
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.starmap_async(ids_of, [(given, vectors[:50])] * 4).get(120) == [expected] * 4


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_joblib(backend, index, forest, vectors):
    for given in (index, forest):
        expected = ids_of(given, vectors[:50])
        work = joblib.Parallel(n_jobs=2, backend=backend)(joblib.delayed(ids_of)(given, vectors[:50]) for _ in range(4))
        assert work == [expected] * 4


def test_threads_search_while_the_index_is_closed(index, vectors):
    own, wrong, closed = copy.copy(index), [], threading.Event()
    expected = index.search(vectors[7], 5)[0].tolist()

    def work():
        while True:
            try:
                if own.search(vectors[7], 5)[0].tolist() != expected or own["k7"][0] != vectors[7, 0]:
                    wrong.append("another answer")
            except ValueError as error:
                if "closed" not in str(error) or not closed.is_set():
                    wrong.append(error)
                return

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    closed.wait(0.2)
    closed.set()
    own.close()
    [thread.join(60) for thread in threads]
    assert not wrong and not any(thread.is_alive() for thread in threads)
    assert index.search(vectors[7], 5)[0].tolist() == expected


def test_an_index_is_closed(index, vectors, tmp_path):
    index.save(tmp_path / "a.oy")
    with ohyeah.Index.open(tmp_path / "a.oy") as some:
        view, again = some["k7"], copy.copy(some)
        assert not some.closed and (view == vectors[7]).all()
    assert some.closed and repr(some) == "<Index: closed>"
    some.close()
    gc.collect()
    assert (view == vectors[7]).all() and again.id("k9") == 9
    for call in (lambda: some.search(vectors[0]), lambda: len(some), lambda: some["k7"], lambda: some.keys, some.verify,
                 lambda: some.save(tmp_path / "b.oy"), some.to_bytes, some.__enter__, lambda: pickle.dumps(some), lambda: copy.copy(some),
                 lambda: some.metric, lambda: some.calibrate(vectors), lambda: "k7" in some):
        with pytest.raises(ValueError, match="closed"):
            call()
    with ohyeah.AnnoyIndex(2, "dot") as forest:
        forest.add_item(0, [1, 2])
    assert len(forest) == 0


def test_what_is_shown(index, forest, vectors, tmp_path):
    assert repr(index) == "<Index: 3000 angular vectors of 16 dimensions with keys>"
    index.save(tmp_path / "a.oy")
    assert repr(ohyeah.Index.open(tmp_path / "a.oy")).endswith(f"with keys, mapped from {tmp_path / 'a.oy'}>")
    assert repr(forest) == "<AnnoyIndex: 3000 angular items of 16 dimensions, 5 trees>"
    assert repr(ohyeah.AnnoyIndex(3, "dot")) == "<AnnoyIndex: 0 dot items of 3 dimensions, no trees>"


def test_views_outlive_a_calibration(vectors):
    index = ohyeah.Index(vectors)
    view = index[7]
    index.calibrate(vectors[:100])
    gc.collect()
    assert (view == vectors[7]).all() and view.base is not None and not view.flags.writeable


def builds(vectors, progress):
    forest = ohyeah.AnnoyIndex(16, "angular")
    forest.add_items(vectors)
    index = ohyeah.Index(vectors[:500])
    return [
        lambda: ohyeah.Index(vectors, progress=progress),
        lambda: ohyeah.knn_graph(vectors, 5, progress=progress),
        lambda: forest.build(5, progress=progress),
        lambda: index.calibrate(vectors[:200], progress=progress),
    ]


def test_progress_is_told(vectors, capfd):
    for at in range(4):
        told = []
        builds(vectors, told.append)[at]()
        assert told[0] == 0 and told[-1] == 1 and sorted(told) == told
    for work in builds(vectors, True):
        work()
    shown = capfd.readouterr().err
    assert shown.count("100") >= 4
    for progress in (False, None):
        [work() for work in builds(vectors, progress)]
    assert capfd.readouterr().err == ""


def test_progress_without_tqdm():
    run(
        """
        import sys
        sys.modules["tqdm"] = None
        import numpy as np, ohyeah
        ohyeah.Index(np.random.default_rng(0).normal(size=(2000, 8)), progress=True)
        """
    )


def test_an_exception_where_progress_is_told_ends_the_work(vectors):
    def refuse(share):
        raise LookupError(f"no more at {share}")

    for work in builds(vectors, refuse):
        with pytest.raises(LookupError, match="no more"):
            work()
    forest = ohyeah.AnnoyIndex(16, "angular")
    forest.add_items(vectors)
    with pytest.raises(LookupError):
        forest.build(5, progress=refuse)
    assert len(forest) == 3000 and forest.build(2)


def test_one_default_for_threads(vectors):
    import inspect

    for call, name in [(ohyeah.Index, "threads"), (ohyeah.Index.search, "threads"), (ohyeah.Index.within, "threads"),
                       (ohyeah.Index.search_keys, "threads"), (ohyeah.Index.calibrate, "threads"), (ohyeah.knn_graph, "threads"),
                       (ohyeah.AnnoyIndex.build, "n_jobs"), (ohyeah.AnnoyIndex.get_nns_by_vectors, "n_jobs"),
                       (ohyeah.AnnoyIndex.get_nns_by_items, "n_jobs")]:
        assert inspect.signature(call).parameters[name].default is None, call


def test_memory_stays_flat():
    """10⁵ searches, 200 builds, 200 opens: what they take is given back."""
    run(
        """
        import gc, os, pickle, resource, sys, tempfile
        import numpy as np, ohyeah

        def resident():
            gc.collect()
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * resource.getpagesize()

        v = np.random.default_rng(0).normal(size=(2000, 16)).astype("f4")
        index = ohyeah.Index(v, keys=[str(i) for i in range(2000)])
        path = tempfile.mkdtemp() + "/a.oy"
        index.save(path)
        mask = np.arange(2000) % 3 == 0

        def search():
            for i in range(500):
                index.search(v[i], 10)
                index.search(v[i], 10, filter=mask)
            index.search_keys(str(i), 10, similarity=True)
            index.search(v[:500], 10)
            index.within(v[:20], 3.0)
            for bad in (v[0, :3], "x", [1j] * 16):
                try:
                    index.search(bad)
                except (ValueError, KeyError, TypeError):
                    pass

        def build():
            for _ in range(10):
                ohyeah.Index(v[:1000])
                forest = ohyeah.AnnoyIndex(16, "angular"); forest.add_items(v[:300]); forest.build(2)

        def open_():
            for _ in range(10):
                some = ohyeah.Index.open(path)
                assert some["7"][0] == v[7, 0] and some.id("8") == 8
                ohyeah.Index.open(path, mmap=False).search(v[0])
                pickle.loads(pickle.dumps(index))
                pickle.loads(pickle.dumps(some))

        for work, times in [(search, 67), (build, 20), (open_, 20)]:
            for _ in range(times // 4):
                work()
            before = resident()
            for _ in range(times - times // 4):
                work()
            grown = resident() - before
            assert grown < 4 << 20, (work.__name__, grown)
            assert len(os.listdir("/proc/self/fd")) < 30
        """,
        timeout=200,
    )


def test_annoy_by_its_other_name():
    run(
        """
        import ohyeah
        ohyeah.install_as_annoy()
        from annoy.annoylib import Annoy
        from annoy import AnnoyIndex
        import annoy.annoylib
        assert Annoy is AnnoyIndex is ohyeah.AnnoyIndex is annoy.annoylib.Annoy
        """
    )


@pytest.mark.parametrize("metric", ["angular", "euclidean", "manhattan", "hamming"])
def test_trees_of_annoys_own(annoy, metric, tmp_path):
    """The same answers for few candidates come of the same trees alone."""
    v = rows(metric, 500, 10, seed=3)
    theirs, ours = annoy.AnnoyIndex(10, metric), ohyeah.AnnoyIndex(10, metric)
    for index, how in ((theirs, {}), (ours, {"generator": "kiss64"})):
        index.set_seed(42)
        for i, row in enumerate(v):
            index.add_item(i, row)
        index.build(4, n_jobs=1, **how)
    other = ohyeah.AnnoyIndex(10, metric)
    other.add_items(v)
    other.build(4)
    answers = lambda x: [x.get_nns_by_item(i, 20, 20) for i in range(500)]
    same = np.mean([a == b for a, b in zip(answers(theirs), answers(ours))])
    assert same > 0.95, same
    assert np.mean([a == b for a, b in zip(answers(theirs), answers(other))]) < 0.9
