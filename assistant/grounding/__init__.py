"""Pure functions from what was found to what may be said."""
