"""What the pages show of chargers: reads alone, for people and not for chargers."""
