"""The real annoy beside ours: files both ways, exceptions, gensim's indexer."""

import subprocess
import sys

import numpy as np
import pytest
from conftest import METRICS, filled, rows

import ohyeah


def answers(index, queries, n=15):
    return [index.get_nns_by_vector(query, n, include_distances=True) for query in queries]


def same(found, expected):
    for (ids, distances), (expected_ids, expected_distances) in zip(found, expected):
        # An angle of nothing is the root of a rounding.
        squares, expected_squares = np.square(distances), np.square(expected_distances)
        assert np.allclose(squares, expected_squares, rtol=1e-4, atol=1e-5)
        # Where two lie equally far to the last bits of one library, they may not in the other.
        ties = np.isclose(np.diff(expected_squares, prepend=-9), 0, atol=1e-5)
        ties |= np.isclose(np.diff(expected_squares, append=9e9), 0, atol=1e-5)
        assert all(a == b for a, b, tie in zip(ids, expected_ids, ties) if not tie)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("f", [3, 40, 100])
def test_files_both_ways(annoy, metric, f, tmp_path):
    vectors, queries = rows(metric, 1500, f), rows(metric, 40, f, seed=1)
    holes = {5, 17, 400}
    for writer, reader in [(annoy.AnnoyIndex, ohyeah.AnnoyIndex), (ohyeah.AnnoyIndex, annoy.AnnoyIndex)]:
        path = str(tmp_path / "index.ann")
        saved = filled(writer, metric, vectors, holes)
        saved.build(6)
        saved.save(path)
        loaded = reader(f, metric)
        assert loaded.load(path)
        assert (loaded.get_n_items(), loaded.get_n_trees()) == (saved.get_n_items(), saved.get_n_trees())
        assert loaded.get_item_vector(3) == saved.get_item_vector(3)
        assert loaded.get_item_vector(17) == saved.get_item_vector(17)
        same(answers(loaded, queries), answers(saved, queries))
        # And once more through the other library.
        again = str(tmp_path / "again.ann")
        loaded.save(again)
        assert open(again, "rb").read() == open(path, "rb").read()


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("metric", METRICS)
def test_small_files_both_ways(annoy, metric, n, tmp_path):
    vectors = rows(metric, n, 8)
    for writer, reader in [(annoy.AnnoyIndex, ohyeah.AnnoyIndex), (ohyeah.AnnoyIndex, annoy.AnnoyIndex)]:
        path = str(tmp_path / "index.ann")
        saved = filled(writer, metric, vectors)
        saved.build(3)
        saved.save(path)
        loaded = reader(8, metric)
        loaded.load(path)
        assert loaded.get_n_items() == n
        same(answers(loaded, vectors), answers(saved, vectors))


def outcomes(make, tmp_path):
    """What each misuse raises, or returns."""
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "odd").write_bytes(b"x" * 1001)
    missing = str(tmp_path / "none" / "none.ann")

    def fresh(n=3):
        return filled(make, "angular", np.eye(3, dtype="f4")[:n])

    def built():
        index = fresh()
        index.build(2)
        return index

    def loaded():
        index = built()
        index.save(str(tmp_path / "saved.ann"))
        return index

    misuses = {
        "short": lambda: fresh().add_item(0, [1, 2]),
        "long": lambda: fresh().add_item(0, [1, 2, 3, 4]),
        "short query": lambda: built().get_nns_by_vector([1], 1),
        "negative id": lambda: fresh().add_item(-1, [1, 2, 3]),
        "large id": lambda: fresh().add_item(2**31, [1, 2, 3]),
        "negative item": lambda: built().get_nns_by_item(-1, 1),
        "item beyond": lambda: built().get_nns_by_item(3, 1),
        "vector beyond": lambda: built().get_item_vector(3),
        "distance beyond": lambda: built().get_distance(0, 3),
        "not a number": lambda: fresh().add_item(0, ["a", "b", "c"]),
        "no length": lambda: fresh().add_item(0, 5),
        "none": lambda: fresh().add_item(0, None),
        "no items": lambda: fresh().add_item(0, {1, 2, 3}),
        "add to loaded": lambda: loaded().add_item(0, [1, 2, 3]),
        "build loaded": lambda: loaded().build(2),
        "build twice": lambda: built().build(2),
        "unbuild loaded": lambda: loaded().unbuild(),
        "save unbuilt": lambda: fresh().save(str(tmp_path / "x")),
        "save nowhere": lambda: built().save(missing),
        "load nothing": lambda: fresh().load(missing),
        "load empty": lambda: fresh().load(str(tmp_path / "empty")),
        "load odd": lambda: fresh().load(str(tmp_path / "odd")),
        "on disk nowhere": lambda: make(3, "angular").on_disk_build(missing),
        "no such metric": lambda: make(3, "cosine"),
        "fewer items": lambda: built().get_nns_by_item(0, 10, -1, True),
        "no arguments": lambda: make(),
        "not an id": lambda: fresh().add_item("a", [1, 2, 3]),
        "float id": lambda: fresh().add_item(1.5, [1, 2, 3]),
        "unbuild": lambda: fresh().unbuild(),
        "verbose": lambda: fresh().verbose(True),
        "seed": lambda: fresh().set_seed(-7),
    }
    found = {}
    for name, misuse in misuses.items():
        try:
            found[name] = (["returns"], str(misuse()))
        except BaseException as error:
            # A class of its own that derives from Annoy's will do.
            kinds = [kind.__name__ for kind in type(error).__mro__ if kind not in (BaseException, object)]
            # Annoy has only words where Python has a number of the system.
            of_system = isinstance(error, OSError) and error.errno is not None
            found[name] = (kinds, f"Unable to open: {error.strerror} ({error.errno})" if of_system else str(error))
    return found


