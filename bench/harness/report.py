"""A suite's results as Markdown: one table, and beside it all that a reader needs to judge it."""


def markdown(result: dict) -> str:
    lines = [f"# {result['suite']}: {result['about']}", "", *_circumstances(result), ""]
    for data in result["data"]:
        lines += [f"## {data['name']}", "", f"{data['about']}; used: {_shape(data)}.", ""]
        lines += [*table(data, result), "", *ratios(data), ""]
    return "\n".join(lines)


def _circumstances(result: dict) -> list[str]:
    machine = result["machine"]
    return [
        f"- machine: {machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, "
        f"{machine['system']}; {' '.join(machine['features'])}",
        f"- threads: {result['threads']}; Python {machine['python']}",
        "- every engine in a fresh process of its own, in turn; numpy and the rows loaded before",
        f"- recall@{result['k']}: self included, ties count, truth {result['truth']}",
        f"- no speed is stated for a recall below {result['least_recall']}",
        "- first = import + first call in a fresh process, later = a later call in it;"
        " best of several",
        "- memory: peak of all processes of the engine above the peak with the rows alone",
        "- `!`: other processes took more than 0.2 of a core in every repeat",
    ]


def _shape(data: dict) -> str:
    mark = ", SYNTHETIC" if data["synthetic"] else ""
    return f"{data['rows']} x {data['dim']}, {data['metric']}{mark}"


def table(data: dict, result: dict) -> list[str]:
    head = ["engine", "version", "setting", "first s", "later s", f"recall@{result['k']}"]
    head += ["distance error", "memory MB"]
    lines = ["| " + " | ".join(head) + " |", "|---|---|---|---:|---:|---:|---:|---:|"]
    for engine in data["engines"]:
        if "error" in engine:
            lines.append(
                f"| {engine['name']} | - | not measured: {_cell(engine['error'])} | | | | | |"
            )
            continue
        lines += [_row(engine, summary) for summary in engine["summary"]]
    return lines


def ratios(data: dict) -> list[str]:
    """Each peer's best stated speed over ours, and what a first call costs beyond its compute."""
    summaries = [(e, s) for e in data["engines"] if "error" not in e for s in e["summary"]]
    stated = [(e, s) for e, s in summaries if s["fast_enough_to_state"]]
    own = next((s for e, s in stated if e["engine"] == "bridge"), None)
    if own is None:
        return []
    lines = []
    if own["first_compute_s"] is not None:
        above = own["first_s"] - own["first_compute_s"]
        lines.append(
            f"- import to first result: {own['first_s']:.2f} s, {above:.2f} s above the engine's "
            f"own {own['first_compute_s']:.2f} s"
        )
    for name in dict.fromkeys(e["name"] for e, _ in stated if e["engine"] != "bridge"):
        best = min((s for e, s in stated if e["name"] == name), key=lambda s: s["later_s"])
        first, later = best["first_s"] / own["first_s"], best["later_s"] / own["later_s"]
        lines.append(
            f"- {name} (recall {best['recall']:.4f}) takes {first:.2f} times as long in a fresh "
            f"process, {later:.2f} times in later calls"
        )
    return lines


def _row(engine: dict, summary: dict) -> str:
    stated = summary["fast_enough_to_state"]
    cells = [
        engine["name"],
        engine["version"] or "-",
        ", ".join(f"{k}={v}" for k, v in {**engine["options"], **summary["setting"]}.items())
        or "-",
        _seconds(summary["first_s"], summary["first_quiet"]) if stated else "recall too low",
        _seconds(summary["later_s"], summary["later_quiet"]) if stated else "recall too low",
        f"{summary['recall']:.4f}",
        f"{summary['distance_error']:.1e}",
        "?" if summary["memory_over_data_mb"] is None else f"{summary['memory_over_data_mb']:.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def _seconds(value: float, undisturbed: bool) -> str:
    return f"{value:.2f}{'' if undisturbed else '!'}"


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")[:160]
