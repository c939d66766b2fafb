"""Approximate nearest neighbours: ohyeah and its peers on the same data, queries and thread, one query a call.

usage: peers.py VECTORS.bin [--metric angular] [--only ohyeah,scann,...] [--queries 2000] [--rounds 5] [--out results.json]

A fixed shuffle holds out the queries; recall is recall@10 against the exact answers, computed in f64. Builds use two threads,
queries one, in rounds over all peers, of which the best counts. Prints a line for each point, and for each peer the queries per
second at recall .90, .95 and .99 or more, read off the points and the lines between them; of each, too, the seconds to build (of
pynndescent with compiling), the size of its file where it tells one, and what the build added to the memory of the process at
the most. Writes all of it to a JSON file. Needs what requirements.txt lists; a peer that is not installed is named and left out, and the program then ends with
an error.
"""

import argparse
import ctypes
import gc
import importlib
import json
import os
import sys
import tempfile
import time
from functools import partial

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import numpy as np

from vectors import load, machine, memory, reset_peak

TOP = 10
AT = (0.90, 0.95, 0.99)
BUILD_THREADS = 2
# Seconds for all queries from which on two rounds are enough.
SLOW = 3


def exact(metric, items, queries):
    queries = queries.astype("f8")
    best, ids = np.full((len(queries), TOP), -np.inf), np.zeros((len(queries), TOP), "i8")
    for first in range(0, len(items), 20_000):
        some = items[first : first + 20_000].astype("f8")
        scores = queries @ some.T
        if metric == "euclidean":
            scores -= (some**2).sum(axis=1) / 2
        scores = np.concatenate([best, scores], axis=1)
        near = np.argpartition(-scores, TOP, axis=1)[:, :TOP]
        ids = np.take_along_axis(np.concatenate([ids, np.broadcast_to(np.arange(first, first + len(some)), (len(queries), len(some)))], axis=1), near, 1)
        best = np.take_along_axis(scores, near, 1)
    return [set(row) for row in ids.tolist()]


def file_size(save):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "index")
        save(path)
        return os.path.getsize(path)


# Each peer builds an index. It returns the seconds that took, what tells the bytes of the index, and tries: parameters, what sets
# them, and a function from a query to ids.


def nothing():
    pass


def ohyeah(items, metric):
    import ohyeah

    start = time.perf_counter()
    index = ohyeah.Index(items, metric, threads=BUILD_THREADS)
    built = time.perf_counter() - start
    answer = lambda recall: lambda q: index.search(q, TOP, recall)[0]
    recalls = (0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998)
    return built, lambda: index.nbytes, [(f"recall={recall}", nothing, answer(recall)) for recall in recalls]


def scann(items, metric, soar=False, leaves=1000):
    import scann

    start = time.perf_counter()
    build = scann.scann_ops_pybind.builder(items, TOP, "squared_l2" if metric == "euclidean" else "dot_product")
    build = build.set_n_training_threads(BUILD_THREADS) if hasattr(build, "set_n_training_threads") else build
    how = {"soar_lambda": 1.5, "overretrieve_factor": 2.0} if soar else {}
    build = build.tree(num_leaves=leaves, num_leaves_to_search=100, training_sample_size=250000, **how)
    index = build.score_ah(2, anisotropic_quantization_threshold=0.2).reorder(100).build()
    built = time.perf_counter() - start
    if soar:
        tries = ((8, 60), (16, 80), (24, 100), (32, 100), (48, 120), (64, 140), (100, 160), (160, 200), (260, 300), (400, 400))
    else:
        tries = ((5, 50), (10, 60), (14, 60), (20, 80), (30, 100), (40, 100), (60, 120), (80, 150), (120, 180), (180, 240), (300, 300))
    answer = lambda searched, reorder: (
        lambda q: index.search(q, leaves_to_search=searched, pre_reorder_num_neighbors=reorder)[0]
    )
    return built, lambda: 0, [(f"leaves={l}/{leaves},reorder={r}", nothing, answer(l, r)) for l, r in tries]


def scann_soar(items, metric):
    return scann(items, metric, soar=True, leaves=2000)


def annoy(items, metric, trees=100):
    import annoy

    index = annoy.AnnoyIndex(items.shape[1], metric)
    for id, row in enumerate(items):
        index.add_item(id, row)
    start = time.perf_counter()
    index.build(trees, n_jobs=BUILD_THREADS)
    built = time.perf_counter() - start
    answer = lambda search_k: lambda q: index.get_nns_by_vector(q, TOP, search_k)
    search_ks = (1000, 3000, 10000, 20000, 30000, 40000, 60000, 80000, 160000)
    return built, partial(file_size, index.save), [(f"trees={trees},search_k={k}", nothing, answer(k)) for k in search_ks]


