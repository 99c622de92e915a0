"""One file a screen; screens reach the backend through the protocols of core.api."""
