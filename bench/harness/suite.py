"""Suites: JSON files in ``suites/`` that say which engines do what on which data."""

import json
from dataclasses import dataclass, field, fields

from .paths import BENCH


@dataclass(frozen=True)
class Entry:
    """One engine of a suite: how often it is called, and with which settings.

    ``data`` names the sets it is measured on unless its user asks for it by name (it takes minutes
    on the others); None: all. ``threads``: the counts it can answer queries with; None: any.
    ``limit_s`` ends a process of it that takes longer.
    """

    engine: str
    name: str
    calls: int = 1
    settings: list[dict] = field(default_factory=lambda: [{}])
    options: dict = field(default_factory=dict)
    data: list[str] | None = None
    threads: list[int] | None = None
    limit_s: float | None = None


@dataclass(frozen=True)
class Suite:
    """What ``suites/NAME.json`` holds; fields that only one task knows are in ``more``."""

    name: str
    task: str
    about: str
    data: list[str] = field(default_factory=list)
    k: int | None = None
    recall: dict = field(default_factory=dict)
    attempts: dict = field(default_factory=lambda: {"quiet": 1, "most": 2})
    quick: dict = field(default_factory=dict)
    limit_s: float = 600
    engines: list[Entry] = field(default_factory=list)
    more: dict = field(default_factory=dict)


def names() -> list[str]:
    return sorted(path.stem for path in (BENCH / "suites").glob("*.json"))


def load(name: str) -> Suite:
    """The suite of that name; ValueError names the known ones."""
    path = BENCH / "suites" / f"{name}.json"
    if not path.is_file():
        raise ValueError(f"unknown suite {name!r}; known: {', '.join(names())}")
    content = json.loads(path.read_text())
    content["engines"] = [_entry(entry) for entry in content.get("engines", [])]
    known = {f.name for f in fields(Suite)}
    more = {key: content.pop(key) for key in [*content] if key not in known}
    return Suite(**content, more=more)


def _entry(content: dict) -> Entry:
    """``"settings": {"ef": [20, 40]}`` stands for ``[{"ef": 20}, {"ef": 40}]``."""
    settings = content.get("settings", [{}])
    if isinstance(settings, dict):
        [(name, values)] = settings.items()
        settings = [{name: value} for value in values]
    return Entry(**{**content, "settings": settings})


def chosen(suite: Suite, peers: list[str] | None) -> list[Entry]:
    """Ours and the peers asked for, by engine or by entry (None: all); ValueError for an unknown
    one."""
    if peers is None:
        return suite.engines
    known = dict.fromkeys(name for e in suite.engines for name in (e.engine, e.name))
    unknown = [peer for peer in peers if peer not in known]
    if unknown:
        raise ValueError(f"unknown peer {unknown[0]!r}; known: {', '.join(known)}")
    return [e for e in suite.engines if is_own(e.engine) or {e.engine, e.name} & {*peers}]


def is_own(engine: str) -> bool:
    """Whether the engine is this project's, through whichever of its doors."""
    return engine == "bridge" or engine.startswith("bridge_")
