"""Lucid's import path of `lucidx.factorization.channel_reducer`."""

from lucidx.factorization.channel_reducer import ChannelReducer as ChannelReducer
