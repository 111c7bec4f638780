"""Captions: WebVTT, SRT and SBV, and who speaks in their cues."""
