"""WordVectors: files, arrays, the dictionary, and what is refused."""

import gzip

import numpy as np
import pytest

import ohyeah
from conftest import same_words


@pytest.fixture(scope="module")
def small(vectors):
    return ohyeah.WordVectors(vectors.words[:2000], vectors.vectors[:2000])


def test_a_view_outlives_the_object_and_cannot_be_written(sample):
    view = ohyeah.WordVectors.load(sample, limit=100).vectors
    row = ohyeah.WordVectors.load(sample, limit=100)["the"]
    assert view.shape == (100, 100) and (view[0] == row).all()
    with pytest.raises(ValueError):
        view[0, 0] = 1
    with pytest.raises(ValueError):
        row[0] = 1


def test_dictionary(small):
    exact = small.dictionary(top=5, exact=True)
    assert list(exact) == small.words and exact == small.dictionary(top=5, recall=1)
    same_words(exact["king"], small.most_similar("king", topn=5))
    found = small.dictionary(top=5, threads=1)
    assert found == small.dictionary(top=5, threads=3) == small.dictionary(top=5)
    right = sum(len({w for w, _ in found[word]} & {w for w, _ in exact[word]}) for word in exact)
    assert right / (5 * 2000) > 0.95


@pytest.mark.parametrize("how", [{}, {"trees": 5}, {"search_k": 500}, {"top": 120}, {"top": 120, "exact": True}])
def test_progress_is_told_in_order_and_to_the_end(small, how):
    told = []
    found = small.dictionary(progress=told.append, **how)
    assert told[-1] == 1 and told == sorted(told) and all(0 <= share <= 1 for share in told)
    assert found == small.dictionary(**how)


def test_an_exception_of_the_progress_ends_the_work(small):
    def fail(share):
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        small.dictionary(progress=fail)


def test_a_bar_is_shown(small, capfd):
    assert len(small.dictionary(top=3, progress=True)) == 2000
    assert "dictionary" in capfd.readouterr().err
    with pytest.raises(TypeError, match="progress"):
        small.dictionary(progress="yes")


def test_saved_and_read_again(tmp_path):
    small = ohyeah.WordVectors(["a", "b c", "é"], [[1, 2], [3, 4], [5, 6.5]])
    for name in ["v.bin", "v.bin.gz"]:
        with pytest.raises(ValueError, match="b c.*replace_spaces"):
            small.save(tmp_path / name)
        small.save(tmp_path / name, replace_spaces="_")
        assert ohyeah.WordVectors.load(tmp_path / name).words == ["a", "b_c", "é"]
    small = ohyeah.WordVectors(["a", "b", "é"], [[1, 2], [3, 4], [5, 6.5]])
    for name in ["v.bin", "v.txt", "v.txt.gz"]:
        small.save(str(tmp_path / name))
        again = ohyeah.WordVectors.load(tmp_path / name)
        assert again.words == small.words and (again.vectors == small.vectors).all()


def test_the_formats_of_gensims_methods(tmp_path, small):
    load, path = ohyeah.WordVectors.load_word2vec_format, tmp_path / "any name"
    for binary in (False, True):
        small.save_word2vec_format(path, binary=binary)
        again = load(path, binary=binary)
        assert again.words == small.words and (again.vectors == small.vectors).all()
        assert load(path, binary=binary, limit=7).words == small.words[:7]
        assert len(load(path, limit=0)) == 2000
    small.save_word2vec_format(path, write_header=False, prefix="x/")
    assert load(path, no_header=True).words[:2] == ["x/" + word for word in small.words[:2]]
    small.save_word2vec_format(tmp_path / "v.gz")
    assert gzip.decompress((tmp_path / "v.gz").read_bytes()).startswith(b"2000 100\n")
    with pytest.raises(ValueError, match="header"):
        small.save_word2vec_format(path, binary=True, write_header=False)
    for mistake in [{"fvocab": "v"}, {"append": True}, {"total_vec": 3}]:
        with pytest.raises(ValueError, match=next(iter(mistake))):
            small.save_word2vec_format(path, **mistake)
    with pytest.raises(ValueError, match="gzip"):
        small.save_word2vec_format(tmp_path / "v.bz2")
    for mistake in [{"fvocab": "v"}, {"encoding": "latin1"}, {"datatype": np.float16}, {"unicode_errors": "xmlcharrefreplace"}]:
        with pytest.raises(ValueError, match=next(iter(mistake))):
            load(path, **mistake)


