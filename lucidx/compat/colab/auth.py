"""Stands in for `google.colab.auth`."""


def authenticate_user(clear_output: bool = True) -> None:
    """Do nothing, and say so: addresses in public buckets can be read by everyone."""
    print("lucidx.compat: nobody is logged in to Google here. Public buckets can be read without.")
