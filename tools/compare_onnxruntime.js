// What ONNX Runtime computes for the inputs that onnx_outcomes wrote, against our outputs.
//
//   npm install --ignore-scripts onnxruntime-node        (outside of the tree)
//   mkdir dump && build/bin/onnx_outcomes dump > /dev/null
//   NODE_PATH=.../node_modules node tools/compare_onnxruntime.js ../shared/data/onnx/models dump > docs/onnxruntime.csv
//
// A line for each model: its name, and the largest difference of an output relative to the largest number
// of the outputs (or 1, where that is larger), or why there is none.
const ort = require("onnxruntime-node");
const fs = require("fs");
const path = require("path");
const { readNpy } = require("./npy.js");

function tensor(type, npy) {
  if (type === "float64") return new ort.Tensor("float64", Float64Array.from(npy.data), npy.dims);
  return new ort.Tensor("float32", npy.data, npy.dims);
}

// Equal infinities and NaN on both sides count as no difference.
function difference(ours, theirs) {
  if (ours.data.length !== theirs.data.length) return Infinity;
  let worst = 0;
  let scale = 1;
  for (let i = 0; i < ours.data.length; i++) {
    const a = ours.data[i];
    const b = Number(theirs.data[i]);
    if (Object.is(a, b) || (Number.isNaN(a) && Number.isNaN(b)) || a === b) continue;
    if (Number.isFinite(b)) scale = Math.max(scale, Math.abs(b));
    worst = Math.max(worst, Math.abs(a - b));
    if (Number.isNaN(a - b)) worst = Infinity;
  }
  for (const v of theirs.data) if (Number.isFinite(Number(v))) scale = Math.max(scale, Math.abs(Number(v)));
  return worst / scale;
}

async function compare(model, dump, name) {
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 4 });
  const feeds = {};
  session.inputNames.forEach((input, i) => {
    const meta = session.inputMetadata[i];
    feeds[input] = tensor(meta.type, readNpy(path.join(dump, `${name}.in${i}.npy`)));
  });
  const results = await session.run(feeds);
  let worst = -1;
  session.outputNames.forEach((output, i) => {
    const file = path.join(dump, `${name}.out${i}.npy`);
    if (fs.existsSync(file)) worst = Math.max(worst, difference(readNpy(file), results[output]));
  });
  return worst;
}

async function main() {
  const [models, dump] = process.argv.slice(2);
  const names = fs.readdirSync(models).filter((n) => n.endsWith(".onnx")).sort();
  for (const name of names) {
    if (!fs.existsSync(path.join(dump, `${name}.out0.npy`))) continue;
    let outcome;
    try {
      const worst = await compare(path.join(models, name), dump, name);
      outcome = worst < 0 ? "no output of floats" : worst.toExponential(1);
    } catch (error) {
      outcome = "refused by ONNX Runtime: " + error.message.replace(/[\n,|"]+/g, " ").slice(0, 100);
    }
    console.log(`${name.slice(0, -5)},${outcome}`);
  }
}

main();
