"""Places: the tenant's tree, its codes and shapes, and finding the grid of a point."""
