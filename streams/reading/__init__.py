"""What customers wrote, read by rules: findings from a comment, the same on every machine and for ever.

topics      the closed list of what comments are read for, and the verdicts
letters     a comment becomes tokens, by tables of our own
pack_file   text files that a linguist can read, checked line by line
vocabulary  compiled: the words of one language and pack
lexicon     compiled: its patterns; tokens in, hits out
segments    compiled: hits part into clauses, with negation and wishes
clauses     compiled: what a clause says of what
languages   compiled: which language it is, or none
reader      compiled: one published reader, comment in, findings out
published   which readers there are, each bound to its files by a digest

Pure: no clock, no network, and no word of a comment is kept but single words in bounded memos. docs/reading.md tells how well
it reads.
"""
