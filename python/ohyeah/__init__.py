"""Approximate nearest neighbours: Annoy done again in Rust.

``AnnoyIndex`` is the class of the package annoy, method for method and file for file: change the import, or call
``install_as_annoy()`` before other packages import annoy. ``WordVectors`` reads and asks files of word vectors.
``ohyeah.gensim.Indexer`` speeds up gensim's ``most_similar``.
"""

import sys as _sys

from ._ohyeah import AnnoyIndex, WordVectors

__all__ = ["AnnoyIndex", "WordVectors", "install_as_annoy"]
__version__ = "0.1.0"


def install_as_annoy():
    """Makes ``import annoy`` give this module from now on, so that gensim and other packages use it unchanged.

    A package that has imported annoy before keeps what it has.
    """
    _sys.modules["annoy"] = _sys.modules[__name__]
