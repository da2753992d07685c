"""Prints the table of models of modelzoo/README.md; with --write, puts it there."""

from __future__ import annotations

import argparse
from pathlib import Path

from lucidx.modelzoo import manifests

README = Path(__file__).parents[1] / "modelzoo" / "README.md"
BEGIN = "<!-- made by docs/model_table.py -->"
END = "<!-- end of the table -->"
COLUMNS = ("Model", "What it is", "Dataset", "Input", "Layers", "Licence of the weights")


def table() -> str:
    """Markdown table of the catalogue, one model a line."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(_row, manifests.names())]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def written(readme: str) -> str:
    """The text of a README with the table between its two marks."""
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{table()}\n{END}{after}"


def _row(name: str) -> tuple[str, ...]:
    manifest = manifests.manifest(name)
    height, width, _ = manifest["image_shape"]
    cells = (
        f"[`{name}`]({name}.json)",
        manifest["description"],
        manifest["dataset"],
        f"{height}x{width} {'BGR' if manifest['is_BGR'] else 'RGB'}",
        str(len(manifest["layers"])),
        manifest["licence"],
    )
    return tuple(cell.replace("|", r"\|") for cell in cells)


def main() -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"put the table into {README.name}")
    if parser.parse_args().write:
        README.write_text(written(README.read_text("utf-8")), "utf-8")
    else:
        print(table(), end="")


if __name__ == "__main__":
    main()
