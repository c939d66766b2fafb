"""WordVectors against gensim, and the indexer for gensim."""

import numpy as np
import pytest

import ohyeah
from ohyeah.gensim import Indexer


@pytest.fixture(scope="module")
def vectors(sample):
    return ohyeah.WordVectors.load(sample)


@pytest.fixture(scope="module")
def keyed(sample):
    # Not skipped where it is missing: that would look as if it had passed.
    from gensim.models.keyedvectors import KeyedVectors

    return KeyedVectors.load_word2vec_format(sample, binary=True)


def close(found, expected):
    assert [word for word, _ in found] == [word for word, _ in expected]
    assert np.allclose([x for _, x in found], [x for _, x in expected], atol=1e-5)


def test_queries_are_gensims(vectors, keyed):
    assert vectors.words == keyed.index_to_key and len(vectors) == len(keyed)
    assert (vectors.vectors == keyed.vectors).all()
    assert (vectors["cat"] == keyed["cat"]).all() and vectors.index("cat") == keyed.key_to_index["cat"]
    close(vectors.most_similar("cat"), keyed.most_similar("cat"))
    close(vectors.most_similar(["king", "woman"], ["man"], topn=4), keyed.most_similar(["king", "woman"], ["man"], topn=4))
    close(
        vectors.most_similar([("king", 0.5), "queen"], restrict=3000),
        keyed.most_similar([("king", 0.5), "queen"], restrict_vocab=3000),
    )
    assert vectors.similarity("cat", "dog") == pytest.approx(keyed.similarity("cat", "dog"), abs=1e-6)
    words = "breakfast cereal dinner lunch".split()
    assert vectors.doesnt_match(words) == keyed.doesnt_match(words)
    assert sorted(vectors.closer_than("cat", "dog")) == sorted(keyed.closer_than("cat", "dog"))
    assert "cat" in vectors and "qwertzuiop" not in vectors


def test_a_view_outlives_the_object_and_cannot_be_written(sample):
    view = ohyeah.WordVectors.load(sample, limit=100).vectors
    row = ohyeah.WordVectors.load(sample, limit=100)["the"]
    assert view.shape == (100, 100) and (view[0] == row).all()
    with pytest.raises(ValueError):
        view[0, 0] = 1
    with pytest.raises(ValueError):
        row[0] = 1


def test_dictionary(vectors):
    small = ohyeah.WordVectors(vectors.words[:2000], vectors.vectors[:2000])
    exact = small.dictionary(top=5, exact=True)
    assert list(exact) == small.words
    close(exact["king"], small.most_similar("king", topn=5))
    found = small.dictionary(top=5, threads=1)
    assert found == small.dictionary(top=5, threads=3)
    right = sum(len({w for w, _ in found[word]} & {w for w, _ in exact[word]}) for word in exact)
    assert right / (5 * 2000) > 0.95


def test_saved_and_read_again(vectors, tmp_path):
    small = ohyeah.WordVectors(["a", "b c", "é"], [[1, 2], [3, 4], [5, 6.5]])
    for name in ["v.bin", "v.bin.gz"]:
        with pytest.raises(OSError, match="b c"):
            small.save(tmp_path / name)
    small = ohyeah.WordVectors(["a", "b", "é"], [[1, 2], [3, 4], [5, 6.5]])
    for name in ["v.bin", "v.txt", "v.txt.gz"]:
        small.save(str(tmp_path / name))
        again = ohyeah.WordVectors.load(tmp_path / name)
        assert again.words == small.words and (again.vectors == small.vectors).all()


def test_mistakes(vectors, tmp_path):
    with pytest.raises(KeyError, match="did you mean"):
        vectors.most_similar("kittten")
    with pytest.raises(KeyError):
        vectors["kittten"]
    with pytest.raises(ValueError):
        vectors.most_similar()
    with pytest.raises(ValueError):
        vectors.dictionary(top=0)
    with pytest.raises(OSError):
        ohyeah.WordVectors.load(tmp_path / "none.bin")
    (tmp_path / "bad.bin").write_bytes(b"3 2\na ")
    with pytest.raises(ValueError, match="bad.bin"):
        ohyeah.WordVectors.load(tmp_path / "bad.bin")
    with pytest.raises(ValueError):
        ohyeah.WordVectors(["a"], [[1, 2], [3, 4]])
    with pytest.raises(ValueError):
        ohyeah.WordVectors(["a"], [[1, float("nan")]])


def test_indexer(keyed, tmp_path):
    indexer = Indexer(keyed, num_trees=20, search_k=4000, seed=3)
    found = keyed.most_similar("cat", topn=10, indexer=indexer)
    assert found[0][0] == "cat" and len({w for w, _ in found[1:]} & {w for w, _ in keyed.most_similar("cat", topn=9)}) > 6
    path = tmp_path / "words.index"
    indexer.save(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["words.index"]
    assert keyed.most_similar("cat", topn=10, indexer=indexer) == found
    again = Indexer.load(str(path))
    assert keyed.most_similar("cat", topn=10, indexer=again) == found
    again.save(str(tmp_path / "again.index"))
    assert (tmp_path / "again.index").read_bytes() == path.read_bytes()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(OSError, match="words.index"):
        Indexer.load(path)
    path.write_bytes(b"x")
    with pytest.raises(OSError, match="words.index"):
        Indexer.load(path)
