"""The page that shows what this is about: what ``g`` holds, and what the session holds.

Start with `watch`, which notes when each request held a connection.
"""
