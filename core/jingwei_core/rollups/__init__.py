"""Roll-ups (汇总): exact counts kept as commands commit, one for each place and its ancestors."""
