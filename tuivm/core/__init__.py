"""Pure logic and data: no Textual, no libvirt, no I/O but configuration files."""
