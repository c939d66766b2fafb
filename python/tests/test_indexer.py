"""``ohyeah.gensim.Indexer``: models, labels of any type, files."""

import enum
import json
import pathlib
import struct

import numpy as np
import pytest

import ohyeah
from ohyeah.gensim import Indexer

LABELS = {
    "texts": ["a", "b", "\0c"],
    "empty and long texts": ["", "x" * 5000, "é\n\t"],
    "half a surrogate pair": ["\ud800", "b", "c\udfff"],
    "ints": [7, -8, 2**70],
    "numpy's ints": [np.int64(7), np.uint8(8), np.int16(-9)],
    "floats": [0.1, 1e300, float("inf")],
    "numpy's floats": [np.float32(0.1), np.float64(0.1), np.float16(0.1)],
    "tuples": [("a", 1), ("b", (2, np.int64(3))), ()],
    "others": [None, True, b"\xff\0"],
    "numpy's others": [np.str_("a"), np.bytes_(b"b"), np.bool_(True)],
    "a mixture": ["1", 1, (1,)],
    "complex": [1j, 2 + 3j, 0.5],
}


def keyed_by(labels, dimensions=3):
    from gensim.models import KeyedVectors

    keyed = KeyedVectors(dimensions)
    keyed.add_vectors(list(labels), np.eye(len(labels), dimensions, dtype="f4"))
    return keyed


def same(a, b):
    if isinstance(a, tuple):
        return isinstance(b, tuple) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("how", [{}, {"num_trees": 3}], ids=["packed", "forest"])
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_come_back_as_they_were(labels, how, tmp_path):
    keyed = keyed_by(labels)
    indexer = Indexer(keyed, **how)
    indexer.save(tmp_path / "i")
    assert [entry.name for entry in tmp_path.iterdir()] == ["i"]
    again = Indexer.load(tmp_path / "i")
    for one in (indexer, again):
        for row, label in enumerate(labels):
            ((found, cosine),) = one.most_similar(keyed.vectors[row], 1)
            assert same(found, label) and cosine == pytest.approx(1, abs=1e-5)
        assert all(map(same, one.labels, labels)) and len(one.labels) == len(one) == 3
    again.save(str(tmp_path / "again"))
    assert (tmp_path / "again").read_bytes() == (tmp_path / "i").read_bytes()


class Colour(enum.IntEnum):
    RED = 1


@pytest.mark.parametrize("how", [{}, {"num_trees": 3}], ids=["packed", "forest"])
@pytest.mark.parametrize("label", [pathlib.PurePath("a"), Colour.RED, frozenset("ab"), ("a", object()), np.datetime64("2020-01-01")], ids=repr)
def test_labels_that_no_file_keeps_are_searched_and_not_saved(label, how, tmp_path):
    keyed = keyed_by(["a", label, "c"])
    indexer = Indexer(keyed, **how)
    assert indexer.most_similar(keyed.vectors[1], 1)[0][0] is label
    with pytest.raises(TypeError, match=r"label .* is of type .*cannot keep"):
        indexer.save(tmp_path / "i")
    assert not list(tmp_path.iterdir())


def test_models():
    from gensim.models import Doc2Vec, FastText, Word2Vec
    from gensim.models.doc2vec import TaggedDocument

    texts = [f"the word{i % 7} is near word{i % 5} and word{i % 3}".split() for i in range(60)]
    how = {"vector_size": 8, "min_count": 1, "seed": 1, "workers": 1, "epochs": 2}
    documents = [TaggedDocument(words, [tag]) for tag, words in enumerate(texts)]
    for model, keyed in [
        (model, getattr(model, name))
        for model, name in [(Word2Vec(texts, **how), "wv"), (FastText(texts, bucket=100, **how), "wv"), (Doc2Vec(documents, **how), "dv")]
    ]:
        for indexer in (Indexer(model), Indexer(model, 10), Indexer(keyed, recall=1), Indexer(model, search_k=100, num_trees=3)):
            assert indexer.labels == keyed.index_to_key
            key = keyed.index_to_key[3]
            found = keyed.most_similar(key, topn=5, indexer=indexer)
            assert found[0] == (key, pytest.approx(1, abs=1e-5)) and type(found[0][0]) is type(key)
            if indexer.recall == 1:
                assert [x for _, x in found[1:]] == pytest.approx([x for _, x in keyed.most_similar(key, topn=4)], abs=1e-5)


def test_it_finds_what_is_asked_for(keyed, vectors):
    exact = {word: {w for w, _ in keyed.most_similar(word, topn=9)} for word in keyed.index_to_key[::200]}

    def found(indexer):
        lists = {word: keyed.most_similar(word, topn=10, indexer=indexer) for word in exact}
        return sum(len(exact[word] & {w for w, _ in near}) for word, near in lists.items()) / (9 * len(exact))

    indexer = Indexer(keyed, recall=0.99)
    assert found(indexer) > 0.96
    indexer.recall = 0.5
    less = found(indexer)
    assert 0.4 < less
    indexer.recall = 1
    assert less < 0.95 and found(indexer) == 1 == found(Indexer(vectors, recall=1))
    few, many = (Indexer(keyed, num_trees=20, search_k=search_k, seed=3) for search_k in (200, 8000))
    assert found(few) < found(many)
    assert found(many) > 0.7


