"""Approximate nearest neighbours: Annoy done again in Rust.

``AnnoyIndex`` is the class of the package annoy, method for method and file for file: change the import, or call
``install_as_annoy()`` before other packages import annoy. ``Index`` is the packed index, far faster than
any forest, ``IdSet`` is a filter for many searches, and ``knn_graph`` finds the neighbours of every vector at once.
``WordVectors`` reads and asks files of word vectors.
``ohyeah.gensim.Indexer`` speeds up gensim's ``most_similar``.
"""

import sys as _sys

try:
    import numpy as _numpy  # noqa: F401
except ImportError as error:
    raise ImportError("ohyeah needs numpy: pip install numpy") from error

from ._errors import FileFormatError, NoSuchId, WrongLength
from ._ohyeah import AnnoyIndex, IdSet, Index, knn_graph
from ._word_vectors import WordVectors

__all__ = [
    "AnnoyIndex",
    "FileFormatError",
    "IdSet",
    "Index",
    "NoSuchId",
    "WordVectors",
    "WrongLength",
    "install_as_annoy",
    "knn_graph",
]
__version__ = "0.1.0"


def install_as_annoy():
    """Makes ``import annoy`` give this module from now on, so that gensim and other packages use it unchanged.

    ``from annoy.annoylib import Annoy`` works as well. A package that has imported annoy before keeps what it has.

    >>> ohyeah.install_as_annoy()
    >>> from annoy import AnnoyIndex
    """
    from . import annoylib

    _sys.modules["annoy"] = _sys.modules[__name__]
    _sys.modules["annoy.annoylib"] = annoylib