def test_words_that_are_not_utf8(tmp_path):
    path = tmp_path / "cut.txt"
    path.write_bytes("3 1\nあ".encode() + b"\xe3\x81 1\n\xff 2\n\xfe 3\n")
    load = ohyeah.WordVectors.load_word2vec_format
    with pytest.raises(ValueError, match="cut.txt"):
        load(path)
    with pytest.warns(UserWarning):
        assert load(path, unicode_errors="replace").words[0] == "あ\ufffd"
    with pytest.warns(UserWarning):
        ignoring = load(path, unicode_errors="ignore")
    assert ignoring.words == ["あ", ""] and ignoring.vectors.tolist() == [[1], [2]]


def test_files_raise_as_pythons_own_open_does(tmp_path, small):
    (tmp_path / "folder.bin").mkdir()
    for name, kind in [("none.bin", FileNotFoundError), ("folder.bin", IsADirectoryError), ("none/v.bin", FileNotFoundError)]:
        path = tmp_path / name
        for call in (lambda: open(path, "rb"), lambda: ohyeah.WordVectors.load(path)):
            with pytest.raises(kind) as raised:
                call()
            assert raised.value.filename == str(path) and raised.value.errno == kind_number(kind)
    for name, kind in [("none/v.bin", FileNotFoundError), ("folder.bin", IsADirectoryError)]:
        with pytest.raises(kind) as raised:
            small.save(tmp_path / name)
        assert raised.value.filename == str(tmp_path / name) and raised.value.errno == kind_number(kind)
    (tmp_path / "bad.bin").write_bytes(b"3 2\na ")
    with pytest.raises(ValueError, match="bad.bin"):
        ohyeah.WordVectors.load(tmp_path / "bad.bin")
    with pytest.raises(ValueError, match=r"\.txt"):
        small.save(tmp_path / "v.foo")


def kind_number(kind):
    import errno

    return {FileNotFoundError: errno.ENOENT, IsADirectoryError: errno.EISDIR}[kind]


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x.tolist(),
        lambda x: x.astype("f8"),
        lambda x: np.asfortranarray(x),
        lambda x: x.astype(">f4"),
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: memoryview(x),
        lambda x: type("Tensor", (), {"__array__": lambda self, dtype=None, copy=None: x})(),
        lambda x: type("Tensor", (), {"__dlpack__": lambda self, **how: x.__dlpack__(), "__dlpack_device__": lambda self: (1, 0)})(),
    ],
)
def test_any_array_is_taken(make):
    rows = np.array([[1, 0.5, 0], [0.25, 1, 0], [0, 0.5, 1]], "f4")
    vectors = ohyeah.WordVectors(["a", "b", "c"], make(rows))
    assert (vectors.vectors == rows).all()
    expected = vectors.most_similar(rows[2], topn=2)
    # A matrix of one row, and that row: strided where the matrix is.
    query = make(rows[2:])
    assert vectors.most_similar(positive=query, topn=2) == expected
    if hasattr(query, "__getitem__"):
        assert vectors.similar_by_vector(query[0] if not isinstance(query, memoryview) else rows[2].data, 2) == expected
        assert vectors.similar_by_vector(rows[2].astype("f8")[::-1].copy()[::-1], 2) == expected


def test_what_is_no_array_of_vectors_is_refused():
    vectors = ohyeah.WordVectors(["a", "b"], [[1, 2], [3, 4]])
    sparse = type("csr_matrix", (), {"toarray": lambda self: np.eye(2)})()
    with pytest.raises(TypeError, match=r"toarray\(\)"):
        ohyeah.WordVectors(["a", "b"], sparse)
    with pytest.raises(TypeError, match=r"toarray\(\)"):
        vectors.similar_by_vector(sparse)
    for vector in (["x", "y"], [1j, 2], np.array(["1", "2"])):
        with pytest.raises(TypeError, match="real numbers"):
            vectors.similar_by_vector(vector)
    for vector in ([1], [1, 2, 3], [[1, 2]], [], 5.0, [float("nan"), 1], [1e300, 1]):
        with pytest.raises(ValueError):
            vectors.similar_by_vector(vector)
    for words, rows in [(["a"], [[1, 2], [3, 4]]), (["a"], [[1, float("nan")]]), (["a"], [1, 2]), (["a"], [[]]), (["a", "a"], [[1], [2]])]:
        with pytest.raises(ValueError):
            ohyeah.WordVectors(words, rows)
    with pytest.raises(TypeError):
        ohyeah.WordVectors("ab", [[1], [2]])


