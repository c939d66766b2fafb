"""Makes the vectors of the golden indexes, and the answers to be had of them, without the crate: whole numbers and f64.

    python3 make.py                 writes NAME.json for each index
    python3 make.py --check         reads each NAME.oy of each version by docs/packed-format.md and compares vectors, ids and keys
    python3 make.py --text NAME     writes the vectors as word2vec text, for `ohyeah build`

Vectors are whole numbers divided by 1024, so that f32 has them exactly. Products and squares of distances are computed in
whole numbers: what is a tie is a tie. Needs Python's standard library alone.
"""

import json
import math
import struct
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
SCALE = 1024
ANGULAR, EUCLIDEAN, DOT = "angular", "euclidean", "dot"
NUMBERS = {ANGULAR: 0, EUCLIDEAN: 1, DOT: 4}

# Metric, rows, dimensions, leaves (None: as many as a build takes), seed, keys.
INDEXES = [
    (EUCLIDEAN, 0, 4, None, 0, True),
    (ANGULAR, 1, 1, None, 0, False),
    (EUCLIDEAN, 1, 3, None, 0, True),
    (DOT, 33, 1, None, 1, False),
    (ANGULAR, 33, 1, 2, 2, True),
    (EUCLIDEAN, 33, 1, 40, 3, False),
    (ANGULAR, 170, 7, 5, 4, False),
    (EUCLIDEAN, 170, 7, 3, 5, True),
    (DOT, 170, 7, 20, 6, True),
    (ANGULAR, 300, 19, None, 0, True),
    (EUCLIDEAN, 300, 19, None, 0, True),
    (DOT, 300, 19, 4, 7, False),
]
NEAREST = 12


def number(i, j):
    """The j-th number of the i-th vector, times SCALE: a hash, so that no order is in it."""
    h = (i * 2654435761 + j * 40503 + 12345) % 2**32
    h = (h ^ (h >> 15)) * 2246822519 % 2**32
    h = (h ^ (h >> 13)) * 3266489917 % 2**32
    h ^= h >> 16
    return h % 4001 - 2000


def vectors(rows, dimensions):
    """As test vectors are: some twice, one of zeros."""
    all_of_them = [[number(i, j) for j in range(dimensions)] for i in range(rows)]
    if rows > 10:
        for i in range(3):
            all_of_them[rows // 2 + i] = list(all_of_them[i])
        all_of_them[5] = [0] * dimensions
    return all_of_them


def queries(rows, dimensions):
    """Some of no vector of the index, then those of a few of its vectors, and zeros."""
    others = [[number(100_000 + i, j) for j in range(dimensions)] for i in range(5)]
    some = vectors(rows, dimensions)[: rows // 2 + 1 : max(1, rows // 4)]
    return others + some + [[0] * dimensions]


def key(i):
    """Of several lengths, and of letters of one to four bytes."""
    return "".join(["w", "é", "語", "𝛼"][i % 4 : i % 4 + 1] * (i % 3)) + str(i)


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def distance(metric, a, b):
    """What is reported; and a number to sort by, which is exact where whole numbers will do."""
    if metric == DOT:
        product = dot(a, b)
        return product / SCALE**2, -product
    if metric == EUCLIDEAN:
        squared = sum((x - y) ** 2 for x, y in zip(a, b))
        return math.sqrt(squared) / SCALE, squared
    lengths = dot(a, a) * dot(b, b)
    # A vector of zeros has no direction, and is as far from all as those at right angles.
    cosine = dot(a, b) / math.sqrt(lengths) if lengths else 0.0
    result = math.sqrt(max(0.0, 2.0 - 2.0 * cosine))
    return result, result


def name(metric, rows, dimensions, keys):
    return f"{metric}-n{rows}-d{dimensions}{'-keys' if keys else ''}"


def answers(metric, rows, dimensions):
    items = vectors(rows, dimensions)
    for query in queries(rows, dimensions):
        found = [(*distance(metric, query, item), i) for i, item in enumerate(items)]
        found = sorted(found, key=lambda x: x[1:])[:NEAREST]
        yield {
            "query": [x / SCALE for x in query],
            "ids": [x[2] for x in found],
            "distances": [x[0] for x in found],
        }


def write():
    for metric, rows, dimensions, leaves, seed, keys in INDEXES:
        golden = {
            "metric": metric,
            "rows": rows,
            "dimensions": dimensions,
            "leaves": leaves,
            "seed": seed,
            "keys": [key(i) for i in range(rows)] if keys else None,
            "answers": list(answers(metric, rows, dimensions)),
        }
        text = json.dumps(golden, ensure_ascii=False, separators=(",", ":"))
        text = text.replace('{"query"', '\n{"query"') + "\n"
        (FOLDER / f"{name(metric, rows, dimensions, keys)}.json").write_text(text, encoding="utf-8")


def sections(file):
    """The sections by their numbers, as docs/packed-format.md tells where they lie."""
    for at in range(64, 64 + 15 * 32, 32):
        number, zero, offset, length, _ = struct.unpack_from("<IIQQQ", file, at)
        assert zero == 0 and offset % 64 == 0
        yield number, file[offset : offset + length]


def check(version):
    for metric, rows, dimensions, _, seed, keys in INDEXES:
        file = (FOLDER / f"v{version}" / f"{name(metric, rows, dimensions, keys)}.oy").read_bytes()
        header = struct.unpack_from("<8s8I3Q", file)
        assert header[0] == b"\x89ohyeah\n" and header[1] == version
        assert header[2:5] == (NUMBERS[metric], dimensions, rows)
        assert header[7:10] == (15, int(keys), seed)
        of = dict(sections(file))
        assert list(of) == list(range(1, 16))
        lengths = len(of[1]), len(of[13])
        assert lengths == ((12 * dimensions, 512) if version == 1 else (16 * dimensions + 16, 16 + 4 * 32 * 52))
        ids = struct.unpack(f"<{rows}I", of[9])
        row_of_id = struct.unpack(f"<{rows}I", of[12])
        assert sorted(ids) == list(range(rows)) and all(row_of_id[i] == row for row, i in enumerate(ids))
        numbers = struct.unpack(f"<{rows * dimensions}f", of[11])
        items = vectors(rows, dimensions)
        for row, i in enumerate(ids):
            assert list(numbers[row * dimensions :][:dimensions]) == [x / SCALE for x in items[i]], (row, i)
        ends = [0, *struct.unpack(f"<{rows}Q", of[14])] if keys else []
        assert [of[15][a:b].decode() for a, b in zip(ends, ends[1:])] == ([key(i) for i in range(rows)] if keys else [])
        print(f"v{version}/{name(metric, rows, dimensions, keys)}: {len(file)} bytes, as they should be")


def text(wanted):
    for metric, rows, dimensions, _, _, keys in INDEXES:
        if name(metric, rows, dimensions, keys) == wanted:
            print(rows, dimensions)
            for i, item in enumerate(vectors(rows, dimensions)):
                print(key(i), *(x / SCALE for x in item))


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        for version in [1, 2]:
            check(version)
    elif sys.argv[1:2] == ["--text"]:
        text(sys.argv[2])
    else:
        write()
