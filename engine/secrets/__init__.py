"""Where secrets come from: a reference becomes a Secret here and nowhere else."""
