import hnsw_bridge
import umap

hnsw_bridge.install()  # every NNDescent that umap makes, from now on
hnsw_bridge.install("on")  # the same, and a warning whenever PyNNDescent has to answer instead
hnsw_bridge.install(everywhere=True)  # also for openTSNE, bbknn, scanpy: pynndescent's own names
hnsw_bridge.uninstall()

with hnsw_bridge.install():  # or for a block
    print("here:", umap.umap_.NNDescent.__module__)
print("after it:", umap.umap_.NNDescent.__module__)
