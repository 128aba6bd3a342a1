"""What tests share lies in `tests.support`; without this file neurokit2's `tests` hides it."""
