"""A pytest plugin for PyNNDescent's own tests: our class under both names that they import from.

The original can make no index any more, so that a test that passes was answered by ours.
"""

import pynndescent
import pynndescent.pynndescent_

from hnsw_bridge import HnswIndexWrapper


def _refuse(*_, **__):
    raise AssertionError("PyNNDescent's own index was made")


def pytest_configure(config):
    pynndescent.NNDescent.__init__ = _refuse
    for module in (pynndescent, pynndescent.pynndescent_):
        module.NNDescent = HnswIndexWrapper
