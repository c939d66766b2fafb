"""Uses everything that the stubs promise: read by mypy and pyright, and run."""

import copy
import pathlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ohyeah

Floats = NDArray[np.float32]

vectors: Floats = np.random.default_rng(0).normal(size=(500, 8)).astype(np.float32)
told: list[float] = []
index = ohyeah.Index(vectors, "angular", keys=[str(i) for i in range(500)], threads=2, seed=1, progress=told.append)
ids, distances = index.search(vectors[0], 3, recall=0.9, filter=[0, 1, 2], threads=None)
found: NDArray[np.int64] = ids
far: Floats = distances
index.search([[1.0] * 8, [2.0] * 8], similarity=True)
index.search("7")
index.search(["7", "8"])
keys, _ = index.search_keys(vectors[:2], 3)
within: tuple[Any, Any] = index.within(vectors[0], 0.5)
allowed: ohyeah.IdSet = index.filter(np.arange(500) % 2 == 0)
allowed = ~(allowed & allowed | allowed ^ allowed) - ohyeah.IdSet([1], 500)
count: int = len(allowed) + len(index)
has: bool = 3 in allowed and "7" in index
numbers: NDArray[np.int64] = allowed.ids()
index.calibrate(vectors[:100], progress=True)
plan: dict[str, float] | None = index.plan(10, 0.9)
key: str = index.key(7)
id_: int = index.id("7")
vector: Floats = index.vector(7) + index["7"] + index[7]
everything: tuple[list[str] | None, Floats] = (index.keys, index.vectors)
index.save("a.oy")
index.save(pathlib.Path("a.oy"))
index.verify()
with ohyeah.Index.open("a.oy", mmap=False) as opened:
    shape: tuple[str, int, int] = (opened.metric, opened.dimensions, opened.nbytes)
    again: ohyeah.Index = copy.copy(opened)
    data: bytes = opened.to_bytes()
closed: bool = opened.closed
index = ohyeah.Index.from_bytes(data)
graph: tuple[NDArray[np.int64], Floats] = ohyeah.knn_graph(vectors, 5, exact=True, metric="dot")

forest = ohyeah.AnnoyIndex(8, "euclidean")
forest.set_seed(3)
forest.add_item(0, vectors[0])
forest.add_item(1, [1.0] * 8)
forest.add_items(vectors, first=2)
forest.build(5, n_jobs=2, progress=False, generator="kiss64")
near: list[int] = forest.get_nns_by_item(0, 3)
near_and_far: tuple[list[int], list[float]] = forest.get_nns_by_vector(vectors[0], 3, include_distances=True)
many: NDArray[np.int32] = forest.get_nns_by_vectors(vectors, 3)
many_and_far: tuple[NDArray[np.int32], Floats] = forest.get_nns_by_items([1, 2], 3, include_distances=True)
forest.save("a.ann")
with ohyeah.AnnoyIndex(8, "euclidean") as loaded:
    loaded.load("a.ann")
    size: tuple[int, int, int, float, list[float]] = (
        loaded.get_n_items(),
        loaded.get_n_trees(),
        loaded.f,
        loaded.get_distance(0, 1),
        loaded.get_item_vector(0),
    )
try:
    ohyeah.Index.open("a.ann")
except ohyeah.FileFormatError as error:
    text: str = str(error)
try:
    index[9999]
except ohyeah.NoSuchId:
    pass
try:
    index.search([1.0])
except ohyeah.WrongLength:
    pass
ohyeah.install_as_annoy()
