// NumPy's .npy files of floats, as the tools beside ONNX Runtime exchange them.
const fs = require("fs");

// { dims, data: Float32Array } of a file of little-endian float32.
function readNpy(file) {
  const bytes = fs.readFileSync(file);
  const header = bytes.readUInt16LE(8);
  const text = bytes.toString("latin1", 10, 10 + header);
  if (!text.includes("'<f4'") || text.includes("True")) throw new Error(`${file}: not float32 in C order`);
  const shape = text.match(/\(([^)]*)\)/)[1];
  const body = bytes.subarray(10 + header);
  const data = new Float32Array(body.length / 4);
  for (let i = 0; i < data.length; i++) data[i] = body.readFloatLE(4 * i);
  return { dims: shape.split(",").filter((s) => s.trim() !== "").map(Number), data };
}

function writeNpy(file, dims, data) {
  let header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims.map((d) => `${d},`).join(" ")}), }`;
  header = header.padEnd(64 * Math.ceil((header.length + 11) / 64) - 11) + "\n";
  const bytes = Buffer.alloc(10 + header.length + 4 * data.length);
  bytes.write("\x93NUMPY\x01\x00", "latin1");
  bytes.writeUInt16LE(header.length, 8);
  bytes.write(header, 10, "latin1");
  for (let i = 0; i < data.length; i++) bytes.writeFloatLE(data[i], 10 + header.length + 4 * i);
  fs.writeFileSync(file, bytes);
}

module.exports = { readNpy, writeNpy };
