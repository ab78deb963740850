"""How recordings lose their treble: the one definition shared by training and evaluation."""
