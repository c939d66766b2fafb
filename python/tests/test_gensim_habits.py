"""``WordVectors`` answers as gensim's ``KeyedVectors`` does: compared call by call, and gensim's own expectations in words of our own."""

import pathlib
import random

import numpy as np
import pytest

import ohyeah
from conftest import same_words
from ohyeah.gensim import Indexer

README = pathlib.Path(__file__).parent.parent / "README.md"

QUERIES = [
    ("cat",),
    (["cat"],),
    (["king", "woman"], ["man"]),
    ("king", "man"),
    (None, "cat"),
    ([("king", 0.5), "queen"],),
    ([("king", 2), ("queen", -0.25)], [("man", 0.5), "boy"]),
    ("car", [("cat", -0.5)]),
    (17,),
    ([17, "cat"], [4]),
    (np.int64(17),),
    ([(17, 0.5), "cat"],),
    ([np.uint16(3), np.str_("cat")],),
    ([np.arange(100, dtype="f4")],),
    (np.arange(100, dtype="f4"),),
    (np.arange(200, dtype="f8").reshape(2, 100) - 90,),
    ([np.arange(100, dtype="f4"), ("cat", 30.0)], ["dog"]),
    ([(np.arange(100, dtype="f4"), 0.1)], [(np.ones(100, "f4"), -2.0)]),
    (["cat", "cat"], ["dog", "dog"]),
    (["cat", "dog"], ["cat"]),
]
HOW = [
    {},
    {"topn": 3},
    {"topn": np.int32(3)},
    {"restrict_vocab": 500},
    {"restrict_vocab": 10**9},
    {"restrict_vocab": 0},
    {"clip_end": 500},
    {"clip_start": 300, "clip_end": 500},
    {"clip_start": 19_990},
    {"topn": 30_000, "clip_end": 40},
    {"clip_start": 5, "clip_end": 9, "restrict_vocab": 700},
]


@pytest.mark.parametrize("query", QUERIES, ids=repr)
def test_most_similar(vectors, keyed, query):
    for how in HOW:
        same_words(vectors.most_similar(*query, **how), keyed.most_similar(*query, **how))
    assert np.allclose(vectors.most_similar(*query, topn=None), keyed.most_similar(*query, topn=None), atol=1e-5)
    clipped = {"clip_start": 300, "clip_end": 500, "topn": None}
    assert np.allclose(vectors.most_similar(*query, **clipped), keyed.most_similar(*query, **clipped), atol=1e-5)
    assert vectors.most_similar(*query, topn=0) == keyed.most_similar(*query, topn=0) == []


def test_words_alone_are_resolved_as_gensim_does(vectors, keyed):
    pick = random.Random(5)
    for _ in range(60):
        side = lambda most: [(pick.choice(keyed.index_to_key), pick.uniform(-2, 2)) for _ in range(pick.randrange(1, most))]
        positive, negative = side(4), side(3)
        same_words(vectors.most_similar(positive, negative), keyed.most_similar(positive, negative))


def test_lists_stand_for_vectors_where_gensim_takes_arrays_alone(vectors):
    cat = vectors["cat"]
    expected = vectors.most_similar(positive=[cat])
    assert expected[0][0] == "cat"
    rows = [cat.tolist(), tuple(cat.tolist()), cat.astype("f8"), np.stack([cat, cat])[0]]
    assert all(vectors.most_similar(positive=[row]) == expected for row in rows)
    assert vectors.most_similar(positive=cat.tolist()) == expected
    assert vectors.most_similar([(cat.tolist(), 2.0)]) == expected
    assert vectors.most_similar(x for x in ["cat"]) == vectors.most_similar({"cat"}) == vectors.most_similar(np.array(["cat"]))
    assert vectors.most_similar(("cat", 0.5)) == vectors.most_similar("cat")


def test_two_dimensions_are_no_weights():
    vectors = ohyeah.WordVectors(["a", "b", "c"], [[1, 0], [0, 1], [1, 1]])
    assert vectors.most_similar([[0, 1.0]])[0][0] == "b"
    assert vectors.most_similar([[0.0, 1.0]])[0][0] == "b"
    assert [word for word, _ in vectors.most_similar([(0, 1.0)])] == ["c", "b"]
    assert [word for word, _ in vectors.most_similar(["a", ["b", -0.1]])] == ["c"]


@pytest.mark.parametrize("name", ["similar_by_word", "similar_by_key"])
def test_similar_by_key(vectors, keyed, name):
    for how in [{}, {"topn": 4}, {"topn": 4, "restrict_vocab": 300}]:
        same_words(getattr(vectors, name)("paris", **how), getattr(keyed, name)("paris", **how))
    assert np.allclose(getattr(vectors, name)("paris", None), getattr(keyed, name)("paris", None), atol=1e-5)


