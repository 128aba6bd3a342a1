"""Curation: from recorded sessions to subject-disjoint folders in the UBFC-rPPG layout."""
