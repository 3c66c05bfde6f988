// @clickhouse/client as it comes.

import { createClient } from '@clickhouse/client'

import { ROWS, TRICKY, URL, check, end, equal, refused, until } from './check.mjs'

const client = createClient({ url: URL, database: 'posventa' })
const writer = createClient({ url: URL, username: 'posventa', password: process.env.WRITER_PASSWORD, database: 'posventa' })

const rows = async (query, options = {}, from = client) => (await from.query({ query, format: 'JSONEachRow', ...options })).json()
const SLOW =
  "SELECT sleepEachRow(1), 'node-cancel' FROM numbers(60) SETTINGS function_sleep_max_microseconds_per_block = 100000000, max_block_size = 1"
// Asks as the writer, since others see nobody's queries.
const running = async () =>
  Number((await rows("SELECT count() AS n FROM system.processes WHERE query LIKE concat('%node-', 'cancel%')", {}, writer))[0].n)

await check('ping', async () => equal((await client.ping()).success, true))
await check('every view, as many rows as there are', async () => {
  for (const [view, expected] of Object.entries(ROWS)) equal((await rows(`SELECT * FROM ${view}`)).length, expected)
})
await check('money exact, times, null, arrays', async () => {
  const [found] = await rows(
    "SELECT (SELECT sum(gross) FROM affiliate_series) AS gross, toDateTime64('2026-01-31 12:00:00.123', 3, 'UTC') AS at, NULL AS nothing, ['a'] AS list",
    { clickhouse_settings: { output_format_json_quote_decimals: 1 } },
  )
  equal(found, { gross: process.env.GROSS, at: '2026-01-31 12:00:00.123', nothing: null, list: ['a'] })
})
await check('parameters with tricky text', async () => {
  const query_params = { text: TRICKY, list: ['a', TRICKY], nothing: null, map: { k: 'v' }, number: 42 }
  const query =
    'SELECT {text:String} AS text, {list:Array(String)} AS list, {nothing:Nullable(String)} AS nothing, {map:Map(String, String)} AS map, {number:Int32} AS number'
  equal(await rows(query, { query_params }), [query_params])
})
await check('formats and response compression', async () => {
  const packed = createClient({ url: URL, compression: { response: true, request: true } })
  equal((await rows('SELECT number FROM numbers(200000)', {}, packed)).length, 200_000)
  equal((await rows('SELECT 1 AS a', {}, packed))[0], { a: 1 })
  await refused(packed.query({ query: 'SELECT * FROM nowhere' }), 60)
  await packed.close()
  const csv = await client.exec({ query: 'SELECT 1 AS a FORMAT CSVWithNames' })
  let text = ''
  for await (const piece of csv.stream) text += piece
  equal(text, '"a"\n1\n')
  equal(csv.response_headers['content-type'], 'text/csv; charset=UTF-8; header=present')
})
await check('a stream of 200,000 rows', async () => {
  const found = await client.query({ query: 'SELECT number FROM numbers(200000)', format: 'JSONCompactEachRow' })
  let count = 0
  for await (const piece of found.stream()) count += piece.length
  equal(count, 200_000)
})
await check('an error in the middle of a stream', async () => {
  const read = async () => {
    const found = await client.query({ query: 'SELECT throwIf(number = 3000000) FROM numbers(4000000)', format: 'JSONCompactEachRow' })
    for await (const _ of found.stream());
  }
  await refused(read(), 395)
})
await check('errors by code', async () => {
  await refused(rows('SELECT nope'), 47)
  await refused(rows('SELECT * FROM nowhere'), 60)
  await refused(rows('SELEC 1'), 62)
})
await check('readonly=1 and readonly=2', async () => {
  for (const readonly of ['1', '2']) equal(await rows('SELECT 1 AS a', { clickhouse_settings: { readonly } }), [{ a: 1 }])
  equal(await rows('SELECT 1 AS a'), [{ a: 1 }])
})
await check('a session keeps its settings', async () => {
  const session = createClient({ url: URL, session_id: `node-${process.pid}`, max_open_connections: 1 })
  await session.command({ query: 'SET max_block_size = 77' })
  equal(await rows("SELECT getSetting('max_block_size') AS a", {}, session), [{ a: 77 }])
  equal((await rows("SELECT getSetting('max_block_size') = 77 AS a"))[0], { a: 0 })
  await session.close()
})
await check('a session with a temporary table, as posventa', async () => {
  const session = createClient({
    url: URL, username: 'posventa', password: process.env.WRITER_PASSWORD, session_id: `node-${process.pid}`, max_open_connections: 1,
  })
  await session.command({ query: 'CREATE TEMPORARY TABLE mine (a Int8)' })
  await session.insert({ table: 'mine', values: [{ a: 1 }, { a: 2 }], format: 'JSONEachRow' })
  equal(await rows('SELECT sum(a) AS a FROM mine', {}, session), [{ a: 3 }])
  await session.close()
})
await check('writing refused without the password', async () =>
  refused(client.command({ query: 'CREATE TABLE default.node_reader (a Int8) ENGINE = Memory' }), 497))
await check('insert as posventa', async () => {
  await writer.command({ query: 'DROP TABLE IF EXISTS default.node_written' })
  await writer.command({ query: 'CREATE TABLE default.node_written (a Int32, b String) ENGINE = MergeTree ORDER BY a' })
  await writer.insert({ table: 'default.node_written', values: [{ a: 1, b: TRICKY }], format: 'JSONEachRow' })
  equal(await rows('SELECT a, b FROM default.node_written', {}, writer), [{ a: 1, b: TRICKY }])
  await writer.command({ query: 'DROP TABLE default.node_written' })
})
await check('10 at once', async () => {
  const found = await Promise.all(Array.from({ length: 10 }, () => rows('SELECT number FROM numbers(10000)')))
  equal(found.map((one) => one.length), Array(10).fill(10_000))
})
await check('abort ends the query', async () => {
  const controller = new AbortController()
  const asked = rows(SLOW, { abort_signal: controller.signal }).catch(() => 'aborted')
  await until(async () => (await running()) === 1)
  controller.abort()
  equal(await asked, 'aborted')
  await until(async () => (await running()) === 0)
})
await check('KILL QUERY by query_id', async () => {
  const query_id = `node-kill-${process.pid}`
  const asked = rows(SLOW, { query_id }).catch((error) => error.code)
  await until(async () => (await running()) === 1)
  await client.command({ query: `KILL QUERY WHERE query_id = '${query_id}' SYNC` })
  equal(await asked, '394')
})
await client.close()
await writer.close()
end()
