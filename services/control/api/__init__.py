"""Control's HTTP API under ``/v1``: a FastAPI application, mounted in the service's own."""

from control.api.application import ControlApi, build_openapi_document
from control.api.context import ApiContext

__all__ = ["ApiContext", "ControlApi", "build_openapi_document"]
