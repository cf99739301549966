"""Fit and use umap where pynndescent cannot be imported, by the stand-in for its names."""

import contextlib
import sys
import warnings
from importlib.abc import MetaPathFinder


class Blocked(MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] == "pynndescent":
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


sys.meta_path.insert(0, Blocked())
warnings.simplefilter("ignore")

import numpy as np  # noqa: E402

import hnsw_bridge  # noqa: E402

try:
    import umap
except ModuleNotFoundError as error:
    print("without:", error)
    for name in [name for name in sys.modules if name.partition(".")[0] == "umap"]:
        del sys.modules[name]

hnsw_bridge.install(stub_pynndescent=True)
import umap  # noqa: E402

rows = np.random.RandomState(0).standard_normal((200, 5)).astype(np.float32)
model = umap.UMAP(n_neighbors=10, n_epochs=20, force_approximation_algorithm=True, metric="cosine")
print("fit:", model.fit(rows[:150]).embedding_.shape, type(model._knn_search_index).__name__)
print("transform:", model.transform(rows[150:]).shape)
for how, metric in (("a metric umap lacks", "sqeuclidean"), ("unknown", "no such metric")):
    with contextlib.suppress(ImportError, ValueError):
        umap.UMAP(n_neighbors=10, metric=metric).fit(rows)
        print(how, "was fitted")
hnsw_bridge.uninstall()
print("after uninstall:", umap.umap_.NNDescent.__name__)