EFS = (10, 20, 40, 80, 120, 160, 320, 640, 1280)


def hnswlib(items, metric, m=16):
    import hnswlib

    index = hnswlib.Index("l2" if metric == "euclidean" else "ip", items.shape[1])
    index.init_index(len(items), M=m, ef_construction=200, random_seed=1)
    index.set_num_threads(BUILD_THREADS)
    start = time.perf_counter()
    index.add_items(items)
    built = time.perf_counter() - start
    index.set_num_threads(1)
    answer = lambda q: index.knn_query(q, TOP)[0][0]
    return built, partial(file_size, index.save_index), [(f"M={m},ef={ef}", partial(index.set_ef, ef), answer) for ef in EFS]


def nmslib(items, metric, m=16):
    import nmslib

    index = nmslib.init(method="hnsw", space={"angular": "cosinesimil", "euclidean": "l2", "dot": "negdotprod"}[metric])
    start = time.perf_counter()
    index.addDataPointBatch(items)
    index.createIndex({"M": m, "efConstruction": 200, "indexThreadQty": BUILD_THREADS})
    built = time.perf_counter() - start
    answer = lambda q: index.knnQuery(q, TOP)[0]
    tries = [(f"M={m},efSearch={ef}", partial(index.setQueryTimeParams, {"efSearch": ef}), answer) for ef in EFS]
    return built, partial(file_size, index.saveIndex), tries


def usearch(items, metric, m=16):
    from usearch.index import Index

    measure = "l2sq" if metric == "euclidean" else "ip"
    index = Index(ndim=items.shape[1], metric=measure, dtype="f32", connectivity=m, expansion_add=200)
    start = time.perf_counter()
    index.add(np.arange(len(items)), items, threads=BUILD_THREADS)
    built = time.perf_counter() - start
    answer = lambda q: index.search(q, TOP).keys
    tries = [(f"connectivity={m},expansion={ef}", partial(setattr, index, "expansion_search", ef), answer) for ef in EFS]
    return built, partial(file_size, index.save), tries


def lorann(items, metric, clusters=1024):
    import lorann

    start = time.perf_counter()
    measure = lorann.L2 if metric == "euclidean" else lorann.IP
    index = lorann.LorannIndex(data=items, n_clusters=clusters, global_dim=None, distance=measure)
    index.build(n_threads=BUILD_THREADS)
    built = time.perf_counter() - start
    answer = lambda searched, rerank: lambda q: index.search(q, TOP, searched, rerank, n_threads=1)
    tries = ((8, 100), (16, 100), (24, 200), (32, 200), (64, 400), (96, 800), (128, 800), (192, 1600), (256, 3200))
    return built, partial(file_size, index.save), [(f"clusters={c}/{clusters},rerank={r}", nothing, answer(c, r)) for c, r in tries]


def pynndescent(items, metric):
    import pynndescent

    start = time.perf_counter()
    index = pynndescent.NNDescent(items, {"angular": "cosine"}.get(metric, metric), n_jobs=BUILD_THREADS, random_state=1)
    index.prepare()
    built = time.perf_counter() - start
    answer = lambda epsilon: lambda q: index.query(q[None], TOP, epsilon)[0][0]
    epsilons = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
    return built, lambda: 0, [(f"epsilon={epsilon}", nothing, answer(epsilon)) for epsilon in epsilons]


def faiss_index(items, metric, spec, tries, how=""):
    import faiss

    measure = faiss.METRIC_L2 if metric == "euclidean" else faiss.METRIC_INNER_PRODUCT
    faiss.omp_set_num_threads(BUILD_THREADS)
    index = faiss.index_factory(items.shape[1], spec, measure)
    space, answer = faiss.ParameterSpace(), lambda q: index.search(q[None], TOP)[1][0]
    space.set_index_parameters(index, how)
    start = time.perf_counter()
    index.train(items)
    index.add(items)
    built = time.perf_counter() - start
    faiss.omp_set_num_threads(1)
    set_to = lambda what: partial(space.set_index_parameters, index, what) if what else nothing
    tries = [(f"{spec},{what}" if what else spec, set_to(what), answer) for what in tries]
    return built, partial(file_size, partial(faiss.write_index, index)), tries


def faiss_ivf_flat(items, metric):
    tries = [f"nprobe={n}" for n in (4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256)]
    return faiss_index(items, metric, "IVF1024,Flat", tries)


def faiss_fast_scan(items, metric):
    tries = ((8, 10), (16, 10), (24, 10), (32, 20), (48, 20), (64, 20), (96, 20), (128, 40), (256, 40))
    tries = [f"nprobe={n},k_factor_rf={k}" for n, k in tries]
    return faiss_index(items, metric, f"IVF2048,PQ{items.shape[1] // 2}x4fs,RFlat", tries)


