"""A suite's results as Markdown: its task's tables, and beside them how to read them."""

import importlib


def markdown(result: dict, plots: list[str] = ()) -> str:
    """The whole report; ``plots`` are the names of picture files beside it."""
    task = importlib.import_module(f"tasks.{result['task']}")
    told = task.circumstances(result) if hasattr(task, "circumstances") else []
    lines = [f"# {result['suite']}: {result['about']}", "", *_machine(result)]
    lines += [f"- {text}" for text in told]
    lines += ["", *(f"![{name}]({name})\n" for name in plots), *task.lines(result)]
    return "\n".join(lines)


def _machine(result: dict) -> list[str]:
    machine = result["machine"]
    return [
        f"- machine: {machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, "
        f"{machine['system']}; {' '.join(machine['features'])}",
        f"- threads: {result['threads']}; Python {machine['python']}",
        "- every engine in a fresh process of its own, in turn; numpy and the rows loaded before",
        "- `!`: other processes took more than 0.2 of a core in every repeat",
    ]


def shape(part: dict) -> str:
    mark = ", SYNTHETIC" if part["synthetic"] else ""
    return f"{part['rows']} x {part['dim']}, {part['metric']}{mark}"


def table(head: list[str], sides: str, rows: list[list[str]]) -> list[str]:
    """Markdown of a table; ``sides`` has an ``l`` or ``r`` for each column."""
    marks = ["---:" if side == "r" else "---" for side in sides]
    return [_line(head), "|" + "|".join(marks) + "|", *map(_line, rows)]


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def not_measured(engine: dict, width: int) -> list[str]:
    """The row of an engine without figures, with the reason where the settings stand."""
    reason = engine["error"].replace("|", "/").replace("\n", " ")[:200]
    return [engine["name"], "-", f"not measured: {reason}", *[""] * (width - 3)]


def left_out(part: dict) -> list[str]:
    """A line naming the engines of the suite that were not measured on this set, if any."""
    names = part.get("left_out")
    if not names:
        return []
    return ["", f"Left out on this set, measured with `--peers NAME`: {', '.join(names)}."]


def setting(values: dict) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items()) or "-"


def seconds(value: float | None, undisturbed: bool = True) -> str:
    return "-" if value is None else f"{value:.2f}{'' if undisturbed else '!'}"


def thousands(value: float) -> str:
    """A whole number with its thousands apart."""
    return f"{value:,.0f}".replace(",", " ")


def megabytes(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f}"


def speeds(texts: list[str], part: dict, good: bool) -> list[str]:
    """The texts, unless the recall is too low or the set too small to state a speed."""
    if part.get("correctness_only"):
        return ["-" for _ in texts]
    return texts if good else ["recall too low" for _ in texts]
