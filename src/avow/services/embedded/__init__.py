"""Real servers that come in wheels: nothing to install, no container, no root."""
