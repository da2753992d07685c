"""What importing, rendering and explaining every architecture of keras.applications costs.

    python tests/benchmarks/keras_applications.py [NAME ...]

Writes keras_applications.md, beside this file, of the architectures named or of all. Each has a
process of its own, with random weights and the images, classes and layers of the test
`modelzoo/test_keras_applications.py`.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "modelzoo"))
ENVIRONMENT = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}

COLUMNS = {
    "architecture": "architecture",
    "size": "image",
    "layer": "hidden layer",
    "nodes": "nodes",
    "megabytes": "MB",
    "from_keras": "from_keras (s)",
    "render": "two steps (s)",
    "attribute": "attribution (s)",
    "peak": "peak memory (MB)",
    "kinds": "kinds of operations",
}


def measure(architecture: str) -> dict[str, Any]:
    """Figures of one architecture, in this process."""
    import test_keras_applications as applications

    from lucidx.modelzoo.vision_base import Model

    times = {}

    def timed(what: str, function: Any, *arguments: Any) -> Any:
        start = time.perf_counter()
        result = function(*arguments)
        times[what] = round(time.perf_counter() - start, 1)
        return result

    keras_model = applications.make(architecture)
    model = timed("from_keras", Model.from_keras, keras_model, (-1, 1))
    layer = applications.hidden_layer(architecture, model)
    hidden = model.activations(applications.some_images(model), layer)
    timed("render", applications.render_two_steps, model, layer, 0)
    timed("attribute", applications.attribute, model, hidden, layer, model.layers[-1].name)
    operations = sorted({node.op for node in model.graph_def.node})
    return {
        "architecture": architecture,
        "size": model.image_shape[0],
        "layer": layer,
        "nodes": len(model.graph_def.node),
        "megabytes": round(model.graph_def.ByteSize() / 1e6),
        **times,
        "peak": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
        "kinds": len(operations),
        "operations": operations,
    }


def row(values: Any) -> str:
    """A line of a table."""
    return "| " + " | ".join(map(str, values)) + " |"


def row_of(figure: dict[str, Any]) -> str:
    """The figures of an architecture as a line of the table."""
    return row(figure.get(column, "") for column in COLUMNS)


def table(figures: list[dict[str, Any]]) -> str:
    """The figures as a page."""
    import keras
    import tensorflow as tf

    operations = sorted({kind for figure in figures for kind in figure.get("operations", ())})
    versions = f"Keras {keras.__version__}, TensorFlow {tf.__version__}"
    lines = [
        "# Architectures of keras.applications",
        "",
        f"Made by `python tests/benchmarks/keras_applications.py` with {versions},",
        f"Python {platform.python_version()} and {os.cpu_count()} processors; what else used these",
        "made the times longer. Random weights, ten classes, the smallest images that the",
        "architecture takes; each in a process of its own. Peak memory is that of the process;",
        "TensorFlow takes some 700 MB of it before any model.",
        "",
        row(COLUMNS.values()),
        row("---" for _ in COLUMNS),
        *map(row_of, figures),
        "",
        f"Together they use {len(operations)} kinds of operations: {', '.join(operations)}.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(sys.argv[2])))
        return
    import test_keras_applications as applications

    figures = []
    for name in sys.argv[1:] or applications.ARCHITECTURES:
        shortage = applications.memory_shortage(name)
        figures.append({"architecture": name, "size": f"not run: {shortage}"})
        if not shortage:
            command = [sys.executable, __file__, "--one", name]
            done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{name}: {done.stderr[-2000:] or done.returncode}")
            figures[-1] = json.loads(done.stdout.splitlines()[-1])
        print(row_of(figures[-1]), flush=True)
    (HERE / "keras_applications.md").write_text(table(figures))


if __name__ == "__main__":
    main()
