"""Files written by ohyeah load in gensim, and the reverse, bit for bit.   usage: roundtrip.py OHYEAH VECTORS.bin

OHYEAH is the binary. Needs gensim 4.4. Prints one line a check and fails at the first difference.
"""
import os, subprocess, sys, tempfile
import numpy as np
from gensim.models import KeyedVectors

ohyeah, given = sys.argv[1:]


def load(path):
    return KeyedVectors.load_word2vec_format(path, binary=".bin" in path)


def same(what, a, b):
    assert a.index_to_key == b.index_to_key, f"{what}: words differ"
    assert a.vectors.dtype == b.vectors.dtype == np.float32
    assert (a.vectors.view(np.uint32) == b.vectors.view(np.uint32)).all(), f"{what}: numbers differ"
    print("same:", what)


def convert(source, target):
    subprocess.run([ohyeah, "convert", source, target], check=True)
    return target


def hard():
    """Words and numbers that formats trip over."""
    rng = np.random.default_rng(7)
    bits = rng.integers(0, 2**32, 400_000, dtype=np.uint32).view(np.float32)
    bits = bits[np.isfinite(bits)]
    special = [0.0, -0.0, 1e-45, -1e-45, 1.1754944e-38, 3.4028235e38, 1e-5, 16777216, 0.1, 1 / 3, 123456.79]
    numbers = np.concatenate([np.array(special, "f4"), bits])
    vectors = numbers[: len(numbers) // 10 * 10].reshape(-1, 10).astype("f4")
    words = [f"w{i}" for i in range(len(vectors))]
    words[:9] = ["</s>", "ñandú", "猫", "non\u00a0breaking", "5", "1.0", "a\rb", "nan", "\ufeffmark"]
    vectors[5] = 0
    kv = KeyedVectors(10)
    kv.add_vectors(words, vectors)
    return kv


with tempfile.TemporaryDirectory() as folder:
    at = lambda name: os.path.join(folder, name)
    for name, kv in [("sample", load(given)), ("hard", hard())]:
        kv.save_word2vec_format(at("theirs.bin"), binary=True)
        kv.save_word2vec_format(at("theirs.txt"), binary=False)
        kv.save_word2vec_format(at("theirs.txt.gz"), binary=False)
        kv.save_word2vec_format(at("glove.txt"), binary=False, write_header=False)
        for source in ["theirs.bin", "theirs.txt", "theirs.txt.gz", "glove.txt"]:
            for target in ["ours.bin", "ours.txt", "ours.bin.gz", "ours.txt.gz"]:
                same(f"{name}: gensim's {source} -> {target}", kv, load(convert(at(source), at(target))))
        convert(at("ours.txt.gz"), at("again.bin"))
        with open(at("theirs.bin"), "rb") as a, open(at("again.bin"), "rb") as b:
            assert a.read() == b.read(), "the binary files differ"