MISTAKES = [
    ("most_similar", ("the",), {"topn": -1}),
    ("most_similar", ("the",), {"clip_start": -1}),
    ("most_similar", ("the",), {"restrict_vocab": -1}),
    ("most_similar", ("the",), {"restrict": 5, "restrict_vocab": 5}),
    ("most_similar", (), {}),
    ("most_similar", ([],), {}),
    ("most_similar", ([("the", float("nan"))],), {}),
    ("most_similar", ("the",), {"recall": 0.9, "topn": None}),
    ("most_similar", ("the",), {"recall": 0.9, "indexer": object()}),
    ("most_similar_cosmul", ([("the", 2.0)],), {}),
    ("most_similar_cosmul", (None, "the"), {}),
    ("index", ("the",), {"recall": 0.9}),
    ("index", (), {"threads": 0}),
    ("index", (), {"threads": 2**40}),
    ("index", (), {"seed": -1}),
    ("dictionary", (), {"top": 0}),
    ("dictionary", (), {"top": -1}),
    ("dictionary", (), {"trees": 0}),
    ("dictionary", (), {"trees": 5, "exact": True}),
    ("dictionary", (), {"trees": 5, "recall": 0.9}),
    ("dictionary", (), {"search_k": 0}),
    ("dictionary", (), {"search_k": 100, "exact": True}),
    ("dictionary", (), {"exact": True, "recall": 0.9}),
    ("dictionary", (), {"threads": 0}),
    ("dictionary", (), {"seed": 2**64}),
    ("doesnt_match", ([],), {}),
    ("doesnt_match", (["qwertzuiop"],), {}),
    ("most_similar_to_given", ("the", []), {}),
    ("relative_cosine_similarity", ("the", "of", 0), {}),
    ("get_mean_vector", ([],), {}),
    ("get_mean_vector", (["the", "of"], [1.0]), {}),
    ("evaluate_word_analogies", ("x",), {"restrict_vocab": -5}),
    ("save", ("v.txt",), {"replace_spaces": "__"}),
]
MISTAKES += [
    (method, arguments, {"recall": recall})
    for method, arguments in [("index", ()), ("dictionary", ()), ("most_similar", ("the",)), ("similar_by_word", ("the",))]
    for recall in (0, -1, 1.01, 7, 95, float("nan"), float("inf"))
]


@pytest.mark.parametrize("method, arguments, named", MISTAKES)
def test_arguments_that_make_no_sense(small, method, arguments, named):
    with pytest.raises(ValueError):
        getattr(small, method)(*arguments, **named)


@pytest.mark.parametrize(
    "method, arguments, named",
    [
        ("most_similar", ("the",), {"topn": 2.5}),
        ("most_similar", (b"the",), {}),
        ("most_similar", ("the",), {"clip_start": 1.5}),
        ("dictionary", (), {"top": 2.5}),
        ("dictionary", (), {"trees": "5"}),
        ("get_vector", (None,), {}),
    ],
)
def test_arguments_of_another_type(small, method, arguments, named):
    with pytest.raises(TypeError):
        getattr(small, method)(*arguments, **named)


def test_unknown_words(small):
    for call in [
        lambda: small["kittten"],
        lambda: small[["the", "kittten"]],
        lambda: small[2000],
        lambda: small[-1],
        lambda: small["\ud800"],
        lambda: small.most_similar("kittten"),
        lambda: small.most_similar(2000),
        lambda: small.similarity("the", "kittten"),
        lambda: small.closer_than("kittten", "the"),
        lambda: small.distances("the", ["kittten"]),
        lambda: small.index("kittten"),
        lambda: small.get_mean_vector(["the", "kittten"], ignore_missing=False),
    ]:
        with pytest.raises(KeyError):
            call()
    with pytest.raises(KeyError, match="did you mean"):
        small.most_similar("natonal")
    assert "kittten" not in small and 2000 not in small and -1 not in small and None not in small and [1] not in small
    assert "\ud800" not in small and "the" in small and 0 in small


def test_no_words():
    none = ohyeah.WordVectors([], np.empty((0, 3)))
    assert len(none) == 0 and none.words == [] and none.vectors.shape == (0, 3) and none.dictionary() == {}
    assert none.similar_by_vector([1, 2, 3]) == [] and none.similar_by_vector([1, 2, 3], recall=0.9) == []
