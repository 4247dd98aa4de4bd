"""Wildcard: patterns in which `*` stands for any characters."""


def matches(pattern: str, text: str) -> bool:
    """Whether a whole text matches a pattern, in which `*` is zero or more characters.

    Linear in the text: each part between two `*` is taken where it first occurs.
    """
    first, *parts = pattern.split("*")
    if not parts:
        return text == pattern
    last = parts.pop()
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    position, end = len(first), len(text) - len(last)
    for part in parts:
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True
