#!/bin/sh
# Renders the picture in README: the same channels on every machine, up to rounding.
cd "$(dirname "$0")" && lucidx render \
    block2b/output:3 block2b/output:9 block3a/expand:12 block3b/output:8 \
    block4c/output:10 block4c/output:35 block4c/output:45 block4c/output:70 \
    block5a/expand:5 block5a/expand:20 block5a/expand:55 block5a/expand:65 \
    block6a/expand:5 block6a/expand:10 block6a/expand:45 block6a/expand:70 \
    --steps 256 -o channels.jpg
