"""Arrays of every kind, in every place that takes some."""

import pathlib

import inputs
import numpy as np
import pandas as pd
import pytest

import ohyeah

README = pathlib.Path(__file__).parent.parent / "README.md"


def test_what_happens_is_what_the_readme_says():
    text = README.read_text(encoding="utf-8")
    begin, end = "<!-- made by tests/inputs.py -->\n", "<!-- end -->"
    assert text[text.index(begin) + len(begin) : text.index(end)].strip() == inputs.tables().strip()


@pytest.fixture(scope="module")
def vectors():
    return np.random.default_rng(1).normal(size=(300, 8)).astype("f4")


@pytest.fixture(scope="module")
def index(vectors):
    return ohyeah.Index(vectors, "euclidean", keys=[f"k{i}" for i in range(300)])


@pytest.mark.parametrize("call", [ohyeah.Index, lambda x: ohyeah.knn_graph(x, 3), ohyeah.AnnoyIndex(8, "dot").add_items])
def test_messages_name_the_argument_and_say_what_to_do(call, vectors):
    import scipy.sparse

    with pytest.raises(TypeError, match=r"vectors is a sparse matrix \(csr_matrix\).*vectors.toarray\(\)"):
        call(scipy.sparse.csr_matrix(vectors))
    with pytest.raises(ValueError, match=r"vectors must be a 2-d array, a row for each vector: its shape is \(8,\)"):
        call(vectors[0])
    bad = vectors.copy()
    bad[250, 3] = np.nan
    with pytest.raises(ValueError, match=r"vector 250 \(row 250 of vectors\): element 3 is NaN or infinite"):
        call(bad)
    with pytest.raises(TypeError, match="vectors must be real numbers, not complex64"):
        call(vectors.astype("c8"))


def test_a_row_that_is_none_leaves_an_index_as_it_was():
    rows = np.ones((20_000, 4), "f4")
    for at in (0, 4095, 4096, 19_999):
        for value in (np.nan, np.inf, 1e30):
            bad = rows.copy()
            bad[at, 2] = value
            index = ohyeah.AnnoyIndex(4, "angular")
            with pytest.raises(ValueError, match=f"row {at}"):
                index.add_items(bad)
            assert index.get_n_items() == 0
    with pytest.raises(ValueError, match="too large"):
        index.add_items(rows, first=2**31 - 10)
    assert index.get_n_items() == 0


def test_a_bad_query_in_a_batch_is_named(index, vectors):
    bad = vectors.copy()
    bad[[77, 200], 1] = np.inf
    for call in (index.search, lambda q: index.within(q, 1.0), lambda q: index.search(q, threads=1)):
        with pytest.raises(ValueError, match=r"query 77 \(row 77 of query\): element 1 is"):
            call(bad)


def test_more_than_there_are_is_padded(index, vectors):
    for threads in (1, None, 3):
        ids, distances = index.search(vectors[:4], 305, threads=threads)
        assert ids.shape == distances.shape == (4, 305)
        assert (ids[:, 300:] == -1).all() and np.isinf(distances[:, 300:]).all() and (np.sort(ids[:, :300]) == np.arange(300)).all()
    ids, distances = index.search(vectors[0], 302)
    assert ids.shape == (302,) and ids[300:].tolist() == [-1, -1] and distances[300:].tolist() == [np.inf] * 2
    _, products = ohyeah.Index(vectors, "dot").search(vectors[0], 302)
    assert products[300:].tolist() == [-np.inf] * 2 and (np.diff(products[:300]) <= 0).all()
    ids, distances = ohyeah.knn_graph(vectors[:5], 7, metric="euclidean")
    assert ids.shape == (5, 7) and (ids[:, 4:] == -1).all() and (ids[:, :4] >= 0).all() and np.isinf(distances[:, 4:]).all()
    assert ohyeah.Index(np.zeros((0, 4), "f4")).search(np.zeros((2, 4)), 3)[0].tolist() == [[-1] * 3] * 2
    for k in (2**31 - 1, 2**62):
        with pytest.raises((ValueError, MemoryError)):
            index.search(vectors[0], k)


