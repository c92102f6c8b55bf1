"""Every option, checked once; defaults stand here and nowhere else."""
