"""Building in a file where there is no room: an error with the system's number, and nothing is lost.

The room is a limit on the length of files, which any user may set and which is met in the same place as the disk's end; only its
number is another."""

import os

import pytest
from alone import run
from conftest import METRICS

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits are set by posix's setrlimit")

LIMIT = """
import errno, os, resource, signal, sys
import numpy as np, ohyeah
metric, folder = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = folder + "/disk.ann"

def limit(bytes):
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes, resource.RLIM_INFINITY))

def full(call):
    try:
        call()
    except OSError as error:
        assert error.errno == errno.EFBIG and error.filename == path and error.strerror == os.strerror(errno.EFBIG), error
    else:
        raise SystemExit("there was room")

v = np.random.default_rng(0).normal(size=(3000, 16)).astype("f4")
v = (v > 0).astype("f4") if metric == "hamming" else v
memory = ohyeah.AnnoyIndex(16, metric); memory.add_items(v)
size = lambda trees: (memory.build(trees), memory._size(), memory.unbuild())[1]
index = ohyeah.AnnoyIndex(16, metric)
"""


@pytest.mark.parametrize("metric", METRICS)
def test_a_build_that_finds_the_disk_full_keeps_the_items(metric, tmp_path):
    run(
        LIMIT
        + """
index.on_disk_build(path)
index.add_items(v)
for turn in range(2):
    limit(size(2))
    full(lambda: index.build(50))
    assert index.get_n_items() == 3000 and index.get_n_trees() == 0
    assert all(index.get_item_vector(i) == v[i].tolist() for i in range(3000))
    assert not os.path.exists(path)
    limit(resource.RLIM_INFINITY)
# More can be added, and the file is that of items that never met an end.
index.add_item(3000, v[0]); memory.add_item(3000, v[0])
index.build(5); memory.build(5)
memory.save(folder + "/memory.ann")
assert open(path, "rb").read() == open(folder + "/memory.ann", "rb").read()
index.unbuild()
assert index.get_n_items() == 3001
assert len(os.listdir(folder)) == 3, os.listdir(folder)
del index
assert sorted(os.listdir(folder)) == ["disk.ann", "memory.ann"]
""",
        metric,
        tmp_path,
        timeout=60,
    )


def test_items_that_do_not_fit(tmp_path):
    run(
        LIMIT
        + """
index.on_disk_build(path)
index.add_items(v[:2000])
limit(2000 * 80 + 4096)
full(lambda: index.add_items(np.tile(v, (20, 1)), first=2000))
full(lambda: index.add_item(50_000, v[0]))
limit(resource.RLIM_INFINITY)
n = index.get_n_items()
assert 2000 <= n < 50_000 and index.get_item_vector(1999) == v[1999].tolist()
index.add_item(n, v[7])
index.build(2)
assert index.get_item_vector(n) == v[7].tolist()
""",
        "euclidean",
        tmp_path,
    )


def test_items_in_memory_that_do_not_fit_their_file_stay_in_memory(tmp_path):
    run(
        LIMIT
        + """
index.add_items(v)
limit(10_000)
full(lambda: index.on_disk_build(path))
assert index.get_n_items() == 3000 and not os.listdir(folder)
index.build(3)
assert index.get_nns_by_item(5, 1) == [5]
""",
        "euclidean",
        tmp_path,
    )


def test_trees_whose_items_do_not_fit_a_new_file_stay(tmp_path):
    run(
        LIMIT
        + """
index.on_disk_build(path)
index.add_items(v)
index.build(3)
limit(10_000)
full(index.unbuild)
assert index.get_n_trees() == 3 and index.get_nns_by_item(5, 1) == [5]
limit(resource.RLIM_INFINITY)
index.unbuild()
index.add_item(3000, v[0])
index.build(2)
assert index.get_n_items() == 3001
""",
        "euclidean",
        tmp_path,
    )


@pytest.mark.parametrize("metric", METRICS)
def test_a_file_that_cannot_be_named_keeps_the_items(metric, tmp_path):
    run(
        LIMIT
        + """
index.on_disk_build(path)
index.add_items(v)
# Nothing can be renamed onto a folder.
os.mkdir(path)
for turn in range(2):
    try:
        index.build(5)
    except OSError as error:
        assert path in str(error), error
    else:
        raise SystemExit("it was named")
    assert index.get_n_items() == 3000 and index.get_n_trees() == 0
    assert all(index.get_item_vector(i) == v[i].tolist() for i in range(3000))
os.rmdir(path)
index.build(5)
memory.build(5); memory.save(folder + "/memory.ann")
assert open(path, "rb").read() == open(folder + "/memory.ann", "rb").read()
assert sorted(os.listdir(folder)) == ["disk.ann", "memory.ann"]
""",
        metric,
        tmp_path,
    )
