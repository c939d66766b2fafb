"""Arguments that are unusual and allowed, and such as look as if they were allowed."""

import os
import pickle

import numpy as np
import pytest
from alone import run

import ohyeah


@pytest.fixture(scope="module")
def vectors():
    return np.random.default_rng(1).normal(size=(300, 8)).astype("f4")


@pytest.fixture(scope="module")
def index(vectors):
    return ohyeah.Index(vectors, "euclidean", keys=[f"k{i}" for i in range(300)])


def test_true_may_be_any_byte_but_0(index, vectors):
    bytes_ = np.random.default_rng(2).integers(0, 256, (20, 300)).astype("u1")
    bytes_[bytes_ < 128] = 0
    plain, odd = bytes_ != 0, bytes_.view(bool)
    expected = index.search(vectors[:20], 5, recall=1.0, filter=plain)[0]
    assert np.array_equal(index.search(vectors[:20], 5, recall=1.0, filter=odd)[0], expected)
    assert np.array_equal(index.search(vectors[:20], 5, recall=1.0, filter=odd[:, ::-1][:, ::-1])[0], expected)
    assert np.array_equal(index.search(vectors[0], 5, recall=1.0, filter=odd[0])[0], expected[0])
    assert ohyeah.IdSet(odd[0]) == ohyeah.IdSet(plain[0])


def test_masked_entries_are_none(index, vectors):
    ids = np.ma.masked_array([3, 4, 5], [False, True, False])
    mask = np.ma.masked_array(np.ones(300, bool), np.arange(300) == 7)
    forest = ohyeah.AnnoyIndex(8, "euclidean")
    forest.add_items(vectors)
    forest.build(2)
    words = ohyeah.WordVectors(["a", "b"], [[1, 0], [0, 1]])
    row = np.ma.masked_array([1.0, 2.0], [False, True])
    for call in [
        lambda: index.search(vectors[0], filter=ids),
        lambda: index.search(vectors[0], filter=mask),
        lambda: index.filter(mask),
        lambda: ohyeah.IdSet(ids),
        lambda: forest.get_nns_by_items(ids, 2),
        lambda: ohyeah.WordVectors(["a", "b"], np.ma.stack([row, row])),
        lambda: words.similar_by_vector(row),
        lambda: words.get_mean_vector(["a", "b"], weights=row),
    ]:
        with pytest.raises(ValueError, match="masked entries"):
            call()
    # Where nothing is masked, it is an array as others are.
    assert index.search(vectors[0], 1, filter=np.ma.masked_array([3]))[0].tolist() == [3]


def test_a_set_without_length_is_checked_against_one_with():
    short, free = ohyeah.IdSet([1], 10), ohyeah.IdSet([3, 10])
    for combine in [lambda a, b: a | b, lambda a, b: a & b, lambda a, b: a - b, lambda a, b: a ^ b]:
        for a, b in [(short, free), (free, short)]:
            with pytest.raises(ohyeah.NoSuchId, match="no id 10: the other set is one of 10 ids"):
                combine(a, b)
    assert (short | ohyeah.IdSet([9])).ids().tolist() == [1, 9]


def test_sets_are_pickled_as_bits():
    mask = np.random.default_rng(3).random(100_000) < 0.5
    for made in [ohyeah.IdSet(mask), ohyeah.IdSet([]), ohyeah.IdSet([], 7), ohyeah.IdSet([0, 1, 300_000]), ohyeah.IdSet([0, 1], 2)]:
        again = pickle.loads(pickle.dumps(made))
        assert again == made and repr(again) == repr(made)
    assert len(pickle.dumps(ohyeah.IdSet(mask))) < 13_000
    # What was pickled before: the class, called with ids and a length.
    kind, args = ohyeah.IdSet, (np.array([3, 5]), 10)
    assert kind(*args).ids().tolist() == [3, 5]


def test_numbers_of_any_size(index):
    for number in (2**70, -(2**70), 2**63):
        assert number not in ohyeah.IdSet([3]) and number not in index
    forest = ohyeah.AnnoyIndex(2, "angular")
    with pytest.raises(OverflowError, match="less than minimum"):
        forest.get_nns_by_item(-(2**70), 1)
    with pytest.raises(OverflowError, match="greater than maximum"):
        forest.get_nns_by_item(2**70, 1)


