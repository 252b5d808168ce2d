"""What is said of a wrong configuration."""


class Misconfigured(ValueError):
    """An argument, or a key of ``app.config``, can't be honoured; the text says what to set."""
