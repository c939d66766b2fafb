"""AnnoyIndex by itself: answers against brute force, and everything that Annoy's class promises."""

import threading

import numpy as np
import pytest
from conftest import METRICS, exact, filled, rows

from ohyeah import AnnoyIndex


@pytest.mark.parametrize("metric", METRICS)
def test_answers_are_those_of_brute_force(metric):
    vectors = rows(metric, 800, 24)
    index = filled(AnnoyIndex, metric, vectors)
    assert index.build(10) is True
    for query in rows(metric, 20, 24, seed=1):
        ids, distances = index.get_nns_by_vector(query, 12, 10**9, include_distances=True)
        expected_ids, expected = exact(metric, vectors, query, 12)
        assert np.allclose(distances, expected, rtol=1e-5, atol=1e-5)
        if metric != "hamming":
            assert ids == expected_ids
        assert index.get_nns_by_vector(query.tolist(), 12, 10**9) == ids
        assert index.get_nns_by_vector(tuple(query.tolist()), 12, search_k=10**9) == ids
        assert index.get_nns_by_vector(query.astype("f8"), 12, -2) == ids


@pytest.mark.parametrize("metric", METRICS)
def test_items(metric):
    vectors = rows(metric, 50, 9)
    index = filled(AnnoyIndex, metric, vectors, holes=[7, 8])
    for built in [False, True]:
        if built:
            index.build(4)
        assert index.get_n_items() == 50 and len(index) == 50 and index.get_n_trees() == (4 if built else 0)
        assert index.f == 9
        assert index.get_item_vector(3) == vectors[3].tolist()
        assert index.get_item_vector(7) == [0.0] * 9
        ids, distances = exact(metric, vectors[4:5], vectors[3], 1)
        assert index.get_distance(3, 4) == pytest.approx(distances[0], abs=1e-5)
        ids, distances = exact(metric, vectors[4:5], np.zeros(9), 1)
        assert index.get_distance(7, 4) == pytest.approx(distances[0], abs=1e-5)
    assert index.get_nns_by_item(3, 5) == index.get_nns_by_vector(vectors[3], 5)
    everything = index.get_nns_by_item(3, 100, -2)
    assert sorted(everything) == [i for i in range(50) if i not in (7, 8)]
    assert sorted(index.get_nns_by_item(3, -1, -2)) == sorted(everything)
    assert index.get_nns_by_item(3, 5, 0) == [] and index.get_nns_by_item(3, 0) == []
    assert index.get_nns_by_item(3, 5, include_distances=True)[0] == index.get_nns_by_item(3, 5)


def test_before_it_is_built_nothing_is_found():
    index = filled(AnnoyIndex, "angular", rows("angular", 5, 3))
    assert index.get_nns_by_vector([1, 2, 3], 3) == []
    assert index.get_nns_by_item(1, 3, include_distances=True) == ([], [])


def test_the_default_metric_warns():
    with pytest.warns(FutureWarning, match="Please pass metric='angular' explicitly"):
        AnnoyIndex(3)


def test_a_subclass_is_as_good():
    class Mine(AnnoyIndex):
        def nearest(self, vector):
            return self.get_nns_by_vector(vector, 1)[0]

    index = Mine(2, metric="euclidean")
    index.add_item(i=0, vector=[1, 0])
    index.add_item(1, vector=[0, 1])
    index.build(n_trees=2, n_jobs=1)
    assert index.nearest([0.1, 2]) == 1


@pytest.mark.parametrize("metric", METRICS)
def test_the_seed_decides_and_not_the_threads(metric, tmp_path):
    vectors = rows(metric, 3000, 16)
    files = []
    for name, seed, jobs in [("a", 5, 1), ("b", 5, 2), ("c", 5, 8), ("d", 5, -1), ("e", 6, 1)]:
        index = filled(AnnoyIndex, metric, vectors)
        index.set_seed(seed)
        index.build(7, n_jobs=jobs)
        index.save(str(tmp_path / name))
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1] == files[2] == files[3] != files[4]


def test_saved_loaded_unloaded_unbuilt(tmp_path):
    vectors = rows("angular", 300, 10)
    index = filled(AnnoyIndex, "angular", vectors)
    index.build(-1)
    assert index.get_n_trees() > 1
    before = index.get_nns_by_item(9, 20, include_distances=True)
    assert index.save(str(tmp_path / "a.ann"), prefault=True) is True
    assert index.get_nns_by_item(9, 20, include_distances=True) == before
    with pytest.raises(Exception, match="You can't unbuild a loaded index"):
        index.unbuild()
    assert index.save(tmp_path / "b.ann") is True
    other = AnnoyIndex(10, "angular")
    assert other.load(tmp_path / "a.ann") is True
    assert other.load(str(tmp_path / "b.ann"), prefault=True) is True
    assert other.get_nns_by_item(9, 20, include_distances=True) == before
    assert other.unload() is True
    assert other.get_n_items() == 0 and other.get_n_trees() == 0
    other.add_item(0, vectors[0])
    assert other.build(2) and other.unbuild() is True
    other.add_item(1, vectors[1])
    other.build(3)
    assert sorted(other.get_nns_by_item(0, 5)) == [0, 1]


@pytest.mark.parametrize("metric", METRICS)
def test_built_on_disk(metric, tmp_path):
    vectors = rows(metric, 500, 12)
    index = AnnoyIndex(12, metric)
    assert index.on_disk_build(str(tmp_path / "disk.ann")) is True
    for i, row in enumerate(vectors):
        index.add_item(i, row)
    index.build(5)
    memory = filled(AnnoyIndex, metric, vectors)
    memory.build(5)
    assert index.get_nns_by_item(1, 9) == memory.get_nns_by_item(1, 9)
    memory.save(str(tmp_path / "memory.ann"))
    assert (tmp_path / "disk.ann").read_bytes() == (tmp_path / "memory.ann").read_bytes()
    index.unbuild()
    index.add_item(500, vectors[0])
    index.build(5)
    assert 500 in index.get_nns_by_item(0, 500, -2)


