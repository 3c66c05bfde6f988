-- The base tables. Owned by the workers, read by nobody but the views: BI reads views only.
--
-- Every row is an absolute value that replaces the row of the same key and a lower version, so a retry, a replay or a
-- late zombie changes nothing. All tables are plain ReplacingMergeTree: no dedup window and no Keeper is needed.
--
-- In every table:
--   generation  comes first in ORDER BY: a rebuild is written beside the rows in use; the views show one generation.
--               It also leads PARTITION BY, so an old generation is dropped as whole partitions.
--   version     is the sum of the offsets applied when the row was computed; it only grows along a partition's life.
-- A partition key is made of sort key columns only, so that all rows of one key share a partition: ClickHouse then sees
-- by itself that FINAL need not merge across partitions.
-- Money is Int64 ten-thousandths of the currency unit; the views show decimals.

-- One row per pane and source partition; the views add the source partitions up.
-- ORDER BY: affiliate before brand, since most questions are about one affiliate and there are many more affiliates
-- than brands; then what an affiliate has few of (brand, currency), so that a history lies in one run, by time.
-- Weeks bound what a rolling window reads: 30 days touch five or six of them.
CREATE TABLE IF NOT EXISTS posventa.affiliate_panes
(
    generation UInt32,
    brand_id String,
    affiliate_id String COMMENT 'empty: direct sales',
    currency String COMMENT 'empty: answers linked to no sale',
    bucket DateTime('UTC') COMMENT 'pane start',
    source_partition UInt16,
    sales Int64,
    gross Int64,
    commission Int64,
    new_customers Int64,
    repeat_sales Int64,
    referred_sales Int64,
    referred_gross Int64,
    refunded_sales Int64,
    answered_sales Int64,
    refunds Int64,
    refunded Int64,
    commission_reversed Int64,
    chargebacks Int64,
    charged_back Int64,
    invitations Int64,
    feedback Int64,
    promoters Int64,
    passives Int64,
    detractors Int64,
    csat_answers Int64,
    csat_satisfied Int64,
    csat_score_sum Int64,
    ces_answers Int64,
    ces_score_sum Int64,
    done_right Int64,
    needs_improvement Int64,
    unmet_expectation Int64,
    not_considered Int64,
    missing_information Int64,
    feedback_delay_seconds_sum Int64,
    unlinked_feedback Int64,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY (generation, toMonday(bucket))
ORDER BY (generation, affiliate_id, brand_id, currency, bucket, source_partition)
COMMENT 'Measures per brand, affiliate, currency, pane and source partition';

-- ORDER BY: brand first, since lift compares an affiliate with all others of the brand.
CREATE TABLE IF NOT EXISTS posventa.topic_panes
(
    generation UInt32,
    brand_id String,
    affiliate_id String,
    topic String,
    verdict String,
    bucket DateTime('UTC') COMMENT 'pane start',
    source_partition UInt16,
    answers Int64,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY (generation, toMonday(bucket))
ORDER BY (generation, brand_id, affiliate_id, topic, verdict, bucket, source_partition)
COMMENT 'Linked answers per brand, affiliate, topic, verdict, pane and source partition';

-- ORDER BY: a customer's rows lie together, so that forgetting a customer touches few granules.
CREATE TABLE IF NOT EXISTS posventa.journeys
(
    generation UInt32,
    brand_id String,
    sale_id String,
    customer_id String,
    affiliate_id String COMMENT 'empty: direct sale',
    product_id String,
    offering LowCardinality(String),
    campaign String,
    status LowCardinality(String),
    amount Int64,
    commission Int64,
    currency LowCardinality(String),
    occurred_at DateTime64(3, 'UTC'),
    is_new_customer UInt8,
    referred_by String,
    refunded Int64,
    charged_back Int64,
    answers Int64,
    last_metric LowCardinality(String),
    last_score Nullable(Int8),
    verdicts String,
    feedback_delay_seconds Nullable(Int64),
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY generation
ORDER BY (generation, brand_id, customer_id, sale_id)
COMMENT 'One row a sale';

-- ORDER BY: as journeys.
CREATE TABLE IF NOT EXISTS posventa.answers
(
    generation UInt32,
    brand_id String,
    feedback_id String,
    customer_id String,
    status LowCardinality(String) COMMENT 'answered, withdrawn or invited',
    match LowCardinality(String) COMMENT 'how it was linked: sale, customer, ambiguous, quarantined or none',
    sale_id String,
    affiliate_id String,
    metric LowCardinality(String),
    score Nullable(Int8),
    findings String,
    invited_at DateTime64(3, 'UTC') COMMENT '1970: never',
    answered_at DateTime64(3, 'UTC') COMMENT '1970: never',
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY generation
ORDER BY (generation, brand_id, customer_id, feedback_id)
COMMENT 'One row a feedback, without its text';

-- What customers wrote, apart from answers, so that it can be granted and forgotten apart.
CREATE TABLE IF NOT EXISTS posventa.comments
(
    generation UInt32,
    brand_id String,
    customer_id String,
    feedback_id String,
    comment String COMMENT 'empty: removed',
    language String,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY generation
ORDER BY (generation, brand_id, customer_id, feedback_id)
COMMENT 'The text of an answer';

-- One row per source partition: how fresh it is, and up to where its changelog is in these tables (sink position).
-- report grows with every claim and every report, so the newest owner's last word wins. Both topics of a partition are
-- written in one block, hence together.
CREATE TABLE IF NOT EXISTS posventa.freshness
(
    generation UInt32,
    topic LowCardinality(String),
    source_partition UInt16,
    claim UInt64 COMMENT 'which ownership of the partition wrote this',
    report UInt64 COMMENT 'the version of this row',
    changelog_offset UInt64 COMMENT 'everything of the changelog before this offset is in the tables',
    state_version UInt64,
    applied_offset UInt64,
    end_offset UInt64,
    complete_up_to DateTime64(3, 'UTC'),
    lag_records UInt64,
    lag_seconds Float64,
    progress_at DateTime64(3, 'UTC') COMMENT 'last time something was read',
    busy_at DateTime64(3, 'UTC') COMMENT 'last time there was something to read',
    as_of DateTime64(3, 'UTC'),
    worker String
)
ENGINE = ReplacingMergeTree(report)
PARTITION BY generation
ORDER BY (generation, topic, source_partition)
COMMENT 'Freshness and sink position per source partition';

CREATE TABLE IF NOT EXISTS posventa.dead_letters
(
    generation UInt32,
    source_topic LowCardinality(String),
    source_partition UInt16,
    source_offset UInt64,
    reason LowCardinality(String),
    detail String,
    record_key String,
    refused_at DateTime64(3, 'UTC'),
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY generation
ORDER BY (generation, source_topic, source_partition, source_offset)
COMMENT 'One row a refusal, without the payload';

-- The greatest generation here is the one in use; empty means 1. Views switch with one inserted row.
CREATE TABLE IF NOT EXISTS posventa.generations
(
    generation UInt32,
    current_since DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY generation
COMMENT 'Which generation the views show: the greatest';
