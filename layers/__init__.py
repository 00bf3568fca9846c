"""What is on the map and how it is drawn: one declaration a layer, one gate, pure renderers."""
