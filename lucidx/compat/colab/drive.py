"""Stands in for `google.colab.drive`."""


def mount(
    mountpoint: str,
    force_remount: bool = False,
    timeout_ms: int = 120_000,
    readonly: bool = False,
) -> None:
    """Do nothing, and say so.

    Parameters
    ----------
    mountpoint : directory; what the program looks for there has to be on this machine.
    """
    print(
        f"lucidx.compat: there is no Google Drive here, and {mountpoint!r} stays as it is. Copy "
        "the files that you need, and change the paths that begin with it."
    )


def flush_and_unmount(timeout_ms: int = 24 * 60 * 60 * 1000) -> None:
    """Do nothing: files on this machine are written already."""
