"""Files that are damaged, and files that are replaced while they are in use."""

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import METRICS, filled, rows

from ohyeah import AnnoyIndex


@pytest.mark.parametrize("metric", METRICS)
def test_damaged_files_raise_or_answer(metric, tmp_path):
    vectors = rows(metric, 300, 10)
    index = filled(AnnoyIndex, metric, vectors)
    index.build(4)
    index.save(str(tmp_path / "good.ann"))
    good = (tmp_path / "good.ann").read_bytes()
    draw, raised = random.Random(1), 0
    for _ in range(1000):
        bad = bytearray(good)
        for _ in range(draw.randint(1, 4)):
            bad[draw.randrange(len(bad))] = draw.choice([0, 1, 127, 255, draw.randrange(256)])
        if draw.random() < 0.2:
            del bad[draw.randrange(len(bad)) :]
        (tmp_path / "bad.ann").write_bytes(bad)
        loaded = AnnoyIndex(10, metric)
        try:
            loaded.load(str(tmp_path / "bad.ann"))
            ids = loaded.get_nns_by_vector(vectors[0], 10, 10**6)
            assert all(0 <= i < loaded.get_n_items() for i in ids)
        except OSError as error:
            assert str(error)
            raised += 1
    assert raised > 100


@pytest.mark.parametrize("metric", METRICS)
def test_another_metric_or_dimension_raises(metric, tmp_path):
    index = filled(AnnoyIndex, metric, rows(metric, 400, 16))
    index.build(3)
    index.save(str(tmp_path / "a.ann"))
    # Files that nothing tells apart: euclidean and manhattan have one layout, hamming indexes of up to 64 bits are alike, and
    # the coordinate that a dot product's items have more looks like the first of an angular index that an old Annoy wrote.
    alike = {("euclidean", "manhattan", 16), ("manhattan", "euclidean", 16), ("dot", "angular", 17)}
    for other in METRICS:
        for f in [8, 12, 15, 16, 17, 19, 32]:
            if (other, f) == (metric, 16) or (metric, other, f) in alike or metric == other == "hamming":
                continue
            with pytest.raises(OSError):
                AnnoyIndex(f, other).load(str(tmp_path / "a.ann"))


READER = """
import os, sys
from ohyeah import AnnoyIndex
path, expected = sys.argv[1], eval(sys.argv[2])
kept = []
while not kept or not os.path.exists(path + ".last"):
    index = AnnoyIndex(12, "angular")
    index.load(path)
    found = index.get_nns_by_item(7, 8)
    assert found in expected, found
    if not kept:
        print("reading", flush=True)
    kept = kept[-20:] + [(index, found)]
assert all(index.get_nns_by_item(7, 8) == found for index, found in kept)
print("right")
"""


def test_a_file_that_is_replaced_while_others_map_it(tmp_path):
    path = str(tmp_path / "index.ann")
    indexes = []
    for seed in [1, 2]:
        index = filled(AnnoyIndex, "angular", rows("angular", 1000 * seed, 12, seed))
        index.build(5)
        indexes.append(index)
    expected = [index.get_nns_by_item(7, 8) for index in indexes]
    indexes[0].save(path)
    readers = [
        subprocess.Popen([sys.executable, "-c", READER, path, repr(expected)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [reader.stdout.readline() for reader in readers] == ["reading\n"] * 3
    for turn in range(1, 51):
        indexes[turn % 2].save(path)
        assert indexes[turn % 2].get_nns_by_item(7, 8) == expected[turn % 2]
    Path(path + ".last").touch()
    assert [reader.communicate()[0] for reader in readers] == ["right\n"] * 3


def test_what_differs_from_annoy_is_an_exception(tmp_path):
    index = filled(AnnoyIndex, "angular", np.eye(3, dtype="f4"))
    for bad in [float("nan"), float("inf"), 1e30]:
        with pytest.raises(ValueError):
            index.add_item(3, [bad, 0, 0])
    assert index.get_n_items() == 3
    index.build(2)
    with pytest.raises(Exception, match="built index"):
        index.add_item(3, [1, 2, 3])
    with pytest.raises(ValueError):
        index.get_nns_by_vector([float("nan"), 0, 0], 1)
    for trees, jobs in [(-2, 1), (1, 0), (1, -5)]:
        fresh = filled(AnnoyIndex, "angular", np.eye(3, dtype="f4"))
        with pytest.raises(ValueError):
            fresh.build(trees, n_jobs=jobs)
        assert fresh.build(1), "and can be built after it"
    treeless = filled(AnnoyIndex, "angular", np.eye(3, dtype="f4"))
    with pytest.raises(ValueError, match="n_trees is 0"):
        treeless.build(0)
    with pytest.raises(OSError, match="hasn't been built"):
        treeless.save(str(tmp_path / "x.ann"))
    assert not list(tmp_path.iterdir())
