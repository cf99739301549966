"""Every code has its class, and every class is the builtin that callers catch."""

import copy
import pickle

import pytest

from hnsw_bridge import _errors
from hnsw_bridge._errors import HnswError, error_from

BUILTINS = {
    "ERR_INVALID_ARGUMENT": ValueError,
    "ERR_DIMENSION_MISMATCH": ValueError,
    "ERR_NON_FINITE": ValueError,
    "ERR_UNKNOWN_METRIC": ValueError,
    "ERR_EMPTY_INDEX": ValueError,
    "ERR_UNKNOWN_ID": KeyError,
    "ERR_OUT_OF_MEMORY": MemoryError,
    "ERR_CANCELLED": HnswError,
    "ERR_TIMEOUT": TimeoutError,
    "ERR_CLOSED": ConnectionError,
    "ERR_SERVER_DIED": ConnectionError,
    "ERR_UNAUTHORIZED": ConnectionError,
    "ERR_PROTOCOL": ConnectionError,
    "ERR_CORRUPT_FILE": ValueError,
    "ERR_FILE": OSError,
    "ERR_UNSUPPORTED_VERSION": ValueError,
    "ERR_INTERNAL": HnswError,
}


def test_the_table_holds_every_code():
    assert set(_errors.BY_CODE) == set(BUILTINS)


@pytest.mark.parametrize(("code", "builtin"), BUILTINS.items())
def test_a_code_becomes_its_builtin_and_keeps_code_and_message(code, builtin):
    error = error_from(code, "rows have 12 columns, expected 784")
    assert isinstance(error, builtin)
    assert isinstance(error, HnswError)
    assert error.code == code
    assert str(error) == "rows have 12 columns, expected 784"


@pytest.mark.parametrize("code", [*BUILTINS, "ERR_OF_A_LATER_RELEASE"])
@pytest.mark.parametrize("through", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy])
def test_an_error_survives_pickling_and_copying(code, through):
    error = error_from(code, "what was wrong")
    again = through(error)
    assert type(again) is type(error)
    assert (again.code, str(again)) == (code, "what was wrong")


def test_an_unknown_code_is_kept_as_it_is():
    error = error_from("ERR_OF_A_LATER_RELEASE", "text")
    assert type(error) is HnswError
    assert error.code == "ERR_OF_A_LATER_RELEASE"


def test_an_unavailable_engine_counts_as_a_dead_server():
    error = _errors.EngineUnavailable("no server was found")
    assert isinstance(error, _errors.ServerDied)
    assert error.code == "ERR_SERVER_DIED"
