"""Networks that read the pulse from a face, their distillation and their evaluation."""
