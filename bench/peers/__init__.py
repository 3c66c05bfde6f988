"""The same job by other means: stock Faust, Quix Streams, Pathway. bench/throughput.py starts each as a program of its own.

All of them decode, fold, contribute and write to ClickHouse by posventa's own code (job.py); only the machinery between
Kafka and that code differs. Each one's docstring says what it does not guarantee.
"""
