"""Real clients against the embedded ClickHouse, each as it comes: `make clients`. No pytest collects them.

Java, Node.js and Go must be on the machine: a tool that is missing fails the run.
"""
