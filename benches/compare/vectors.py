"""Files of word vectors, for the programs here."""

import numpy as np


def load(path):
    """The words and the vectors of a word2vec binary file."""
    with open(path, "rb") as file:
        n, d = map(int, file.readline().split())
        data = file.read()
    words, vectors, at = [], np.empty((n, d), "f4"), 0
    for row in range(n):
        end = data.index(b" ", at)
        words.append(data[at:end].lstrip(b"\n").decode("utf8"))
        vectors[row] = np.frombuffer(data, "<f4", d, end + 1)
        at = end + 1 + 4 * d
    return words, vectors
