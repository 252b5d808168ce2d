"""What every request passes: checks, bodies, errors, endpoints, idempotency, the document."""
