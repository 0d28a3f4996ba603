"""Running an operation: context, changes, and how errors are told."""
