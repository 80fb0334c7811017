"""What a trust sees of its own figures: exact counts by site, specialty and ward, control charts, themes, its data, papers for its committee."""
