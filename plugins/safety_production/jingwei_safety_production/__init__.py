"""Safety production (安全生产): enterprises, inspections and hazards with a deadline."""
