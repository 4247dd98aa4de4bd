"""Counts: numbers with what they count."""


def counted(number: int, one: str, more: str = "") -> str:
    """A number and its noun, which takes an `s` where it is not one.

    :param more: what follows another number, where it is not the noun with an `s`.
    """
    return f"{number:,} {one if number == 1 else more or f'{one}s'}"
