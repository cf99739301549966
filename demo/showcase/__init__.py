"""The demo's parts: data, a fit in a fresh process, its judgement, a picture and a page.

Exact truth, recall and machine facts come from ``bench/harness``, so that the demo and the bench
judge alike. May not enter: anything the product itself needs.
"""
