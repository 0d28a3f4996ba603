"""Demo (演示): the people, organisations and events that a package shows the platform with."""
