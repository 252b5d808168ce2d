"""The ways into an account: its logins, on each device, and its tokens, for programs."""
