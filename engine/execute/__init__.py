"""Effects to the world: the driver, its lanes, and the performing of one step run."""
