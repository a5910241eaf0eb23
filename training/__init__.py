"""Training of the networks that Umbra runs on encrypted data, and their export to ONNX."""
