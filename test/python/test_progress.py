"""Progress: bars for those who look on, lines for files, the server's guess of the rest in both."""

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from itertools import pairwise
from types import SimpleNamespace

import pytest
from tqdm.std import tqdm

import hnsw_bridge
from datasets import gaussian
from hnsw_bridge import HnswIndexWrapper, _progress
from hnsw_bridge._connection import _tell
from processes import PROGRAMS

LONG = gaussian(15_000, 128)
_LINE = re.compile(r"hnsw-bridge: (?P<phase>[\w ]+), \d+ of \d+ done(, about \d+ s left)?")
COMMAND = [sys.executable, str(PROGRAMS / "show_progress.py")]


def test_progress_is_told_and_never_falls_within_a_phase():
    with hnsw_bridge.options(m=32, ef_construction=400):
        index = HnswIndexWrapper(LONG, n_neighbors=15)
    told = []
    index._remote().prepare(lambda *event: told.append(event))
    assert told
    assert all(left is None or left >= 0 for *_, left in told)
    for (phase, done, total, _), (next_phase, next_done, next_total, _) in pairwise(told):
        assert 0 <= done <= total
        assert (next_done >= done and next_total == total) or next_phase != phase


def test_on_a_terminal_a_bar_is_drawn_and_wiped():
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        os.close(theirs)
        drawn = b""
        while more := _read(ours):
            drawn += more
        out = process.stdout.read()
    os.close(ours)
    assert process.returncode == 0
    assert re.search(rb"\r[\w ]+: +\d+%\|.*\| \S+/\S+ \[\d\d:\d\d<", drawn), drawn
    assert drawn.rstrip(b" ").endswith(b"\r"), "the bar was left standing"
    assert "\r" not in out


def _read(terminal):
    try:
        return os.read(terminal, 65_536)
    except OSError:  # The other end was closed.
        return b""


def test_in_a_file_a_phase_is_a_line_without_control_characters():
    done = subprocess.run(COMMAND, capture_output=True, text=True, timeout=60, check=True)
    lines = [_LINE.fullmatch(line) for line in done.stderr.splitlines()]
    assert lines
    assert all(lines), done.stderr
    phases = [line["phase"] for line in lines]
    assert len(set(phases)) == len(phases), "a phase has two lines"
    assert not re.search(r"[^\n\x20-\x7e]", done.stderr)


def test_nothing_is_shown_unless_asked_for(capfd):
    index = HnswIndexWrapper(LONG, n_neighbors=15)
    index.prepare()
    assert capfd.readouterr() == ("", "")


def test_a_bar_tells_the_servers_guess_of_the_rest(capsys):
    bars = _progress._Bars(tqdm)
    bars.show("graph", 25, 100, 75.0)
    bars.show("links", 0, 10)
    bars.close(finished=False)
    drawn = capsys.readouterr().err
    assert re.search(r"\rgraph:  25%\|.*\| 25/100 \[00:00<01:15, ", drawn), drawn
    assert re.search(r"\rlinks:   0%\|.*\| 0/10 \[00:00<\?, ", drawn), drawn


@pytest.mark.parametrize(("finished", "shown"), [(True, 100), (False, 25)])
def test_a_bar_is_full_when_its_phase_has_ended_and_not_when_it_was_broken_off(finished, shown):
    bars = _progress._Bars(tqdm)
    bars.show("graph", 25, 100)
    bar = bars._bar
    bars.close(finished)
    assert bar.n == shown


@pytest.mark.parametrize(
    ("sent", "told"), [({}, None), ({"seconds_left": 2}, 2.0), ({"seconds_left": None}, None)]
)
def test_seconds_left_are_told_where_the_server_sends_them(sent, told):
    heard = []
    header = {"type": "progress", "phase": "graph", "done": 1, "total": 9}
    _tell(lambda *event: heard.append(event), {**header, **sent})
    assert heard == [("graph", 1, 9, told)]


@pytest.mark.parametrize(
    ("config", "drawn"), [({"IPKernelApp": {}}, True), ({"TerminalIPythonApp": {}}, False)]
)
def test_a_notebook_is_known_by_its_kernel(config, drawn, monkeypatch):
    shell = SimpleNamespace(config=config)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    with _progress.progress_bar(verbose=True) as listener:
        assert isinstance(listener.__self__, _progress._Bars) is drawn
