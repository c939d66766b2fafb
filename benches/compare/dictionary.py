"""The dictionary of similar words: ohyeah's command against gensim, AnnoyIndexer and a thread pool.

usage: dictionary.py OHYEAH VECTORS.bin [--sample 20000] [--peer] [-- options of `ohyeah dictionary`]

Runs `OHYEAH dictionary VECTORS.bin --threads 2`, reads what it wrote, and compares the lists of 2,000 words with the exact
ones, computed here by numpy in f64. With --peer also times the program that people use today: gensim's KeyedVectors,
AnnoyIndexer with 200 trees, ThreadPool, on a sample of the vocabulary, scaled up to all of it. Needs numpy; with --peer
gensim and annoy.
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

from vectors import load

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
    print(f"ohyeah dictionary {' '.join(options)}: {seconds:.1f} s, recall@{TOP} {recall(found, exact):.4f}", flush=True)
    return seconds


def peer(path, exact, sample):
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
    print(f"gensim AnnoyIndexer(200) + ThreadPool: {prepared + asked:.1f} s, recall@{TOP} {recall(found, exact):.4f}")
    return prepared + asked


def main():
    options = sys.argv[1:]
    rest = options[options.index("--") + 1 :] if "--" in options else []
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ohyeah")
    parser.add_argument("vectors")
    parser.add_argument("--sample", type=int, default=20000)
    parser.add_argument("--peer", action="store_true")
    args = parser.parse_args(options[: options.index("--")] if "--" in options else options)
    words, vectors = load(args.vectors)
    probes = sorted(random.Random(2).sample(range(len(words)), min(PROBES, len(words))))
    exact = exact_lists(words, vectors, np.array(probes))
    seconds = ours(args.ohyeah, args.vectors, exact, rest)
    if args.peer:
        print(f"{peer(args.vectors, exact, args.sample) / seconds:.1f} times as fast")


if __name__ == "__main__":
    main()
