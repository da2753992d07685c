"""What the rest of lucidx stands on: reading, writing and showing, stimuli, and numeric helpers."""
