"""Forests: Annoy and ohyeah.AnnoyIndex side by side, the same calls, the same trees, the same search_k, one thread.

usage: forest.py VECTORS.bin... [--trees 50] [--search-k 3000 10000 40000] [--queries 1000] [--rounds 3]

Both libraries index the same rows of each file in one process, less some that are held out as queries, and answer one
query a call. Rounds alternate between the libraries and the median counts; exact answers, for recall@10, are computed by
numpy in f64. Peak memory is what a build adds to the process at the most. Needs numpy, annoy and ohyeah.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections import defaultdict

import annoy
import numpy as np

import ohyeah
from vectors import load, memory, reset_peak

TOP = 10
LIBRARIES = {"annoy": annoy.AnnoyIndex, "ohyeah": ohyeah.AnnoyIndex}


def exact(items, queries):
    unit = items.astype("f8")
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-300)
    found = []
    for first in range(0, len(queries), 100):
        scores = queries[first : first + 100].astype("f8") @ unit.T
        found += [set(row) for row in np.argpartition(-scores, TOP, axis=1)[:, :TOP].tolist()]
    return found


def built(make, items, trees, seed):
    """The index, the seconds that its build took, and the megabytes that it and its items added at the most."""
    reset_peak()
    before = memory("VmRSS")
    index = make(items.shape[1], "angular")
    index.set_seed(seed)
    for id, row in enumerate(items):
        index.add_item(id, row)
    start = time.perf_counter()
    index.build(trees, n_jobs=1)
    return index, time.perf_counter() - start, memory("VmHWM") - before


def file_size(index):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "index.ann")
        index.save(path)
        return os.path.getsize(path) / 1e6


def asked(index, queries, search_k):
    """The seconds that all queries took, and the ids found."""
    start = time.perf_counter()
    found = [index.get_nns_by_vector(query, TOP, search_k) for query in queries]
    return time.perf_counter() - start, found


def compare(path, options):
    _, vectors = load(path)
    held_out = np.random.default_rng(0).permutation(len(vectors))[: options.queries]
    items, queries = np.delete(vectors, held_out, axis=0), vectors[held_out]
    truth = exact(items, queries)
    print(f"\n{os.path.basename(path)}: {len(items)} items of {items.shape[1]} dimensions, {options.trees} trees", flush=True)

    measured = {name: defaultdict(list) for name in LIBRARIES}
    for seed in range(1, options.rounds + 1):
        for name, make in LIBRARIES.items():
            index, seconds, peak = built(make, items, options.trees, seed)
            of = measured[name]
            of["build, s"].append(seconds)
            of["peak memory, MB"].append(peak)
            for search_k in options.search_k:
                seconds, found = asked(index, queries, search_k)
                of[f"queries/s at search_k {search_k}"].append(len(queries) / seconds)
                of[f"recall@{TOP} at search_k {search_k}"] += [len(t & set(f)) / TOP for t, f in zip(truth, found)]
            of["file, MB"].append(file_size(index))
            del index

    print(f"{'':34}{'annoy':>12}{'ohyeah':>12}{'ratio':>9}")
    for what in measured["annoy"]:
        mean = statistics.mean if "recall" in what else statistics.median
        theirs, ours = (mean(measured[name][what]) for name in LIBRARIES)
        ratio = f"{ours - theirs:+.4f}" if "recall" in what else f"{ours / theirs if '/s' in what else theirs / ours:.2f}x"
        digits = 4 if "recall" in what else 2 if theirs < 100 else 0
        print(f"{what:34}{theirs:12.{digits}f}{ours:12.{digits}f}{ratio:>9}", flush=True)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("vectors", nargs="+")
parser.add_argument("--trees", type=int, default=50)
parser.add_argument("--search-k", type=int, nargs="+", default=[3000, 10000, 40000])
parser.add_argument("--queries", type=int, default=1000)
parser.add_argument("--rounds", type=int, default=3)
options = parser.parse_args()
for path in options.vectors:
    compare(path, options)
