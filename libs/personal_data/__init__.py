"""Personal data in a text: found, and masked."""

from personal_data.finding import Mode, find, mode, preload
from personal_data.findings import IDENTIFYING, Finding, Kind
from personal_data.masking import mask

__all__ = ["IDENTIFYING", "Finding", "Kind", "Mode", "find", "mask", "mode", "preload"]
