"""The commands, by what a user does: data, assume, train, ask, prove."""
