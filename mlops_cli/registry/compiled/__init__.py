"""Models in ONNX: the same answers without scikit-learn, in microseconds."""
