"""What the methods of ``WordVectors`` take: words, rows and vectors, with weights or without, as gensim takes them."""

import operator

import numpy as np


def numbers(vector, what="vector"):
    """One vector, from anything that numpy makes an array of one dimension of."""
    array = _array(vector, what)
    if array.ndim != 1:
        raise ValueError(f"{what}: one vector is needed, an array of one dimension, not of shape {array.shape}")
    return _floats(array, what)


def matrix(vectors, what="vectors"):
    """Vectors as rows, from anything that numpy makes an array of two dimensions of."""
    array = _array(vectors, what)
    if array.ndim != 2 and array.size:
        raise ValueError(f"{what}: an array of two dimensions is needed, a row for each word, not of shape {array.shape}")
    return _floats(array if array.ndim == 2 else array.reshape(0, 1), what)


def _array(vector, what):
    if isinstance(vector, np.ma.MaskedArray) and np.ma.is_masked(vector):
        raise ValueError(f"{what}: there are masked entries: fill them, or leave them out")
    if hasattr(vector, "toarray") and not hasattr(vector, "__array__"):
        raise TypeError(f"{what}: a sparse matrix or vector is not taken; give {what}.toarray()")
    if hasattr(vector, "__dlpack__") and not hasattr(vector, "__array__"):
        return np.from_dlpack(vector)
    return np.asarray(vector)


def _floats(array, what):
    if array.dtype.kind == "O":
        # Numbers of several types, such as Fraction and Decimal; texts and complex numbers among them raise here.
        if any(isinstance(x, (str, bytes, complex, np.complexfloating)) for x in array.flat):
            raise TypeError(f"{what}: real numbers are needed, not {array.dtype}")
    elif array.dtype.kind not in "biuf":
        raise TypeError(f"{what}: real numbers are needed, not {array.dtype}")
    return packed(array, what)


def packed(array, what):
    """32-bit floats, one after the other at an address that suits them; a copy where they are not."""
    # What is too large becomes infinite, which is refused where it does not belong.
    with np.errstate(over="ignore"):
        try:
            return np.require(array, np.float32, ("C", "A"))
        except OverflowError:
            raise ValueError(f"{what}: a number is too large: numbers must be finite, as 32-bit floats") from None


def usual_lengths(rows):
    """The rows, and in the place of those whose squares overflow or vanish others of the same direction: a cosine does not depend on
    lengths."""
    if not isinstance(rows, np.ndarray) or rows.dtype.kind != "f" or rows.ndim != 2 or not rows.size:
        return rows
    largest = np.maximum(rows.max(axis=1), -rows.min(axis=1))
    odd = np.flatnonzero((largest > 0) & np.isfinite(largest) & ((largest < 1e-12) | (largest > 1e12)))
    if not len(odd):
        return rows
    rows = rows.copy()
    # By a power of two, which leaves all digits as they are.
    rows[odd] = np.ldexp(rows[odd], -np.frexp(largest[odd])[1][:, None])
    return rows


def is_key(item):
    """Whether it is a word, or the number of a row."""
    return isinstance(item, (str, int, np.integer))


def _is_number(item):
    return isinstance(item, (int, float, np.integer, np.floating)) and not isinstance(item, bool)


def _is_vector(item):
    """Whether it is an array, or one of another library, and not a list."""
    if isinstance(item, (np.ndarray, memoryview)):
        return True
    return any(hasattr(item, name) for name in ("__array__", "__dlpack__", "toarray"))


def items(terms):
    """The words, rows, vectors, and pairs with a weight that ``positive`` or ``negative`` is."""
    if terms is None:
        return []
    if is_key(terms):
        return [terms]
    if isinstance(terms, (bytes, dict)):
        raise TypeError(f"words or vectors are needed, not {type(terms).__name__}")
    if _is_vector(terms):
        array = _array(terms, "vector")
        if array.dtype.kind in "UO":
            return array.tolist()
        if array.ndim not in (1, 2):
            raise ValueError(f"a vector, or rows of vectors, are needed, not an array of shape {array.shape}")
        return [array] if array.ndim == 1 else list(array)
    terms = list(terms) if not isinstance(terms, tuple) else terms
    if isinstance(terms, tuple):
        if len(terms) == 2 and (isinstance(terms[0], str) or _is_vector(terms[0])) and _is_number(terms[1]):
            return [terms]
        terms = list(terms)
    # Rows are whole numbers: what has a fraction is a vector.
    if terms and all(map(_is_number, terms)) and not all(map(is_key, terms)):
        return [terms]
    return terms


def weighted(item, weight, dimensions):
    """A term and its weight: the one that stands beside it, as it is, or else this one."""
    if is_key(item) or _is_vector(item):
        return item, weight
    if isinstance(item, (tuple, list)) and len(item) == 2 and _is_number(item[1]):
        first = item[0]
        # Two numbers are a row with its weight, unless the vectors have two dimensions or it is no row.
        if not _is_number(first) or (is_key(first) and (dimensions != 2 or isinstance(item, tuple))):
            return first, finite_weight(item[1])
    return item, weight


def finite_weight(weight):
    weight = float(weight)
    if not np.isfinite(weight):
        raise ValueError(f"a weight is {weight}: it must be a number that is not infinite")
    return weight


def count(value, name, least=0):
    """A whole number that is not too small."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is a whole number, not {type(value).__name__}") from None
    if number < least:
        raise ValueError(f"{name} is {number}: it must be at least {least}")
    return min(number, 2**63 - 1)


def recall_of(recall):
    """A share of the right answers."""
    try:
        number = float(recall)
    except TypeError:
        raise TypeError(f"recall is a number, not {type(recall).__name__}") from None
    if not 0 < number <= 1:
        raise ValueError(f"recall is {recall}: it must be above 0, and at most 1, which finds all")
    return number


def threads_of(threads):
    """A number of threads: all there are for none."""
    if threads is None:
        return -1
    number = count(threads, "threads", -1)
    if number == 0 or number > 1024:
        raise ValueError(f"threads is {number}: use None for all there are, or a number from 1 to 1024")
    return number


def seed_of(seed):
    """A seed of 64 bits."""
    count(seed, "seed")
    if operator.index(seed) >= 2**64:
        raise ValueError(f"seed is {seed}: it must be below 2**64")
    return operator.index(seed)