def test_batches():
    vectors = rows("angular", 2000, 20)
    index = AnnoyIndex(20, "angular")
    index.add_items(vectors)
    one_by_one = filled(AnnoyIndex, "angular", vectors)
    index.build(8), one_by_one.build(8)
    queries = rows("angular", 70, 20, seed=1)
    ids, distances = index.get_nns_by_vectors(queries, 6, include_distances=True)
    assert ids.shape == distances.shape == (70, 6) and ids.dtype == np.int32 and distances.dtype == np.float32
    for query, found, far in zip(queries, ids, distances):
        expected = one_by_one.get_nns_by_vector(query, 6, include_distances=True)
        assert (found.tolist(), far.tolist()) == expected
    assert (index.get_nns_by_vectors(queries.tolist(), 6, n_jobs=1) == ids).all()
    assert (index.get_nns_by_vectors(np.asfortranarray(queries.astype("f8")), 6, n_jobs=3) == ids).all()
    assert index.get_nns_by_items([3, 1, 4], 5).tolist() == [index.get_nns_by_item(i, 5) for i in [3, 1, 4]]
    few = AnnoyIndex(20, "angular")
    few.add_items(vectors[:2], first=1)
    few.build(1)
    ids, distances = few.get_nns_by_vectors(queries[:1], 4, include_distances=True)
    assert sorted(ids[0, :2]) == [1, 2] and ids[0, 2:].tolist() == [-1, -1] and np.isnan(distances[0, 2:]).all()
    with pytest.raises(IndexError, match=r"Vector has wrong length \(expected 20, got 19\)"):
        index.get_nns_by_vectors(queries[:, :19], 5)
    with pytest.raises(ValueError):
        index.get_nns_by_vectors(queries[0], 5)


def test_strided_arrays():
    vectors = rows("euclidean", 100, 6)
    index = filled(AnnoyIndex, "euclidean", vectors[:, ::-1])
    index.build(3)
    assert index.get_item_vector(5) == vectors[5, ::-1].tolist()
    assert index.get_nns_by_vector(vectors[5, ::-1], 1) == [5]


def test_many_threads_ask_one_index():
    vectors = rows("angular", 3000, 30)
    index = filled(AnnoyIndex, "angular", vectors)
    index.build(10)
    expected = [index.get_nns_by_item(i, 10) for i in range(100)]
    wrong = []

    def ask():
        for _ in range(10):
            for i in range(100):
                if index.get_nns_by_item(i, 10) != expected[i]:
                    wrong.append(i)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert not wrong


def test_items_are_added_from_many_threads():
    vectors = rows("euclidean", 4000, 8)
    index = AnnoyIndex(8, "euclidean")
    add = lambda start: [index.add_item(i, vectors[i]) for i in range(start, 4000, 4)]
    threads = [threading.Thread(target=add, args=(start,)) for start in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    index.build(2)
    assert all(index.get_item_vector(i) == vectors[i].tolist() for i in range(0, 4000, 97))


def test_a_search_does_not_hold_the_interpreter():
    """While one thread builds, another runs."""
    index = filled(AnnoyIndex, "angular", rows("angular", 20000, 40))
    built = threading.Event()
    builder = threading.Thread(target=lambda: (index.build(20, n_jobs=1), built.set()))
    builder.start()
    steps = 0
    while not built.is_set():
        steps += 1
    builder.join()
    assert steps > 10000


def test_classes_derive_as_from_annoys():
    class Named(AnnoyIndex):
        def __init__(self, f, metric, name=None):
            super().__init__(f, metric)
            self.name = name

    index = Named(3, "euclidean")
    index.add_item(0, [1, 2, 3])
    assert index.get_n_items() == 1 and index.name is None


def test_flags_are_whatever_is_true_or_not(tmp_path):
    index = AnnoyIndex(2, "euclidean")
    assert index
    for i in range(10):
        index.add_item(i, [i, 0])
    index.verbose(1)
    index.build(3)
    assert index.get_nns_by_item(0, 2, -1, 1) == ([0, 1], [0.0, 1.0])
    assert index.get_nns_by_vector([0, 0], 2, include_distances=0) == [0, 1]
    index.save(str(tmp_path / "flags.ann"), 1)
    index.load(str(tmp_path / "flags.ann"), prefault=0)


def test_an_index_in_a_file_survives_errors_and_is_built_there_again(tmp_path):
    path = tmp_path / "built.ann"
    index = AnnoyIndex(2, "euclidean")
    index.on_disk_build(str(path))
    for i in range(50):
        index.add_item(i, [i, i])
    with pytest.raises(ValueError, match="n_trees"):
        index.build(0)
    assert index.get_n_items() == 50
    index.build(3)
    index.unbuild()
    for i in range(50, 100):
        index.add_item(i, [i, i])
    index.build(3)
    again = AnnoyIndex(2, "euclidean")
    again.load(str(path))
    assert again.get_n_items() == 100


def test_too_many_answers_are_an_error_and_no_end():
    index = AnnoyIndex(2, "euclidean")
    index.add_items(np.ones((20, 2), "f4"))
    index.build(1)
    with pytest.raises(MemoryError):
        index.get_nns_by_items(list(range(20)) * 500_000, 2**31 - 1)
