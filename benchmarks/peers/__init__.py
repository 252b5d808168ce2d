"""The same part of the contract, as people write it with other libraries; and with none.

All keep what they know in the service's own schema, and promise what it does: no add, order or
login is lost or made twice, a request with a key has one outcome, a login that was ended is no
login, guessing is limited, what happened is recorded and told to webhooks.
"""
