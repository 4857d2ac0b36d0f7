"""Everything that is kept: journal, outputs, locks, facts about reference files."""
