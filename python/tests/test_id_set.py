"""`IdSet`, `Index.filter`, `calibrate` and `plan`, against sets of Python and brute force by numpy."""

import threading

import numpy as np
import pytest

import ohyeah


def test_sets_are_those_of_python():
    rng = np.random.default_rng(1)
    a, b = rng.random(500) < 0.3, rng.random(500) < 0.5
    one, two = ohyeah.IdSet(a), ohyeah.IdSet(np.flatnonzero(b), 500)
    for made, mask in [
        (one & two, a & b),
        (one | two, a | b),
        (one ^ two, a ^ b),
        (one - two, a & ~b),
        (~one, ~a),
        (ohyeah.IdSet(one), a),
        (ohyeah.IdSet([]), a & ~a),
    ]:
        assert made.ids().tolist() == np.flatnonzero(mask).tolist()
        assert len(made) == mask.sum() and made == ohyeah.IdSet(mask)
    assert (3 in one) == a[3] and -1 not in one and 10**12 not in one
    assert repr(one) == f"<IdSet: {a.sum()} of 500 ids>"
    with pytest.raises(TypeError):
        hash(one)


def test_sets_of_other_data_are_refused():
    index = ohyeah.Index(np.eye(10, dtype="f4"))
    with pytest.raises(ValueError, match="one of 11 ids, and the index has 10"):
        index.search(np.ones(10), filter=ohyeah.IdSet(np.ones(11, bool)))
    with pytest.raises(ValueError, match="no id 10"):
        index.search(np.ones(10), filter=ohyeah.IdSet([3, 10]))
    with pytest.raises(ValueError, match="how many there are"):
        ~ohyeah.IdSet([3])
    with pytest.raises(ValueError, match="other data"):
        ohyeah.IdSet([1], 10) & ohyeah.IdSet([1], 11)
    with pytest.raises(ValueError):
        ohyeah.IdSet([12], 10)


@pytest.mark.parametrize("metric", ["angular", "euclidean", "dot"])
@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.0])
def test_answers_are_allowed_and_have_the_recall(metric, share):
    rng = np.random.default_rng(2)
    vectors, queries = (rng.normal(size=(n, 24)).astype("f4") for n in (8000, 100))
    index = ohyeah.Index(vectors, metric)
    mask = rng.random(8000) < share
    allowed, found = index.filter(mask), 0
    for query in queries:
        ids, _ = index.search(query, 10, filter=allowed)
        exact, _ = index.search(query, 10, recall=1.0, filter=mask)
        ids, exact = ids[ids >= 0], exact[exact >= 0]
        assert mask[ids].all() and len(set(ids.tolist())) == len(ids) == min(10, mask.sum())
        found += len(set(ids.tolist()) & set(exact.tolist()))
    assert found >= 0.93 * len(queries) * min(10, mask.sum())


def test_threads_share_a_set():
    rng = np.random.default_rng(3)
    indexes = [ohyeah.Index(rng.normal(size=(2000, 8))) for _ in range(6)]
    allowed = ohyeah.IdSet(rng.random(2000) < 0.3)
    expected = [index.search(np.ones(8), filter=allowed)[0].tolist() for index in indexes]
    wrong = []

    def work():
        for _ in range(20):
            for index, ids in zip(indexes, expected):
                if index.search(np.ones(8), filter=allowed)[0].tolist() != ids:
                    wrong.append(index)

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    assert not wrong and not any(thread.is_alive() for thread in threads)


def test_an_index_is_calibrated_with_queries(tmp_path):
    rng = np.random.default_rng(4)
    n, d = 20000, 48
    vectors = (rng.normal(size=(n, d)) * np.linspace(2, 0.3, d)).astype("f4")
    queries = (rng.normal(size=(500, d)) * np.linspace(0.3, 2, d)).astype("f4")
    index = ohyeah.Index(vectors)
    unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)
    scores = unit(queries[300:]) @ unit(vectors).T
    kth = np.partition(scores, -10, axis=1)[:, -10]
    recall = lambda: np.mean([(s[index.search(q)[0]] >= t - 1e-6).mean() for q, s, t in zip(queries[300:], scores, kth)])
    kept, before = index.vector(7), index.plan(10, 0.95)
    index.calibrate(queries[:300])
    assert abs(recall() - 0.95) < 0.03
    assert index.plan(10, 0.95) != before and (kept == vectors[7]).all()
    index.verify()
    index.save(tmp_path / "calibrated.oy")
    assert ohyeah.Index.open(tmp_path / "calibrated.oy").plan(10, 0.95) == index.plan(10, 0.95)
    with pytest.raises(ValueError, match="too few"):
        index.calibrate(queries[:5])
    with pytest.raises(IndexError):
        index.calibrate(queries[:30, :7])
    queries[3, 3] = np.nan
    with pytest.raises(ValueError, match="query 3"):
        index.calibrate(queries)


def test_a_plan_says_how_searches_are_answered():
    rng = np.random.default_rng(5)
    assert ohyeah.Index(rng.normal(size=(100, 8))).plan() is None
    plan = ohyeah.Index(rng.normal(size=(30000, 32))).plan(10, 0.9)
    assert set(plan) == {"leaves", "vectors", "candidates", "tenth"} and 0 < plan["tenth"] <= 1
    with pytest.raises(ValueError):
        ohyeah.Index(rng.normal(size=(100, 8))).plan(10, float("nan"))
