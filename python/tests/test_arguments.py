"""Arguments that are none: an exception at once, that a program can expect. No panic reaches Python."""

import itertools
import time

import numpy as np
import pytest
from alone import run

import ohyeah


@pytest.fixture(scope="module")
def vectors():
    return np.random.default_rng(1).normal(size=(300, 8)).astype("f4")


@pytest.fixture(scope="module")
def index(vectors):
    return ohyeah.Index(vectors, "euclidean")


@pytest.fixture(scope="module")
def forest(vectors):
    forest = ohyeah.AnnoyIndex(8, "euclidean")
    forest.add_items(vectors)
    forest.build(3)
    return forest


@pytest.fixture(scope="module")
def words(vectors):
    return ohyeah.WordVectors([str(i) for i in range(300)], vectors)


@pytest.mark.parametrize("threads", [2**40, 2**31 - 1, 5000, 0, -2])
def test_threads_that_cannot_be(threads, vectors, index, forest, words):
    fresh = ohyeah.AnnoyIndex(8, "euclidean")
    fresh.add_items(vectors)
    calls = [
        lambda: index.search(vectors, threads=threads),
        lambda: index.search(vectors[0], threads=threads),
        lambda: ohyeah.Index(vectors, threads=threads),
        lambda: ohyeah.knn_graph(vectors, 3, threads=threads),
        lambda: forest.get_nns_by_vectors(vectors, 3, n_jobs=threads),
        lambda: forest.get_nns_by_items([1, 2], 3, n_jobs=threads),
        lambda: words.dictionary(threads=threads),
    ]
    if threads < 2**31:
        calls.append(lambda: fresh.build(3, n_jobs=threads))
    start = time.perf_counter()
    for call in calls:
        with pytest.raises(ValueError, match="threads"):
            call()
    assert time.perf_counter() - start < 1


def test_filters_of_ids_that_are_not_there_take_no_memory(index, vectors):
    run(
        """
        import resource
        import numpy as np, ohyeah
        v = np.random.default_rng(0).normal(size=(300, 8)).astype("f4")
        index = ohyeah.Index(v)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for filter in ([2**32 - 1], [2**31], [300], [5, 1000], [2**32], [2**63], [2**64], [2**200], np.array([2**64 - 1], "u8")):
            for call in (lambda: index.search(v[0], filter=filter), lambda: index.within(v[0], 1.0, filter=filter)):
                try:
                    call()
                    raise SystemExit(f"{filter} was taken")
                except ValueError as error:
                    assert "no id" in str(error)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < 50_000, grown
        """
    )


@pytest.mark.parametrize("filter", [["1", "2"], np.array(["5"]), [b"1"], [1 + 0j], [1.0, 2.5], np.array([1.0]), [None], [1, "2"],
                                    np.array(["2020-01-01"], "M8[D]"), [[1, 2], [3, 4]], 5, "5", {1, 2}])
def test_filters_that_are_none(index, vectors, filter):
    for call in (index.search, lambda query, filter: index.within(query, 1.0, filter=filter)):
        with pytest.raises((TypeError, ValueError), match="filter|integer") as raised:
            call(vectors[0], filter=filter)
        if not isinstance(filter, (int, set, str)) and np.ndim(filter) == 1:
            assert raised.type is TypeError


def test_masks_are_as_long_as_the_index(index, vectors):
    for n in (0, 50, 299, 301, 500):
        with pytest.raises(ValueError, match=f"mask has {n} places"):
            index.search(vectors[0], filter=np.ones(n, bool))
    with pytest.raises(ValueError, match="1-d"):
        index.search(vectors[0], filter=np.ones((300, 1), bool))
    assert index.search(vectors[0], 1, filter=np.ones(300, bool))[0].tolist() == [0]


def test_filters_that_are_some(index, vectors):
    for filter in ([5], (5,), range(5, 6), np.array([5], "u8"), np.array([5], "i1"), np.array([5, 5]), memoryview(np.array([5])),
                   [np.int32(5)], np.array([5], object)):
        assert index.search(vectors[0], 2, filter=filter)[0].tolist() == [5, -1]
    for filter in ([], np.array([], "i8"), np.zeros(300, bool)):
        assert index.search(vectors[0], 2, filter=filter)[0].tolist() == [-1, -1]


def test_queries_of_every_kind(index, vectors, forest):
    v = vectors[5]
    for query in (v, memoryview(v), memoryview(v.astype("f8")), v.tolist(), tuple(v.tolist()), v.astype("f8"), np.repeat(v, 2)[::2],
                  v[::-1].copy()[::-1], np.ascontiguousarray(vectors.T)[:, 5], v.astype(object), v.astype(">f4")):
        assert index.search(query, 1)[0].tolist() == [5]
        assert index.within(query, 1e-3)[0].tolist() == [5]
        assert forest.get_nns_by_vector(query, 1, 10**6) == [5]
    for queries in (memoryview(vectors[5:7]), vectors[5:7].tolist(), vectors[5:7].astype("f8"), list(vectors[5:7])):
        assert index.search(queries, 1)[0].tolist() == [[5], [6]]
        assert [ids.tolist() for ids in index.within(queries, 1e-3)[0]] == [[5], [6]]
    with pytest.raises(ValueError, match=r"one vector.*\(1, 2, 8\)"):
        index.within(vectors[:2][None], 1.0)


