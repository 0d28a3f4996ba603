"""Reading: pages, counts and look-ups of any record, inside the actor's sight."""
