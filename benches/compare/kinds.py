"""Kinds of data that people bring, for recall.py: friendly ones, and those on which an index is likely to promise too much."""

import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vectors import load

# One hit or miss is all that a query for one neighbour tells: with 1000 of them the standard error of a recall of .95 is .007.
QUERIES = 1000

WORDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "data", "glove-20k-100d.bin")

ALL = ("angular", "euclidean", "dot")
# Of vectors of numbers that are not negative, or of few dimensions, the same few rows have the largest product with any query.
NO_DOT = ("angular", "euclidean")


@dataclass(frozen=True)
class Kind:
    # `n` rows, drawn from a generator. Queries are some of them, held out; never the first, which is the odd one in some kinds.
    rows: Callable[[int, np.random.Generator], np.ndarray]
    metrics: tuple = ALL
    # Queries that come from elsewhere, drawn in the same way; None where they are held out.
    queries: Callable[[int, np.random.Generator], np.ndarray] | None = None


class Data(NamedTuple):
    items: np.ndarray
    queries: np.ndarray
    # Where queries come from elsewhere: more of them, with which an index can be calibrated.
    known_queries: np.ndarray | None


def make(name, rows, seed):
    """The data of a kind. It depends on nothing but these: not on which other kinds are made."""
    kind, rng = KINDS[name], np.random.default_rng([seed, zlib.crc32(name.encode())])
    if kind.queries:
        items = kind.rows(rows, rng)
        queries, known = (kind.queries(QUERIES, rng).astype("f4") for _ in range(2))
        return Data(np.ascontiguousarray(items, "f4"), queries, known)
    all_rows = kind.rows(rows + QUERIES, rng).astype("f4")
    held_out = 1 + rng.permutation(len(all_rows) - 1)[:QUERIES]
    return Data(np.delete(all_rows, held_out, axis=0)[:rows], all_rows[held_out], None)


def gauss(n, d, rng):
    return rng.standard_normal((n, d))


def directions(n, d, rng):
    x = gauss(n, d, rng)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def clusters(n, rng):
    return 3 * gauss(200, 64, rng)[rng.integers(0, 200, n)] + gauss(n, 64, rng)


def tight_clusters(n, rng):
    """Far apart, and of very different sizes."""
    share = 1 / np.arange(1, 51)
    return 10 * gauss(50, 32, rng)[rng.choice(50, n, p=share / share.sum())] + 0.05 * gauss(n, 32, rng)


def scaled_columns(scales):
    """Independent columns that differ in how large their numbers are."""
    return lambda n, rng: gauss(n, len(scales), rng) * scales


def one_far_row(n, rng):
    x = gauss(n, 40, rng)
    x[0] *= 1000
    return x


def bytes_and_a_word(n, rng):
    """Numbers from 0 to 255, but for one that somebody left at 65,535."""
    x = rng.integers(0, 256, (n, 64)).astype("f8")
    x[0, 3] = 65_535
    return x


def constant_column(n, rng):
    x = gauss(n, 40, rng)
    x[:, 7] = 100
    return x


def mostly_zeros(n, rng):
    return np.abs(gauss(n, 100, rng)) * (rng.random((n, 100)) < 0.08)


def counts(n, rng):
    """How often each of 200 words is in texts of different lengths: few words are frequent."""
    return rng.poisson(3 / np.arange(1, 201) * rng.gamma(1, 1, (n, 1)) * rng.gamma(0.5, 2, (n, 200)))


def copies(n, rng):
    """Half of the rows are copies of twenty."""
    x = gauss(n, 32, rng)
    is_copy = rng.random(n) < 0.5
    x[is_copy] = gauss(20, 32, rng)[rng.integers(0, 20, is_copy.sum())]
    return x


