"""The classes of the training images: known, or drawn from estimates."""
