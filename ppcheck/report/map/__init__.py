"""The map of a run: who stands where and tells whom, drawn from its record alone."""
