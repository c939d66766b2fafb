"""The class ``WordVectors``: word vectors that are read, asked and saved, with the habits of gensim's ``KeyedVectors``."""

import copy
import os
import threading
import types

import numpy as np

from . import _analogies, _arguments, _ohyeah, _pickle  # type: ignore[attr-defined]
from ._arguments import count, is_key

class _Lock:
    """Whoever builds an index has it: two threads need not build the same one.

    The thread that has it gets it again, as a signal's handler may ask for the index that is being built. A child has its own, as a
    thread of its parent may have had this one when it was forked.
    """

    def __init__(self):
        self._locks = {}

    def of_process(self):
        # One operation, which no other thread divides.
        return self._locks.setdefault(os.getpid(), threading.RLock())


class WordVectors:
    """Words and their vectors, which are read, asked, saved, and never changed.

    ``vectors`` has a row for each of ``words``: anything of which numpy makes a 2-d array. Where a method takes a key, that is a
    word or the number of its row. The names are those of gensim's ``KeyedVectors``; the README has a table. The examples of the
    methods go on with these vectors:

    >>> import ohyeah
    >>> vectors = ohyeah.WordVectors(
    ...     ["cat", "dog", "car", "bus"], [[1, 0.1, 0], [0.9, 0.2, 0], [0, 0.1, 1], [0.1, 0, 0.9]]
    ... )
    >>> vectors
    <WordVectors: 4 words of 3 dimensions>
    >>> len(vectors), "cat" in vectors, list(vectors)
    (4, True, ['cat', 'dog', 'car', 'bus'])

    Objects can be copied (the vectors are shared) and pickled (with all vectors), and be used by several threads at once and after
    a fork.
    """

    def __init__(self, words, vectors):
        if isinstance(words, (str, bytes)):
            raise TypeError("words are a list of words, not one word")
        rows, words = _arguments.matrix(vectors), list(words)
        if not rows.shape[1]:
            raise ValueError(f"vectors: each must have at least one number; the shape is {rows.shape}")
        self._begin(_ohyeah.WordVectors(words, rows))

    def _begin(self, inner):
        self._inner = inner
        self._index_to_key = self._key_to_index = None
        # What `index` was asked for: searches go on with it.
        self._recall, self._seed = None, 0
        # The index that was built, and its seed.
        self._held = None, 0
        self._lock = _Lock()

    @classmethod
    def _of(cls, inner):
        self = cls.__new__(cls)
        self._begin(inner)
        return self

    # Files

    @classmethod
    def load(cls, path, limit=None, lossy=False):
        """Reads word2vec's binary or text format or GloVe's text, plain or packed; which it is is found out from the content.

        At most ``limit`` words are read. With ``lossy``, bytes that are not UTF-8 are replaced and not an error. A file that cannot be
        opened raises what Python's own ``open`` raises, and one that is no such file ``FileFormatError``, a ``ValueError``.

        >>> vectors.save("some.vec")
        >>> ohyeah.WordVectors.load("some.vec", limit=2).words
        ['cat', 'dog']
        """
        limit = None if limit is None else count(limit, "limit")
        return cls._of(_ohyeah.WordVectors.load(path, limit, bool(lossy)))

    def save(self, path, replace_spaces=None):
        """Writes word2vec's text format where ``path`` ends in ``.txt`` or ``.vec``, its binary format where it ends in ``.bin``.

        With ``.gz`` behind it, the file is packed. It is there whole or not at all. A word with white space, which could not be read
        back, raises ``ValueError``; ``replace_spaces="_"`` writes it with this character.

        >>> vectors.save("some.bin.gz")
        >>> ohyeah.WordVectors.load("some.bin.gz").words == vectors.words
        True
        """
        if replace_spaces is not None and not (isinstance(replace_spaces, str) and len(replace_spaces) == 1):
            raise ValueError(f"replace_spaces is one character, not {replace_spaces!r}")
        self._inner.save(path, None, True, replace_spaces)

    @classmethod
    def load_word2vec_format(
        cls,
        fname,
        fvocab=None,
        binary=False,
        encoding="utf8",
        unicode_errors="strict",
        limit=None,
        datatype=np.float32,
        no_header=False,
    ):
        """``load`` with gensim's arguments. What ``binary`` and ``no_header`` say is found out from the content.

        ``unicode_errors`` is "strict", "replace" or "ignore". Counts of words (``fvocab``), another ``encoding`` than UTF-8 and other
        numbers than 32-bit floats (``datatype``) are not there.

        >>> vectors.save_word2vec_format("some.bin", binary=True)
        >>> ohyeah.WordVectors.load_word2vec_format("some.bin", binary=True)
        <WordVectors: 4 words of 3 dimensions>
        """
        if fvocab is not None:
            raise ValueError("fvocab: counts of words are not kept; leave it out")
        if encoding.lower().replace("-", "") != "utf8":
            raise ValueError(f"encoding is {encoding!r}: words are read as UTF-8; convert the file first")
        if np.dtype(datatype) != np.float32:
            raise ValueError(f"datatype is {np.dtype(datatype)}: vectors are held as float32")
        if unicode_errors not in ("strict", "replace", "ignore"):
            raise ValueError(f'unicode_errors is {unicode_errors!r}: use "strict", "replace" or "ignore"')
        loaded = cls.load(fname, limit=limit or None, lossy=unicode_errors != "strict")
        if unicode_errors == "ignore" and any("\ufffd" in word for word in loaded.words):
            return loaded._renamed(lambda word: word.replace("\ufffd", ""))
        return loaded

    def save_word2vec_format(
        self,
        fname,
        fvocab=None,
        binary=False,
        total_vec=None,
        write_header=True,
        prefix="",
        append=False,
        sort_attr="count",
    ):
        """``save`` with gensim's arguments: ``binary`` tells the format, whatever the name, and ``.gz`` at its end packs.

        ``prefix`` is put before each word; without ``write_header`` the text is GloVe's. Rows stay in their order, as nothing is there
        to sort them by; ``fvocab``, ``total_vec`` and ``append`` are not there.

        >>> vectors.save_word2vec_format("some.txt", write_header=False, prefix="en/")
        >>> ohyeah.WordVectors.load("some.txt").words
        ['en/cat', 'en/dog', 'en/car', 'en/bus']
        """
        for name, value in [("fvocab", fvocab), ("total_vec", total_vec), ("append", append or None)]:
            if value is not None:
                raise ValueError(f"{name} cannot be had: write whole files of word vectors, one for each set")
        if str(fname).lower().endswith((".bz2", ".xz", ".zst", ".zip")):
            raise ValueError(f"{fname}: files are packed with gzip alone; end the name in .gz")
        inner = self._renamed(lambda word: prefix + word)._inner if prefix else self._inner
        inner.save(fname, bool(binary), bool(write_header), None)

    def _renamed(self, rename):
        """The same vectors with other words; the first of those that become equal."""
        rows = {}
        for row, word in enumerate(self.words):
            rows.setdefault(rename(word), row)
        vectors = self.vectors if len(rows) == len(self) else self.vectors[list(rows.values())]
        return type(self)(list(rows), vectors)

    # Words and rows

    def __len__(self):
        return len(self._inner)

    def __contains__(self, key):
        return self._row_or_none(key) is not None

    def __iter__(self):
        return iter(self.words)

    def __getitem__(self, key_or_keys):
        """The vector of a key, a read-only view; of a list of keys a row for each, a copy.

        >>> vectors["dog"].tolist() == vectors[1].tolist()
        True
        >>> vectors[["cat", "dog"]].shape
        (2, 3)
        """
        if is_key(key_or_keys):
            return self._inner.vector(self._row(key_or_keys))
        return self.vectors[[self._row(key) for key in key_or_keys]]

    def _row_or_none(self, key):
        if isinstance(key, str):
            return self._inner.find(key)
        return int(key) if is_key(key) and 0 <= key < len(self) else None

    def _row(self, key):
        """The row of a key."""
        if isinstance(key, str):
            row = self._inner.find(key)
            return self._inner.row(key) if row is None else row
        if not is_key(key):
            raise TypeError(f"a key is a word or the number of a row, not {type(key).__name__}")
        if not 0 <= key < len(self):
            raise KeyError(f"there is no row {key}: there are {len(self)}, numbered from 0")
        return int(key)

    @property
    def words(self):
        """The words, in the order of their rows: a new list.

        >>> vectors.words
        ['cat', 'dog', 'car', 'bus']
        """
        return self._inner.words

    @property
    def index_to_key(self):
        """The words, in the order of their rows: always the same list, which is not to be changed.

        >>> vectors.index_to_key[2]
        'car'
        """
        if self._index_to_key is None:
            self._index_to_key = self._inner.words
        return self._index_to_key

    @property
    def key_to_index(self):
        """The row of each word, which cannot be changed.

        >>> vectors.key_to_index["car"], vectors.key_to_index.get("cow")
        (2, None)
        """
        if self._key_to_index is None:
            rows = {word: row for row, word in enumerate(self.index_to_key)}
            self._key_to_index = types.MappingProxyType(rows)
        return self._key_to_index

    def get_index(self, key, default=None):
        """The row of a key, or else ``default``, or ``KeyError`` where there is none.

        >>> vectors.get_index("bus"), vectors.get_index("cow", -1)
        (3, -1)
        """
        row = self._row_or_none(key)
        if row is not None:
            return row
        return self._row(key) if default is None else default

    def has_index_for(self, key):
        """Whether there is such a key; the same as ``key in vectors``.

        >>> vectors.has_index_for("cow")
        False
        """
        return key in self

    # Vectors

    @property
    def vectors(self):
        """All vectors, a row for each word: a read-only view, not a copy.

        >>> vectors.vectors.shape
        (4, 3)
        """
        return self._inner.vectors

    @property
    def vector_size(self):
        """How many numbers a vector has.

        >>> vectors.vector_size
        3
        """
        return self._inner.dimensions

    @property
    def norms(self):
        """The lengths of all vectors.

        >>> vectors.norms.round(2).tolist()
        [1.0, 0.9200000166893005, 1.0, 0.9100000262260437]
        """
        return self._inner.norms

    def fill_norms(self, force=False):
        """Does nothing: the lengths are always there.

        >>> vectors.fill_norms()
        """

    def get_vector(self, key, norm=False):
        """The vector of a key, which cannot be written to; at length 1 with ``norm``.

        >>> vectors.get_vector("car", norm=True).round(3).tolist()
        [0.0, 0.10000000149011612, 0.9950000047683716]
        """
        vector = self[self._row(key)]
        if norm:
            vector = _unit(vector)
            vector.setflags(write=False)
        return vector

    def get_normed_vectors(self):
        """All vectors at length 1, a row for each word. Vectors of zeros stay zeros.

        >>> vectors.get_normed_vectors().shape
        (4, 3)
        """
        norms = self.norms
        return self.vectors / np.where(norms > 0, norms, np.float32(1))[:, None]

    def get_mean_vector(self, keys, weights=None, pre_normalize=True, post_normalize=False, ignore_missing=True):
        """The mean of the vectors of keys, or of vectors.

        ``weights`` has a number for each. Vectors of keys are scaled to length 1 with ``pre_normalize``, and the mean with
        ``post_normalize``. Unknown keys are left out, or raise ``KeyError`` without ``ignore_missing``.

        >>> vectors.get_mean_vector(["cat", "dog", "cow"], pre_normalize=False).round(3).tolist()
        [0.949999988079071, 0.15000000596046448, 0.0]
        """
        keys = _arguments.items(keys)
        if not keys:
            raise ValueError("cannot compute mean with no input: give at least one key or vector")
        weights = np.ones(len(keys), np.float32) if weights is None else _arguments.numbers(weights, "weights")
        if len(weights) != len(keys):
            raise ValueError(f"weights: there are {len(weights)} for {len(keys)} keys; give one for each")
        for weight in weights[~np.isfinite(weights)]:
            _arguments.finite_weight(weight)
        mean, total = np.zeros(self.vector_size, np.float32), 0.0
        for key, weight in zip(keys, weights):
            if not is_key(key):
                vector = self._vector(key)
            elif key in self:
                vector = self.get_vector(key, norm=pre_normalize)
            elif ignore_missing:
                continue
            else:
                self._row(key)
            mean += weight * vector
            total += abs(float(weight))
        mean = mean / np.float32(total) if total > 0 else mean
        return _unit(mean) if post_normalize else mean

    def _vector(self, vector):
        numbers = _arguments.numbers(vector)
        if len(numbers) != self.vector_size:
            text = f"the vector has {len(numbers)} numbers, but these word vectors have {self.vector_size} dimensions"
            raise ValueError(text)
        return numbers

    def vectors_for_all(self, keys, allow_inference=True, copy_vecattrs=False):
        """``WordVectors`` of these words alone, in their order; unknown ones and repetitions are left out.

        The other arguments are gensim's and have no effect: nothing is inferred, and words have no attributes.

        >>> vectors.vectors_for_all(["bus", "cow", "cat"]).words
        ['bus', 'cat']
        """
        rows = [row for row in map(self._row_or_none, keys) if row is not None]
        rows = list(dict.fromkeys(rows))
        words = [self._inner.word(row) for row in rows]
        return type(self)(words, self.vectors[rows])

    # Similar words

    def index(self, word=None, *, recall=None, threads=None, seed=None):
        """Builds the packed index of these vectors, holds it, and returns the same: an ``ohyeah.Index`` with the words as its keys.

        Closing what was returned closes nothing here.

        From then on ``most_similar`` and its like are answered through it: with ``recall``, the share of the right words that is found
        on average (.95 unless told otherwise, 1 for all), where they are not given one of their own. With a ``word``, it is the row of
        that word as ``get_index`` has it, and no index is built.

        >>> vectors.index(recall=0.99)
        <Index: 4 angular vectors of 3 dimensions with keys>
        >>> vectors.most_similar("cat", topn=1)[0][0]
        'dog'
        >>> vectors.index("dog")
        1
        """
        if word is not None:
            if (recall, threads, seed) != (None, None, None):
                raise ValueError("with a word it is the row of the word that is asked for: leave recall, threads and seed out")
            return self._row(word)
        recall = 0.95 if recall is None else _arguments.recall_of(recall)
        seed = self._seed if seed is None else _arguments.seed_of(seed)
        index = self._built(_arguments.threads_of(threads), seed)
        self._recall, self._seed = recall, seed
        # Its own, which shares what it is made of: whoever closes it closes no other.
        return copy.copy(index)

    def _built(self, threads, seed):
        # Together, as a signal's handler may have another built in between.
        index, of = self._held
        if index is None or seed != of:
            with self._lock.of_process():
                # Another thread may have built it meanwhile.
                index, of = self._held
                if index is None or seed != of:
                    rows = _arguments.usual_lengths(self.vectors)
                    index = _ohyeah.Index(rows, "angular", keys=self.words, threads=threads, seed=seed)
                    self._held = index, seed
        return index

    def most_similar(
        self,
        positive=None,
        negative=None,
        topn=10,
        clip_start=0,
        clip_end=None,
        restrict_vocab=None,
        indexer=None,
        *,
        recall=None,
        restrict=None,
    ):
        """The ``topn`` words most similar to some words and vectors less others, with their cosines, the most similar first.

        ``positive`` and ``negative`` are a word, the number of a row, a vector, or a list of those; each may be a pair with its weight.
        Weights are taken as they are, also in ``negative``; without one it is 1, and −1 there. Words count with their vectors at length
        1, vectors as they are. Words that were given are not among the answers.

        Without ``topn`` it is the cosines of all words, an array. Only rows from ``clip_start`` to ``clip_end`` are looked at, or the first
        ``restrict_vocab`` (``restrict`` is the same). ``recall`` answers through an index, which is built the first time and held: with this share of
        the right words on average, 1 for all of them. Without it the answer is exact, or that of ``index``, where it was called. An
        ``indexer`` is asked as gensim asks one: its answer is returned as it is, from all rows, with the words that were given.

        >>> [word for word, cosine in vectors.most_similar("cat", topn=2)]
        ['dog', 'bus']
        >>> vectors.most_similar(positive=[vectors["cat"], ("car", 0.5)], negative="dog", topn=1)[0][0]
        'bus'
        >>> vectors.most_similar("cat", topn=1, recall=0.9)[0][0]
        'dog'
        """
        top = None if topn is None else count(topn, "topn")
        rows = self._rows(clip_start, clip_end, restrict_vocab, restrict)
        if recall is not None:
            recall = _arguments.recall_of(recall)
            if indexer is not None or topn is None:
                raise ValueError("recall is for a search through the index held here: leave out indexer, and give topn")
        if top == 0:
            return []
        terms = self._terms(positive, negative)
        query = self._resolve(terms)
        if indexer is not None and top is not None:
            return indexer.most_similar(query, top)
        if top is None:
            return self._inner.cosines(query)[rows.start : rows.stop]
        exclude = sorted({term for term, _ in terms if type(term) is int})
        return self._search(query, top, rows, exclude, self._recall if recall is None else recall)

    def _rows(self, clip_start, clip_end, restrict_vocab, restrict=None):
        """Which rows may be answers."""
        if restrict is not None:
            if restrict_vocab is not None:
                raise ValueError("restrict is another name of restrict_vocab: give one of them")
            restrict_vocab = restrict
        start, end = count(clip_start, "clip_start"), None if clip_end is None else count(clip_end, "clip_end")
        first = None if restrict_vocab is None else count(restrict_vocab, "restrict_vocab")
        if first:
            start, end = 0, first
        return range(start, max(start, min(end or len(self), len(self))))

    def _terms(self, positive, negative):
        """Rows as ints, and vectors, each with its weight."""
        size = self.vector_size
        pairs = [_arguments.weighted(item, 1.0, size) for item in _arguments.items(positive)]
        pairs += [_arguments.weighted(item, -1.0, size) for item in _arguments.items(negative)]
        return [(self._row(x) if is_key(x) else self._vector(x), weight) for x, weight in pairs]

    def _resolve(self, terms):
        rows = [pair for pair in terms if type(pair[0]) is int]
        return self._inner.resolve(rows, [pair for pair in terms if type(pair[0]) is not int])

    def _search(self, query, top, rows, exclude, recall):
        # Where part of the rows is asked for, an exact search looks at that part alone.
        if recall is None or recall >= 1 or len(rows) < len(self) or not (len(self) and query.any()):
            return self._inner.nearest(query, top, rows.start, rows.stop, exclude)
        index, most = self._built(-1, self._seed), min(top + len(exclude), len(self))
        # The words that are asked for are mostly found, and left out: of the others as few may be missing as was asked.
        ids, distances = index.search(query, most, recall=1 - (1 - recall) * top / max(top + len(exclude), 1))
        cosines = 1 - distances * distances / 2
        found = zip(ids.tolist(), np.clip(cosines, -1, 1).tolist())
        word = self._inner.word
        return [(word(row), cosine) for row, cosine in found if row >= 0 and row not in exclude][:top]

    def similar_by_key(self, key, topn=10, restrict_vocab=None, *, recall=None):
        """The words most similar to a key: ``most_similar`` of it alone.

        >>> vectors.similar_by_key("car", topn=1)[0][0]
        'bus'
        """
        return self.most_similar([key], topn=topn, restrict_vocab=restrict_vocab, recall=recall)

    def similar_by_word(self, word, topn=10, restrict_vocab=None, *, recall=None):
        """The words most similar to a word: ``most_similar`` of it alone.

        >>> vectors.similar_by_word("car", topn=1)[0][0]
        'bus'
        """
        return self.similar_by_key(word, topn, restrict_vocab, recall=recall)

    def similar_by_vector(self, vector, topn=10, restrict_vocab=None, *, recall=None):
        """The words most similar to a vector: anything of which numpy makes a 1-d array.

        >>> vectors.similar_by_vector([1, 0.1, 0], topn=2)[0][0]
        'cat'
        """
        return self.most_similar([self._vector(vector)], topn=topn, restrict_vocab=restrict_vocab, recall=recall)

    def most_similar_cosmul(self, positive=None, negative=None, topn=10, restrict_vocab=None):
        """As ``most_similar``, by products of similarities and not by their sums: "3CosMul" of Levy and Goldberg (2014).

        The score of a word is the product of (1 + cosine) / 2 with all of ``positive``, divided by that with all of ``negative``. Terms
        have no weights.

        >>> vectors.most_similar_cosmul(["car", "dog"], ["cat"], topn=1)[0][0]
        'bus'
        """
        top = None if topn is None else count(topn, "topn")
        rows = self._rows(0, None, restrict_vocab)
        if top == 0:
            return []
        sides = [self._terms(side, None) for side in (positive, negative)]
        if not sides[0]:
            raise ValueError("cannot compute similarity with no input: give at least one positive key or vector")
        if any(weight != 1 for side in sides for _, weight in side):
            raise ValueError("terms of most_similar_cosmul have no weights: use most_similar")
        above, below = (self._product([term for term, _ in side]) for side in sides)
        scores = (above / (below + np.float32(1e-6)))[rows.start : rows.stop]
        if top is None:
            return scores
        given = {term for side in sides for term, _ in side if type(term) is int}
        best = np.argsort(-scores, kind="stable")[: top + len(given)].tolist()
        return [(self._inner.word(row), float(scores[row])) for row in best if row not in given][:top]

    def _product(self, terms):
        product = np.ones(len(self), np.float32)
        for term in terms:
            vector = self.get_vector(term, norm=True) if type(term) is int else term
            product *= (1 + self._inner.cosines(vector) * np.float32(np.linalg.norm(vector))) / 2
        return product

    # Words that are given

    def similarity(self, w1, w2):
        """The cosine of two keys; 0 where the vector of one is all zeros.

        >>> round(vectors.similarity("cat", "dog"), 3)
        0.993
        """
        return self._inner.similarity(self._row(w1), self._row(w2))

    def distance(self, w1, w2):
        """1 less the cosine of two keys.

        >>> round(vectors.distance("cat", "dog"), 3)
        0.007
        """
        return 1 - self.similarity(w1, w2)

    def distances(self, word_or_vector, other_words=()):
        """1 less the cosine of a key or a vector with each of some keys, or with all words: an array.

        >>> vectors.distances("cat", ["dog", "car"]).round(2).tolist()
        [0.009999999776482582, 0.9900000095367432]
        """
        query = self[word_or_vector] if is_key(word_or_vector) else self._vector(word_or_vector)
        rows = [self._row(key) for key in _arguments.items(other_words)]
        if not rows:
            return 1 - self._inner.cosines(query)
        # Of a few rows only those are looked at.
        return 1 - self.cosine_similarities(query, self.vectors[rows])

    @staticmethod
    def cosine_similarities(vector_1, vectors_all):
        """The cosine of a vector with each row of others: an array. It is 0 where one is all zeros.

        >>> ohyeah.WordVectors.cosine_similarities([1, 0], [[2, 0], [0, 1]]).tolist()
        [1.0, 0.0]
        """
        rows = _arguments.matrix(vectors_all)
        if not len(rows):
            return np.zeros(0, np.float32)
        others = WordVectors([str(row) for row in range(len(rows))], rows)
        return others._inner.cosines(others._vector(vector_1))

    def n_similarity(self, ws1, ws2):
        """The cosine of the means of two lists of keys. Unknown keys are left out.

        >>> round(vectors.n_similarity(["cat", "dog"], ["car", "bus"]), 2)
        0.06
        """
        ws1, ws2 = _arguments.items(ws1), _arguments.items(ws2)
        if not (ws1 and ws2):
            raise ZeroDivisionError("at least one of the lists of keys is empty: there is no mean of it")
        means = [self.get_mean_vector(keys, pre_normalize=False, post_normalize=True) for keys in (ws1, ws2)]
        return float(np.clip(np.dot(*means), -1, 1))

    def most_similar_to_given(self, key1, keys_list):
        """The key of a list that is most similar to ``key1``.

        >>> vectors.most_similar_to_given("cat", ["bus", "dog"])
        'dog'
        """
        keys = _arguments.items(keys_list)
        if not keys:
            raise ValueError("keys_list is empty: give at least one key")
        return max(keys, key=lambda key: self.similarity(key1, key))

    def closer_than(self, key1, key2):
        """The words that are closer to ``key1`` than ``key2`` is, in the order of their rows.

        >>> vectors.closer_than("cat", "car")
        ['dog', 'bus']
        """
        return self._inner.closer_than(self._row(key1), self._row(key2))

    def rank(self, key1, key2):
        """The place of ``key2`` among the words by their similarity to ``key1``: 1 for the most similar.

        >>> vectors.rank("cat", "car")
        3
        """
        return len(self.closer_than(key1, key2)) + 1

    def relative_cosine_similarity(self, wa, wb, topn=10):
        """The cosine of two words, divided by the sum of those of the ``topn`` words most similar to the first.

        Above .1, with ten words, two words are more similar than any two are: a sign of synonyms (Leeuwenberg and others, 2016).

        >>> round(vectors.relative_cosine_similarity("cat", "dog", topn=2), 2)
        0.9
        """
        similar = self.similar_by_word(wa, topn=count(topn, "topn"))
        if not similar:
            raise ValueError("there are no similar words to compare with: topn must be at least 1")
        return self.similarity(wa, wb) / sum(cosine for _, cosine in similar)

    def rank_by_centrality(self, words):
        """Pairs of cosine and word, from the word that fits best with all of them to the one that fits least.

        Unknown words are left out.

        >>> [word for cosine, word in vectors.rank_by_centrality(["cat", "car", "dog"])]
        ['dog', 'cat', 'car']
        """
        rows = [self._row_or_none(word) for word in _arguments.items(words)]
        known = [row for row in rows if row is not None]
        if not known:
            raise ValueError("none of the words is in the vocabulary: give at least one that is")
        return [(fit, word) for word, fit in self._inner.by_centrality(known)]

    def doesnt_match(self, words):
        """Which of the words fits least with the others. Unknown words are left out.

        >>> vectors.doesnt_match(["cat", "car", "dog"])
        'car'
        """
        return self.rank_by_centrality(words)[-1][1]

    def evaluate_word_analogies(
        self,
        analogies,
        restrict_vocab=300000,
        case_insensitive=True,
        dummy4unknown=False,
        similarity_function="most_similar",
    ):
        """How many of the analogies of a file are solved: the share of all, and a list of the sections with what was right and wrong.

        A line has four words, ``athens greece oslo norway``, and one that begins with ": " the name of a section. Lines with a word
        that is not among the first ``restrict_vocab`` are left out, or count as wrong with ``dummy4unknown``. Case is not looked at with
        ``case_insensitive``: the first of several spellings stands for all.

        >>> with open("analogies.txt", "w") as file:
        ...     print(": animals and cars", "cat dog car bus", sep="\\n", file=file)
        >>> vectors.evaluate_word_analogies("analogies.txt")[0]
        1.0
        """
        if similarity_function not in ("most_similar", "most_similar_cosmul"):
            text = f'similarity_function is {similarity_function!r}: use "most_similar" or "most_similar_cosmul"'
            raise ValueError(text)
        words = self.index_to_key[: count(restrict_vocab, "restrict_vocab", 1)] if restrict_vocab else self.index_to_key
        return _analogies.evaluate(self, analogies, words, case_insensitive, dummy4unknown, similarity_function)

    def dictionary(
        self,
        top=15,
        trees=None,
        search_k=None,
        exact=False,
        seed=0,
        threads=None,
        recall=None,
        progress=False,
    ):
        """The ``top`` most similar words of every word: a dictionary from words to lists of words and cosines.

        ``recall`` says which share of them to find on average at least, .95 unless told otherwise; ``exact``, or a recall of 1, finds
        all. With ``trees`` or ``search_k`` a forest is searched for each word, as with Annoy. ``seed`` is that of the random choices;
        ``threads`` is how many work, None for as many as there are cores, and changes no result. ``progress=True`` shows how far it
        is, with tqdm where that is installed; a function is called with the share that is done, from 0 to 1. Ctrl-C ends it.

        >>> vectors.dictionary(top=1, exact=True)["car"][0][0]
        'bus'
        """
        top = count(top, "top", 1)
        trees = None if trees is None else count(trees, "trees", 1)
        search_k = None if search_k is None else count(search_k, "search_k", 1)
        share = 0.95 if recall is None else _arguments.recall_of(recall)
        in_forest = trees is not None or search_k is not None
        if in_forest and (exact or recall is not None):
            raise ValueError("trees and search_k are for a forest, which cannot be asked for recall: leave out recall and exact")
        if exact and share < 1 and recall is not None:
            raise ValueError(f"exact finds all, and recall is {recall}: leave out one of them")
        wanted = {
            "top": top,
            "trees": trees,
            "search_k": search_k,
            "exact": bool(exact) or share >= 1,
            "recall": share,
            "seed": _arguments.seed_of(seed),
        }
        return self._inner.dictionary(wanted, _arguments.threads_of(threads), progress)

    # Objects

    def __repr__(self):
        return f"<{type(self).__name__}: {len(self)} words of {self.vector_size} dimensions>"

    def __copy__(self):
        same = type(self)._of(self._inner)
        same.__dict__.update(self.__dict__)
        same._lock = _Lock()
        return same

    def __deepcopy__(self, memo):
        # Nothing of it changes but what is made when it is first asked for.
        return self.__copy__()

    def __reduce__(self):
        # An index that is held is built again where it is needed, with the same bytes.
        made_again = ("_inner", "_held", "_lock", "_index_to_key", "_key_to_index")
        attributes = {name: value for name, value in self.__dict__.items() if name not in made_again}
        return _pickle.word_vectors, (type(self), self._inner.words, self._inner.vectors), attributes


def _unit(vector):
    """The same direction at length 1; zeros stay zeros."""
    wide = vector.astype(np.float64)
    length = np.sqrt(np.dot(wide, wide))
    return (wide / length if length > 0 else wide).astype(np.float32)


WordVectors.__module__ = "ohyeah"