def test_similar_by_vector(vectors, keyed):
    query = np.linspace(-1, 1, 100, dtype="f4")
    for how in [{}, {"topn": 4}, {"topn": 4, "restrict_vocab": 300}]:
        same_words(vectors.similar_by_vector(query, **how), keyed.similar_by_vector(query, **how))


def test_cosmul(vectors, keyed):
    for query in [("cat",), (["king", "woman"], ["man"]), ("king", "man"), (["paris", "germany", "oslo"], ["france", "norway"])]:
        same_words(vectors.most_similar_cosmul(*query), keyed.most_similar_cosmul(*query), 1e-4)
    scores = vectors.most_similar_cosmul("cat", "dog", topn=None)
    assert np.allclose(scores, keyed.most_similar_cosmul("cat", "dog", topn=None), rtol=1e-4)
    # gensim takes this argument and does not look at it.
    few = set(vectors.words[:50])
    assert all(word in few for word, _ in vectors.most_similar_cosmul("cat", "dog", restrict_vocab=50))


def test_questions_about_words_that_are_given(vectors, keyed):
    pick = random.Random(3)
    words = pick.sample(keyed.index_to_key, 40)
    for a, b in zip(words, words[1:]):
        assert vectors.similarity(a, b) == pytest.approx(keyed.similarity(a, b), abs=1e-5)
        assert vectors.distance(a, b) == pytest.approx(keyed.distance(a, b), abs=1e-5)
        near = keyed.most_similar(a, topn=30)[pick.randrange(30)][0]
        assert vectors.closer_than(a, near) == keyed.closer_than(a, near)
        assert vectors.rank(a, near) == keyed.rank(a, near)
        assert vectors.most_similar_to_given(a, words[10:20]) == keyed.most_similar_to_given(a, words[10:20])
        assert vectors.relative_cosine_similarity(a, b) == pytest.approx(keyed.relative_cosine_similarity(a, b), abs=1e-5)
        assert vectors.similarity(3, a) == pytest.approx(keyed.similarity(3, a), abs=1e-5)
    assert vectors.distance("cat", "cat") == 0
    assert np.allclose(vectors.distances("cat"), keyed.distances("cat"), atol=1e-5)
    assert np.allclose(vectors.distances("cat", words), keyed.distances("cat", words), atol=1e-5)
    query = np.linspace(-1, 1, 100, dtype="f4")
    assert np.allclose(vectors.distances(query, words), keyed.distances(query, words), atol=1e-5)
    rows = keyed.vectors[:20]
    assert np.allclose(vectors.cosine_similarities(query, rows), keyed.cosine_similarities(query, rows), atol=1e-5)
    assert vectors.n_similarity(words[:3], words[3:9]) == pytest.approx(keyed.n_similarity(words[:3], words[3:9]), abs=1e-5)
    unknown = ["qwertzuiop", *words[:3]]
    assert vectors.n_similarity(unknown, words[3:]) == pytest.approx(keyed.n_similarity(unknown, words[3:]), abs=1e-5)
    with pytest.raises(ZeroDivisionError):
        vectors.n_similarity([], words)
    group = "breakfast cereal dinner lunch qwertzuiop".split()
    assert vectors.doesnt_match(group) == keyed.doesnt_match(group) == "cereal"
    mine, theirs = vectors.rank_by_centrality(group), keyed.rank_by_centrality(group)
    same_words([(w, x) for x, w in mine], [(w, x) for x, w in theirs])


def test_vectors_and_keys(vectors, keyed):
    assert vectors.index_to_key == keyed.index_to_key == vectors.words == list(vectors)
    assert dict(vectors.key_to_index) == keyed.key_to_index and vectors.key_to_index["cat"] == vectors.index("cat")
    assert vectors.vector_size == keyed.vector_size and len(vectors) == len(keyed)
    assert (vectors.vectors == keyed.vectors).all()
    assert (vectors["cat"] == keyed["cat"]).all() and (vectors[5] == keyed[5]).all()
    assert (vectors[["cat", 7]] == keyed[["cat", 7]]).all()
    assert np.allclose(vectors.get_vector("cat", norm=True), keyed.get_vector("cat", norm=True), atol=1e-6)
    assert (vectors.get_vector("cat") == keyed.get_vector("cat")).all()
    assert np.allclose(vectors.get_normed_vectors(), keyed.get_normed_vectors(), atol=1e-6)
    keyed.fill_norms()
    assert np.allclose(vectors.norms, keyed.norms, atol=1e-5)
    for key in ["cat", 5, "qwertzuiop", 10**6]:
        assert (key in vectors) == (key in keyed) == vectors.has_index_for(key)
        assert vectors.get_index(key, -7) == keyed.get_index(key, -7)
    with pytest.raises(TypeError):
        vectors.key_to_index["cat"] = 3
    for how in [{}, {"pre_normalize": False}, {"post_normalize": True}, {"weights": [1, 2.5, -3, 1]}]:
        keys = ["cat", 12, "qwertzuiop", np.linspace(0, 1, 100, dtype="f4")]
        assert np.allclose(vectors.get_mean_vector(keys, **how), keyed.get_mean_vector(keys, **how), atol=1e-5)
    some = vectors.vectors_for_all(["cat", "qwertzuiop", "dog", "cat"])
    assert some.words == keyed.vectors_for_all(["cat", "qwertzuiop", "dog", "cat"]).index_to_key
    assert (some["dog"] == keyed["dog"]).all()


