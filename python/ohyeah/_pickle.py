"""What a pickle calls to make an index again. Pickles name these functions: they keep their names and arguments."""

import numpy as np

from . import _ohyeah  # type: ignore[attr-defined]
from ._errors import FileFormatError
from ._ohyeah import IdSet, Index


def index_from_bytes(data):
    return Index.from_bytes(data)


def id_set(bits, length):
    """A set, of a bit for each id: that of id 0 is the lowest of the first byte."""
    return IdSet(np.flatnonzero(np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")), length)


def opened_index(path, header):
    """The index in a file that was mapped; an error where another has taken its place."""
    index = Index.open(path)
    if index._header() != header:
        raise FileFormatError(f"{path}: is another index than the one that was pickled: it was replaced since", path)
    return index


def word_vectors(cls, words, vectors):
    """Word vectors without what ``__init__`` of a derived class would do: the attributes come afterwards."""
    return cls._of(_ohyeah.WordVectors(words, vectors))


def annoy_index(cls, f, metric, seed, kind, payload, attributes):
    """A forest: its file, its trees, or its items."""
    index = cls.__new__(cls, f, metric)
    if kind == "file":
        path, length, edges = payload
        index._load_first(path, length)
        if index._edges() != edges:
            index.unload()
            raise FileFormatError(f"{path}: is another index than the one that was pickled: it was replaced since", path)
    elif kind == "trees":
        index._set_trees(*payload)
    else:
        ids, rows = payload
        if len(ids) and ids[-1] == len(ids) - 1:
            index.add_items(rows)
        else:
            # Some ids were never added.
            for i, row in zip(ids.tolist(), rows):
                index.add_item(i, row)
    if seed is not None:
        index._set_seed(seed)
    if attributes:
        index.__dict__.update(attributes)
    return index
