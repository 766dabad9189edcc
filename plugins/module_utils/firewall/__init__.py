"""What may reach a host: rules, their rendering, sshd's settings, and the guard against locking oneself out."""
