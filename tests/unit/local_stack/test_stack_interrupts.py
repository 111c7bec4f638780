from __future__ import annotations

import signal

import pytest

from local_stack.interrupts import SignalRecorder


def test_a_signal_raises_at_once_when_nothing_must_not_be_torn() -> None:
    with SignalRecorder(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_that_end_processes_exit_as_shells_report_it(number: signal.Signals) -> None:
    with SignalRecorder(), pytest.raises(SystemExit) as ended:
        signal.raise_signal(number)
    assert ended.value.code == 128 + number


def test_a_deferred_signal_raises_at_the_next_safe_point_and_only_there() -> None:
    interrupts = SignalRecorder()
    with interrupts.deferred():
        interrupts.check()
        signal.raise_signal(signal.SIGINT)
        assert interrupts.count == 1
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
        interrupts.check()


def test_handlers_are_put_back_once_the_outermost_ends() -> None:
    before = signal.getsignal(signal.SIGTERM)
    interrupts = SignalRecorder()
    with interrupts:
        with interrupts.deferred():
            pass
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
