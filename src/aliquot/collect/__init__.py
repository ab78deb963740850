"""From folders of recordings to a collection one can train on."""
