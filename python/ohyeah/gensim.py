"""An indexer for gensim: ``vectors.most_similar(word, topn=10, indexer=Indexer(vectors))``."""

import json
import struct

from . import AnnoyIndex

# What ends a file: how long the index at its beginning is, and the JSON behind that.
_TRAILER = struct.Struct("<QQ8s")
_MAGIC = b"ohyeahGI"


class Indexer:
    """Finds the words most similar to a vector through an index, for the ``indexer`` argument of gensim's ``most_similar``.

    ``model`` is a gensim ``KeyedVectors``, or a model that has one (``Word2Vec``, ``FastText``, ``Doc2Vec``). More trees
    find more and take more room; ``search_k`` candidates are looked at, by default as many as are wanted times the number
    of trees. ``threads`` build.
    """

    def __init__(self, model, num_trees=50, search_k=-1, threads=-1, seed=None):
        # Documents, where a model has both.
        vectors = getattr(model, "dv", getattr(model, "wv", model))
        self.labels = list(vectors.index_to_key)
        self.search_k = search_k
        self.index = AnnoyIndex(vectors.vector_size, "angular")
        if seed is not None:
            self.index.set_seed(seed)
        # Only directions count: gensim's own normed vectors would give the same.
        self.index.add_items(vectors.vectors)
        self.index.build(num_trees, n_jobs=threads)

    def most_similar(self, vector, num_neighbors):
        """The words most similar to a vector, most similar first, as pairs of a word and its cosine."""
        ids, distances = self.index.get_nns_by_vector(vector, num_neighbors, self.search_k, include_distances=True)
        return [(self.labels[i], 1 - distance * distance / 2) for i, distance in zip(ids, distances)]

    def save(self, path):
        """Saves index and words in one file."""
        about = {"dimensions": self.index.f, "search_k": self.search_k, "labels": self.labels}
        text = json.dumps(about, ensure_ascii=False).encode("utf8", "surrogatepass")
        self.index._save_with(path, text + _TRAILER.pack(self.index._size(), len(text), _MAGIC))

    @classmethod
    def load(cls, path):
        """Maps what ``save`` has written into memory."""
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TRAILER.size))
            end = file.read()
            length, text, magic = _TRAILER.unpack(end) if len(end) == _TRAILER.size else (0, 0, b"")
            if magic != _MAGIC or length + text + _TRAILER.size != size:
                raise OSError(f"{path}: this is no saved indexer, or not a whole one: save it again")
            file.seek(length)
            about = json.loads(file.read(text).decode("utf8", "surrogatepass"))
        self = cls.__new__(cls)
        self.labels, self.search_k = about["labels"], about["search_k"]
        self.index = AnnoyIndex(about["dimensions"], "angular")
        self.index._load_first(path, length)
        if self.index.get_n_items() != len(self.labels):
            raise OSError(f"{path}: its index and its words do not belong together: save it again")
        return self
