// Cube's driver for ClickHouse as it comes.

import { createRequire } from 'node:module'

import { ROWS, check, end, equal, refused } from './check.mjs'

const { ClickHouseDriver } = createRequire(import.meta.url)('@cubejs-backend/clickhouse-driver')
const driver = new ClickHouseDriver({
  host: process.env.CLICKHOUSE_HOST,
  port: process.env.CLICKHOUSE_PORT,
  database: 'posventa',
  readOnly: true,
})

await check('testConnection', () => driver.testConnection())
await check('tablesSchema has every view', async () => {
  const found = (await driver.tablesSchema()).posventa
  for (const view of Object.keys(ROWS)) equal([view, view in found], [view, true])
})
await check('query by day, with a parameter', async () => {
  const found = await driver.query(
    "SELECT dateTrunc('month', toDateTime(`day`)) AS month, sum(`net`) AS net FROM posventa.affiliate_daily WHERE brand_id = ? GROUP BY month ORDER BY month",
    ['b1'],
  )
  if (!(found.length > 0 && found.every((row) => row.month && row.net))) throw new Error(JSON.stringify(found))
})
await check('stream of every row', async () => {
  const { rowStream } = await driver.stream('SELECT * FROM posventa.affiliate_daily', [], { highWaterMark: 1000 })
  let count = 0
  for await (const _ of rowStream) count += 1
  equal(count, ROWS.affiliate_daily)
})
await check('column types', async () => {
  const { types } = await driver.queryColumnTypes
    ? { types: await driver.queryColumnTypes('SELECT * FROM posventa.affiliate_daily LIMIT 0', []) }
    : await driver.downloadQueryResults('SELECT * FROM posventa.affiliate_daily LIMIT 1', [], {})
  if (types.length < 40) throw new Error(`${types.length} columns`)
})
await check('errors by code', async () => refused(driver.query('SELECT nope', []), 'nope'))
await driver.release()
end()
