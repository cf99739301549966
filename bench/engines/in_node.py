"""Engines that run in Node: each has a host process (``node/host.mjs``) that is asked line by line.

Rows and queries are in the host's memory before a clock runs, answers come back as files. What a
call costs on the way, a tenth of a millisecond, is in its seconds.
"""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from harness import node_peers

HOST = Path(__file__).parent / "node" / "host.mjs"


class NodeEngine:
    """The engine of ``node/MODULE.mjs``."""

    module: str

    def __init__(self, threads: int) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="hnsw-bench-")
        self._answer_file = str(Path(self._folder.name, "answer.i32"))
        self._host = subprocess.Popen(
            ["node", str(HOST), self.module, str(node_peers.folder())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._versions = self._ask("start", threads=threads)["versions"]

    def take(self, files: dict[str, str]) -> None:
        self._data_mb = self._ask("take", files=files)["data_mb"]

    def build(self, rows, k, metric, options):
        return self._ask("build", k=k, metric=metric, options=options)["index"]

    def neighbors(self, index, rows, k, setting):
        return self._answer("neighbors", index=index, k=k, setting=setting)

    def ready(self, rows, k, metric, options):
        return self._ask("ready", k=k, metric=metric, options=options)["index"]

    def ready_of(self, name, k, metric, options):
        """An index of the rows that were taken under that name."""
        return self._ask("ready", of=name, k=k, metric=metric, options=options)["index"]

    def settle(self, index, k, setting) -> None:
        """What the last change has put off, and one query."""
        self._ask("settle", index=index, k=k, setting=setting)

    def delete(self, index, ids) -> None:
        self._ask("remove", index=index, ids=ids.tolist())

    def add(self, index, ids, fresh) -> None:
        self._ask("add", index=index, of="fresh")

    def replace(self, index, ids, others) -> None:
        self._ask("replace", index=index, ids=ids.tolist(), of="others")

    def save(self, index, path) -> None:
        self._ask("save", index=index, path=path)

    def load(self, path, shape, metric):
        return self._ask("load", path=path, mmap=False)["index"]

    def map(self, path, shape, metric):
        """Used where it lies, each part checked by the first call that needs it."""
        return self._ask("load", path=path, mmap=True)["index"]

    def verify(self, path) -> None:
        self._ask("verify", path=path)

    def query(self, index, queries, k, setting, threads):
        """The first queries that were taken, as many as ``queries`` are."""
        count = len(queries)
        return self._answer(
            "query", index=index, k=k, setting=setting, threads=threads, count=count
        )

    def ready_for_radius(self, rows, metric, options):
        return self._ask("ready_for_radius", metric=metric, options=options)["index"]

    def within(self, index, queries, radius, most) -> dict:
        """Seconds of a loop over the queries, and how many rows each has."""
        return self._ask("within", index=index, count=len(queries), radius=radius, most=most)

    def filtered(self, index, queries, k, setting, bits_file) -> tuple[float, np.ndarray]:
        """Seconds of a loop over the queries on one thread, and the answers."""
        asked = {"count": len(queries), "k": k, "setting": setting, "bits": bits_file}
        seconds = self._ask("filtered", index=index, file=self._answer_file, **asked)["seconds"]
        return seconds, np.fromfile(self._answer_file, dtype=np.int32).reshape(-1, k)

    def query_plan(self, index) -> dict | None:
        return self._ask("query_plan", index=index)["plan"]

    def describe(self, index) -> dict:
        told = self._ask("describe", index=index)
        own = {"helpers": [self._host.pid], "helpers_data_mb": self._data_mb}
        return {"versions": self._versions, **own, **told}

    def release(self, index) -> None:
        self._ask("release", index=index)

    def _answer(self, op: str, **arguments):
        self._ask(op, file=self._answer_file, **arguments)
        return np.fromfile(self._answer_file, dtype=np.int32).reshape(-1, arguments["k"])

    def _ask(self, op: str, **arguments) -> dict:
        self._host.stdin.write(json.dumps({"op": op, **arguments}) + "\n")
        self._host.stdin.flush()
        line = self._host.stdout.readline()
        if not line:
            raise RuntimeError(f"the Node process of {self.module} ended during {op!r}")
        reply = json.loads(line)
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return reply
