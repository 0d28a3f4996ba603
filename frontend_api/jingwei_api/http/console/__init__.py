"""The console (控制台): GraphiQL that works without the Internet."""
