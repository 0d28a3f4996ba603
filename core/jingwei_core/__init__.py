"""The rooms of the platform: tenants, places, access, events, evidence, jobs, plugin host."""
