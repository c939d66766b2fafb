from . import AnnoyIndex as Annoy

__all__ = ["Annoy"]
