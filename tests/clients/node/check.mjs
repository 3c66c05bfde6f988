// A line per check, for the program that started this one.

let failures = 0

export const TRICKY = 'it\'s "q" \\ tab\there\nnext ñ€😀 {x:String}'
export const URL = `http://${process.env.CLICKHOUSE_HOST}:${process.env.CLICKHOUSE_PORT}`
export const ROWS = Object.fromEntries(process.env.ROWS.split(',').map((view) => view.split('=')).map(([name, rows]) => [name, Number(rows)]))

export async function check(what, run) {
  try {
    await run()
    console.log(`ok\t${what}`)
  } catch (error) {
    failures += 1
    console.log(`FAILED\t${what}\t${String(error?.message ?? error).replace(/\s+/g, ' ')}`)
  }
}

export function equal(found, expected) {
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    throw new Error(`expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`)
  }
}

export async function refused(promise, code) {
  let found
  try {
    found = await promise
  } catch (error) {
    if (!String(error.code ?? error.message).includes(String(code))) throw new Error(`expected code ${code}, found ${error.message}`)
    return
  }
  throw new Error(`expected code ${code}, found ${JSON.stringify(found)}`)
}

export async function until(condition) {
  const deadline = Date.now() + 10_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('not so after 10 s')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

export function end() {
  process.exit(failures === 0 ? 0 : 1)
}
