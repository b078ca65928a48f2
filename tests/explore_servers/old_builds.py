"""What older on-premises builds do."""
