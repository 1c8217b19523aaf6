"""How times are written where no template says it otherwise."""
