from os import PathLike
from typing import Any, Sequence

from numpy.typing import ArrayLike
from typing_extensions import Self

from . import AnnoyIndex, Index

class Indexer:
    index: Index | AnnoyIndex
    recall: float
    search_k: int | None
    def __init__(
        self,
        model: Any,
        num_trees: int | None = None,
        search_k: int | None = None,
        threads: int | None = None,
        seed: int | None = None,
        *,
        recall: float | None = None,
    ) -> None: ...
    @property
    def labels(self) -> Sequence[Any]: ...
    def most_similar(self, vector: ArrayLike, num_neighbors: int) -> list[tuple[Any, float]]: ...
    def save(self, path: str | PathLike[str]) -> None: ...
    @classmethod
    def load(cls, path: str | PathLike[str], recall: float | None = None) -> Self: ...
    def __len__(self) -> int: ...
