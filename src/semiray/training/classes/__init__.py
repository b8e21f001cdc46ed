"""What is known of the training images: their classes, or estimates of these, and their findings."""
