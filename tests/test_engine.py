from pathlib import Path

import numpy as np
import pytest

from aliquot import weights
from aliquot.dsp.chunking import Known
from aliquot.engine import load_enhancer, model_rate
from aliquot.errors import ModelError
from aliquot.pipeline import default_output_rate


@pytest.mark.parametrize(
    ("output_rate", "expected"),
    [(44_100, 44_100), (48_000, 48_000), (88_200, 44_100), (96_000, 48_000), (176_400, 44_100),
     (64_000, 48_000), (50_000, 48_000)],
)  # fmt: skip
def test_the_grid_is_of_the_output_rates_family(output_rate: int, expected: int) -> None:
    assert model_rate(load_enhancer(), output_rate) == expected


def test_low_rates_become_one_of_the_two_usual_ones() -> None:
    assert {default_output_rate(rate) for rate in (8_000, 12_000, 16_000, 24_000)} == {48_000}
    assert {default_output_rate(rate) for rate in (11_025, 22_050)} == {44_100}


def test_a_model_that_is_no_model_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.onnx"
    wrong.write_bytes(b"not a model")
    with pytest.raises(ModelError, match="not a usable ONNX model"):
        load_enhancer(str(wrong))
    with pytest.raises(ModelError, match="cannot read the model"):
        load_enhancer(str(tmp_path / "absent.onnx"))
    with pytest.raises(ModelError, match="aliquot-1"):
        load_enhancer("aliquot-99")


def test_a_graph_of_another_contract_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    value = onnx.helper.make_tensor_value_info("x", 1, [1])
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    out = onnx.helper.make_tensor_value_info("y", 1, [1])
    graph = onnx.helper.make_graph([node], "g", [value], [out])
    model = onnx.helper.make_model(
        graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 17)]
    )
    onnx.save(model, str(tmp_path / "other.onnx"))
    with pytest.raises(ModelError, match="lacks metadata"):
        load_enhancer(str(tmp_path / "other.onnx"))


def test_changed_bytes_of_a_release_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = weights._read_file
    monkeypatch.setattr(weights, "_read_file", lambda path: whole(path)[:-1] + b"?")
    with pytest.raises(ModelError, match="sha256"):
        weights.read("default")


def test_the_core_of_a_window_is_what_comes_out() -> None:
    enhancer = load_enhancer()
    window = np.zeros((2, 2 * enhancer.context + 10 * enhancer.hop), np.float32)
    window[0, 30_000] = 1.0
    known = Known(44_100, 8_000.0, -enhancer.context)
    high = enhancer(window, known)
    assert high.shape == (2, 10 * enhancer.hop)
    mono = enhancer(window[:1], known)
    assert mono.shape == (1, 10 * enhancer.hop)
