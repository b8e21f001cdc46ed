"""The toy thorax with known truth."""
