"""The bridge to TensorFlow Probability."""
