"""Real guests without KVM: a private libvirtd whose guests boot in seconds.

Standard library and ``virsh`` only, so that it runs before there is a virtual environment.
"""
