"""The simulated estate: machines with causes, answering over true WinRM and SSH on loopback."""
