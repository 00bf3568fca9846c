"""Views of the map: which layers, in which order, filtered and styled how, on the screen and on paper."""
