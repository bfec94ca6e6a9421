"""What a profile may hold."""

DISPLAY_NAME_LENGTH = (1, 60)
BIO_LENGTH = (0, 1_000)
