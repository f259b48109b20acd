# SPDX-License-Identifier: GPL-2.0-or-later
"""What a command costs."""

import os
import re
import statistics
import subprocess
from pathlib import Path

BUILD = Path(os.environ["BUILD"])
BENCH = BUILD / "bench"
RUNS = int(os.environ.get("RUNS", "7"))


class CannotMeasure(Exception):
    """Why, in words for the table."""


class Cost:
    """Of some runs of one command."""

    def __init__(self):
        self.times, self.peak = [], 0

    def add(self, seconds, peak):
        self.times.append(seconds)
        self.peak = max(self.peak, peak)

    @property
    def ms(self):
        """Median wall time in milliseconds."""
        return statistics.median(self.times) * 1000

    @property
    def mb(self):
        """Peak resident memory in megabytes."""
        return self.peak / 1e6


def first_line(text):
    return (text.strip().splitlines() or ["no message"])[0]


def run_once(command, cost, allowed):
    """Returns what the command printed."""
    result = BENCH / "result"
    done = subprocess.run([BENCH / "measure", result, *command], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    seconds, peak, status = result.read_text().split()
    if int(status) not in allowed:
        raise CannotMeasure(f"{command[0]}: exit status {status}: {first_line(done.stderr)}")
    cost.add(float(seconds), int(peak) * 1024)
    return done.stdout


def measure(*commands, allowed=(0, 1, 3)):
    """The Cost of each command. They run in turn, so that a slow moment of the machine
    meets all of them; the first round, which fills the page cache, does not count."""
    costs = [Cost() for _ in commands]
    for run in range(RUNS + 1):
        for command, cost in zip(commands, costs):
            run_once(command, cost if run else Cost(), allowed)
    return costs


def instructions(command):
    """Exactly how many the command executes in user space."""
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                           *command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if not found:
        raise CannotMeasure(f"valgrind {command[0]}: {first_line(done.stderr)}")
    return int(found[1])
