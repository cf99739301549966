"""What importing the package takes beyond numpy, as JSON: seconds, and the packages it brings."""

import json
import sys
from time import perf_counter


def seconds_to_import(name: str) -> float:
    start = perf_counter()
    __import__(name)
    return round(perf_counter() - start, 4)


before = set(sys.modules)
seconds = {name: seconds_to_import(name) for name in ("numpy", "hnsw_bridge")}
brought = {name.partition(".")[0] for name in set(sys.modules) - before}
print(json.dumps({"seconds": seconds, "brought": sorted(brought - sys.stdlib_module_names)}))
