"""Stands in for `google.colab.output`."""

import contextlib
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from lucidx.errors import ColabOnlyError
from lucidx.misc.environment import is_notebook_environment


def clear(wait: bool = False, output_tags: str | Iterable[str] = ()) -> None:
    """Clear what a cell has shown.

    Parameters
    ----------
    wait : until there is something new to show.
    output_tags : clear only what was shown under these; here that is nothing.
    """
    if is_notebook_environment() and not output_tags:
        from IPython.display import clear_output

        clear_output(wait)


def eval_js(script: str, ignore_result: bool = False, timeout_sec: float | None = None) -> NoReturn:
    """Raise an error that says what to do instead.

    Raises
    ------
    ColabOnlyError : always. This would ask the page of Colab.
    """
    raise ColabOnlyError(
        "output.eval_js() asks the page of Google Colab, and this is not Colab. "
        "IPython.display.Javascript(script) runs a script in other notebooks, without an answer."
    )


def register_callback(function_name: str, callback: Callable[..., Any]) -> None:
    """Do nothing: no page will call it."""


def enable_custom_widget_manager() -> None:
    """Do nothing: other notebooks show widgets by themselves."""


def disable_custom_widget_manager() -> None:
    """Do nothing."""


def no_vertical_scroll() -> None:
    """Do nothing."""


def use_tags(
    tags: str | Iterable[str], append: bool = True
) -> contextlib.AbstractContextManager[None]:
    """Show what is shown in the block as ever, without tags."""
    return contextlib.nullcontext()


def redirect_to_element(selector: str) -> contextlib.AbstractContextManager[None]:
    """Show what is shown in the block in the cell, as ever."""
    return contextlib.nullcontext()


def temporary() -> contextlib.AbstractContextManager[None]:
    """Show what is shown in the block, and leave it there."""
    return contextlib.nullcontext()