def test_analogies(tmp_path, vectors, keyed):
    path = tmp_path / "analogies.txt"
    path.write_text(
        ": capitals\nParis France Oslo Norway\nParis France Rome Italy\nparis france berlin germany\nparis france qwertzuiop norway\n"
        "too few words\n: family\nboy girl brother sister\nking queen man woman\nking queen cat dog\n: none\n"
    )
    for how in [{}, {"dummy4unknown": True}, {"restrict_vocab": 2000}, {"case_insensitive": False}]:
        assert vectors.evaluate_word_analogies(path, **how) == keyed.evaluate_word_analogies(path, **how), how
    path.write_text("a b c d\n")
    with pytest.raises(ValueError, match="analogies.txt: line 1"):
        vectors.evaluate_word_analogies(path)
    path.write_text("")
    assert vectors.evaluate_word_analogies(path)[0] == 0
    with pytest.raises(FileNotFoundError):
        vectors.evaluate_word_analogies(tmp_path / "none")


def test_an_indexer_is_asked_as_gensim_asks_it(vectors, keyed):
    class Asked:
        def most_similar(self, vector, count):
            return vector, count

    for query in QUERIES:
        (mine, count), (theirs, _) = (x.most_similar(*query, topn=7, indexer=Asked()) for x in (vectors, keyed))
        assert count == 7 and np.allclose(mine, theirs, atol=1e-5)
    found = vectors.most_similar("cat", topn=5, indexer=Indexer(vectors))
    assert found[0][0] == "cat" and found[0][1] == pytest.approx(1, abs=1e-5)
    assert np.allclose(vectors.most_similar("cat", topn=None, indexer=Asked()), keyed.most_similar("cat", topn=None), atol=1e-5)


# What changes vectors or keeps more of words, and what few programs need.
NOT_THERE = """
    add_vector add_vectors get_vecattr set_vecattr sort_by_descending_frequency unit_normalize_all intersect_word2vec_format
    evaluate_word_pairs wmdistance similarity_unseen_docs
""".split()
# Gensim's own business, and what is gone from it or on its way out.
INSIDE = """
    allocate_vecattrs resize_vectors add_lifecycle_event index2entity index2word init_sims log_accuracy log_evaluate_word_pairs
    vectors_norm vocab word_vec words_closer_than
""".split()


def test_all_that_gensim_has_is_there_or_known_not_to_be(keyed):
    table = README.read_text(encoding="utf8").split("## From gensim")[1]
    attributes = ["vectors", "vector_size", "index_to_key", "key_to_index", "norms"]
    for name in attributes + [name for name in dir(type(keyed)) if not name.startswith("_")]:
        there = hasattr(ohyeah.WordVectors, name)
        assert (name in NOT_THERE + INSIDE) != there, name
        assert name in INSIDE or name in table, f"{name} is not in the table of the README"


# What gensim's own tests expect of these vectors of its test data.


@pytest.fixture(scope="module")
def war():
    from gensim.test.utils import datapath

    return ohyeah.WordVectors.load_word2vec_format(datapath("euclidean_vectors.bin"), binary=True)


NEAR_WAR = ["conflict", "administration", "terrorism", "call", "israel"]


def words_of(found):
    return [word for word, _ in found]


def test_gensims_answers(war):
    assert words_of(war.most_similar("war", topn=5)) == NEAR_WAR == words_of(war.similar_by_word("war", topn=5))
    assert words_of(war.most_similar([war["war"]], topn=5)) == ["war", *NEAR_WAR[:4]] == words_of(war.similar_by_vector(war["war"], topn=5))
    assert len(war.most_similar(positive=war.vectors[0:5])) == 10
    assert set(words_of(war.most_similar("war", topn=5, restrict_vocab=5))) == set(war.index_to_key[:5])
    assert war.most_similar_to_given("war", ["terrorism", "call", "waging"]) == "terrorism"
    assert war.distance("war", "conflict") == pytest.approx(0.06694602, abs=1e-6) and war.distance("war", "war") == 0
    assert war.similarity("war", "conflict") == pytest.approx(0.93305397, abs=1e-6) and war.similarity("war", "war") == 1
    assert war.closer_than("war", "war") == [] and set(war.closer_than("war", "terrorism")) == {"conflict", "administration"}
    assert war.rank("war", "war") == 1 and war.rank("war", "terrorism") == 3


