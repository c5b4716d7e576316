"""Yes, no or maybe: questions whose abstract has to be found first (PubMedQA)."""
