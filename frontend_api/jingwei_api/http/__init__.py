"""What listens on HTTP and WebSocket."""
