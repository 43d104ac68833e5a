"""When runs begin by themselves."""
