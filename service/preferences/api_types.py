"""What the API takes and gives of preferences."""

from __future__ import annotations

from service.http.endpoints import Input, Output

from .model import Choices, Preferences


class PreferencesInput(Choices, Input):
    """The preferences to change; the others stay as they are."""


class PreferencesOutput(Preferences, Output):
    """All preferences."""


def preferences_output(choices: Choices) -> PreferencesOutput:
    """Return the preferences for the API."""
    return PreferencesOutput(**choices.chosen())
