"""Stands in for `google.colab.widgets`: what goes into tabs and cells is shown one by one."""

import contextlib
import itertools
from collections.abc import Iterator, Sequence


class TabBar:
    """Tabs, shown one after the other under their names.

    Parameters
    ----------
    tab_names : one for each tab.
    location : is not heeded.
    """

    def __init__(self, tab_names: Sequence[str], location: str = "top"):
        self.tab_names = list(tab_names)

    @contextlib.contextmanager
    def output_to(self, tab: int | str, select: bool = True) -> Iterator[None]:
        """Say the tab's name, and show what is shown in the block.

        Parameters
        ----------
        tab : its number, counted from 0, or its name.
        """
        print(f"[{tab if isinstance(tab, str) else self.tab_names[tab]}]")
        yield

    def clear_tab(self, tab: int | str | None = None) -> None:
        """Do nothing: what has been shown stays."""

    def __iter__(self) -> Iterator[int]:
        for tab in range(len(self.tab_names)):
            with self.output_to(tab):
                yield tab


class Grid:
    """Cells of a table, shown one after the other under their row and column.

    Parameters
    ----------
    rows, columns : how many there are.
    header_row, header_column, style : are not heeded.
    """

    def __init__(
        self,
        rows: int,
        columns: int,
        header_row: bool = False,
        header_column: bool = False,
        style: str = "",
    ):
        self.rows, self.columns = rows, columns

    @contextlib.contextmanager
    def output_to(self, row: int, column: int) -> Iterator[None]:
        """Say the cell's row and column, counted from 0, and show what is shown in the block."""
        print(f"[{row}, {column}]")
        yield

    def clear_cell(self, row: int | None = None, column: int | None = None) -> None:
        """Do nothing: what has been shown stays."""

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for row, column in itertools.product(range(self.rows), range(self.columns)):
            with self.output_to(row, column):
                yield row, column
