// What ONNX Runtime computes from a model of one input and one output, for every .npy file of a folder.
//
//   npm install --ignore-scripts onnxruntime-node        (outside of the tree)
//   NODE_PATH=.../node_modules node tools/run_onnxruntime.js MODEL.onnx INPUTS OUTPUTS
//
// OUTPUTS gets a file of the same name for each of INPUTS: what `umbra verify --expected` takes.
const ort = require("onnxruntime-node");
const fs = require("fs");
const path = require("path");
const { readNpy, writeNpy } = require("./npy.js");

async function main() {
  const [model, inputs, outputs] = process.argv.slice(2);
  if (outputs === undefined) throw new Error("usage: run_onnxruntime.js MODEL.onnx INPUTS OUTPUTS");
  fs.mkdirSync(outputs, { recursive: true });
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 4 });
  for (const name of fs.readdirSync(inputs).filter((n) => n.endsWith(".npy")).sort()) {
    const { dims, data } = readNpy(path.join(inputs, name));
    const results = await session.run({ [session.inputNames[0]]: new ort.Tensor("float32", data, dims) });
    const result = results[session.outputNames[0]];
    writeNpy(path.join(outputs, name), result.dims, result.data);
  }
}

main().catch((error) => {
  console.error(`run_onnxruntime: ${error.message}`);
  process.exit(1);
});
