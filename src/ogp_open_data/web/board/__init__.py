"""Pages for people, rendered here from templates: each is a function of the release and its address, as everything else."""
