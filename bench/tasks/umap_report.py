"""The report of the task ``umap``: tables by stage, ratios, time against the number of rows."""

from harness import report
from harness.stages import STAGES
from harness.suite import is_own

PARTS = ("import", "fit", "compile", *STAGES.values(), "rest", "transform", "query")
LABELS = {
    "import": "import",
    "fit": "fit",
    "compile": "of it compiling",
    "neighbors": "neighbours",
    "fuzzy_set": "fuzzy set",
    "spectral_start": "spectral start",
    "layout": "layout",
    "rest": "rest",
    "transform": "transform",
    "query": "search in it",
}


def circumstances(result: dict) -> list[str]:
    return [
        "total = import + fit in a fresh process; stages are umap-learn's own functions, timed "
        "from outside; no seed is given, so that umap-learn lays out on all threads",
        "compiling = numba's own compile events in import, fit and transform; it is part of the "
        "stages in which it falls. Cold: numba's folder is empty. Warm: a small run has filled it",
        "search in it = what the index takes within transform, its preparation included",
        f"recall@{result['k']} of the fit's neighbours (self included) and of the transform's, on "
        f"{result['recall']['rows']} of each; no speed is stated below {result['recall']['least']}",
    ]


def lines(result: dict) -> list[str]:
    out = []
    for part in result["data"]:
        out += [f"## {part['name']}", ""]
        out += [f"{part['about']}; used: {report.shape(part)}, {part['queries']} new rows.", ""]
        least = result["recall"]["least"]
        out += [*_table(part, least), "", *_compiling_told(part), *_ratios(part, least), ""]
    return out


def _table(part: dict, least: float) -> list[str]:
    head = ["engine", "version", "fit", "total s", *(f"{LABELS[name]} s" for name in PARTS)]
    head += ["recall fit", "recall transform", "memory MB"]
    rows = []
    for engine in part["engines"]:
        if "error" in engine:
            rows.append(report.not_measured(engine, len(head)))
        else:
            rows += [_row(engine, number, least) for number in range(len(engine["parts"]))]
    return report.table(head, "lll" + "r" * (len(head) - 3), rows)


def _row(engine: dict, number: int, least: float) -> list[str]:
    parts, first = engine["parts"][number], number == 0
    total = report.seconds(engine["total_s"], engine["quiet"]) if first else ""
    seconds = [total, *(report.seconds(parts[name], engine["quiet"]) for name in PARTS)]
    return [
        engine["name"],
        engine["version"] or "-",
        "first" if first else "second",
        *report.speeds(seconds, {}, _is_good(engine, least)),
        f"{engine['recall']['graph']:.4f}",
        f"{engine['recall']['query']:.4f}",
        report.megabytes(engine["memory_over_data_mb"]) if first else "",
    ]


def _is_good(engine: dict, least: float) -> bool:
    return min(engine["recall"].values()) >= least


def _compiling_told(part: dict) -> list[str]:
    told = [
        f"{engine['name']} {engine['parts'][0]['neighbors_compile']:.2f} s"
        for engine in part["engines"]
        if "error" not in engine
    ]
    return [f"- compiling for neighbours and search, first fit: {', '.join(told)}"] if told else []


def _ratios(part: dict, least: float) -> list[str]:
    """Each peer over ours, by part, where both answers are good enough."""
    good = [e for e in part["engines"] if "error" not in e and _is_good(e, least)]
    own = next((e for e in good if is_own(e["engine"])), None)
    if own is None:
        return []
    out = []
    for peer in (e for e in good if not is_own(e["engine"])):
        out.append(f"- {peer['name']} takes {peer['total_s'] / own['total_s']:.2f} times as long")
        pairs = zip(peer["parts"], own["parts"], strict=False)
        for number, (theirs, ours) in enumerate(pairs):
            which = "second" if number else "first"
            told = [
                f"{LABELS[name]} {theirs[name] / ours[name]:.1f}"
                for name in ("import", "fit", "neighbors", "layout", "transform", "query")
                if theirs[name] and ours[name]
            ]
            out.append(f"  - {which} fit, times as long: {', '.join(told)}")
    return out


def plots(result: dict) -> list[dict]:
    """Total seconds against the number of rows, one line for each engine and cache."""
    series: dict[str, dict] = {}
    for part in sorted(result["data"], key=lambda one: one["rows"]):
        for engine in part["engines"]:
            if "error" not in engine:
                name = f"{engine['name']}, {part['cache']} cache"
                empty = {"name": name, "x": [], "y": [], "own": is_own(engine["engine"])}
                line = series.setdefault(name, empty)
                line["x"].append(part["rows"])
                line["y"].append(engine["total_s"])
    return [
        {
            "file": "umap-total",
            "title": "UMAP in a fresh process, from import to embedding",
            "x": {"label": "rows", "log": True},
            "y": {"label": "seconds", "log": True},
            "series": [*series.values()],
        }
    ]
