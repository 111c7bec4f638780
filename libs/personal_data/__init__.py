"""Find and mask personal data in a text."""

from personal_data.detector import (
    DetectionMode,
    find_personal_data,
    get_default_detection_mode,
    preload_models,
)
from personal_data.findings import IDENTIFYING, PersonalDataKind, PersonalDataSpan
from personal_data.masking import mask_text
from personal_data.speaker_labels import list_speaker_names

__all__ = [
    "IDENTIFYING",
    "DetectionMode",
    "PersonalDataKind",
    "PersonalDataSpan",
    "find_personal_data",
    "get_default_detection_mode",
    "list_speaker_names",
    "mask_text",
    "preload_models",
]
