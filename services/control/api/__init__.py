"""Control's HTTP API under ``/v1``: a FastAPI application, mounted in the service's own."""

from control.api.application import SUBMISSIONS, ControlApi, build_openapi_document
from control.api.context import ApiContext, LoginSettings

__all__ = ["SUBMISSIONS", "ApiContext", "ControlApi", "LoginSettings", "build_openapi_document"]
