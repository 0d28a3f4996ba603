"""The GraphQL schema (模式), generated from the declarations of one enabled set."""
