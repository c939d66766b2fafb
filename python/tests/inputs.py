"""What people bring as arrays, tried on everything that takes arrays: the tables of README.md.    python tests/inputs.py

Every input stands for the same vectors (or ids), so an answer is right when it is that of a plain array of float32 (or int64).
"""

import array
import warnings

import numpy as np
import pandas as pd
import scipy.sparse

import ohyeah

N, D = 60, 8
ROWS = np.random.default_rng(5).integers(-9, 10, (N, D)).astype("f4")
IDS = [3, 5, 8]
MASK = np.isin(np.arange(N), IDS)


class Dlpack:
    """An array of a library that has DLPack alone."""

    def __init__(self, a):
        self._a = a

    def __dlpack__(self, **kwargs):
        return self._a.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self._a.__dlpack_device__()


class Tensor:
    """As torch's tensors are: no numpy array is made of one that has a gradient, and of some types none at all."""

    def __init__(self, a, dtype="torch.float32", requires_grad=True):
        self._a, self.dtype, self.requires_grad = a, dtype, requires_grad

    def detach(self):
        return Tensor(self._a, self.dtype, False)

    def float(self):
        return Tensor(self._a, "torch.float32", self.requires_grad)

    def __len__(self):
        return len(self._a)

    def __array__(self, dtype=None, copy=None):
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if self.dtype == "torch.bfloat16":
            raise TypeError("Got unsupported ScalarType BFloat16")
        return np.asarray(self._a, dtype)


Tensor.__module__ = "torch"


class Array:
    def __init__(self, a):
        self._a = a

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self._a, dtype)


def read_only(a):
    a = a.copy()
    a.setflags(write=False)
    return a


def unaligned(a):
    raw = np.zeros(a.nbytes + 1, "u1")
    raw[1:] = np.frombuffer(a.tobytes(), "u1")
    return raw[1:].view("f4").reshape(a.shape)


def field(a):
    table = np.zeros(a.shape, [("flag", "i1"), ("x", "f4")])
    table["x"] = a
    return table["x"]


# Of arrays of one dimension and of two.
VECTORS = {
    "float32": lambda a: a,
    "float64, float16, longdouble": [lambda a: a.astype("f8"), lambda a: a.astype("f2"), lambda a: a.astype(np.longdouble)],
    "integers of any size": [lambda a: a.astype(kind) for kind in ("i1", "i2", "i4", "i8")],
    "big-endian": [lambda a: a.astype(">f4"), lambda a: a.astype(">i8")],
    "Fortran order, reversed, every second number": [
        np.asfortranarray,
        lambda a: a[..., ::-1].copy()[..., ::-1],
        lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
        lambda a: a[::-1].copy()[::-1],
    ],
    "read-only, unaligned, a field of records": [read_only, unaligned, field],
    "lists, tuples": [np.ndarray.tolist, lambda a: tuple(map(tuple, a.tolist())) if a.ndim == 2 else tuple(a.tolist())],
    "a list of arrays, or of numpy's numbers": list,
    "an array of objects that are numbers": lambda a: a.astype(object),
    "`memoryview`": lambda a: memoryview(a),
    "pandas `Series`, `DataFrame`": lambda a: pd.DataFrame(a) if a.ndim == 2 else pd.Series(a),
    "a tensor of torch, with a gradient, of bfloat16": [Tensor, lambda a: Tensor(a, "torch.bfloat16")],
    "anything with `__array__`": Array,
    "anything with DLPack alone": Dlpack,
    "a masked array without masked entries": np.ma.asarray,
    "a masked array": lambda a: np.ma.masked_equal(a, a.flat[0]),
    "NaN or infinity in it": [lambda a: np.where(a == a.flat[0], np.nan, a), lambda a: np.where(a == a.flat[0], np.inf, a)],
    "another number of dimensions": lambda a: a[..., :-1],
    "three dimensions, none": [lambda a: np.stack([a, a])[None], lambda a: np.float32(1)],
    "texts": [lambda a: a.astype(str), lambda a: a.astype(str).astype(object), lambda a: a.astype("S")],
    "complex, dates": [lambda a: a.astype("c8"), lambda a: a.astype("i8").astype("M8[s]")],
    "None among the numbers": lambda a: np.where(a == a.flat[0], None, a.astype(object)),
    "`None`, a dict, a set": [lambda a: None, lambda a: {}, lambda a: {1.0}],
}
# Of arrays of two dimensions alone.
MATRICES = {
    "a column of vectors, as of a table": [lambda a: pd.Series(list(a)), lambda a: pd.Series(a.tolist())],
    "rows of several lengths": lambda a: [row[: 1 + i % 3] for i, row in enumerate(a.tolist())],
    "sparse (scipy)": [scipy.sparse.csr_matrix, scipy.sparse.csr_array, scipy.sparse.coo_matrix],
}
VECTOR_INPUTS = {
    "`array.array`": lambda a: array.array("f", a.tolist()),
}
FILTERS = {
    "ids: integers of any size, lists, ranges": [
        lambda: np.array(IDS), lambda: np.array(IDS, "u1"), lambda: np.array(IDS, ">i4"), lambda: np.array(IDS, "u8"),
        lambda: list(IDS), lambda: tuple(IDS), lambda: np.array(IDS)[::-1], lambda: np.array(IDS, object),
        lambda: memoryview(np.array(IDS)), lambda: pd.Series(IDS), lambda: [*IDS, 5],
    ],
    "a mask of bool": [lambda: MASK, lambda: MASK.tolist(), lambda: pd.Series(MASK), lambda: pd.array(MASK, "boolean"),
                       lambda: read_only(MASK), lambda: np.repeat(MASK, 2)[::2]],
    "an `IdSet`": [lambda: ohyeah.IdSet(IDS), lambda: ohyeah.IdSet(MASK)],
    "a mask of 0 and 1, integers or floats": [lambda: MASK.astype("i1"), lambda: MASK.astype("i8"), lambda: MASK.astype("f4"),
                                              lambda: MASK.astype(int).tolist()],
    "a mask with gaps": lambda: pd.array([None, *MASK.tolist()[1:]], "boolean"),
    "a mask of another length": [lambda: MASK[:-1], lambda: np.append(MASK, True)],
    "negative ids, ids that are too large": [lambda: [-1], lambda: [3, N], lambda: [2**32 - 1], lambda: [2**64], lambda: [-(2**70)]],
    "floats, texts, complex": [lambda: [3.0, 5.0], lambda: ["3"], lambda: [3 + 0j], lambda: [None]],
    "two dimensions (but a mask for each of several queries)": [lambda: [[3, 5], [5, 8]], lambda: MASK[None]],
}  # fmt: skip


