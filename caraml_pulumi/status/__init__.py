"""How the models of a stack are: what its state says they are, and what their objects in the cluster show."""
