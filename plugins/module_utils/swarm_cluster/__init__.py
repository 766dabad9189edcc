"""The Swarm as a cluster: who is in it, who joins it, what its nodes and networks should be."""
