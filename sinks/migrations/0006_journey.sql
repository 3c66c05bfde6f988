-- One row a sale: how it went, from order to what the customer finally thought of it.
CREATE OR REPLACE VIEW posventa.journey
(
    brand_id String COMMENT 'brand',
    sale_id String COMMENT 'order reference, unique within the brand',
    customer_id String COMMENT 'pseudonym of the customer',
    affiliate_id String COMMENT 'affiliate who sold it; empty: direct sale',
    product_id String COMMENT 'product',
    offering String COMMENT 'PHYSICAL or SERVICE',
    campaign String COMMENT 'page, message or sub-id that sold it; empty: none given',
    status String COMMENT 'valid or rejected',
    amount Decimal(38, 4) COMMENT 'price placed',
    commission Decimal(38, 4) COMMENT 'what the affiliate earns',
    currency String COMMENT 'ISO 4217',
    occurred_at DateTime64(3, 'UTC') COMMENT 'sale time',
    is_new_customer UInt8 COMMENT '1: the customer''s first valid sale with the brand',
    referred_by String COMMENT 'customer who recommended it; empty: none',
    refunded Decimal(38, 4) COMMENT 'given back so far',
    charged_back Decimal(38, 4) COMMENT 'charged back so far',
    net Decimal(38, 4) COMMENT 'amount minus refunded minus charged_back; 0 when rejected',
    answers Int64 COMMENT 'linked answers',
    last_metric String COMMENT 'NPS, CSAT or CES of the last answer with a score; empty: none',
    last_score Nullable(Int8) COMMENT 'score of the last answer with a score; null: none',
    verdicts String COMMENT 'distinct verdicts of its answers, sorted, comma-separated',
    feedback_delay_seconds Nullable(Int64) COMMENT 'first answer''s time minus sale time; negative: answered first; null: no answer'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    ten_thousandths -> toDecimal128(ten_thousandths, 4) / 10000 AS money
SELECT
    j.brand_id AS brand_id,
    j.sale_id AS sale_id,
    j.customer_id AS customer_id,
    j.affiliate_id AS affiliate_id,
    j.product_id AS product_id,
    j.offering AS offering,
    j.campaign AS campaign,
    j.status AS status,
    money(j.amount) AS amount,
    money(j.commission) AS commission,
    j.currency AS currency,
    j.occurred_at AS occurred_at,
    j.is_new_customer AS is_new_customer,
    j.referred_by AS referred_by,
    money(j.refunded) AS refunded,
    money(j.charged_back) AS charged_back,
    if(j.status = 'rejected', 0, money(toInt128(j.amount) - j.refunded - j.charged_back)) AS net,
    j.answers AS answers,
    j.last_metric AS last_metric,
    j.last_score AS last_score,
    j.verdicts AS verdicts,
    j.feedback_delay_seconds AS feedback_delay_seconds
FROM posventa.journeys AS j FINAL
WHERE j.generation = (SELECT greatest(1, max(g.generation)) FROM posventa.generations AS g)
COMMENT 'One row a sale, with its refunds, chargebacks and answers';
