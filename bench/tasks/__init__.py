"""One module per kind of measurement. A task has two sides:

``run(job) -> dict``                 in the fresh process, with the engine
``judge(job, result, rows, truth)``  in the runner, with the exact truth: adds recall
``header`` and ``lines(...)``        its part of the Markdown report
"""
