"""Approximate nearest neighbours: Annoy done again in Rust.

``AnnoyIndex`` is the class of the package annoy, method for method and file for file: change the import, or call
``install_as_annoy()`` before other packages import annoy. ``Index`` is the packed index, far faster than
any forest, ``IdSet`` is a filter for many searches, and ``knn_graph`` finds the neighbours of every vector at once. ``WordVectors`` reads and asks files of word vectors.
``ohyeah.gensim.Indexer`` speeds up gensim's ``most_similar``.
"""

import sys as _sys

from ._ohyeah import AnnoyIndex, IdSet, Index, knn_graph
from ._word_vectors import WordVectors

__all__ = ["AnnoyIndex", "IdSet", "Index", "WordVectors", "install_as_annoy", "knn_graph"]
__version__ = "0.1.0"


def install_as_annoy():
    """Makes ``import annoy`` give this module from now on, so that gensim and other packages use it unchanged.

    A package that has imported annoy before keeps what it has.
    """
    _sys.modules["annoy"] = _sys.modules[__name__]
