"""Python 2: a package of modules that know each other by their bare names."""
import nets
from training import Trainer, steps
