"""The recall that was asked for is the recall that is found: a small form of benches/compare/recall.py, by the same rule.

Recalls are means over 1000 queries (lists of one neighbour) or 300, compared with brute force in float64; a setting is short if
more than .015 is missing, and more than three standard errors.
"""

import sys

import numpy as np
import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "benches" / "compare"))

import kinds
import recall

ROWS = 4000
# Ordinary vectors; clusters, which filters can shut out; one column or the lengths of rows decide; and rows that are equal.
NAMES = ["gauss-32", "clusters-64", "one-large-column", "lognormal-lengths", "copies"]
CASES = [(name, metric) for name in NAMES for metric in kinds.KINDS[name].metrics]


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def case(request):
    name, metric = request.param
    return recall.Case(name, kinds.make(name, ROWS, seed=0), metric)


@pytest.mark.parametrize("part", [recall.lists, recall.filters, recall.graphs])
def test_recall_is_what_was_asked_for(case, part):
    settings = list(part(case))
    assert len(settings) > 2
    bad = [str(setting) for setting in settings if setting.complaints()]
    assert not bad, "\n".join(["", *bad])


def test_equals_do_not_count_against_an_answer():
    items = np.array([[0], [1], [1], [1], [5], [9]], "f4")
    truth, query = recall.Truth("euclidean", items), np.zeros((1, 1), "f4")
    for ids, expected in [([0, 3], 1), ([0, 1], 1), ([1, 2], 0.5), ([0, 4], 0.5), ([0, -1], 0.5), ([4, 5], 0), ([7, 0], 0.5)]:
        assert truth.recalls(query, np.array([ids]), 2).tolist() == [expected]
    mask = np.array([True, False, False, True, True, True])
    assert truth.recalls(query, np.array([[0, 3, 4]]), 3, mask).tolist() == [1]
    assert truth.recalls(items[3:4], np.array([[1, 2]]), 2, but=np.array([3])).tolist() == [1]
    allowed = np.ones(6, bool)
    for ids, errors in [([0, 1], 0), ([1, 0], 0), ([1, 1], 1), ([0, -1], 1), ([0, 6], 1), ([0, -2], 1)]:
        assert recall.wrong(np.array([ids]), 2, allowed) == errors
    assert recall.wrong(np.array([[0, 1]]), 2, mask) == 1
    assert recall.wrong(np.array([[0, 1]]), 2, allowed, but=np.array([1])) == 1
