"""The figures in words and columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .data import Dataset

UMAP_SMALL = 4_096  # umap-learn compares all pairs itself below this many rows

PRODUCTS = {"neighbor_graph": "Neighbour graph", "query": "Queries"}

NOTES = """
Every engine ran in a fresh process: imports, compilation and first calls are in its seconds.
Recall: self included, ties count, against exact answers in double precision for a seeded sample
of {recall_rows} fitted and at most as many new rows. Trustworthiness: within a seeded sample of at
most 5 000 rows; it stays high when many neighbours are wrong, so read it beside the recall.
Memory: the highest resident size of each process, rows included.
"""

ROWS: Sequence[tuple[str, Callable[[dict], str]]] = (
    ("import, s", lambda r: _seconds(r, "import")),
    ("fit, s", lambda r: _seconds(r, "fit")),
    ("  neighbours, s", lambda r: _seconds(r, "neighbors")),
    ("  fuzzy set, s", lambda r: _seconds(r, "fuzzy_set")),
    ("  spectral start, s", lambda r: _seconds(r, "spectral_start")),
    ("  layout, s", lambda r: _seconds(r, "layout")),
    ("  rest, s", lambda r: _seconds(r, "rest")),
    ("transform, s", lambda r: _seconds(r, "transform")),
    ("  neighbours, s", lambda r: _seconds(r, "transform_query")),
    ("recall@{k} of the graph", lambda r: _number(r["recall_at_k"], "{:.4f}")),
    ("recall@{k} of the queries", lambda r: _number(r["query_recall_at_k"], "{:.4f}")),
    ("mean distance error", lambda r: _number(r["distance_error"], "{:.1e}")),
    ("trustworthiness@{k}", lambda r: _number(r["trustworthiness"], "{:.4f}")),
    ("peak memory, MB", lambda r: _number(r["memory"]["both_mb"], "{:.0f}")),
    ("  Python, MB", lambda r: _number(r["memory"]["process_mb"], "{:.0f}")),
    ("  server, MB", lambda r: _number(r["memory"]["server_mb"], "{:.0f}")),
)


def opening(data: Dataset, k: int, metric: str) -> str:
    text = (
        f"{data.name}: {_count(len(data.train))} rows to fit, {_count(len(data.test))} to place, "
        f"{data.train.shape[1]} columns; {metric}, {k} neighbours."
    )
    if len(data.train) >= UMAP_SMALL:
        return text
    return (
        f"{text}\nBelow {_count(UMAP_SMALL)} rows umap-learn compares all pairs by itself; "
        "force_approximation_algorithm=True makes it ask the engine."
    )


def closing(results: dict[str, dict], k: int, files: dict[str, str]) -> str:
    """What was chosen, the table, what the figures mean, where the files are."""
    first = next(iter(results.values()))
    parts = ["", chosen(first), "", table(results, k)]
    parts.append(NOTES.format(recall_rows=_count(first["recall_rows"])))
    parts += [f"{what.replace('_', ' ')}: {path}" for what, path in files.items()]
    return "\n".join(parts)


def chosen(result: dict) -> str:
    """What the engine chose and why, and what the server counted."""
    counted = ", ".join(f"{name} {count}" for name, count in result["calls"].items() if count)
    lines = [f"{title}: {_choice(result['plan'][part])}" for part, title in PRODUCTS.items()]
    return "\n".join([*lines, f"Calls counted at the server: {counted}"])


def table(results: dict[str, dict], k: int) -> str:
    """The engines' figures side by side."""
    lines = [f"{'':28}" + "".join(f"{name:>16}" for name in results)]
    for label, cell in ROWS:
        cells = "".join(f"{cell(result):>16}" for result in results.values())
        lines.append(f"{label.format(k=k):28}{cells}")
    return "\n".join(lines)


def page_facts(result: dict, data: Dataset) -> str:
    seconds = result["seconds"]
    return (
        f"{_count(len(data.train))} rows fitted, {_count(len(data.test))} placed afterwards; "
        f"neighbours in {seconds['neighbors']:.1f} s of a fit of {seconds['fit']:.1f} s."
    )


def _choice(choice: dict) -> str:
    """What was picked for one product, on which form of the rows, and why."""
    return f"{choice['algorithm']} on {choice['codes']}. {choice['reason']}"


def _seconds(result: dict, name: str) -> str:
    return _number(result["seconds"].get(name), "{:.2f}")


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _count(value: int) -> str:
    return f"{value:,}".replace(",", " ")
