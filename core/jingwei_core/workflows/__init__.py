"""Workflows of a tenant (流程管理): checked against the tenant, compared, tried out, activated."""
