"""What every measurement shares: data, exact truth, recall, memory, CPU load, machine.

The demo uses it too. It may import numpy and, for metrics that are no matrix product, SciPy.
It may not import any engine: those live in ``engines/`` and run in processes of their own.
"""
