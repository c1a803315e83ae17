"""Files that records come from: read as they are written, matched to fields, checked and put in."""
