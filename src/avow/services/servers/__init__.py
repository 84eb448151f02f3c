"""Programs that a stack starts, one process each: `python -m avow.services.servers.kafka`."""
