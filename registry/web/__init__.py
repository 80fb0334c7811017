"""The doors of the service, one module for each audience; none holds a rule of the registry."""
