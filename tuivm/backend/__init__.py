"""The only package that talks to libvirt; it knows nothing of the screen."""
