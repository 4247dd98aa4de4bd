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


def is_like(text: str, pattern: str) -> bool:
    """Whether a whole text is like a pattern of IAM's: `*` is any characters, and `?` any one.

    A `*` takes as little as it can, and more where what follows does not fit.
    """
    at, in_pattern, star, taken = 0, 0, -1, 0
    while at < len(text):
        sign = pattern[in_pattern : in_pattern + 1]
        if sign == "*":
            star, taken = in_pattern, at
            in_pattern += 1
        elif sign and sign in ("?", text[at]):
            at, in_pattern = at + 1, in_pattern + 1
        elif star >= 0:
            taken += 1
            at, in_pattern = taken, star + 1
        else:
            return False
    return not pattern[in_pattern:].strip("*")
