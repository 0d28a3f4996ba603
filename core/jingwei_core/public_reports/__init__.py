"""Public reports (公众上报): what residents report without an account, and how they follow it."""
