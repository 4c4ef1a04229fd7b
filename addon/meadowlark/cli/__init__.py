"""What the command line does; only __main__ imports it, each command when it is called."""
