"""What ``annoy.annoylib`` is after ``install_as_annoy()``: the class under its other name."""

from ._ohyeah import AnnoyIndex as Annoy

__all__ = ["Annoy"]