def test_a_mask_for_each_query(index, vectors):
    masks = np.random.default_rng(2).random((40, 300)) < 0.2
    masks[7] = False
    for some in (masks, np.asfortranarray(masks), masks.tolist()):
        ids, distances = index.search(vectors[:40], 5, filter=some, threads=2)
        for row in range(40):
            one, far = index.search(vectors[row], 5, filter=masks[row])
            assert ids[row].tolist() == one.tolist() and distances[row].tolist() == far.tolist()
    within, _ = index.within(vectors[:40], 3.0, filter=masks)
    assert [ids.tolist() for ids in within] == [index.within(vectors[i], 3.0, filter=masks[i])[0].tolist() for i in range(40)]
    for query, mask in [(vectors[:39], masks), (vectors[0], masks[:1]), (vectors[:40], masks[:, :299]), (vectors[:40], masks.T)]:
        with pytest.raises(ValueError, match=r"filter: .*1-d.*its shape is \("):
            index.search(query, 5, filter=mask)


def test_negative_and_too_large_ids_raise_alike(index, vectors):
    for id in (-1, -5, 300, 2**31, 2**64, -(2**70)):
        for call in (
            lambda: index.search(vectors[0], filter=[id]),
            lambda: index.filter([id]),
            lambda: ohyeah.IdSet([id], 300),
            lambda: index.vector(id),
            lambda: index[id],
            lambda: index.key(id),
        ):
            with pytest.raises(ohyeah.NoSuchId, match=f"no id {id}" if abs(id) < 2**63 else "no id"):
                call()
    assert issubclass(ohyeah.NoSuchId, IndexError) and issubclass(ohyeah.NoSuchId, ValueError)


@pytest.mark.parametrize("recall", [95, 1.0001, 0, -1, float("nan"), float("inf")])
def test_a_recall_that_is_none(index, vectors, recall):
    for call in (index.search, index.search_keys, lambda q, recall: index.within(q, 1.0, recall=recall),
                 lambda q, recall: index.plan(10, recall), lambda q, recall: ohyeah.knn_graph(vectors, 3, recall=recall)):
        with pytest.raises(ValueError, match="recall is"):
            call(vectors[0], recall=recall)


def test_arguments_that_make_no_sense(index, vectors):
    forest = ohyeah.AnnoyIndex(8, "euclidean")
    forest.add_items(vectors)
    for call, match in [
        (lambda: forest.build(0), "n_trees is 0"),
        (lambda: forest.build(-2), "n_trees is -2"),
        (lambda: forest.build(1, generator="kiss32"), "generator"),
        (lambda: index.search(vectors[0], -1), "k is -1"),
        (lambda: index.search(vectors[0], leaves=0), "leaves is 0"),
        (lambda: index.search(vectors[0], candidates=0), "candidates is 0"),
        (lambda: index.search(vectors[0], recall=0.9, leaves=3), "recall"),
        (lambda: ohyeah.knn_graph(vectors, -1), "k is -1"),
        (lambda: ohyeah.knn_graph(vectors, 3, recall=0.9, exact=True), "exact"),
        (lambda: ohyeah.Index(vectors, seed=-1), "seed is -1"),
        (lambda: ohyeah.Index(vectors, "cosine"), "cosine is called angular"),
        (lambda: ohyeah.Index(vectors, "L2"), "L2 is called euclidean"),
        (lambda: ohyeah.AnnoyIndex(8, "ip"), "ip is called dot"),
        (lambda: ohyeah.AnnoyIndex(8, "l1"), "l1 is called manhattan"),
        (lambda: ohyeah.knn_graph(vectors, 3, metric="cosine"), "cosine is called angular"),
        (lambda: index.search(vectors[0], similarity=True), "similarity"),
        (lambda: ohyeah.Index(vectors, keys="abc"), "keys is one string"),
        (lambda: ohyeah.Index(vectors, keys=["a"]), "300 vectors need as many keys"),
        (lambda: index.within(vectors[0], float("nan")), "distance"),
    ]:
        with pytest.raises(ValueError, match=match):
            call()
    for call in (lambda: index.search(vectors[0], 2.5), lambda: ohyeah.Index(vectors, keys=[1] * 300),
                 lambda: index.vector(1.5), lambda: ohyeah.Index(vectors, progress=3), lambda: index.search(vectors[0], "3")):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(ohyeah.WrongLength, match=r"expected 8, got 5"):
        index.search(vectors[0, :5])


