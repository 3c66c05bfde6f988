-- One row a refund or chargeback, also of a rejected sale, and of a sale that nobody has told of (yet).
-- ORDER BY: as journeys.
CREATE TABLE IF NOT EXISTS posventa.reversals
(
    generation UInt32,
    brand_id String,
    sale_id String,
    reversal_id String,
    customer_id String,
    kind LowCardinality(String) COMMENT 'REFUND or CHARGEBACK',
    status LowCardinality(String) COMMENT 'counted, rejected or without_sale',
    affiliate_id String COMMENT 'of its sale, as campaign and currency; empty: direct sale, or none',
    campaign String,
    amount Int64,
    commission Int64,
    currency LowCardinality(String),
    occurred_at DateTime64(3, 'UTC'),
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY generation
ORDER BY (generation, brand_id, customer_id, sale_id, reversal_id)
COMMENT 'One row a refund or chargeback';

ALTER TABLE posventa.answers ADD COLUMN IF NOT EXISTS invited_sale_id String AFTER sale_id;

-- One row a refund or chargeback: what was given back, and what of it counts.
CREATE OR REPLACE VIEW posventa.reversal
(
    brand_id String COMMENT 'brand',
    sale_id String COMMENT 'order reference of the sale that it is of, unique within the brand',
    reversal_id String COMMENT 'the refund or chargeback: the id of its event',
    kind String COMMENT 'REFUND or CHARGEBACK',
    status String COMMENT 'counted, rejected (its sale is: it counts nowhere) or without_sale (so far)',
    affiliate_id String COMMENT 'affiliate of its sale; empty: direct sale, or no sale',
    campaign String COMMENT 'campaign of its sale; empty: none given, or no sale',
    amount Decimal(38, 4) COMMENT 'given back',
    commission Decimal(38, 4) COMMENT 'taken back from the affiliate',
    currency String COMMENT 'ISO 4217, of its sale, in which it counts; empty: no sale',
    occurred_at DateTime64(3, 'UTC') COMMENT 'when the money went back'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    ten_thousandths -> toDecimal128(ten_thousandths, 4) / 10000 AS money
SELECT
    r.brand_id AS brand_id,
    r.sale_id AS sale_id,
    r.reversal_id AS reversal_id,
    r.kind AS kind,
    r.status AS status,
    r.affiliate_id AS affiliate_id,
    r.campaign AS campaign,
    money(r.amount) AS amount,
    money(r.commission) AS commission,
    r.currency AS currency,
    r.occurred_at AS occurred_at
FROM posventa.reversals AS r FINAL
WHERE r.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
COMMENT 'One row a refund or chargeback, whether it counts or not';
