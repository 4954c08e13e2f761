"""A learner's program runs in both libraries, only its imports changed, with the same losses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install scikit-learn")

DEMO = Path(__file__).parent.parent.parent / "demos" / "03_single_neuron_module.py"
IMPORTS = {
    "import tinygrad_edu as torch\n": "import torch\n",
    "import tinygrad_edu.nn as nn\n": "import torch.nn as nn\n",
    "import tinygrad_edu.optim as optim\n": "import torch.optim as optim\n",
    "from viz import make_dot, render\n": "make_dot = render = lambda *args, **options: None\n",  # torchviz's place
}
START = "criterion = nn.BCELoss()\n"


def run(source: str, weights: dict[str, Any]) -> dict[str, Any]:
    """What the program's names stand for at its end, when its network begins with these weights."""
    assert START in source
    names: dict[str, Any] = {"__name__": "program", "weights": weights}
    begin = "model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})\n"
    exec(compile(source.replace(START, begin + START), str(DEMO), "exec"), names)
    return names


def test_the_single_neuron_is_a_pytorch_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ours = theirs = DEMO.read_text("utf-8")
    for line, instead in IMPORTS.items():
        assert line in ours
        theirs = theirs.replace(line, instead)
    assert "tinygrad_edu" not in theirs.partition('"""\n')[2]
    weights = {
        "linear.weight": np.array([[0.4, -0.3]], np.float32),
        "linear.bias": np.array([0.2], np.float32),
    }
    mine, other = run(ours, weights), run(theirs, weights)
    assert len(mine["losses"]) == len(other["losses"]) == 4000
    np.testing.assert_allclose(mine["losses"], other["losses"], rtol=1e-6)  # they differ by 3e-7
    assert mine["accuracy"] == other["accuracy"]
    assert [file.name for file in tmp_path.iterdir()] == ["03_single_neuron_module.svg"]
