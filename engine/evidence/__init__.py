"""What people brought: folders, zips, logs, event logs and exports, read into findings; contacts no host."""
