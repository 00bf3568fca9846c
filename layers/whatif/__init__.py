"""What if: scenarios on top of the stored district, and results kept under a name."""