def nearest(ids):
    return np.asarray(ids).ravel().tolist()


def forest(rows):
    index = ohyeah.AnnoyIndex(D, "euclidean")
    index.add_items(rows)
    index.build(3)
    return index


def item(row):
    index = ohyeah.AnnoyIndex(D, "euclidean")
    index.add_item(0, row)
    return index.get_item_vector(0)


INDEX, FOREST = ohyeah.Index(ROWS, "euclidean"), forest(ROWS)
OF_ROWS = {
    "`Index`": lambda rows: ohyeah.Index(rows, "euclidean").vectors.tolist(),
    "`search`": lambda rows: nearest(INDEX.search(rows, 2)[0]),
    "`within`": lambda rows: [nearest(ids) for ids in INDEX.within(rows, 3.0)[0]],
    "`calibrate`": lambda rows: ohyeah.Index(ROWS, "euclidean").calibrate(rows),
    "`knn_graph`": lambda rows: nearest(ohyeah.knn_graph(rows, 2, metric="euclidean")[0]),
    "`add_items`": lambda rows: [forest(rows).get_item_vector(i) for i in range(N)],
    "`get_nns_by_vectors`": lambda rows: nearest(FOREST.get_nns_by_vectors(rows, 2, 10**4)),
}
OF_VECTORS = {
    "`search`": lambda row: nearest(INDEX.search(row, 2)[0]),
    "`within`": lambda row: nearest(INDEX.within(row, 3.0)[0]),
    "`add_item`": item,
    "`get_nns_by_vector`": lambda row: FOREST.get_nns_by_vector(row, 2, 10**4),
}
OF_FILTERS = {
    "`search`": lambda filter: nearest(INDEX.search(ROWS[5], 3, filter=filter)[0]),
    "`search` (2-d)": lambda filter: nearest(INDEX.search(ROWS[5:7], 3, filter=filter)[0]),
    "`within`": lambda filter: nearest(INDEX.within(ROWS[5], 99.0, filter=filter)[0]),
    "`Index.filter`": lambda filter: INDEX.filter(filter).ids().tolist(),
    "`IdSet(…, len)`": lambda filter: ohyeah.IdSet(filter, N).ids().tolist(),
}
# The one that stands highest names an exception in the tables.
KINDS = [ohyeah.FileFormatError, ohyeah.NoSuchId, ohyeah.WrongLength, TypeError, ValueError, IndexError]


# Other vectors, which an index may well be built of.
OTHERS = {"another number of dimensions"}


def outcome(method, given, right):
    try:
        with warnings.catch_warnings():
            # numpy warns of numbers that float32 does not hold.
            warnings.simplefilter("ignore")
            answer = method(given)
    except Exception as error:
        kind = next((kind for kind in KINDS if isinstance(error, kind)), None)
        assert kind is not None, f"{type(error).__name__}: {error}"
        assert len(str(error)) > 10, repr(error)
        return f"`{kind.__name__}`"
    assert right is None or answer == right, "a wrong answer"
    return "works"


def table(title, inputs, methods, example):
    lines = [f"| {title} | " + " | ".join(methods) + " |", "|---" * (len(methods) + 1) + "|"]
    for name, makers in inputs.items():
        cells = []
        for method_name, method in methods.items():
            right = None if name in OTHERS else method(example())
            outcomes = []
            for make in makers if isinstance(makers, list) else [makers]:
                try:
                    outcomes.append(outcome(method, make(), right))
                except AssertionError as error:
                    raise AssertionError(f"{name} in {method_name}: {error}") from None
            cells.append(" or ".join(dict.fromkeys(outcomes)))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def bound(inputs, example):
    """Inputs without arguments, of an array that they are made of."""
    bind = lambda make: lambda: make(example)
    return {name: [bind(make) for make in (makers if isinstance(makers, list) else [makers])] for name, makers in inputs.items()}


def tables():
    """All tables, as they stand in README.md."""
    return "\n".join(
        [
            table("rows as", bound(VECTORS | MATRICES, ROWS), OF_ROWS, lambda: ROWS),
            table("one vector as", bound(VECTORS | VECTOR_INPUTS, ROWS[5]), OF_VECTORS, lambda: ROWS[5]),
            table("filter as", FILTERS, OF_FILTERS, lambda: np.array(IDS)),
        ]
    )


if __name__ == "__main__":
    print(tables(), end="")
