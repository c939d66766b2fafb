"""Annoy opens the indexes that ohyeah builds, and finds in them what it should.   usage: annoy_opens.py OHYEAH VECTORS.bin"""
import os, subprocess, sys, tempfile
import numpy as np
from annoy import AnnoyIndex
from gensim.models import KeyedVectors

ohyeah, given = sys.argv[1:]
vectors = KeyedVectors.load_word2vec_format(given, binary=True).vectors
unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
distances = {
    "angular": lambda q: -unit @ unit[q],
    "euclidean": lambda q: np.linalg.norm(vectors - vectors[q], axis=1),
    "manhattan": lambda q: np.abs(vectors - vectors[q]).sum(axis=1),
}
with tempfile.TemporaryDirectory() as folder:
    for metric, distance in distances.items():
        path = os.path.join(folder, metric + ".ann")
        subprocess.run([ohyeah, "build", given, "-o", path, "--metric", metric, "--trees", "20", "--quiet"], check=True)
        index = AnnoyIndex(vectors.shape[1], metric)
        index.load(path)
        assert (index.get_n_items(), index.get_n_trees()) == (len(vectors), 20)
        assert np.array_equal(np.array(index.get_item_vector(77), "f4"), vectors[77])
        queries = range(0, len(vectors), 400)
        hits = sum(len(set(index.get_nns_by_item(q, 10, 20000)) & set(np.argsort(distance(q))[:10])) for q in queries)
        recall = hits / len(queries) / 10
        print(f"{metric}: Annoy's recall in ohyeah's index {recall:.3f}")
        assert recall > 0.95
