"""Ask gensim the questions that tests/golden.rs replays.   usage: make_golden.py ../../../data/glove-20k-100d.bin > golden.json

Needs gensim 4.4. Rows and not words are stored where the answer is long, and cosines to seven digits.
"""
import json, random, sys
import numpy as np
from gensim.models import KeyedVectors

kv = KeyedVectors.load_word2vec_format(sys.argv[1], binary=True)
random.seed(2)
words = kv.index_to_key
pick = lambda n: random.sample(words, n)
weighted = lambda terms: [[term, random.choice([1.0, 0.5, 2.0, 0.25])] for term in terms]
row = lambda vector: [float(x) for x in vector]


def most_similar(positive, negative, topn, restrict=None):
    """Each input is [word or vector, weight]; a negative weight is given to gensim as it is."""
    give = lambda terms: [(np.array(t, "f4") if isinstance(t, list) else t, w) for t, w in terms]
    found = kv.most_similar(give(positive), give(negative), topn=topn, restrict_vocab=restrict)
    return {
        "inputs": positive + negative,
        "top": topn,
        "restrict": restrict,
        "answer": [[kv.key_to_index[word], round(float(cosine), 7)] for word, cosine in found],
    }


similar = [most_similar([[word, 1.0]], [], 10) for word in ["cat", "the", "paris", "0", "zygmunt"] if word in kv]
similar += [most_similar([[word, 1.0]], [], 10) for word in pick(60)]
for a, b, c in [("king", "woman", "man"), ("paris", "germany", "france"), ("walking", "swam", "swimming")]:
    similar.append(most_similar([[a, 1.0], [b, 1.0]], [[c, -1.0]], 10))
similar += [most_similar(weighted(pick(2)), [[w, -x] for w, x in weighted(pick(1))], 10) for _ in range(20)]
similar += [most_similar([], [[word, -1.0]], 5) for word in pick(5)]
similar += [most_similar([[word, 1.0]], [], 5, restrict) for word, restrict in zip(pick(10), [100, 1000, 5000] * 4)]
similar += [most_similar([[row(kv[a] + kv[b]), 1.0], [c, 1.0]], [], 5) for a, b, c in [pick(3) for _ in range(5)]]

odd = [["breakfast", "cereal", "dinner", "lunch"], ["paris", "london", "berlin", "banana"], ["cat"], ["cat", "cat"]]
odd += [["dog", "no-such-word-here", "cat", "senate"]] + [pick(5) for _ in range(25)]
closer = []
while len(closer) < 20:
    word = random.choice(words)
    other = kv.most_similar(word, topn=40)[random.randrange(40)][0]
    closer.append([word, other, [kv.key_to_index[w] for w in kv.closer_than(word, other)]])

json.dump(
    {
        "most_similar": similar,
        "similarity": [[a, b, round(float(kv.similarity(a, b)), 7)] for a, b in [pick(2) for _ in range(60)] + [["cat", "cat"]]],
        "doesnt_match": [[group, kv.doesnt_match(group)] for group in odd],
        "closer_than": closer,
    },
    sys.stdout,
    separators=(",", ":"),
)
print()
