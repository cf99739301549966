"""One module per engine: how its users call it, and nothing about timing, truth or tables.

Each module holds a class ``Engine``. For the task ``graph`` it offers:

``Engine(threads)``            imports the library; what that costs counts as the import
``build(rows, k, metric, options)``   from rows to an index; returns it
``neighbors(index, rows, k, setting)``  the indices n x k, self included, of all rows
``describe(index) -> dict``    what it tells about itself: ``versions``, and if it has them
                               ``helpers`` (ids of its other processes), ``plan``, ``compute_s``
``release(index)``             gives the index's memory back

A call's time is build plus neighbors. The modules run in the peers' environment: they may import
numpy and their own library, nothing else.
"""
