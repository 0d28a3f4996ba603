"""Planning: an operation as one statement, and its answer as the bytes of that statement."""
