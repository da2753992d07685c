import numpy as np
import pytest
from tiny_network import make_model


@pytest.fixture(scope="session")
def tiny():
    return make_model()


@pytest.fixture
def photo():
    """What a camera might give: other proportions than the model's, and smooth."""
    y, x = np.mgrid[:30, :40] / 40
    return np.stack([x, y, 0.5 + 0.5 * np.sin(9 * x * y)], -1)
