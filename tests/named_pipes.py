"""A named pipe, which a program that opens it by mistake would wait for."""

import contextlib
import os
import threading


@contextlib.contextmanager
def pipe(path):
    """Make one at `path` that gives nonsense, so that a test does not wait but fails."""
    os.mkfifo(path)
    over = threading.Event()

    def feed():
        while not over.wait(0.01):
            with contextlib.suppress(OSError):  # nobody has opened it
                end = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
                os.write(end, b"nonsense" * 100)
                os.close(end)

    feeding = threading.Thread(target=feed)
    feeding.start()
    try:
        yield
    finally:
        over.set()
        feeding.join()
