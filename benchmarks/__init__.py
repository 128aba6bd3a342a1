"""What acq costs, beside the alternatives, in the same run."""
