"""The edge's certificate: where it is kept, whether it is good, and what comes before another one is ordered."""
