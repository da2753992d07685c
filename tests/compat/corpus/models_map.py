"""Python 2: the catalogue, walked over."""
import lucid.modelzoo.nets_factory as nets
from lucid.modelzoo.vision_base import Model

count = 0
for name, cls in sorted(nets.models_map.iteritems()):
    count += 1
    if name == "EfficientNetLite0":
        print name, "-", cls.dataset, map(len, [cls.layers])
        found = cls
assert count >= 31
assert issubclass(found, Model)
assert nets.get_model("EfficientNetLite0").__class__ is found
