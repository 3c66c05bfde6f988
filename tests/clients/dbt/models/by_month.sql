{{ config(materialized='table', order_by='month') }}
SELECT toStartOfMonth(`day`) AS month, currency, sum(net) AS month_net
FROM {{ source('posventa', 'affiliate_daily') }}
GROUP BY month, currency
