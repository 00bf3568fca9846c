"""The spatial core: pure functions and frozen values on arrays and GeoDataFrames."""
