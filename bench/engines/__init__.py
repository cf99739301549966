"""One module per engine; each has a class ``Engine`` that says how its users call it.

``Engine(threads)``            imports the library; what that costs counts as the import
``take(files)``                optional: where the rows' files are, for an engine in another process
``build(rows, k, metric, options)``   from rows to an index that knows all rows' neighbours, or can
                               be asked for them; returns it
``neighbors(index, rows, k, setting)``  the indices n x k, self included, of all rows
``ready(rows, k, metric, options)``   from rows to an index that answers queries with no work left
``query(index, queries, k, setting, threads)``  the indices q x k, on that many threads
``query_plan(index)``          optional: what it says of the last query: ``algorithm``, ``codes``,
                               ``seconds`` that it computed; None where it says nothing
``describe(index) -> dict``    what it tells about itself: ``versions``, and if it has them
                               ``helpers`` (ids of its other processes), ``helpers_data_mb``,
                               ``plan``, ``compute_s``
``release(index)``             gives the index's memory back

Those of the task ``umap`` make whole models instead: ``model(options)``, ``check(model)`` (raises
unless this engine's index answered), ``module`` (where umap-learn's stages live), ``describe``.

The neighbour graph's time is build plus neighbors. An engine leaves out what it cannot do. The
modules run in the peers' environment: they may import numpy, the harness and their own library,
nothing else.
"""
