"""The commands, one file a thing that a user does: data, assume, train, ask, prove, demo."""
