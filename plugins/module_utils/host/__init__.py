"""What a module does to the host it runs on: commands, files, units, packages. Standard library only."""
