"""What errors of graphql-core say, without the values that a client sent.

A client that leaves a field out would otherwise find the whole input in the message, passwords included, and with
it in whatever collects its errors. The place stays: the variable, the path in it, the field, the type.
"""

import re

# "Syntax Error: Expected Name, found String 'x'." It is matched at the start alone, which takes linear time.
_TOKEN = re.compile(r"(Syntax Error: (?:Expected [^,]*, found|Unexpected) \w+) ['\"]")
_FOUND, _CANNOT, _VALUE, _LACKS = ", found: ", " cannot represent ", "Value '", "' does not exist in '"


def without_values(message: str) -> str:
    """The message of an error of parsing, validation or coercion, without what was sent."""
    token = _TOKEN.match(message)
    if token:
        return f"{token[1]}."
    # What comes first is graphql-core's own; a value may hold the same words.
    phrases = [phrase for phrase in (_FOUND, _CANNOT, _VALUE) if phrase in message]
    for phrase in sorted(phrases, key=message.index):
        told, _, rest = message.partition(phrase)
        if phrase is _FOUND:
            # "Expected value of type 'LogInInput' to include required field 'password', found: { email: … }."
            return f"{told}."
        if phrase is _CANNOT:
            # "String cannot represent a non string value: 5"
            return f"{told}{phrase}{rest.partition(': ')[0].removesuffix('.')}."
        # "Value 'x' does not exist in 'Role' enum."
        _, lacks, enum = rest.rpartition(_LACKS)
        if lacks:
            return f"{told}The value{lacks[1:]}{enum}"
    return message
