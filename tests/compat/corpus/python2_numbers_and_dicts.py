"""Python 2: whole numbers divide to whole numbers; lists where Python 3 has views."""
import numpy as np

import lucid.optvis.objectives as objectives

counts = {"mixed4a": 508, "mixed4b": 512}
rows = 7 / 2
half = len(counts) / 2
grid = range(rows) + [10]
names = counts.keys()
names.sort()
pairs = zip(names, grid)
total = 0
for name, n in counts.iteritems():
    total += n
if counts.has_key("mixed4a") and 3 <> 4:
    total /= 3
squares = map(lambda n: n ** 2, grid)
odd = filter(lambda n: n % 2, squares)
labels = [unicode(name) for name in names if isinstance(name, basestring)]
cells = np.arange(12)
cells[0] = 9
cells[0] /= 2
print "rows", rows, total

assert (rows, half, total) == (3, 1, 340)
assert grid == [0, 1, 2, 10]
assert pairs[1] == ("mixed4b", 1)
assert squares[-1] == 100 and odd == [1]
assert labels == [u"mixed4a", u"mixed4b"]
assert cells[0] == 4 and 7 / 2. == 3.5 and 7 // 2 == 3
assert (-7) / 2 == -4
assert 0777 == 511 and 10L == 10

objective = sum([objectives.channel(name, i / 2) for i, name in enumerate(names)])
assert "0" in objective.description
