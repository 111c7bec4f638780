"""The embedded local stack: broker, database, simulator and services as processes of this machine.

from local_stack.supervisor import LocalStack

with LocalStack(home) as stack:
    work_with(stack.client_env())
"""
