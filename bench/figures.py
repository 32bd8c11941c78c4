"""Figures of a benchmark: what was measured, and the target it has to meet."""

import dataclasses
import statistics


@dataclasses.dataclass
class Figure:
    """`target`: the limit, None where the figure only explains others; `at_least`: whether the limit is the smallest or the largest allowed."""

    name: str
    value: float
    unit: str
    target: float | None = None
    at_least: bool = False

    def met(self):
        if self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target

    def row(self):
        target = "" if self.target is None else f"{'at least' if self.at_least else 'at most'} {number(self.target)}"
        return self.name, number(self.value), self.unit, target, {None: "", True: "met", False: "MISSED"}[self.met()]


def number(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def median(values):
    return statistics.median(values)


def table(figures):
    rows = [figure.row() for figure in figures]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    lines = []
    for name, value, unit, target, met in rows:
        lines.append(f"  {name:<{widths[0]}}  {value:>{widths[1]}} {unit:<{widths[2]}}  {target:<{widths[3]}}  {met}".rstrip())
    return "\n".join(lines)
