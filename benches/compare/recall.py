"""Is the recall that was asked for the recall that is found? Many kinds of data, metrics, lengths of lists, filters and graphs.

usage: recall.py [--rows 20000] [--seed 0] [--only gauss-32,copies,...] [--json FILE]      (kinds.py has the kinds of data)

A setting is one line of the table: queries of one kind of data that ask for one recall in one way. Their answers are compared
with brute force in float64. Equals never count against an answer: a row counts as found if it is as near as the k-th nearest, up
to what sums of f32 may round. The line has

    asked   the recall that was asked for; 1 where all comparisons are made
    found   the mean of the recalls of the queries, and behind ± its standard error
    p10     the tenth percentile of the recalls of the queries
    <.70    the share of the queries with a recall below .70
    speed   queries a second, as a multiple of brute force: the products with all rows by numpy, on one thread, without a
            filter, and without choosing the best of them, so that it is less work than what any program of numpy does

A setting is short if less was found than was asked for by more than .015 (queries from elsewhere: .05, until the index has been
calibrated with others of their source) and also by more than three standard errors. The second condition is for lists of one
neighbour: each query finds it or does not, so 1000 queries are asked (300 do for longer lists), and still the standard error of
a recall of .95 is .007. There are about 1600 settings, of which two standard errors would accuse forty by chance. Where all
comparisons are made nothing is allowed to be missing.

A setting is slow if its speed is below .9 and the rows have more than a million numbers; it is timed three times before it is
called slow. It is wrong if an answer has an id twice, one that the filter forbids or that no row has, or too few ids.

Ends with the numbers of settings that are short, slow and wrong, and with an error if there are any.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass

os.environ.update({name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import numpy as np

import ohyeah
from kinds import KINDS, make
from vectors import machine

ALLOWED, ALLOWED_ELSEWHERE = 0.015, 0.05
STANDARD_ERRORS = 3
SLOW, LARGE = 0.9, 1_000_000

RECALL = 0.95
TOP = 10
# Queries for lists of more than one neighbour, and rows of a graph that are looked at.
SOME_QUERIES = 300
SHARES = (0.5, 0.1, 0.01, 0.001)
CENTRES = 20
# Answers that a filter excludes since they have been seen.
SEEN = 20
# Queries and rows of a block of brute force.
BLOCK = 64
# What sums of f32 may be off by, as a share of the largest that they could be: eight roundings.
ROUNDING = 8 * 2.0**-24
# The same for squares of distances that are differences of squares in f64.
ROUNDING_F64 = 1e-14
# Up to so many dimensions squares of distances are summed column by column, for time stamps: their own squares have no digits
# left for small differences.
FEW_DIMENSIONS = 8


class Truth:
    """Brute force in f64."""

    def __init__(self, metric, items):
        self.metric, self.items = metric, items.astype("f8")
        self.lengths = np.linalg.norm(self.items, axis=1)
        if metric == "angular":
            self.items /= np.maximum(self.lengths, 1e-300)[:, None]

    def scores(self, queries):
        """Of each query and row a number that is larger for the nearer; and by how much f32 may mistake it."""
        queries = queries.astype("f8")
        lengths = np.linalg.norm(queries, axis=1)[:, None]
        if self.metric == "angular":
            scores = queries @ self.items.T / np.maximum(lengths, 1e-300)
            return scores, np.full_like(scores, ROUNDING)
        if self.metric == "dot":
            return queries @ self.items.T, ROUNDING * lengths * self.lengths
        if queries.shape[1] <= FEW_DIMENSIONS:
            squares = sum((q[:, None] - x) ** 2 for q, x in zip(queries.T, self.items.T))
            return -squares, ROUNDING * squares
        lengths = lengths**2 + self.lengths**2
        squares = lengths - 2 * queries @ self.items.T
        return -squares, ROUNDING * np.abs(squares) + ROUNDING_F64 * lengths

    def recalls(self, queries, ids, k, mask=None, but=None):
        """The recall of each query's ids, of which -1 is none. `mask` says which rows may be answers, and `but` has for each query
        the row that may not: itself."""
        parts = range(0, len(queries), BLOCK)
        parts = [(queries[at : at + BLOCK], ids[at : at + BLOCK], None if but is None else but[at : at + BLOCK]) for at in parts]
        return np.concatenate([self._recalls(*part, k, mask) for part in parts])

    def _recalls(self, queries, ids, but, k, mask):
        scores, rounding = self.scores(queries)
        may = np.ones(scores.shape, bool) if mask is None else np.tile(mask, (len(queries), 1))
        if but is not None:
            may[np.arange(len(queries)), but] = False
        scores[~may] = -np.inf
        k = min(k, may[0].sum())
        kth = -np.partition(-scores, k - 1, axis=1)[:, k - 1 : k]
        # Of those that are better than the k-th for sure all are wanted, and of its equals as many as there is room for.
        better, equal = scores > kth + rounding, (scores <= kth + rounding) & (scores >= kth - rounding)
        found = np.zeros_like(may)
        for row, own in zip(found, ids):
            row[own[(own >= 0) & (own < len(row))]] = True
        room = k - better.sum(axis=1)
        return ((better & found).sum(axis=1) + np.minimum((equal & found).sum(axis=1), room)) / k


def wrong(ids, k, mask, but=None):
    """How many rows of ids could not be an answer of `k` ids that the mask allows, `but` not among them."""
    count = 0
    for row, own in enumerate(ids):
        own, itself = own[own != -1], -1 if but is None else but[row]
        is_row = ((own >= 0) & (own < len(mask))).all()
        k_of_all = min(k, mask.sum() - (itself >= 0))
        count += not (is_row and mask[own].all() and itself not in own and len(set(own.tolist())) == len(own) == k_of_all)
    return count


@dataclass
class Setting:
    data: str
    metric: str
    what: str
    asked: float
    # What may be missing in the mean.
    allowed: float
    # Of each query.
    recalls: np.ndarray
    # How many answers are wrong.
    wrong: int
    speed: float | None = None
    is_large: bool = False

    @property
    def found(self):
        return float(self.recalls.mean())

    @property
    def error(self):
        return float(self.recalls.std(ddof=1) / len(self.recalls) ** 0.5) if len(self.recalls) > 1 else 0.0

    @property
    def is_short(self):
        # Sums of many equal recalls may round.
        missing = self.asked - self.found - 1e-9
        return missing > self.allowed and (self.allowed == 0 or missing > STANDARD_ERRORS * self.error)

    @property
    def is_slow(self):
        return self.is_large and self.speed is not None and self.speed < SLOW

    def complaints(self):
        return [name for name, holds in (("SHORT", self.is_short), ("SLOW", self.is_slow), ("WRONG", self.wrong)) if holds]

    def numbers(self):
        p10, below = np.percentile(self.recalls, 10), (self.recalls < 0.7).mean()
        return dict(found=self.found, error=self.error, p10=float(p10), below_70=float(below), speed=self.speed)

    def __str__(self):
        n = self.numbers()
        speed = "" if self.speed is None else f"{self.speed:.1f}x"
        line = f"{self.data:23}{self.metric:11}{self.what:30}{self.asked:6.2f}{n['found']:8.4f} ±{n['error']:.4f}"
        return " ".join([f"{line}{n['p10']:7.3f}{n['below_70']:7.3f}{speed:>9}", *self.complaints()])

    def report(self):
        about = dict(data=self.data, metric=self.metric, what=self.what, asked=self.asked)
        return about | {key: x if x is None else round(x, 5) for key, x in self.numbers().items()} | dict(complaints=self.complaints())


class Case:
    """A kind of data with a metric: its index, and what the index should answer."""

    def __init__(self, name, data, metric, seed=0, timed=False):
        self.name, self.data, self.metric, self.timed = name, data, metric, timed
        self.rng = np.random.default_rng([seed, len(data.items)])
        self.truth = Truth(metric, data.items)
        self.index = ohyeah.Index(data.items, metric)
        self.allowed = ALLOWED if data.known_queries is None else ALLOWED_ELSEWHERE

    def setting(self, what, asked, allowed, recalls, wrong, speed):
        allowed = 0.0 if asked == 1 else allowed
        return Setting(self.name, self.metric, what, asked, allowed, recalls, wrong, speed, self.data.items.size > LARGE)

    def ask(self, what, k, recall=RECALL, groups=None, index=None, allowed=None):
        """A setting of searches. `groups` are masks, each with the queries that it is for; without them every row is allowed."""
        index, items = index or self.index, self.data.items
        queries = self.data.queries if k == 1 else self.data.queries[:SOME_QUERIES]
        everything = np.ones(len(items), bool)
        groups = groups or [(everything, queries)]

        def run():
            answers, seconds = [], 0.0
            for mask, own in groups:
                filter = None if mask.all() else id_set(mask)
                # The first searches of a thread find room for it, and the first with a filter may prepare it.
                for query in own[:5]:
                    index.search(query, k, recall=recall, filter=filter)
                start = time.perf_counter()
                answers.append(np.array([index.search(query, k, recall=recall, filter=filter)[0] for query in own]))
                seconds += time.perf_counter() - start
            return answers, seconds / sum(len(own) for _, own in groups)

        answers, seconds = run()
        speed = self.speed(seconds, lambda: run()[1], lambda: seconds_of_products(items, queries))
        of_each = [(mask, own, ids) for (mask, own), ids in zip(groups, answers)]
        recalls = np.concatenate([self.truth.recalls(own, ids, k, mask) for mask, own, ids in of_each])
        errors = sum(wrong(ids, k, mask) for mask, _, ids in of_each)
        return self.setting(what, recall, self.allowed if allowed is None else allowed, recalls, errors, speed)

    def ask_graph(self, what, k, sample, **how):
        items = self.data.items

        def run():
            start = time.perf_counter()
            ids, _ = ohyeah.knn_graph(items, k, metric=self.metric, threads=1 if self.timed else None, **how)
            return ids, (time.perf_counter() - start) / len(items)

        ids, seconds = run()
        speed = self.speed(seconds, lambda: run()[1], lambda: seconds_of_products(items, items, together=256))
        recalls = self.truth.recalls(items[sample], ids[sample], k, but=sample)
        errors = wrong(ids, k, np.ones(len(items), bool), but=np.arange(len(items)))
        return self.setting(what, how.get("recall", 1.0), ALLOWED, recalls, errors, speed)

    def speed(self, seconds, again, brute_force):
        """A multiple of brute force. As others may use the machine, what seems to be slow is timed anew, and the best counts."""
        if not self.timed:
            return None
        speed = brute_force() / seconds
        for _ in range(2):
            if speed < SLOW and self.data.items.size > LARGE:
                speed = max(speed, brute_force() / again())
        return speed


def id_set(mask):
    return ohyeah.IdSet(mask) if hasattr(ohyeah, "IdSet") else mask


def seconds_of_products(items, queries, together=1):
    """Seconds for a query's products with all items, in the best of a few rounds."""
    best, rounds = np.inf, 5
    for number in range(rounds):
        start, count = time.perf_counter(), 0
        for at in range(10 if together == 1 else 1):
            block = queries[(10 * number + at) * together % len(queries) :][:together]
            items @ (block[0] if together == 1 else block.T)
            count += len(block)
        best = min(best, (time.perf_counter() - start) / count)
    return best


