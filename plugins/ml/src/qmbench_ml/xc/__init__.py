"""`ml-xc`: a learned meta-GGA with exact constraints built in."""
