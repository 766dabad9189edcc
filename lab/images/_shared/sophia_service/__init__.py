"""What the stand-in services have in common: settings, draining, metrics and the PostgreSQL pool.

Each image whose Dockerfile says `# shared: _shared/sophia_service` gets this package into its build context.
"""
