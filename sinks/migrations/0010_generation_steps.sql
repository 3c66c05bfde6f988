-- How each generation after the first came about: a row a step, written by `posventa rebuild`, the first of a kind counts.
-- Which one is in use is said by the table generations alone, with one row.
CREATE TABLE IF NOT EXISTS posventa.generation_steps
(
    generation UInt32,
    step LowCardinality(String) COMMENT 'building, cutting, cut, given up or dropped',
    partitions UInt16 COMMENT 'of its state, and of the topics once it is cut',
    partitions_before UInt16 COMMENT 'of the topics when it was begun',
    pane_s UInt32,
    attribution_window_s UInt32,
    format UInt32,
    handed_over Map(String, Array(UInt64)) COMMENT 'cut: by topic and partition, how far the generation before came',
    cuts Map(String, Array(UInt64)) COMMENT 'cut: by topic and partition, the first offset that is judged by the new partition count',
    at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (generation, step)
COMMENT 'How each generation of the numbers came about';
