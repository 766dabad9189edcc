"""What a host with NVIDIA GPUs needs: driver and container toolkit. Standard library only."""
