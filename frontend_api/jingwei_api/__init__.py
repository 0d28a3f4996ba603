"""The one address that frontends see: GraphQL, sign-in, uploads and subscriptions."""
