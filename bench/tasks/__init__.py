"""One module per kind of measurement. A task has two sides, and imports nothing but numpy and the
harness, for it is loaded with every engine's Python.

In the fresh process, with the engine:
``run(job) -> dict``             what was measured; raises where it cannot be

In the runner:
``measure(session) -> list``     ``result["data"]``: one part per data set, or whatever it compares
``lines(result) -> list``        Markdown of these parts
``circumstances(result) -> list``  optional: how to read its figures, one line each
``plots(result) -> list``        optional: what `harness.plots` draws
"""
