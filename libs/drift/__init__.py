"""Detection of drift in a stream of rates, with a stated rate of false alarms."""

from drift.series import DriftAlarm, DriftSeries, SeriesKey

__all__ = ["DriftAlarm", "DriftSeries", "SeriesKey"]
