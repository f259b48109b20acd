# SPDX-License-Identifier: GPL-2.0-or-later
"""What a crash costs from a snapshot, beside a boot for each; docs/PERFORMANCE.md
explains the lines. Costs are CPU seconds of all processes, so that a machine that does
other things besides does not count; the pace is what the clock says."""

import json
import os
import resource
import shutil
import subprocess
import sys

from measure import BENCH, BUILD, CannotMeasure, first_line
from table import Table

COMMAND = BUILD / "kdump-torture"
# By emulator: crashes of a sweep, by each path, from which the cost of one is taken
CRASHES = {"fast": {"full": 6, "fast": 100}, "packaged": {"full": 2, "fast": 20}}
# What is promised of the fast emulator: verdicts a minute, how many times a boot for each
# and how many times the plain flow costs
PROMISED = {"full": (50, 2, 60), "fast": (450, 10, 600)}


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def command(*arguments):
    """The CPU seconds that it takes, and what it prints; it must pass."""
    out = BENCH / "snapshot"
    shutil.rmtree(out, ignore_errors=True)
    before = cpu_seconds()
    done = subprocess.run([COMMAND, *arguments, "--quiet", "--out", out], capture_output=True,
                          text=True)
    if done.returncode:
        raise CannotMeasure(f"{arguments[0]}: exit status {done.returncode}: "
                            f"{first_line(done.stderr or done.stdout)}")
    return cpu_seconds() - before, done.stdout


def run(emulator, *options):
    return command("run", "--emulator", emulator, *options)[0]


def sweep(emulator, crashes, *options):
    """CPU seconds a crash without the boot, one at a time as what it is held against, for
    CPUs that share a core make each other slow; and crashes a minute with all CPUs."""
    arguments = "sweep", "--emulator", emulator, "--points", "list_add/2", "--sample", "0"
    many = "--repeat", str(crashes + 1)
    boot = command(*arguments, "--jobs", "1", *options)[0]
    alone = command(*arguments, "--jobs", "1", *many, *options)[0]
    out = command(*arguments, *many, *options)[1]
    pace = float(out.rsplit(" s: ", 1)[1].split()[0])
    return max(alone - boot, 1e-3) / crashes, pace


def bench(table, emulator, costs):
    table.add(f"{emulator}: one run, dump on a disk", run(emulator, "--path", "disk"), unit="s")
    for path, crashes in CRASHES[emulator].items():
        pace, times, _ = PROMISED[path] if emulator == "fast" else (None, None, None)
        cold = run(emulator, "--path", path)
        costs[emulator, path], rate = sweep(emulator, crashes,
                                            *(["--full"] if path == "full" else []))
        table.add(f"{emulator}: {path} path, a boot for each", costs[emulator, path], cold, "s",
                  ratio=cold / costs[emulator, path], at_least=times)
        table.add(f"{emulator}: {path} path, verdicts a minute", rate, unit="/min",
                  at_least=pace)


def bench_plain(table, costs):
    """As anyone would script it: the packaged emulator, a boot for each crash, kexec and
    makedumpfile with the options that kdump scripts give them."""
    plain = run("packaged", "--checks", "--compress", "--same-kernel", "--timeout", "600")
    for (emulator, path), cost in costs.items():
        table.add(f"{emulator}: {path} path, the plain flow", cost, plain, "s",
                  ratio=plain / cost,
                  at_least=PROMISED[path][2] if emulator == "fast" else None)


def attempt(table, what, function, *arguments):
    print(f"bench: {what}", file=sys.stderr)
    try:
        function(table, *arguments)
    except (CannotMeasure, OSError) as error:
        print(f"bench: {what} failed: {error}", file=sys.stderr)
        table.fail(what, error)


def main():
    table, costs = Table(), {}
    BENCH.mkdir(parents=True, exist_ok=True)
    if not (BUILD / "kernels/fixed/complete").exists():
        table.skip("snapshots", "no kernel is built")
    else:
        wanted = os.environ.get("EMULATOR")
        for emulator in [wanted] if wanted in CRASHES else CRASHES:
            if emulator == "fast" and not (BUILD / "emulator/bochs").exists():
                table.skip(f"{emulator} emulator", "not built")
            else:
                attempt(table, f"{emulator} emulator", bench, emulator, costs)
        if wanted != "fast":
            attempt(table, "the plain flow", bench_plain, costs)
    print(table.text())
    (BENCH / "snapshot.json").write_text(json.dumps({"cpus": os.cpu_count(), "rows": table.rows},
                                                    indent=2) + "\n")
    return 0 if table.all_met() else 1


if __name__ == "__main__":
    sys.exit(main())
