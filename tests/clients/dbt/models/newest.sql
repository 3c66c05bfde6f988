{{ config(materialized='view') }}
SELECT max(month) AS month FROM {{ ref('by_month') }}
