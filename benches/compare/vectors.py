"""Files of word vectors, for the programs here."""

import numpy as np


def load(path):
    with open(path, "rb") as file:
        n, d = map(int, file.readline().split())
        data = file.read()
    vectors, at = np.empty((n, d), "f4"), 0
    for row in range(n):
        end = data.index(b" ", at)
        vectors[row] = np.frombuffer(data, "<f4", d, end + 1)
        at = end + 1 + 4 * d
    return vectors
