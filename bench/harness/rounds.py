"""Rounds over all cases of a comparison, so that what changes on the machine hits all alike.

A case is one thing that is measured again and again, each time in a fresh process. It is done when
it has enough quiet attempts, when it failed, or when the most allowed have been made.
"""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Case:
    """``attempt()`` measures once: a result with ``wall_s``, or ``{"error": text}``.

    ``quiet(result)`` tells whether nobody disturbed it.
    """

    name: str
    attempt: Callable[[], dict]
    quiet: Callable[[dict], bool]
    attempts: list[dict] = field(default_factory=list)
    error: str | None = None

    def is_done(self, wanted: dict) -> bool:
        if self.error is not None:
            return True
        calm = sum(self.quiet(attempt) for attempt in self.attempts)
        return calm >= (1 if self._is_long(wanted) else wanted["quiet"])

    def _is_long(self, wanted: dict) -> bool:
        """One quiet attempt is enough of what takes longer than ``long_s``: noise averages out."""
        limit = wanted.get("long_s")
        return limit is not None and any(a["wall_s"] > limit for a in self.attempts)

    def measure(self) -> None:
        """An error ends the case, unless an attempt before it was good."""
        outcome = self.attempt()
        if "error" not in outcome:
            self.attempts.append(outcome)
        elif not self.attempts:
            self.error = outcome["error"]


def take_turns(cases: list[Case], wanted: dict, say: Callable[[str], None]) -> None:
    """``wanted``: ``quiet`` attempts wanted, ``most`` allowed, and ``long_s`` (see `Case`)."""
    for number in range(wanted["most"]):
        for case in cases:
            if not case.is_done(wanted):
                say(f"{case.name}, attempt {number + 1} of at most {wanted['most']}")
                case.measure()
