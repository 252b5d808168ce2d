"""Delivering what other systems are told of: the worker, and how it sends."""

from .sending import Sender
from .worker import RETRIES, Worker

__all__ = ["RETRIES", "Sender", "Worker"]
