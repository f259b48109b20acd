# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines of a benchmark: what was measured, and whether it is good enough."""

HEADS = "what", "ours", "theirs", "ratio", "target", "met"
BOUNDS = {"min": ">=", "max": "<="}


def number(x):
    return f"{x:.0f}" if x >= 99.5 else f"{x:.3g}"


def cells(row):
    if "skipped" in row:
        return row["what"], "skipped", "-", "-", "-", "-"
    if "failed" in row:
        return row["what"], "failed", "-", "-", "-", "NO"
    unit = " " + row["unit"]
    ratio, target, theirs = row["ratio"], row["target"], row["theirs"]
    return (
        row["what"],
        number(row["ours"]) + unit,
        "-" if theirs is None else number(theirs) + unit,
        "-" if ratio is None else number(ratio),
        "-" if target is None else
        f"{BOUNDS[row['bound']]} {number(target)}{unit if ratio is None else ''}",
        {True: "yes", False: "NO", None: "-"}[row["met"]],
    )


class Table:
    def __init__(self):
        self.rows = []

    def add(self, what, ours, theirs=None, unit="ms", ratio=None, at_least=None, at_most=None):
        """The bound is that of the ratio, or without a ratio that of ours."""
        value = ours if ratio is None else ratio
        met = None
        if at_least is not None:
            met = value >= at_least
        elif at_most is not None:
            met = value <= at_most
        self.rows.append({
            "what": what, "ours": ours, "theirs": theirs, "unit": unit, "ratio": ratio,
            "target": at_most if at_least is None else at_least,
            "bound": "max" if at_least is None else "min", "met": met,
        })

    def fail(self, what, why):
        self.rows.append({"what": what, "failed": str(why), "met": False})

    def skip(self, what, why):
        self.rows.append({"what": what, "skipped": str(why), "met": None})

    def all_met(self):
        return all(row["met"] is not False for row in self.rows)

    def text(self):
        """In Markdown, for people and for docs/PERFORMANCE.md."""
        lines = [HEADS, *map(cells, self.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(HEADS))]
        lines.insert(1, ["-" * width for width in widths])
        return "\n".join(
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
            for line in lines
        )
