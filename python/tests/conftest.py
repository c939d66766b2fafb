import pathlib
import warnings

import numpy as np
import pytest

import ohyeah

ROOT = pathlib.Path(__file__).parent.parent.parent
METRICS = ["angular", "euclidean", "manhattan", "hamming", "dot"]


@pytest.fixture(scope="session")
def annoy():
    """The real annoy. A test that needs it and does not find it fails: it must not look as if it had passed."""
    try:
        import annoy
    except ImportError:
        pytest.fail("annoy is not installed: pip install annoy")
    return annoy


@pytest.fixture(scope="session")
def sample():
    return str(ROOT / "data" / "glove-20k-100d.bin")


def rows(metric, n, f, seed=0):
    values = np.random.default_rng(seed).normal(size=(n, f)).astype("f4")
    return (values > 0).astype("f4") if metric == "hamming" else values


def filled(make, metric, vectors, holes=()):
    index = make(vectors.shape[1], metric)
    for i, row in enumerate(vectors):
        if i not in holes:
            index.add_item(i, row)
    return index


def exact(metric, vectors, query, n):
    """The ids and distances of the nearest, in f64."""
    v, q = vectors.astype("f8"), np.asarray(query, "f8")
    if metric == "angular":
        lengths = np.linalg.norm(v, axis=1) * np.linalg.norm(q)
        d = np.sqrt(np.maximum(2 - 2 * np.divide(v @ q, lengths, out=np.zeros(len(v)), where=lengths > 0), 0))
    elif metric == "euclidean":
        d = np.linalg.norm(v - q, axis=1)
    elif metric == "manhattan":
        d = np.abs(v - q).sum(axis=1)
    elif metric == "hamming":
        d = ((v > 0.5) != (q > 0.5)).sum(axis=1).astype("f8")
    else:
        d = -(v @ q)
    order = np.lexsort((np.arange(len(v)), d))[:n]
    return order.tolist(), (-d[order] if metric == "dot" else d[order]).tolist()


@pytest.fixture(scope="session")
def vectors(sample):
    return ohyeah.WordVectors.load(sample)


@pytest.fixture(scope="session")
def keyed(sample):
    """The same vectors in gensim. Not skipped where it is missing: that would look as if it had passed."""
    from gensim.models.keyedvectors import KeyedVectors

    return KeyedVectors.load_word2vec_format(sample, binary=True)


def same_words(found, expected, tolerance=1e-5):
    """Whether two lists of words and cosines are the same; where two cosines are equal to the last digits, either may come first."""
    assert len(found) == len(expected)
    assert np.allclose([x for _, x in found], [x for _, x in expected], atol=tolerance)
    for (word, _), (other, cosine) in zip(found, expected):
        assert word == other or any(word == w and abs(x - cosine) < tolerance for w, x in expected), (found, expected)
