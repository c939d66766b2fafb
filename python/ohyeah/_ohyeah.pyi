from . import AnnoyIndex as AnnoyIndex
from . import IdSet as IdSet
from . import Index as Index
from . import WordVectors as WordVectors
from . import knn_graph as knn_graph
