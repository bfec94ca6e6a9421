"""Figures: what was measured, beside what is wanted."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    `limit` is the highest value that meets the target, `least` the lowest; without both it is only reported.
    """

    name: str
    value: float
    unit: str
    limit: float | None = None
    note: str = ""
    least: float | None = None

    @property
    def target(self) -> str:
        parts = [f"≤ {self.limit:g}"] if self.limit is not None else []
        parts += [f"≥ {self.least:g}"] if self.least is not None else []
        return f"{', '.join(parts)} {self.unit}".rstrip() if parts else ""

    @property
    def missed(self) -> bool:
        too_high = self.limit is not None and not self.value <= self.limit
        return too_high or (self.least is not None and not self.value >= self.least)


def print_table(console: Console, figures: Sequence[Figure]) -> None:
    """Prints all figures and which of them meet their target."""
    table = Table("Figure", "Measured", "Target", "", "How")
    for column in table.columns[1:3]:
        column.justify = "right"
    for figure in figures:
        verdict = "" if not figure.target else "[red]missed[/]" if figure.missed else "[green]met[/]"
        table.add_row(figure.name, f"{figure.value:.4g} {figure.unit}".rstrip(), figure.target, verdict, figure.note)
    console.print(table)


def percentile(values: Sequence[float], share: float) -> float:
    """The least of `values` that is not less than `share` (0 to 1) of them; infinite without values."""
    ordered = sorted(values)
    if not ordered:
        return float("inf")
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]