def near_copies(n, rng):
    """Every row is there twenty times, up to a little noise."""
    return np.repeat(gauss(n // 20 + 1, 50, rng), 20, axis=0)[:n] + 1e-4 * gauss(n, 50, rng)


def places_and_times(n, rng):
    """Longitude, latitude and seconds since 1970, in or near one of a hundred towns."""
    towns = rng.uniform((-180, -60), (180, 70), (100, 2))[rng.integers(0, 100, n)]
    return np.concatenate([towns + 0.3 * gauss(n, 2, rng), 1.6e9 + 1e8 * rng.random((n, 1))], axis=1)


def two_scales(n, rng):
    return gauss(n, 32, rng) * np.where(rng.random((n, 1)) < 0.5, 1e-3, 1e6)


def hubs(n, rng):
    """One row in a hundred lies near the middle, where it is a neighbour of nearly all."""
    return 0.4 + gauss(n, 100, rng) * np.where(rng.random((n, 1)) < 0.01, 0.2, 1.0)


def binary(n, rng):
    patterns = rng.random((30, 96)) < 0.5
    return patterns[rng.integers(0, 30, n)] ^ (rng.random((n, 96)) < 0.15)


def low_rank(n, rng):
    return gauss(n, 8, rng) @ gauss(8, 300, rng) + 0.01 * gauss(n, 300, rng)


def embeddings(n, rng):
    """As models of language make them: of one length, in many dimensions of which some say most, and far from zero."""
    x = gauss(n, 768, rng) * np.arange(1, 769) ** -0.6 + 0.1
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def random_walk(n, rng):
    """Rows in the order of time, each near the one before."""
    return np.cumsum(gauss(n, 24, rng), axis=0)


def words(n, rng):
    _, x = load(WORDS)
    return x[np.sort(rng.permutation(len(x))[:n])]


def few_words(n, rng):
    """Three of 64 numbers are one, as in a query of three words."""
    x = np.zeros((n, 64))
    np.put_along_axis(x, rng.random((n, 64)).argsort(axis=1)[:, :3], 1, axis=1)
    return x


RISING, FALLING = np.linspace(0.3, 2, 96), np.linspace(2, 0.3, 96)

KINDS = {
    "gauss-32": Kind(lambda n, rng: gauss(n, 32, rng)),
    "clusters-64": Kind(clusters),
    "words-100": Kind(words),
    "embeddings-768": Kind(embeddings),
    "one-large-column": Kind(scaled_columns(np.r_[100, np.ones(63)])),
    "decaying-spectrum-256": Kind(scaled_columns(np.arange(1, 257) ** -0.8)),
    "low-rank-300": Kind(low_rank),
    "one-far-row": Kind(one_far_row, ("euclidean", "dot")),
    "lognormal-lengths": Kind(lambda n, rng: directions(n, 48, rng) * np.exp(1.5 * gauss(n, 1, rng))),
    "student-lengths": Kind(lambda n, rng: directions(n, 48, rng) * np.abs(rng.standard_t(1.5, (n, 1)))),
    "student-numbers": Kind(lambda n, rng: rng.standard_t(2, (n, 48))),
    "numbers-1": Kind(lambda n, rng: np.exp(gauss(n, 1, rng)), ("euclidean",)),
    "plane-2": Kind(lambda n, rng: rng.random((n, 2)), NO_DOT),
    "space-3": Kind(lambda n, rng: rng.random((n, 3)), NO_DOT),
    "places-and-times": Kind(places_and_times, ("euclidean",)),
    "random-walk": Kind(random_walk),
    "small-integers": Kind(lambda n, rng: rng.integers(0, 4, (n, 12)), ("euclidean",)),
    "bytes-and-a-word": Kind(bytes_and_a_word),
    "binary": Kind(binary),
    "mostly-zeros": Kind(mostly_zeros),
    "counts": Kind(counts),
    "copies": Kind(copies),
    "near-copies": Kind(near_copies, NO_DOT),
    "tight-clusters": Kind(tight_clusters),
    "hubs": Kind(hubs),
    "constant-column": Kind(constant_column),
    "far-from-zero": Kind(lambda n, rng: gauss(n, 64, rng) + 50),
    "tiny": Kind(lambda n, rng: clusters(n, rng) * 1e-3),
    "huge": Kind(lambda n, rng: clusters(n, rng) * 1e6),
    "two-scales": Kind(two_scales),
    # Queries from elsewhere: other columns vary; they lie on the other side of zero; they are texts of three words.
    "elsewhere-spectrum": Kind(scaled_columns(FALLING), queries=scaled_columns(RISING)),
    "elsewhere-side": Kind(lambda n, rng: clusters(n, rng) + 2, queries=lambda n, rng: clusters(n, rng) - 2),
    "elsewhere-few-words": Kind(lambda n, rng: np.exp(gauss(n, 64, rng)), queries=few_words),
}
