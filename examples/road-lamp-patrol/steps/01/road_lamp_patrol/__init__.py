"""Road lamps (路灯): which there are, when each was last visited, and which are dark."""
