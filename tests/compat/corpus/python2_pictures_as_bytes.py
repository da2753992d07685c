#!/usr/bin/env python2
# -*- coding: utf-8 -*-
"""Python 2: a picture of a neuron, in files that hold text and bytes alike."""
from __future__ import print_function
import base64, os, sys, tempfile, urllib
from cStringIO import StringIO
import numpy as np
import PIL.Image
import lucid.modelzoo.vision_models as models
from lucid.optvis import param, render

reload(sys)
sys.setdefaultencoding("utf8")


def jpeg(picture, size=20):
    f = StringIO()
    thumbnail = PIL.Image.fromarray(np.uint8(picture * 255)).resize((size, size), PIL.Image.ANTIALIAS)
    thumbnail.save(f, "jpeg", quality=90)
    return f.getvalue()


model = models.EfficientNetLite0()
model.load_graphdef()
images = render.render_vis(model, "block1a/output:3", lambda: param.image(24), thresholds=[1])[-1]
data = jpeg(images[0])
back = PIL.Image.open(StringIO(data))
assert back.size == (20, 20) and len(data) > 100

stored = StringIO()
np.save(stored, images)
path = os.path.join(tempfile.mkdtemp(), "images.npy")
with open(path, "wb") as f:
    f.write(stored.getvalue())
url = "file://" + urllib.quote(path)
again = np.load(StringIO(urllib.urlopen(url).read()))
np.testing.assert_array_equal(again, images)
print(unicode("bytes:"), len(base64.b64encode(data)) / 4 * 4)