def test_exceptions_are_annoys(annoy, tmp_path):
    expected, found = outcomes(annoy.AnnoyIndex, tmp_path), outcomes(ohyeah.AnnoyIndex, tmp_path)
    # Their words are the interpreter's, which differ between its versions and between ways of calling.
    types_only = {"no arguments", "not an id", "float id", "none"}
    wrong = {}
    for name, ([kind, *_], text) in expected.items():
        ours = found[name]
        # Annoy appends whatever error the system had last.
        stale = "Size of file is zero", "Index size is not a multiple"
        text = next((start for start in stale if text.startswith(start)), text)
        if kind not in ours[0] or (name not in types_only and not ours[1].startswith(text)):
            wrong[name] = (ours, (kind, text))
    assert not wrong


GENSIM = """
import sys
if sys.argv[1] == "ohyeah":
    import ohyeah
    ohyeah.install_as_annoy()
from gensim.models.keyedvectors import KeyedVectors
from gensim.similarities.annoy import AnnoyIndexer
import annoy
assert ("ohyeah" in annoy.__name__) == (sys.argv[1] == "ohyeah")
vectors = KeyedVectors.load_word2vec_format(sys.argv[2], binary=True)
if sys.argv[1] == "annoy":
    indexer = AnnoyIndexer(vectors, 20)
    indexer.save(sys.argv[3])
else:
    # Built and saved as well, to have been run; the answers compared are those of annoy's own trees.
    built = AnnoyIndexer(vectors, 20)
    built.save(sys.argv[3] + ".ours")
    again = AnnoyIndexer()
    again.load(sys.argv[3] + ".ours")
    assert vectors.most_similar("cat", topn=5, indexer=again) == vectors.most_similar("cat", topn=5, indexer=built)
    indexer = AnnoyIndexer()
    indexer.load(sys.argv[3])
for word in vectors.index_to_key[:3000:7]:
    print(word, *(f"{w} {cosine:.4f}" for w, cosine in vectors.most_similar(word, topn=11, indexer=indexer)), sep="\\t")
"""


def test_gensims_own_indexer(annoy, sample, tmp_path):
    path = str(tmp_path / "gensim.ann")
    run = lambda which: subprocess.run(
        [sys.executable, "-c", GENSIM, which, sample, path], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    theirs, ours = run("annoy"), run("ohyeah")
    assert len(theirs) == len(ours) > 400
    differ = [(a, b) for a, b in zip(theirs, ours) if a != b]
    # The last digit printed may round the other way; words may not differ.
    for a, b in differ:
        a, b = a.split("\t"), b.split("\t")
        assert [x.split(" ")[0] for x in a] == [x.split(" ")[0] for x in b]
        assert all(abs(float(x.split()[1]) - float(y.split()[1])) < 2e-4 for x, y in zip(a[1:], b[1:]))


def test_recall_is_not_lower(annoy):
    vectors, queries = rows("angular", 8000, 40), rows("angular", 100, 40, seed=1)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    exact = [set(np.argsort(-unit @ query)[:10].tolist()) for query in queries]
    recall = {}
    for name, make in [("annoy", annoy.AnnoyIndex), ("ohyeah", ohyeah.AnnoyIndex)]:
        index = filled(make, "angular", vectors)
        index.build(20)
        found = [set(index.get_nns_by_vector(query, 10, 1500)) for query in queries]
        recall[name] = np.mean([len(a & b) / 10 for a, b in zip(found, exact)])
    print(recall)
    assert recall["ohyeah"] > recall["annoy"] - 0.03