@pytest.mark.parametrize("name", ["most_similar", "most_similar_cosmul"])
def test_gensims_types_of_parameters(war, name):
    ask = getattr(war, name)
    expected = ask("war", "peace", topn=5)
    assert expected == ask(["war"], ["peace"], topn=5) == ask(positive="war", negative="peace", topn=5)
    assert expected == ask(positive=["war"], negative=["peace"], topn=5) and len(expected) == 5


def test_gensims_topn(war):
    assert [len(war.most_similar("war", topn=n)) for n in (5, 10, None, 0, np.uint8(0))] == [5, 10, len(war), 0, 0]
    with pytest.raises(KeyError):
        war.most_similar("not_in_vocab")


def test_gensims_means(war):
    keys = ["conflict", "administration", "terrorism", "call", "an out-of-vocabulary word"]
    plain = [0.02000151, -0.12685453, 0.09196121, 0.25514853, 0.25740655, -0.11134843, -0.0502661, -0.19278568, -0.83346179, -0.12068878]
    weighted = [-0.0145228, -0.11530358, 0.1169825, 0.22537769, 0.29353586, -0.10458107, -0.05272481, -0.17547795, -0.84245106, -0.10356515]
    raw = [0.01343237, -0.47651053, 0.45645328, 0.98304356, 1.1840123, -0.51647933, -0.25308795, -0.77931081, -3.55954733, -0.55429711]
    assert np.allclose(war.get_mean_vector(keys), plain)
    assert np.allclose(war.get_mean_vector(keys, [1, 2, 3, 1, 2]), weighted)
    assert np.allclose(war.get_mean_vector(keys, pre_normalize=False), raw)


def test_gensims_relative_similarity(war):
    synonyms = ["good", "full", "respectable", "beneficial", "just", "expert", "practiced", "dear", "near", "secure", "right", "well"]
    synonyms += ["effective", "serious", "sound", "honest", "safe", "ripe", "thoroughly", "goodness", "commodity"]
    near = sorted((war.similarity("good", word) for word in synonyms if word in war), reverse=True)
    of_synonyms = war.similarity("good", "nice") / sum(near[:10])
    assert of_synonyms >= war.relative_cosine_similarity("good", "nice", 10)
    assert war.relative_cosine_similarity("good", "worst", 10) < 0.1


def test_gensims_own_files(tmp_path):
    from gensim.models import KeyedVectors
    from gensim.test.utils import datapath

    path = datapath("w2v_keyedvectors_load_test.modeldata")
    with pytest.raises(ValueError):
        ohyeah.WordVectors.load_word2vec_format(path)
    for errors, words in [("replace", ["ありがとう\ufffd", "どういたしまして\ufffd"]), ("ignore", ["ありがとう", "どういたしまして"])]:
        with pytest.warns(UserWarning):
            read = ohyeah.WordVectors.load_word2vec_format(path, unicode_errors=errors)
        assert read.words == words and np.allclose(read.vectors, [[0.6] * 3, [0.1, 0.2, 0.3]])
    rows = np.random.default_rng(0).normal(size=(20, 100)).astype("f4")
    mine, theirs = ohyeah.WordVectors(map(str, range(20)), rows), KeyedVectors(100)
    theirs.add_vectors([str(i) for i in range(20)], rows)
    for binary in (False, True):
        mine.save_word2vec_format(tmp_path / "mine", binary=binary)
        theirs.save_word2vec_format(str(tmp_path / "theirs"), binary=binary)
        there, back = KeyedVectors.load_word2vec_format(str(tmp_path / "mine"), binary=binary), ohyeah.WordVectors.load(tmp_path / "theirs")
        assert there.index_to_key == back.words == mine.words and (there.vectors == rows).all() and (back.vectors == rows).all()
    mine.save_word2vec_format(tmp_path / "mine", write_header=False)
    assert (KeyedVectors.load_word2vec_format(str(tmp_path / "mine"), no_header=True).vectors == rows).all()
    theirs.save_word2vec_format(str(tmp_path / "theirs"), write_header=False)
    assert (ohyeah.WordVectors.load_word2vec_format(tmp_path / "theirs", no_header=True).vectors == rows).all()
