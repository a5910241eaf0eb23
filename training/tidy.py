"""Replace what depends on constants and static shapes alone by initialisers.

Torch exports a pad as a chain of nine nodes and a group norm with a Shape node, although every shape is known.
Constants that a remaining node reads directly stay the Constant nodes that torch wrote.
"""
import onnx
import torch
from onnx import numpy_helper

from .onnx_run import OnnxRunner


def tidy(path, shape):
    """Rewrite the model at `path`; `shape` is that of its input."""
    model = onnx.load(str(path))
    graph = model.graph
    values = OnnxRunner(path).run(torch.zeros(shape))
    fixed = {t.name for t in graph.initializer}
    kept, folded = [], set()
    for node in graph.node:
        if node.op_type == "Constant":
            fixed.add(node.output[0])
            kept.append(node)
        elif node.op_type == "Shape" or all(name in fixed for name in node.input if name):
            fixed.update(node.output)
            folded.update(node.output)
        else:
            kept.append(node)
    read = {name for node in kept for name in node.input} | {o.name for o in graph.output}
    kept = [node for node in kept if node.op_type != "Constant" or node.output[0] in read]
    weights = [t for t in graph.initializer if t.name in read]
    weights += [numpy_helper.from_array(values[name].contiguous().numpy(), name) for name in sorted(folded & read)]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(kept)
    graph.initializer.extend(weights)
    model = onnx.shape_inference.infer_shapes(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
