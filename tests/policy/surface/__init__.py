"""The public surface of the SDK as text, and which changes of it a plugin would feel."""
