"""Delivering what other systems are told of: the worker, and how it sends.

Offered module by module: the shop's processes need the pages alone, and none of what sends.
"""
