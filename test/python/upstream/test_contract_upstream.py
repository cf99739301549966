"""Contract check 48: PyNNDescent's own suites, run against our class."""

import pytest

from sdist import LOCK, NotFetched
from swap_run import run_swapped

SUITES = LOCK["suites"]
each_suite = pytest.mark.parametrize("suite", SUITES)


@pytest.fixture(scope="module")
def outcomes():
    try:
        return run_swapped()
    except NotFetched as reason:
        pytest.skip(f"PyNNDescent's source distribution cannot be had: {reason}")


@pytest.mark.upstream
@pytest.mark.timeout(1300)
@each_suite
def test_contract_48_pynndescents_own_tests_pass_on_our_class(outcomes, suite):
    outcome = outcomes[suite]
    assert outcome.failed == {}
    assert outcome.total == SUITES[suite]["tests"]
    assert len(outcome.passed) >= SUITES[suite]["least"]


@pytest.mark.upstream
@pytest.mark.timeout(1300)
@each_suite
def test_contract_48_every_deselected_test_is_there_and_still_fails(outcomes, suite):
    outcome = outcomes[suite]
    assert outcome.deselected == set(SUITES[suite]["deselected"])
    assert outcome.deselected_but_passing == set(), "take them off the list in pynndescent.json"


@each_suite
def test_contract_48_deselection_is_by_name_with_a_reason_and_leaves_the_agreed_number(suite):
    excused = SUITES[suite]["deselected"]
    assert SUITES[suite]["tests"] - len(excused) >= SUITES[suite]["least"]
    assert all(len(reason.split()) >= 4 for reason in excused.values())