def test_no_seed_is_taken_for_another(vectors):
    one, two = (ohyeah.Index(np.tile(vectors, (20, 1)), seed=seed).to_bytes() for seed in (2**63 - 1, 2**64 - 1))
    assert one != two
    for make in [lambda seed: ohyeah.Index(vectors, seed=seed), lambda seed: ohyeah.knn_graph(vectors, 3, seed=seed)]:
        with pytest.raises(ValueError, match=r"below 2\*\*64"):
            make(2**64)
        with pytest.raises(ValueError, match="seed is -1180591620717411303424: it must be 0 or more"):
            make(-(2**70))
        with pytest.raises(TypeError):
            make(1.5)


def test_half_a_surrogate_pair_is_in_no_key(index, vectors):
    half = "\udc80"
    assert half not in index
    for ask in [index.id, index.vector, index.search, lambda key: index.search(["k1", key])]:
        with pytest.raises(KeyError, match=r"no key '\\\\?udc80'"):
            ask(half)
    with pytest.raises(ValueError, match=r"keys\[1\] is '\\udc80', which has half a surrogate pair"):
        ohyeah.Index(vectors[:2], keys=["a", half])


class Interrupting:
    """No number, and Ctrl-C where it is asked for one."""

    def __index__(self):
        raise KeyboardInterrupt


def test_only_errors_of_type_are_replaced(index):
    for ask in [lambda x: index[x], lambda x: x in index, index.vector]:
        with pytest.raises(KeyboardInterrupt):
            ask(Interrupting())
    assert None not in index
    with pytest.raises(TypeError, match="an id .* or a key .* not NoneType"):
        index[None]


def test_an_index_that_was_closed_stays_closed(vectors):
    index = ohyeah.Index(vectors)
    with pytest.raises(ValueError, match="closed meanwhile"):
        index.calibrate(vectors, progress=lambda share: index.close())
    assert index.closed


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_nobody_waits_at_a_pipe(tmp_path, vectors):
    pipe = tmp_path / "pipe.vec"
    os.mkfifo(pipe)
    run(
        """
        import sys, numpy as np, ohyeah
        pipe, rows = sys.argv[1], np.eye(3, dtype="f4")
        words = ohyeah.WordVectors(["a", "b", "c"], rows)
        forest = ohyeah.AnnoyIndex(3, "angular")
        forest.add_items(rows)
        forest.build(1)
        for call in [ohyeah.WordVectors.load, words.save, words.save_word2vec_format, ohyeah.Index(rows).save, forest.save,
                     ohyeah.AnnoyIndex(3, "angular").on_disk_build]:
            try:
                call(pipe)
            except OSError as error:
                assert error.errno == 22 and error.filename == pipe and "pipe" in str(error), error
            else:
                raise SystemExit(f"{call} has not refused it")
        """,
        pipe,
    )


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="descriptors have no names")
def test_an_open_pipe_is_written_to(vectors):
    read, write = os.pipe()
    words = ohyeah.WordVectors(["a", "b"], [[1, 0], [0, 1]])
    words.save_word2vec_format(f"/dev/fd/{write}")
    os.close(write)
    with open(read, "rb") as file:
        assert file.read().startswith(b"2 2\n")


@pytest.mark.parametrize("ask", ["len(forest)", "repr(forest)", "forest.get_nns_by_item(0, 1)", "forest.unload()", "forest.build(1)"])
@pytest.mark.parametrize("by", ["progress", "signal"])
def test_a_build_that_asks_for_itself_is_told_so(ask, by):
    run(
        f"""
        import signal, numpy as np, ohyeah
        forest = ohyeah.AnnoyIndex(8, "angular")
        forest.add_items(np.random.default_rng(1).normal(size=(2000, 8)))
        told = []
        def look(*_):
            try:
                {ask}
            except RuntimeError as error:
                told.append(str(error))
        if "{by}" == "progress":
            forest.build(10, progress=look)
        else:
            signal.signal(signal.SIGTERM, look)
            forest.build(10, progress=lambda share: None if told else signal.raise_signal(signal.SIGTERM))
        assert told and all("being built by this very thread" in text for text in told), told
        assert len(forest) == 2000 and forest.get_n_trees() == 10
        """
    )
