"""One module per step; what stands here is never edited after a release."""
