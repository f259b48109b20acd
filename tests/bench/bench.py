# SPDX-License-Identifier: GPL-2.0-or-later
"""What the analyser costs beside crash(8), drgn and libkdumpfile doing the same work
on the same dump, and as dumps grow. docs/PERFORMANCE.md explains the lines."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from measure import BENCH, BUILD, RUNS, CannotMeasure, Cost, instructions, measure, run_once
from table import Table

COMMAND = BUILD / "kdump-torture"


def say(text):
    print(f"bench: {text}", file=sys.stderr)


class Dump:
    """A vmcore and the debug information of its kernel."""

    def __init__(self, vmcore, vmlinux, modules):
        self.vmcore, self.vmlinux = vmcore, vmlinux
        self.kvm, self.kvm_intel = (self.find(modules, name) for name in ("kvm", "kvm-intel"))

    @staticmethod
    def find(modules, name):
        for found in sorted(Path(modules).rglob(f"{name}.ko*")):
            return found
        raise CannotMeasure(f"{modules}: no {name}.ko")


def find_dump():
    """The one that the environment names, or that of a crash run of the kernel built here."""
    if "VMCORE" in os.environ:
        if not {"VMLINUX", "MODULES"} <= os.environ.keys():
            say("VMCORE= needs VMLINUX=FILE and MODULES=DIRECTORY, with debug information, too")
            sys.exit(2)
        return Dump(*(os.environ[key] for key in ("VMCORE", "VMLINUX", "MODULES")))
    kernel, vmcore = BUILD / "kernels/fixed", BENCH / "run/vmcore"
    if not (kernel / "complete").exists():
        raise CannotMeasure("no VMCORE=, and no kernel is built (make kernel)")
    if not vmcore.exists() or vmcore.stat().st_mtime < (kernel / "complete").stat().st_mtime:
        say("a crash run, for its vmcore")
        shutil.rmtree(vmcore.parent, ignore_errors=True)
        done = subprocess.run([COMMAND, "run", "--kernel", "fixed", "--out", vmcore.parent],
                              capture_output=True, text=True)
        if done.returncode:
            raise CannotMeasure(f"crash run: exit status {done.returncode}: see {vmcore.parent}")
    return Dump(vmcore, kernel / "vmlinux", kernel)


def by_crash(dump):
    script = BENCH / "crash-commands"
    script.write_text(f"extend {BUILD}/extras/vmcs.so\nmod -s kvm {dump.kvm}\n"
                      f"mod -s kvm_intel {dump.kvm_intel}\nvmcs\nquit\n")
    return ["crash", "-s", "-i", script, dump.vmlinux, dump.vmcore]


def by_drgn(dump):
    return [BUILD / "extras/vmcs.py", "--vmlinux", dump.vmlinux,
            "--modules", dump.kvm, dump.kvm_intel, "--", dump.vmcore]


def check_answers(ours, crash, drgn):
    """All three must have answered the same question."""
    theirs = [line for line in run_once(crash, Cost(), (0,)).splitlines()
              if re.match("(list|end|vcpu) ", line)]
    if theirs != run_once(drgn, Cost(), (0,)).splitlines():
        raise CannotMeasure("crash(8) and drgn see different VMCSes")
    verdict = json.loads(run_once([*ours, "--json"], Cost(), (0, 1, 3)))
    lists = [f"{cpu['cpu']} {i} {pa}" for cpu in verdict["cpus"]
             for i, pa in enumerate(cpu["list"])]
    if lists != [" ".join(line.split()[1:4]) for line in theirs if line.startswith("list")]:
        raise CannotMeasure("the analyser and crash(8) see different lists")


def bench_verdict(table, dump):
    readers = [COMMAND, "analyze", dump.vmcore], by_crash(dump), by_drgn(dump)
    check_answers(*readers)
    ours, crash, drgn = measure(*readers)
    table.add("verdict, crash(8)", ours.ms, crash.ms, ratio=crash.ms / ours.ms, at_least=50)
    table.add("verdict, drgn", ours.ms, drgn.ms, ratio=drgn.ms / ours.ms, at_least=10)
    table.add("verdict", ours.ms, at_most=100)
    table.add("memory, crash(8)", ours.mb, crash.mb, "MB", ratio=crash.mb / ours.mb)
    table.add("memory, drgn", ours.mb, drgn.mb, "MB", ratio=drgn.mb / ours.mb)
    table.add("memory", ours.mb, unit="MB", at_most=64)
    if os.environ.get("INSTRUCTIONS") == "1":
        bench_instructions(table, readers)


def bench_instructions(table, readers):
    say("instructions; this takes minutes")
    ours, crash, drgn = (instructions(reader) / 1e6 for reader in readers)
    table.add("instructions, crash(8)", ours, crash, "M", ratio=crash / ours)
    table.add("instructions, drgn", ours, drgn, "M", ratio=drgn / ours)


def make_dump(name, format, vms, mib, content):
    path = BENCH / name
    subprocess.run([BENCH / "make_dump", path, format, str(vms), str(mib), content], check=True)
    return path


def analyze(*arguments):
    return [COMMAND, "analyze", "--quiet", *arguments]


def bench_elf_size(table):
    small, large = (make_dump(f"elf-{gib}", "elf", 4, gib * 1024, "hole") for gib in (1, 64))
    one, many = measure(analyze(small), analyze(large))
    table.add("64 GiB ELF, 1 GiB ELF", many.ms, one.ms, ratio=many.ms / one.ms, at_most=2)


def bench_kdump_size(table):
    small, large = (make_dump(f"kdump-{gib}", "kdump raw", 4, gib * 1024, "hole")
                    for gib in (1, 64))
    # All but a few pages of such a file is index; twice, for each descriptor is checked too
    read = ["dd", f"if={large}", "of=/dev/null", "bs=1M", "status=none"]
    one, many, index = measure(analyze(small), analyze(large), read)
    more = max(many.ms - one.ms, 0)
    table.add("64 GiB kdump above 1 GiB, reading its index", more, index.ms,
              ratio=more / index.ms, at_most=2)


def bench_vms(table):
    cost, = measure(analyze(make_dump("1000-vms", "elf", 1000, 0, "hole")))
    table.add("1000 VMs", cost.ms, at_most=1000)


def bench_scan(table):
    formats = ("ELF", "elf"), ("uncompressed", "kdump raw"), ("zlib", "kdump zlib")
    for name, format in formats:
        dump = make_dump(f"scan-{name}", format, 4, 320, "data")
        theirs = [BENCH / "read_pages", dump]
        mb = int(run_once(theirs, Cost(), (0,))) / 1e6
        scan, read = measure(analyze("--scan", dump), theirs)
        table.add(f"--scan, libkdumpfile reading, {name}", mb / scan.ms * 1000,
                  mb / read.ms * 1000, "MB/s", ratio=read.ms / scan.ms, at_least=0.5)


def attempt(table, what, bench, *arguments):
    say(what)
    try:
        bench(table, *arguments)
    except (CannotMeasure, OSError, subprocess.CalledProcessError) as error:
        say(f"{what} failed: {error}")
        table.fail(what, error)


def machine():
    names = re.findall(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return {"cpu": names[0] if names else "unknown", "cpus": os.cpu_count()}


def main():
    table = Table()
    try:
        dump = find_dump()
    except CannotMeasure as error:
        say(f"verdict skipped: {error}")
        table.skip("verdict", error)
    else:
        attempt(table, "verdict", bench_verdict, dump)
    attempt(table, "64 GiB ELF", bench_elf_size)
    attempt(table, "64 GiB kdump", bench_kdump_size)
    attempt(table, "1000 VMs", bench_vms)
    attempt(table, "--scan", bench_scan)
    print(table.text())
    results = {"machine": machine(), "runs": RUNS, "rows": table.rows}
    (BENCH / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    return 0 if table.all_met() else 1


if __name__ == "__main__":
    sys.exit(main())
