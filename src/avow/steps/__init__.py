"""The shared vocabulary: one file per noun. `avow.steps.all` brings everything in."""