@pytest.mark.parametrize("bad", ["text", ["1"] * 8, np.ones(8, "c8"), np.ones(8, "M8[s]"), None, {}, object()])
def test_vectors_that_are_none(index, forest, bad):
    calls = [index.search, lambda query: index.within(query, 1.0), lambda query: forest.get_nns_by_vector(query, 1),
             lambda query: forest.get_nns_by_vectors([query], 1), lambda query: ohyeah.Index([query]),
             lambda query: ohyeah.AnnoyIndex(8, "dot").add_items([query])]
    for call in calls:
        with pytest.raises((TypeError, ValueError, IndexError)):
            call(bad)


def test_no_panic_whatever_the_numbers(vectors, index, forest, words):
    """Every number in every place: an answer, or an exception that a program can expect."""
    huge = [0, 1, 2**31 - 1, 2**32 - 1, 2**32, 2**63 - 1, 2**64 - 1, 2**64, -1, -(2**63)]
    floats = [float("nan"), float("inf"), -float("inf"), 0.0, -1.0, 1e-300, 1e300, 0.5]
    shapes = [np.zeros(shape, "f4") for shape in [(0,), (0, 8), (8, 0), (1, 8), (0, 0), (2, 3, 8), ()]]
    calls = []
    for n in huge:
        calls += [
            lambda n=n: index.search(vectors[0], n),
            lambda n=n: index.search(vectors[:3], n),
            lambda n=n: index.search(vectors[:3], 3, leaves=n),
            lambda n=n: index.search(vectors[:3], 3, candidates=n),
            lambda n=n: index.search(vectors[:3], 3, leaves=n, candidates=n),
            lambda n=n: index.key(n),
            lambda n=n: index.vector(n),
            lambda n=n: ohyeah.knn_graph(vectors, n),
            lambda n=n: ohyeah.knn_graph(vectors, n, exact=True),
            lambda n=n: ohyeah.Index(vectors, seed=n),
            lambda n=n: forest.get_nns_by_item(n, 3),
            lambda n=n: forest.get_nns_by_item(3, n),
            lambda n=n: forest.get_nns_by_item(3, 3, n),
            lambda n=n: forest.get_nns_by_vectors(vectors[:2], 3, n),
            lambda n=n: forest.get_nns_by_items([n], 3),
            lambda n=n: forest.get_nns_by_vectors(vectors[:0], n),
            lambda n=n: forest.get_item_vector(n),
            lambda n=n: forest.get_distance(n, 0),
            lambda n=n: forest.set_seed(n),
            lambda n=n: ohyeah.AnnoyIndex(8, "dot").add_items(vectors, first=n) if n > 2**31 - 200 else None,
            lambda n=n: words.most_similar("5", topn=n),
            lambda n=n: words.most_similar("5", restrict=n),
            lambda n=n: words.dictionary(top=n),
            lambda n=n: words.dictionary(top=2, search_k=n),
        ]
    for x in floats:
        calls += [
            lambda x=x: index.search(vectors[0], recall=x),
            lambda x=x: index.within(vectors[0], x),
            lambda x=x: index.within(vectors[0], 1.0, recall=x),
            lambda x=x: index.search([x] * 8),
            lambda x=x: ohyeah.Index([[x] * 8] * 3),
            lambda x=x: ohyeah.knn_graph(vectors, 3, recall=x),
            lambda x=x: ohyeah.knn_graph([[x] * 8] * 3, 2),
            lambda x=x: words.most_similar(["5", ("6", x)]),
            lambda x=x: words.dictionary(recall=x),
            lambda x=x: forest.get_nns_by_vector([x] * 8, 2),
        ]
    for shape, metric in itertools.product(shapes, ["angular", "euclidean", "dot"]):
        calls += [
            lambda s=shape: index.search(s),
            lambda s=shape: index.within(s, 1.0),
            lambda s=shape, m=metric: ohyeah.Index(s, m).search(s),
            lambda s=shape, m=metric: ohyeah.knn_graph(s, 3, metric=m),
            lambda s=shape: ohyeah.knn_graph(s, 3, exact=True),
            lambda s=shape: forest.get_nns_by_vectors(s, 3),
            lambda s=shape: ohyeah.AnnoyIndex(8, "angular").add_items(s),
            lambda s=shape: ohyeah.WordVectors([], s),
            lambda s=shape: ohyeah.WordVectors([], s).dictionary(),
        ]
    for call in calls:
        try:
            call()
        except (ValueError, TypeError, IndexError, OverflowError, MemoryError, KeyError):
            pass
