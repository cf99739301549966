"""Suites: JSON files in ``suites/`` that say which engines do what on which data."""

import json
from dataclasses import dataclass, field

from .paths import BENCH


@dataclass(frozen=True)
class Entry:
    """One engine of a suite: how often it is called, and with which settings."""

    engine: str
    name: str
    calls: int
    settings: list[dict]
    options: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Suite:
    name: str
    task: str
    about: str
    data: list[str]
    k: int
    recall: dict
    attempts: dict
    quick: dict
    engines: list[Entry]


def names() -> list[str]:
    return sorted(path.stem for path in (BENCH / "suites").glob("*.json"))


def load(name: str) -> Suite:
    """The suite of that name; ValueError names the known ones."""
    path = BENCH / "suites" / f"{name}.json"
    if not path.is_file():
        raise ValueError(f"unknown suite {name!r}; known: {', '.join(names())}")
    content = json.loads(path.read_text())
    content["engines"] = [Entry(**entry) for entry in content["engines"]]
    return Suite(**content)


def chosen(suite: Suite, peers: list[str] | None) -> list[Entry]:
    """Ours and the peers asked for (by engine name; None: all); ValueError for an unknown one."""
    if peers is None:
        return suite.engines
    known = [entry.engine for entry in suite.engines]
    unknown = [peer for peer in peers if peer not in known]
    if unknown:
        raise ValueError(f"unknown peer {unknown[0]!r}; known: {', '.join(known)}")
    return [e for e in suite.engines if e.engine == "bridge" or e.engine in peers]
