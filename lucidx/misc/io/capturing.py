"""What has been saved, for those who want to know afterwards."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any

_thread = threading.local()


class CaptureSaveContext:
    """Collects the results of `save` and `batch_save` inside a `with` block of this thread.

    Of nested blocks, the innermost collects.

    Attributes
    ----------
    captured_saves : results, as `save` returns them, in the order in which saving ended. Those of
        pickles, which have none, are left out.
    """

    def __init__(self) -> None:
        self.captured_saves: list[dict[str, Any]] = []

    def __enter__(self) -> CaptureSaveContext:
        _stack().append(self)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _stack().pop()

    def capture(self, save_result: dict[str, Any] | None) -> None:
        """Collect a result; None is passed over."""
        if save_result is not None:
            self.captured_saves.append(save_result)

    @classmethod
    def current_save_context(cls) -> CaptureSaveContext | None:
        """The context of the innermost block of this thread, or None."""
        stack = _stack()
        return stack[-1] if stack else None


def _stack() -> list[CaptureSaveContext]:
    if not hasattr(_thread, "stack"):
        _thread.stack = []
    return _thread.stack
