"""Reading distributions of TensorFlow Probability as factors."""