def test_ids_of_batches_of_a_forest(vectors):
    forest = ohyeah.AnnoyIndex(8, "euclidean")
    forest.add_items(vectors)
    forest.build(3)
    for items in ([3, 5], np.array([3, 5], "u1"), (3, 5), pd.Series([3, 5]), iter([3, 5]), range(3, 6, 2)):
        assert forest.get_nns_by_items(items, 1, 10**4).tolist() == [[3], [5]]
    assert forest.get_nns_by_items([], 1).shape == (0, 1)
    for items in ([-1], [300], [2**40], [2**64]):
        with pytest.raises(IndexError):
            forest.get_nns_by_items(items, 1)
    with pytest.raises(TypeError):
        forest.get_nns_by_items([1.5], 1)


def test_similarities_are_cosines_and_products(vectors):
    queries = np.random.default_rng(3).normal(size=(20, 8)).astype("f4")
    unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)
    index = ohyeah.Index(vectors)
    ids, cosines = index.search(queries, 5, similarity=True)
    _, distances = index.search(queries, 5)
    truth = np.take_along_axis(unit(queries.astype("f8")) @ unit(vectors.astype("f8")).T, ids, axis=1)
    assert np.allclose(cosines, truth, atol=1e-6) and np.allclose(distances, np.sqrt(2 - 2 * truth), atol=1e-6)
    assert index.search(queries[0], 301, similarity=True)[1][-1] == -np.inf
    index = ohyeah.Index(vectors, "dot")
    ids, products = index.search(queries, 5, similarity=True)
    assert np.allclose(products, np.take_along_axis(queries @ vectors.T, ids, axis=1), atol=1e-4)


def test_keys(index, vectors):
    assert index.id("k7") == 7 and index.key(7) == "k7" and index.keys == [f"k{i}" for i in range(300)]
    assert "k7" in index and "k300" not in index and 299 in index and 300 not in index and -1 not in index and None not in index
    assert (index["k7"] == vectors[7]).all() and (index[7] == vectors[7]).all() and (index.vector("k7") == vectors[7]).all()
    assert (index.vectors == vectors).all()
    assert index.search("k7", 3)[0].tolist() == index.search(vectors[7], 3)[0].tolist()
    assert index.search(["k7", "k9"], 3)[0].tolist() == index.search(vectors[[7, 9]], 3)[0].tolist()
    keys, distances = index.search_keys(vectors[7], 3)
    assert keys == [f"k{i}" for i in index.search(vectors[7], 3)[0]] and distances[0] == 0
    assert index.search_keys(["k7", "k9"], 301)[0][1][-1] is None
    for call in (index.id, index.search, index.__getitem__, index.vector, index.search_keys):
        with pytest.raises(KeyError, match="there is no key 'kx'"):
            call("kx")
    bare = ohyeah.Index(vectors)
    assert bare.keys is None and "k7" not in bare
    for call, kind in [(bare.id, KeyError), (bare.search, ValueError), (bare.search_keys, ValueError), (bare.key, TypeError)]:
        with pytest.raises(kind):
            call("k7")
    twice = ohyeah.Index(vectors, keys=["é", ""] * 150)
    assert twice.id("é") == 0 and twice.id("") == 1
    for keys in (np.array(["a"] * 300), pd.Index([f"{i}" for i in range(300)]), tuple("x" * 300), (str(i) for i in range(300))):
        assert ohyeah.Index(vectors, keys=keys).keys is not None


def test_labels_of_tables_are_keys(vectors):
    names = [f"row {i}" for i in range(300)]
    assert ohyeah.Index(pd.DataFrame(vectors, index=names)).keys == names
    assert ohyeah.Index(pd.DataFrame(vectors)).keys is None
    assert ohyeah.Index(pd.DataFrame(vectors, index=names), keys=["a"] * 300).keys == ["a"] * 300
    assert ohyeah.Index(pd.Series(list(vectors), index=names)).keys == names


def test_within_takes_rows(index, vectors):
    ids, distances = index.within(vectors[:30], 2.5)
    assert isinstance(ids, list) and len(ids) == len(distances) == 30
    for row in range(30):
        one = index.within(vectors[row], 2.5)
        assert ids[row].tolist() == one[0].tolist() and distances[row].tolist() == one[1].tolist()
    assert index.within(vectors[:0], 1.0) == ([], [])