def faiss_hnsw(items, metric):
    return faiss_index(items, metric, "HNSW16", [f"efSearch={ef}" for ef in EFS], how="efConstruction=200")


def faiss_flat(items, metric):
    return faiss_index(items, metric, "Flat", [""])


PEERS = {
    "ohyeah": ohyeah,
    "scann": scann,
    "scann soar": scann_soar,
    "lorann": lorann,
    "faiss fast scan": faiss_fast_scan,
    "faiss ivf": faiss_ivf_flat,
    "faiss hnsw": faiss_hnsw,
    "faiss flat": faiss_flat,
    "hnswlib": hnswlib,
    "nmslib": nmslib,
    "usearch": usearch,
    "pynndescent": pynndescent,
    "annoy": annoy,
}


def at(points, recall):
    """Queries per second at a recall or a greater one: of the points, and of the lines between neighbours."""
    points = sorted((p["recall"], p["queries_per_second"]) for p in points)
    best = max((speed for reached, speed in points if reached >= recall), default=None)
    for (low, slow), (high, fast) in zip(points, points[1:]):
        if low <= recall < high:
            best = max(best, slow + (recall - low) / (high - low) * (fast - slow))
    return best


def give_back():
    """Gives memory that is not used back, so that what the next build takes is seen. Does nothing but with glibc."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vectors")
    parser.add_argument("--metric", default="angular", choices=["angular", "euclidean", "dot"])
    parser.add_argument("--only", help="peers, by commas: " + ", ".join(PEERS))
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", default="results.json")
    options = parser.parse_args()

    _, vectors = load(options.vectors)
    held_out = np.random.default_rng(7).permutation(len(vectors))[: options.queries]
    items, queries = np.delete(vectors, held_out, axis=0), vectors[held_out]
    del vectors
    if options.metric == "angular":
        for x in (items, queries):
            x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-30)
    truth, missing = exact(options.metric, items, queries), []
    print(f"{len(items)} vectors of {items.shape[1]} dimensions, {len(queries)} queries, {options.metric}", flush=True)
    tries = []
    for name in options.only.split(",") if options.only else PEERS:
        try:
            importlib.import_module(name.split()[0])
        except ImportError as error:
            missing.append(f"{name}: {error}")
            continue
        give_back()
        reset_peak()
        before = memory("VmRSS")
        built, size, own = PEERS[name](items, options.metric)
        about = dict(peer=name, build_seconds=round(built, 2), peak_mb=round(memory("VmHWM") - before), bytes=size())
        print(f"{name:16}built in {built:.1f} s", flush=True)
        tries += [(about | dict(parameters=parameters), prepare, answer) for parameters, prepare, answer in own]
    # Rounds over all, as the machine may be busier in one minute than in another; the best of each counts.
    for number in range(options.rounds):
        for point, prepare, answer in tries:
            if number >= 2 and point["seconds"] >= SLOW:
                continue
            prepare()
            for query in queries[:100]:
                answer(query)
            start = time.perf_counter()
            found = [answer(query) for query in queries]
            seconds = time.perf_counter() - start
            point["seconds"] = min(seconds, point.get("seconds", seconds))
            point["recall"] = round(float(np.mean([len(t & set(map(int, f))) / TOP for t, f in zip(truth, found)])), 4)
        print(f"round {number + 1} of {options.rounds}", flush=True)
    for point, _, _ in tries:
        point["queries_per_second"] = round(len(queries) / point["seconds"])
        print(f"{point['peer']:16}{point['parameters']:46}{point['recall']:8.4f}{point['queries_per_second']:9} queries/s")
    points = [{key: value for key, value in point.items() if key != "seconds"} for point, _, _ in tries]
    print(f"\n{'':16}{'build':>8}{'MB':>6}{'peak MB':>9}" + "".join(f"{f'at {recall}':>10}" for recall in AT))
    for name in dict.fromkeys(point["peer"] for point in points):
        own = [point for point in points if point["peer"] == name]
        speeds = "".join(f"{round(speed) if (speed := at(own, recall)) else '-':>10}" for recall in AT)
        print(f"{name:16}{own[0]['build_seconds']:7.1f}s{own[0]['bytes'] / 1e6:6.0f}{own[0]['peak_mb']:9}{speeds}")
    with open(options.out, "w") as file:
        run = dict(vectors=os.path.basename(options.vectors), metric=options.metric, machine=machine(), points=points)
        json.dump(run, file, indent=1)
    if missing:
        sys.exit("not installed, and left out: " + "; ".join(missing))


if __name__ == "__main__":
    main()
