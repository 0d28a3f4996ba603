"""Running an operation: context, batching, limits, and how errors are told."""
