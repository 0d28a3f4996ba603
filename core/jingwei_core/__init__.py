"""The rooms of the platform: tenants, places, access, events, evidence, jobs and the plugin host."""
