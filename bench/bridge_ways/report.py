"""The ways side by side, as a table and as ratios."""

from harness import report

_STEPS = {
    "hello_s": "connection and hello",
    "ping_s": "a message without content",
    "single_s": "one query of 1 x 128",
    "many_s": "1 000 queries",
    "up_s": "rows up",
    "down_s": "graph down",
}
_WAYS = {
    "in_process": "in process",
    "ours": "bridge",
    "echo": "raw socket",
    "flight": "Arrow Flight",
}


def table(ways: dict) -> list[str]:
    sizes = {f"{name}_s": f"{size / 1e6:.0f}" for name, size in ways["bytes"].items()}
    rows = [
        [title, *(_span(ways[way].get(step)) for way in _WAYS), sizes.get(step, "")]
        for step, title in _STEPS.items()
    ]
    return report.table(["step", *_WAYS.values(), "MB"], "l" + "r" * 5, rows)


def _span(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1e6:.0f} us" if seconds < 0.01 else f"{seconds * 1e3:.1f} ms"


def above_s(ways: dict) -> float:
    """What a single query takes beyond the call in process."""
    return ways["ours"]["single_s"] - ways["in_process"]["single_s"]


def told(ways: dict) -> list[str]:
    ours, echo, flight = ways["ours"], ways["echo"], ways["flight"]
    above = above_s(ways)
    return [
        "- the raw socket and Arrow Flight compute nothing: they take the same bytes and answer "
        "with as many",
        f"- rows up: {ours['up_s'] / echo['up_s']:.2f} times the raw socket's time (aim 1.3), "
        f"Arrow Flight {flight['up_s'] / ours['up_s']:.2f} times ours",
        f"- one query: {above * 1e6:.0f} us above the call in process, "
        f"{above / echo['ping_s']:.2f} times a ping-pong of the raw socket (aim 1.5); "
        f"Arrow Flight's exchange takes {flight['single_s'] / above:.2f} times as long",
    ]
