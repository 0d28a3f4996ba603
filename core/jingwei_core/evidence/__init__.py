"""Evidence (证据): stores for photos, their inspection, and the three-step upload."""
