"""An indexer for gensim: ``vectors.most_similar(word, topn=10, indexer=Indexer(vectors))``."""

import json
import struct

from . import AnnoyIndex, FileFormatError, Index, _arguments, _labels

# What ends the file of a forest: how long the index at its beginning is, and the JSON behind that. That of a packed index is an
# ordinary one, with the labels as its keys.
_TRAILER = struct.Struct("<QQ8s")
_MAGIC = b"ohyeahGI"


class Indexer:
    """Finds the labels most similar to a vector through an index, for the ``indexer`` argument of gensim's ``most_similar``.

    ``model`` is a gensim ``KeyedVectors``, a model that has one (``Word2Vec``, ``FastText``; of ``Doc2Vec`` it is the documents), or
    ``ohyeah.WordVectors``. Labels are given back as they were, whatever they are.

    The index is the packed one, which finds the share ``recall`` of the right answers on average: above 0, and at most 1 for all of
    them. With ``num_trees`` it is a forest, as gensim's ``AnnoyIndexer`` has: more trees find more and take more room, and
    ``search_k`` candidates are looked at, by default as many as are wanted times the number of trees. ``threads`` build, None for as
    many as there are cores; the same ``seed`` gives the same index.

    >>> import ohyeah
    >>> from ohyeah.gensim import Indexer
    >>> vectors = ohyeah.WordVectors(["cat", "dog", "car"], [[1, 0.1], [0.9, 0.2], [0.1, 1]])
    >>> indexer = Indexer(vectors, recall=0.99)
    >>> indexer
    <Indexer: packed index of 3 labels, recall 0.99>
    >>> [label for label, cosine in vectors.most_similar("cat", topn=2, indexer=indexer)]
    ['cat', 'dog']

    The attributes ``recall`` and ``search_k`` may be changed between searches; ``index`` is the index itself.
    """

    def __init__(self, model, num_trees=None, search_k=None, threads=None, seed=None, *, recall=None):
        vectors = _keyed_vectors(model)
        self._labels = list(vectors.index_to_key)
        self.recall, self.search_k = _arguments.recall_of(0.95 if recall is None else recall), _candidates(search_k)
        threads = _arguments.threads_of(threads)
        if num_trees is None:
            if self.search_k is not None:
                raise ValueError("search_k is for a forest: give num_trees too, or recall in place of both")
            # Labels that no file keeps are no reason not to search for them; `save` says it then.
            keys = _labels.keys(self._labels) if _labels.refusal(self._labels) is None else None
            rows = _arguments.usual_lengths(vectors.vectors)
            self.index = Index(rows, "angular", keys=keys, threads=threads, seed=seed or 0)
            return
        if recall is not None:
            raise ValueError("a forest cannot be asked for recall: leave out recall, or num_trees for the packed index")
        trees = _arguments.count(num_trees, "num_trees", 1)
        self.index = AnnoyIndex(vectors.vector_size, "angular")
        if seed is not None:
            self.index.set_seed(seed)
        # Only directions count: gensim's own normed vectors would give the same.
        self.index.add_items(_arguments.usual_lengths(vectors.vectors))
        self.index.build(trees, n_jobs=threads)

    @property
    def labels(self):
        """The labels, in the order of their rows.

        >>> indexer.labels
        ['cat', 'dog', 'car']
        """
        if self._labels is None:
            self._labels = [self._label(row) for row in range(len(self.index))]
        return self._labels

    def _label(self, row):
        # A mapped index need not have all its labels read for a few answers.
        return self._labels[row] if self._labels is not None else _labels.label(self.index.key(row))

    def most_similar(self, vector, num_neighbors):
        """The labels most similar to a vector, most similar first, as pairs of a label and its cosine.

        >>> indexer.most_similar([0, 1], 1)[0][0]
        'car'
        """
        wanted = min(_arguments.count(num_neighbors, "num_neighbors"), len(self.index))
        if wanted == 0:
            return []
        vector = _arguments.usual_lengths(_arguments.numbers(vector)[None])[0]
        if isinstance(self.index, AnnoyIndex):
            search_k = -1 if self.search_k is None else self.search_k
            ids, distances = self.index.get_nns_by_vector(vector, wanted, search_k, include_distances=True)
        else:
            found = self.index.search(vector, wanted, recall=self.recall)
            ids, distances = found[0].tolist(), found[1].tolist()
        return [(self._label(row), 1 - x * x / 2) for row, x in zip(ids, distances) if row >= 0]

    def save(self, path):
        """Saves index and labels in one file, which is there whole or not at all.

        Labels keep their types: texts, numbers, bytes, ``None``, numpy's scalars, and tuples of those. Others raise ``TypeError``. That of
        a packed index is a file as ``ohyeah.Index.save`` writes it.

        >>> indexer.save("words.oy")
        >>> ohyeah.Index.open("words.oy").key(1)
        'dog'
        """
        if isinstance(self.index, AnnoyIndex):
            about = {"dimensions": self.index.f, "search_k": self.search_k, "labels": _labels.plain(self.labels)}
            text = json.dumps(about, ensure_ascii=False).encode("utf8", "surrogatepass")
            self.index._save_with(path, text + _TRAILER.pack(self.index._size(), len(text), _MAGIC))
            return
        refusal = None if self._labels is None else _labels.refusal(self._labels)
        if refusal is not None:
            raise TypeError(refusal)
        self.index.save(path)

    @classmethod
    def load(cls, path, recall=None):
        """Maps what ``save`` has written into memory; a packed index may also be one that the command ``ohyeah build`` wrote of words.

        ``recall`` is that of searches, .95 unless told otherwise: it is not in the file.

        >>> Indexer.load("words.oy", recall=0.9).most_similar([1, 0], 1)[0][0]
        'cat'
        """
        share = _arguments.recall_of(0.95 if recall is None else recall)
        self = cls.__new__(cls)
        self.recall, self.search_k, self._labels = share, None, None
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TRAILER.size))
            end = file.read()
            length, text, magic = _TRAILER.unpack(end) if len(end) == _TRAILER.size else (0, 0, b"")
            if magic == _MAGIC and length + text + _TRAILER.size == size:
                if recall is not None:
                    raise ValueError(f"{path}: this is a forest, which cannot be asked for recall: leave it out")
                file.seek(length)
                text = file.read(text)
                try:
                    self._load_forest(path, length, json.loads(text.decode("utf8", "surrogatepass")))
                except (OSError, MemoryError):
                    raise
                except Exception as error:
                    # Whatever stands in the place of labels: no key, another type, too deep a list.
                    problem = f"{path}: the labels of this indexer are damaged: save it again ({type(error).__name__}: {error})"
                    raise FileFormatError(problem, path) from error
                return self
        self._load_packed(path)
        return self

    def _load_forest(self, path, length, about):
        self._labels = [_labels.of_plain(label) for label in about["labels"]]
        # Indexers of old have −1 for as many as Annoy would look at.
        search_k = about["search_k"]
        self.search_k = _arguments.count(search_k, "search_k") if search_k and search_k > 0 else None
        self.index = AnnoyIndex(about["dimensions"], "angular")
        self.index._load_first(path, length)
        if self.index.get_n_items() != len(self._labels):
            raise FileFormatError(f"{path}: its index and its words do not belong together: save it again", path)

    def _load_packed(self, path):
        try:
            self.index = Index.open(path)
        except (OSError, ValueError) as error:
            text = f"{path}: this is no saved indexer, or not a whole one: save it again ({error})"
            raise FileFormatError(text, path) from error
        if self.index.metric != "angular":
            text = f"{path}: distances by the metric {self.index.metric} give no cosines: save an angular index"
            raise FileFormatError(text, path)
        if len(self.index):
            try:
                self._label(0)
            except (IndexError, KeyError, ValueError) as error:
                text = f"{path}: this index has no labels: save an indexer, or build it with keys"
                raise FileFormatError(text, path) from error

    def __len__(self):
        return len(self.index)

    def __repr__(self):
        if isinstance(self.index, AnnoyIndex):
            return f"<Indexer: forest of {self.index.get_n_trees()} trees, {len(self)} labels>"
        return f"<Indexer: packed index of {len(self)} labels, recall {self.recall:g}>"


def _candidates(search_k):
    return None if search_k is None or search_k == -1 else _arguments.count(search_k, "search_k", 1)


def _keyed_vectors(model):
    """The vectors of a model: those of documents, where it has both."""
    vectors = getattr(model, "dv", getattr(model, "wv", model))
    if not all(hasattr(vectors, name) for name in ("index_to_key", "vectors", "vector_size")):
        name = f"{type(model).__module__}.{type(model).__name__}"
        raise TypeError(f"model is a {name}: give KeyedVectors of gensim 4, a model that has some, or ohyeah.WordVectors")
    return vectors
