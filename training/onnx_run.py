"""Run an exported graph node by node from the file itself, and show every named tensor.

It knows only the operators that our exports contain. It checks that the files say what the networks
compute, and it measures the ranges that model.json records under the names of the file.
"""
import onnx
import torch
from onnx import numpy_helper
from torch.nn import functional as F


def attributes(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def convolution(x, weight, bias=None, *, pads=(0, 0, 0, 0), strides=(1, 1), dilations=(1, 1), group=1, **_):
    top, left, bottom, right = pads
    return F.conv2d(F.pad(x, (left, right, top, bottom)), weight, bias, strides, 0, dilations, group)


def transposed_convolution(x, weight, bias=None, *, pads=(0, 0, 0, 0), strides=(1, 1), dilations=(1, 1), group=1, **_):
    assert not any(pads)
    return F.conv_transpose2d(x, weight, bias, strides, 0, 0, group, dilations)


def average_pool(x, *, kernel_shape, pads=(0, 0, 0, 0), strides=(1, 1), ceil_mode=0, **_):
    assert not any(pads) and not ceil_mode
    return F.avg_pool2d(x, kernel_shape, strides)


def pad(x, pads, value=None, *, mode=b"constant"):
    assert mode == b"constant"
    pads, rank = pads.tolist(), x.dim()
    pairs = [n for axis in reversed(range(rank)) for n in (pads[axis], pads[axis + rank])]
    return F.pad(x, pairs, value=0.0 if value is None else float(value))


def batch_norm(x, scale, bias, mean, var, *, epsilon=1e-5, **_):
    return F.batch_norm(x, mean, var, scale, bias, eps=epsilon)


def instance_norm(x, scale, bias, *, epsilon=1e-5):
    return F.instance_norm(x, weight=scale, bias=bias, eps=epsilon)


def gemm(a, b, c=None, *, alpha=1.0, beta=1.0, transA=0, transB=0):
    product = alpha * (a.t() if transA else a) @ (b.t() if transB else b)
    return product if c is None else product + beta * c


def take_slice(x, starts, ends, axes, steps):
    """torch refuses negative steps, which the exported pad uses to reverse a short list."""
    x = x.numpy()
    for start, end, axis, step in zip(*(t.tolist() for t in (starts, ends, axes, steps))):
        index = [slice(None)] * x.ndim
        index[axis] = slice(start, None if step < 0 and end < -x.shape[axis] else end, step)
        x = x[tuple(index)]
    return torch.from_numpy(x.copy())


def cast(x, *, to):
    return torch.from_numpy(x.numpy().astype(onnx.mapping.TENSOR_TYPE_TO_NP_TYPE[to]))


OPERATORS = {
    "Shape": lambda x: torch.tensor(x.shape), "Slice": take_slice, "Cast": cast,
    "ConstantOfShape": lambda shape, *, value: torch.full(shape.tolist(), numpy_helper.to_array(value).item()),
    "Concat": lambda *parts, axis: torch.cat(parts, dim=axis),
    "Add": torch.add, "Mul": torch.mul, "Pow": torch.pow, "MatMul": torch.matmul, "Sigmoid": torch.sigmoid,
    "Conv": convolution, "Pad": pad, "BatchNormalization": batch_norm, "InstanceNormalization": instance_norm,
    "ConvTranspose": transposed_convolution, "AveragePool": average_pool, "Gemm": gemm, "Identity": lambda x: x,
    "GlobalAveragePool": lambda x: x.mean(dim=(2, 3), keepdim=True),
    "Flatten": lambda x, *, axis=1: x.flatten(axis),
    "Reshape": lambda x, shape, **_: x.reshape([x.shape[k] if n == 0 else n for k, n in enumerate(shape.tolist())]),
    "Transpose": lambda x, *, perm: x.permute(perm),
    "Softmax": lambda x, *, axis=-1: torch.softmax(x, dim=axis),
    "Constant": lambda *, value: torch.from_numpy(numpy_helper.to_array(value).copy()),
}


class OnnxRunner:
    """Loads a model once; run() returns every tensor by name."""

    def __init__(self, path):
        self.graph = onnx.load(str(path)).graph
        self.constants = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in self.graph.initializer}
        self.input = next(i.name for i in self.graph.input if i.name not in self.constants)
        self.output = self.graph.output[0].name

    @torch.no_grad()
    def run(self, x):
        values = dict(self.constants)
        values[self.input] = x
        for node in self.graph.node:
            operands = [values[name] if name else None for name in node.input]
            values[node.output[0]] = OPERATORS[node.op_type](*operands, **attributes(node))
        return values


def bounded_tensors(graph):
    """Names whose range the planner needs: graph input, inputs of Pow, sums of two branches, graph output.

    The sum inside a*x^2 + b*x + c is no branch sum: one of its terms is a scaled power.
    """
    constants = {t.name for t in graph.initializer} | {n.output[0] for n in graph.node if n.op_type == "Constant"}
    powers = {n.output[0] for n in graph.node if n.op_type == "Pow"}
    scaled = {n.output[0] for n in graph.node if n.op_type == "Mul" and powers.intersection(n.input)}
    names = [i.name for i in graph.input if i.name not in constants]
    for node in graph.node:
        if node.op_type == "Pow":
            names.append(node.input[0])
        elif node.op_type == "Add" and not (constants | scaled).intersection(node.input):
            names.append(node.output[0])
    return names + [graph.output[0].name]
