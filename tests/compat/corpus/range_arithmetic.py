"""Ranges are added as lists are, as in Lucid's tutorial."""
import lucid.modelzoo.vision_models as models
import lucid.optvis.objectives as objectives
import lucid.optvis.param as param
import lucid.optvis.render as render
import lucid.optvis.transform as transform

model = models.EfficientNetLite0()
model.load_graphdef()

transforms = [
    transform.pad(4),
    transform.jitter(2),
    transform.random_scale([n / 100. for n in range(80, 120)]),
    transform.random_rotate(range(-10, 10) + range(-5, 5) + 10 * list(range(-2, 2))),
    transform.jitter(2),
]
angles = range(-10, 11) + 5 * [0]
assert len(angles) == 26 and angles[-1] == 0
assert [1] + range(2) == [1, 0, 1]
imgs = render.render_vis(model, "block2a/expand:3", lambda: param.image(24),
                         transforms=transforms, thresholds=range(2), verbose=False)
assert [img.shape for img in imgs] == [(1, 24, 24, 3)] * 2