@pytest.fixture(scope="module")
def few(keyed):
    return keyed.vectors_for_all(keyed.index_to_key[:1000])


def test_files(few, tmp_path):
    indexer, path = Indexer(few, recall=0.99), tmp_path / "words.oy"
    indexer.save(path)
    # An ordinary index, with the words as its keys.
    assert ohyeah.Index.open(path).key(5) == few.index_to_key[5]
    again = Indexer.load(path, recall=0.99)
    assert few.most_similar("he", indexer=again) == few.most_similar("he", indexer=indexer)
    assert Indexer.load(str(path)).recall == 0.95 and indexer.labels == again.labels
    with pytest.raises(FileNotFoundError) as raised:
        Indexer.load(tmp_path / "none")
    assert raised.value.filename == str(tmp_path / "none")
    ohyeah.Index(few.vectors).save(tmp_path / "nameless.oy")
    with pytest.raises(OSError, match="nameless.oy.*no labels"):
        Indexer.load(tmp_path / "nameless.oy")
    ohyeah.Index(few.vectors, "euclidean", keys=few.index_to_key).save(tmp_path / "euclidean.oy")
    with pytest.raises(OSError, match="euclidean.oy.*no cosines"):
        Indexer.load(tmp_path / "euclidean.oy")
    whole = path.read_bytes()
    for bytes_ in (whole[:-1], b"x", b"", whole[: len(whole) // 2]):
        path.write_bytes(bytes_)
        with pytest.raises(OSError, match="words.oy"):
            Indexer.load(path)


def test_files_of_forests(keyed, tmp_path):
    indexer, path = Indexer(keyed, num_trees=20, search_k=4000, seed=3), tmp_path / "words.index"
    found = keyed.most_similar("cat", topn=10, indexer=indexer)
    indexer.save(path)
    again = Indexer.load(str(path))
    assert keyed.most_similar("cat", topn=10, indexer=again) == found and again.search_k == 4000
    again.save(str(tmp_path / "again.index"))
    assert (tmp_path / "again.index").read_bytes() == path.read_bytes()
    with pytest.raises(ValueError, match="recall"):
        Indexer.load(path, recall=0.9)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(OSError, match="words.index"):
        Indexer.load(path)


@pytest.mark.parametrize("labels, expected", [(["a", "b", "c"], ["a", "b", "c"]), ([["a", 1], 2, "c"], [("a", 1), 2, "c"])])
def test_files_that_older_versions_wrote(labels, expected, tmp_path):
    forest = ohyeah.AnnoyIndex(3, "angular")
    forest.add_items(np.eye(3, dtype="f4"))
    forest.build(2)
    forest.save(tmp_path / "forest")
    index = (tmp_path / "forest").read_bytes()
    about = json.dumps({"dimensions": 3, "search_k": -1, "labels": labels}).encode()
    (tmp_path / "old").write_bytes(index + about + struct.pack("<QQ8s", len(index), len(about), b"ohyeahGI"))
    old = Indexer.load(tmp_path / "old")
    assert old.labels == expected and old.search_k is None
    assert old.most_similar([0, 1, 0], 1)[0][0] == expected[1]


def test_answers_of_odd_lengths(keyed):
    for indexer in (Indexer(keyed_by(["a", "b", "c"])), Indexer(keyed_by(["a", "b", "c"]), 5)):
        assert len(indexer.most_similar(np.ones(3, "f4"), 10)) == 3 and indexer.most_similar([1, 2, 3], 0) == []
        assert len(indexer.most_similar(np.zeros(3), 2)) == 2
        assert repr(indexer).startswith("<Indexer: ")
        with pytest.raises(ValueError):
            indexer.most_similar([1, 2, 3], -1)
        with pytest.raises((ValueError, IndexError)):
            indexer.most_similar([1, 2], 1)


@pytest.mark.parametrize(
    "how",
    [
        *({"recall": recall} for recall in (0, -1, 1.5, 95, float("nan"))),
        {"num_trees": 0},
        {"num_trees": -5},
        {"num_trees": 5, "recall": 0.9},
        {"search_k": 100},
        {"num_trees": 5, "search_k": 0},
        {"threads": 0},
    ],
)
def test_mistakes(how):
    with pytest.raises(ValueError):
        Indexer(keyed_by(["a", "b", "c"]), **how)
    with pytest.raises(TypeError, match="KeyedVectors"):
        Indexer({"a": 1})
