"""Sub-tasks of events (子任务) and joint enforcement (联合执法)."""
