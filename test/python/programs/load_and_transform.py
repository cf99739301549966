"""Load a fitted UMAP that another process stored, and embed new rows with it."""

import pickle
import sys
import warnings
from pathlib import Path

import numpy as np

warnings.simplefilter("ignore")
folder = Path(sys.argv[1])
model = pickle.loads((folder / "model.pickle").read_bytes())
shape = model.transform(np.load(folder / "new.npy")).shape
print(type(model).__name__, type(model._knn_search_index).__name__, shape)
