"""The dictionary of similar words: ohyeah's command against gensim, AnnoyIndexer and a thread pool.

usage: dictionary.py OHYEAH VECTORS.bin [--peers gensim,pynndescent,faiss] [--out results.json] [-- options of `ohyeah dictionary`]

Runs `OHYEAH dictionary VECTORS.bin --threads 2`, reads what it wrote, and compares the lists of 2,000 words with the exact
ones, computed here by numpy in f64. Peers, each on two threads:

  gensim        the program that people use today: KeyedVectors, AnnoyIndexer with 200 trees, ThreadPool, on a sample of the
                vocabulary, scaled up to all of it
  pynndescent   its graph of the cosine's 16 nearest neighbours, the word itself among them; reading and writing not counted
  faiss         IVF2048,PQ4 fast scan, re-ranked, every word searched for at once; reading and writing not counted
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time

import numpy as np

from vectors import load, machine

TOP = 15
PROBES = 2000


def exact_lists(words, vectors, probes):
    unit = vectors.astype("f8")
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-300)
    lists = {}
    for first in range(0, len(probes), 100):
        rows = probes[first : first + 100]
        scores = unit[rows] @ unit.T
        scores[np.arange(len(rows)), rows] = -2
        best = np.argpartition(-scores, TOP, axis=1)[:, :TOP]
        lists.update({words[row]: {words[i] for i in found} for row, found in zip(rows, best)})
    return lists


def recall(found, exact):
    return np.mean([len(exact[word] & set(found[word])) / TOP for word in exact])


def ours(command, path, exact, options):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "dictionary.jsonl")
        start = time.perf_counter()
        subprocess.run([command, "dictionary", path, "-o", out, "--threads", "2", *options], check=True)
        seconds = time.perf_counter() - start
        found = {}
        with open(out) as lines:
            for line in lines:
                entry = json.loads(line)
                if entry["word"] in exact:
                    found[entry["word"]] = [word for word, _ in entry["similar"]]
    return report(f"ohyeah dictionary {' '.join(options)}".strip(), seconds, found, exact)


def gensim(path, exact, sample=20_000):
    from multiprocessing.pool import ThreadPool

    from gensim.models.keyedvectors import KeyedVectors
    from gensim.similarities.annoy import AnnoyIndexer

    start = time.perf_counter()
    vectors = KeyedVectors.load_word2vec_format(path, binary=True, unicode_errors="ignore")
    index = AnnoyIndexer(vectors, 200)
    prepared = time.perf_counter() - start
    words = random.Random(1).sample(vectors.index_to_key, min(sample, len(vectors)))
    # The indexer answers with the word itself first, so ask for one more.
    ask = lambda word: [other for other, _ in vectors.most_similar(word, topn=TOP + 1, indexer=index) if other != word][:TOP]
    with ThreadPool() as pool:
        start = time.perf_counter()
        pool.map(ask, words)
        asked = (time.perf_counter() - start) / len(words) * len(vectors)
    found = {word: ask(word) for word in exact}
    return report("gensim AnnoyIndexer(200) + ThreadPool", prepared + asked, found, exact)


def pynndescent(words, vectors, exact):
    from pynndescent import NNDescent

    start = time.perf_counter()
    ids, _ = NNDescent(vectors, metric="cosine", n_neighbors=TOP + 1, n_jobs=2, random_state=1).neighbor_graph
    seconds = time.perf_counter() - start
    return report("pynndescent", seconds, without_itself(words, ids, exact), exact)


def faiss(words, vectors, exact):
    import faiss

    faiss.omp_set_num_threads(2)
    start = time.perf_counter()
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)
    index = faiss.index_factory(unit.shape[1], f"IVF2048,PQ{unit.shape[1] // 2}x4fs,RFlat", faiss.METRIC_INNER_PRODUCT)
    index.train(unit)
    index.add(unit)
    faiss.downcast_index(index.base_index).nprobe, index.k_factor = 64, 20
    _, ids = index.search(unit, TOP + 1)
    seconds = time.perf_counter() - start
    return report("faiss IVF2048,PQ4fs,RFlat", seconds, without_itself(words, ids, exact), exact)


def without_itself(words, ids, exact):
    number = {word: row for row, word in enumerate(words)}
    return {word: [words[id] for id in ids[number[word]] if id not in (number[word], -1)][:TOP] for word in exact}


def report(name, seconds, found, exact):
    share = recall(found, exact)
    print(f"{name}: {seconds:.1f} s, recall@{TOP} {share:.4f}", flush=True)
    return dict(name=name, seconds=round(seconds, 2), recall=round(float(share), 4))


def main():
    options = sys.argv[1:]
    rest = options[options.index("--") + 1 :] if "--" in options else []
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ohyeah")
    parser.add_argument("vectors")
    parser.add_argument("--peers", default="")
    parser.add_argument("--out")
    args = parser.parse_args(options[: options.index("--")] if "--" in options else options)
    words, vectors = load(args.vectors)
    probes = sorted(random.Random(2).sample(range(len(words)), min(PROBES, len(words))))
    exact = exact_lists(words, vectors, np.array(probes))
    results = [ours(args.ohyeah, args.vectors, exact, rest)]
    for name in filter(None, args.peers.split(",")):
        run = {"gensim": lambda: gensim(args.vectors, exact), "pynndescent": lambda: pynndescent(words, vectors, exact), "faiss": lambda: faiss(words, vectors, exact)}[name]
        results.append(run())
        print(f"{results[-1]['seconds'] / results[0]['seconds']:.1f} times as long")
    if args.out:
        with open(args.out, "w") as file:
            json.dump(dict(vectors=os.path.basename(args.vectors), machine=machine(), results=results), file, indent=1)


if __name__ == "__main__":
    main()
