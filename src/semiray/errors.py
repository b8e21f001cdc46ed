"""The one exception and the one warning that a user is meant to read."""


class SemirayError(Exception):
    """What went wrong, where (file, row, option), and what to do about it, in words for a person.

    The command line prints its message without a traceback and ends with `code`; in Python it is raised as it is.
    """

    code = 2


class SemirayWarning(UserWarning):
    """What was set right or passed over and a person should know of; the command line prints it in a sentence."""
