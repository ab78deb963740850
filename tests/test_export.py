from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file

from aliquot import weights
from aliquot.config import load
from aliquot.engine import load_enhancer
from aliquot.export import LEAST_TABLE, TOLERANCE, compact, parity
from aliquot.models.spectral import Spectral
from aliquot.training.settings import Settings

ROOT = Path(__file__).parent.parent
NAMED = sorted((ROOT / "docs" / "models").glob("*.safetensors"))


def test_a_compact_graph_computes_the_same_and_holds_tables_once() -> None:
    """One table used twice, one of whole numbers, and a small one."""
    rng = np.random.default_rng(0)
    broken = rng.standard_normal((100, 100)).astype(np.float32)
    whole = rng.integers(-127, 128, (100, 100)).astype(np.float32)
    small = np.ones(100, np.float32)
    tables = {"a": broken, "b": broken, "c": whole, "d": small}
    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(values))
        for name, values in tables.items()
    ]
    steps = (("MatMul", "x", "a", "p"), ("MatMul", "p", "b", "q"), ("MatMul", "q", "c", "r"))
    nodes += [helper.make_node(kind, [left, right], [out]) for kind, left, right, out in steps]
    nodes.append(helper.make_node("Add", ["r", "d"], ["y"]))
    rows = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [3, 100]) for n in ("x", "y")]
    graph = helper.make_graph(nodes, "tables", rows[:1], rows[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    x = rng.standard_normal((3, 100)).astype(np.float32)

    def run() -> tuple[np.ndarray, int]:
        content = model.SerializeToString()
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        return session.run(None, {"x": x})[0], len(content)

    before, bytes_before = run()
    assert broken.size > LEAST_TABLE
    compact(model.graph)
    onnx.checker.check_model(model)
    after, bytes_after = run()
    np.testing.assert_array_equal(after, before)
    assert bytes_after < bytes_before - broken.nbytes - 0.7 * whole.nbytes


@pytest.mark.parametrize("path", NAMED, ids=lambda path: path.stem)
def test_weights_beside_a_card_are_those_of_the_release(path: Path) -> None:
    release = weights.find(path.stem)
    config = load(Settings, ROOT / "settings" / "aliquot.toml", ()).model
    raised = float(load_enhancer(str(release.path)).facts["level_db"]) / 20
    network = Spectral(replace(config, level_offset=config.level_offset + raised)).eval()
    network.load_state_dict(load_file(path))
    assert parity(network, release.path) < TOLERANCE


def test_the_default_has_weights_to_go_on_from() -> None:
    assert weights.aliases()["default"] in [path.stem for path in NAMED]
