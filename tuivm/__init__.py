"""tuivm: virtual machines from the keyboard, over SSH, on libvirt."""

__version__ = "0.1.0"
