"""Resolves a handler's parameters as FastDepends does, without a thread for each of them.

FastDepends 3.0 starts a task group for each call and looks every ``Context`` parameter up in a
worker thread, which takes longer than all else that FastStream does with a message, and makes a
handler that never waits wait. Looking a name up blocks nothing, so it is done at once here. What
may block, such as a dependency that is a plain function, still runs in a thread.

A call that is composed in another way than those here keeps FastDepends' own way; so does every
call while a dependency is overridden, as in tests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from inspect import isasyncgenfunction, isgeneratorfunction
from typing import Any, Final

from fast_depends.core import CallModel
from fast_depends.utils import is_coroutine_callable, run_async, solve_generator_async
from faststream._internal.context import Context

Call = Callable[[Any], Awaitable[Any]]
"""Takes FastStream's message, and returns what the handler returned."""

_CONTEXT: Final = "context__"
"""The name under which FastDepends passes FastStream's context to the fields that read it."""


@dataclass(frozen=True, slots=True)
class _ResolvedCall:
    """A handler or a dependency, with the calls that its parameters come from.

    Attributes:
        model: as FastDepends has composed it.
        extra: dependencies whose results are not passed on.
        dependencies: by the parameters that take their results.
        names: all parameters.
        is_coroutine: whether the function is awaited; else a thread runs it.
    """

    model: CallModel
    extra: tuple[_ResolvedCall, ...]
    dependencies: tuple[tuple[str, _ResolvedCall], ...]
    names: tuple[str, ...]
    is_coroutine: bool

    @property
    def needs_stack(self) -> bool:
        """Whether something has to be ended after the call, such as a generator."""
        within = (*self.extra, *(one for _, one in self.dependencies))
        return self.model.is_generator or any(one.needs_stack for one in within)

    async def run(
        self, known: dict[str, Any], results: dict[Any, Any], stack: AsyncExitStack | None
    ) -> Any:
        """Resolve the parameters and call.

        Args:
            known: values by parameter that are known already, those of the caller included.
            results: of the dependencies that this message has called already.
            stack: ends generators after the handler; None if there are none.
        """
        model = self.model
        if model.use_cache and model.call in results:
            return results[model.call]
        values = dict(known)
        for one in self.extra:
            await one.run(values, results, stack)
        for name, one in self.dependencies:
            if name not in values:
                values[name] = await one.run(values, results, stack)
        for field in model.custom_fields.values():
            values = field.use(**values)
        if model.serializer is not None:
            values.update(model.serializer(values))
        arguments = {name: values[name] for name in self.names if name in values}
        result = await self._call(arguments, stack)
        if model.serializer is not None and not model.is_generator:
            result = model.serializer.response(result)
        if model.use_cache:
            results[model.call] = result
        return result

    async def _call(self, arguments: dict[str, Any], stack: AsyncExitStack | None) -> Any:
        function = self.model.call
        if self.is_coroutine:
            return await function(**arguments)
        if stack is not None and self.model.is_generator:
            return await solve_generator_async(call=function, stack=stack, **arguments)
        return await run_async(function, **arguments)


def build_async_handler_call(model: CallModel, context: Any, otherwise: Call) -> Call:
    """Build an async function that resolves a handler's parameters and calls it, without threads.

    Args:
        model: the handler with its parameters, as FastDepends has composed it.
        context: FastStream's context.
        otherwise: FastStream's own call, which is returned if this handler needs it, and is used
            while a dependency is overridden.
    """
    if len(model.params) != 1 or model.is_generator:
        return otherwise
    payload = model.params[0].field_name
    if payload not in model.positional_args:
        return otherwise
    if (handler := _resolve(model, payload)) is None or not handler.is_coroutine:
        return otherwise
    provider, needs_stack = model.dependency_provider, handler.needs_stack

    async def call(message: Any) -> Any:
        if provider.overrides:
            return await otherwise(message)
        known = {_CONTEXT: context, payload: await message.decode()}
        if not needs_stack:
            return await handler.run(known, {}, None)
        async with AsyncExitStack() as stack:
            return await handler.run(known, {}, stack)

    return call


def _resolve(model: CallModel, payload: str) -> _ResolvedCall | None:
    """Return a call with all that it depends on; None if FastDepends has to make it."""
    provider = model.dependency_provider
    extra = [_resolve(provider.dependencies[one], payload) for one in model.extra_dependencies]
    dependencies = [
        (name, _resolve(provider.dependencies[one], payload))
        for name, one in model.dependencies.items()
    ]
    resolved = tuple(one for one in extra if one is not None)
    named = tuple((name, one) for name, one in dependencies if one is not None)
    if len(resolved) < len(extra) or len(named) < len(dependencies):
        return None
    if not _is_simple(model, payload):
        return None
    names = (*model.keyword_args, *model.positional_args)
    return _ResolvedCall(model, resolved, named, names, is_coroutine_callable(model.call))


def _is_simple(model: CallModel, payload: str) -> bool:
    """Return whether all parameters come from the message, the context or dependencies."""
    return (
        model.args_name is None
        and model.kwargs_name is None
        and all(one.field_name == payload for one in model.params)
        and all(
            type(one) is Context and not one.field and one.initial is None
            for one in model.custom_fields.values()
        )
        and (not model.is_generator or _is_generator_function(model.call))
    )


def _is_generator_function(function: Any) -> bool:
    return isgeneratorfunction(function) or isasyncgenfunction(function)