def lists(case):
    """Lists of different lengths and recalls."""
    for k in (1, TOP, 100):
        for recall in (0.8, 0.9, 0.95, 0.99) if k == TOP else (RECALL,):
            yield case.ask(f"top {k}", k, recall)
    yield case.ask(f"top {TOP}, exact", TOP, 1.0)
    if case.data.known_queries is not None and hasattr(case.index, "calibrate"):
        index = ohyeah.Index(case.data.items, case.metric)
        index.calibrate(case.data.known_queries)
        for k in (1, TOP, 100):
            yield case.ask(f"top {k}, calibrated", k, index=index, allowed=ALLOWED)


def filters(case):
    """Filters that have nothing to do with the data, and those that follow it: towards the query, and away from it."""
    n, queries = len(case.data.items), case.data.queries[:SOME_QUERIES]
    for share in SHARES:
        yield from filtered(case, f"{share:g}", [(case.rng.random(n) < share, queries)])
    # Clusters are the rows that are nearest to one of a few; of products, too, by distance, or the longest would take them all.
    centres = case.data.items[case.rng.choice(n, min(n, CENTRES), replace=False)]
    by = Truth("angular" if case.metric == "angular" else "euclidean", centres)
    cluster_of, own_cluster = (by.scores(x)[0].argmax(axis=1) for x in (case.data.items, queries))
    far, other, outside = [], [], []
    full = [c for c in range(len(centres)) if (cluster_of == c).sum() >= TOP]
    for cluster in np.unique(own_cluster):
        own = queries[own_cluster == cluster]
        scores, _ = case.truth.scores(centres[cluster : cluster + 1])
        rank = scores[0].argsort(kind="stable").argsort()
        far.append((rank < n // 10, own))
        elsewhere = [c for c in full if c != cluster]
        if elsewhere:
            other.append((cluster_of == case.rng.choice(elsewhere), own))
        outside.append((cluster_of != cluster, own))
    yield from filtered(case, "the farthest tenth", far)
    yield from filtered(case, "another cluster", other)
    yield from filtered(case, "all but its cluster", outside)
    # A program that has shown a page of answers excludes them to have the next.
    scores = np.concatenate([case.truth.scores(queries[at : at + BLOCK])[0] for at in range(0, len(queries), BLOCK)])
    seen = np.argpartition(-scores, SEEN, axis=1)[:, :SEEN]
    yield from filtered(case, "all but those seen", [(~np.isin(np.arange(n), s), queries[at : at + 1]) for at, s in enumerate(seen)])


def filtered(case, name, groups):
    groups = [(mask, own) for mask, own in groups if mask.any()]
    if groups:
        yield case.ask(f"top {TOP} of {name}", TOP, groups=groups)


def graphs(case):
    sample = np.sort(case.rng.choice(len(case.data.items), min(SOME_QUERIES, len(case.data.items)), replace=False))
    for k in (15, 100):
        yield case.ask_graph(f"graph of {k}", k, sample, recall=RECALL)
    yield case.ask_graph("graph of 15, exact", 15, sample, exact=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="kinds of data, by commas: " + ", ".join(KINDS))
    parser.add_argument("--json", help="a file for all numbers")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(KINDS)
    if unknown := [name for name in names if name not in KINDS]:
        parser.error(f"no kind of data is called {', '.join(unknown)}: use {', '.join(KINDS)}")

    settings = []
    print(f"{'data':23}{'metric':11}{'what':30}{'asked':>6}{'found':>8}{'':8}{'p10':>7}{'<.70':>7}{'speed':>9}")
    for name in names:
        data = make(name, options.rows, options.seed)
        for metric in KINDS[name].metrics:
            case = Case(name, data, metric, options.seed, timed=True)
            for part in (lists, filters, graphs):
                for setting in part(case):
                    settings.append(setting)
                    print(setting, flush=True)
    bad = {word: sum(word in setting.complaints() for setting in settings) for word in ("SHORT", "SLOW", "WRONG")}
    print(f"of {len(settings)} settings {bad['SHORT']} are short, {bad['SLOW']} slow and {bad['WRONG']} wrong")
    if options.json:
        with open(options.json, "w") as file:
            run = dict(rows=options.rows, seed=options.seed, machine=machine(), settings=[s.report() for s in settings])
            json.dump(run, file, indent=1)
    sys.exit(any(bad.values()))


if __name__ == "__main__":
    main()
