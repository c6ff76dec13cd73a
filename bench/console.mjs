// SPDX-License-Identifier: LGPL-2.1-or-later
// console: how heavy the web console is, for browsers and for the bus. Prints a line for each figure:
//
//   console.mjs BUILD-FOLDER SECONDS
//
// Run by bench/run, which installs playwright-core beside it.

import { execFile, spawn } from 'node:child_process'
import { pbkdf2Sync } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { launch, Person } from './browser.mjs'
import { ADMIN, Bus } from './bus.mjs'

const [build, seconds] = [process.argv[2], Number(process.argv[3])]
const USERS = 10000
const QUEUED = 100000
const RATE = 10000
const RUNS = 9
const PAGES = ['overview', 'users', 'users/u1', 'users//import', 'users//sheet', 'queues', 'queues/u1', 'files', 'send',
  'live', 'settings', 'password', 'about']
const TICKS = 100

const median = values => values.toSorted((a, b) => a - b)[values.length >> 1]
const report = (name, text) => console.log(`${name.padEnd(17)} ${text}`)

// Users with a hash that costs nothing: 10,000 of the bus's own would take minutes.
async function makeUsers (bus) {
  const hash = password => `pbkdf2:sha256:1000$salt$${pbkdf2Sync(password, 'salt', 1000, 32, 'sha256').toString('hex')}`
  const users = [{ _id: 'admin', password_hash: hash('secret'), admin: true }]
  for (const name of ['pub0', 'sub0']) users.push({ _id: name, password_hash: hash('secret'), tags: ['bench'] })
  for (let i = 0; i < USERS; i++) users.push({ _id: `u${i}`, password_hash: hash('x'), tags: [`group${i % 100}`, 'all'] })
  await writeFile(join(bus.folder, 'users.json'), JSON.stringify(users))
  await promisify(execFile)(join(build, 'core/simplebusd'), ['--data-dir', join(bus.folder, 'data'), '--import-users', join(bus.folder, 'users.json')])
}

// --- The browser ---

async function measureLoad (browser, bus) {
  const first = []
  let kilobytes = 0
  for (let run = 0; run < RUNS; run++) {
    const person = await Person.open(browser, bus)
    await person.signIn('admin', 'secret')
    const state = await person.context.storageState()
    await person.context.close()
    const context = await browser.newContext({ storageState: state })
    const page = await context.newPage()
    let bytes = 0
    const session = await context.newCDPSession(page)
    await session.send('Network.enable')
    session.on('Network.loadingFinished', event => (bytes += event.encodedDataLength))
    await page.goto(bus.url, { waitUntil: 'commit' })
    const ready = await page.waitForFunction(() => document.querySelector('nav a') && document.querySelector('main .cards') && performance.now(), null, { polling: 'raf' })
    first.push(await ready.jsonValue())
    kilobytes = bytes / 1000
    await context.close()
  }
  report('console-load', `${kilobytes.toFixed(1)} KB on the wire, interactive after ${median(first).toFixed(0)} ms (median of ${RUNS}, with an empty cache)`)
}

async function measureAll (browser, bus) {
  const context = await browser.newContext()
  const page = await context.newPage()
  const sizes = new Map()
  page.on('response', async response => {
    const path = new URL(response.url()).pathname
    if (path === '/' || path.startsWith('/console/')) sizes.set(path, (await response.body().catch(() => '')).length)
  })
  await page.goto(bus.url)
  await page.getByLabel('Name').fill('admin')
  await page.getByLabel('Password', { exact: true }).fill('secret')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.locator('nav').waitFor({ state: 'attached' })
  for (const name of PAGES) {
    await page.goto(`${bus.url}/#/${name}`)
    await page.locator('main h1').first().waitFor()
  }
  const all = [...sizes.values()].reduce((sum, size) => sum + size, 0)
  report('console-size', `all ${sizes.size} files of all pages are ${(all / 1000).toFixed(1)} KB, not compressed`)
  await context.close()
}

// --- Lists ---

async function timeList (bus, path) {
  const times = []
  for (let run = 0; run < RUNS; run++) {
    const begin = performance.now()
    await (await bus.ask(path, { headers: { Authorization: ADMIN } })).json()
    times.push(performance.now() - begin)
  }
  return `${median(times).toFixed(1)} ms`
}

async function fillQueues (bus) {
  for (let i = 0; i < QUEUED / USERS; i++) await bus.post('/put', { to: '#all', message: { n: i } })
}

async function measureLists (bus) {
  const lists = {
    users: '/api/v1/users?expand=queue&limit=50',
    'users in the middle': '/api/v1/users?expand=queue&limit=50&after=u5000',
    'users found': '/api/v1/users?expand=queue&limit=50&search=group42',
    'nobody found': '/api/v1/users?expand=queue&limit=50&search=nobody-at-all',
    queues: '/api/v1/queues?limit=50',
    deliveries: '/api/v1/deliveries?limit=100',
    'deliveries of one': '/api/v1/deliveries?recipient=u9999&limit=100'
  }
  const parts = []
  for (const [name, path] of Object.entries(lists)) parts.push(`${name} ${await timeList(bus, path)}`)
  report('console-lists', `${USERS.toLocaleString('en')} users, ${QUEUED.toLocaleString('en')} deliveries waiting: ${parts.join(', ')}`)
}

// --- What an open overview costs ---

async function readProcessor (bus) {
  const stat = await readFile(`/proc/${bus.child.pid}/stat`, 'utf8')
  const words = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(words[11]) + Number(words[12])) / TICKS
}

// Per cent of a core that the bus takes while messages flow.
async function measureFlow (bus) {
  const load = spawn(join(build, 'bench/sb-bench'), ['flow', '--password', 'secret', '--port', bus.websocketPort,
    '--http-port', bus.port, '--pid', bus.child.pid, '--rate', RATE, '--seconds', seconds + 2].map(String), { stdio: 'ignore' })
  const ended = new Promise((resolve, reject) => load.once('exit', status => (status === 0 ? resolve() : reject(new Error('sb-bench failed')))))
  await new Promise(resolve => setTimeout(resolve, 1000))
  const before = await readProcessor(bus)
  const begin = performance.now()
  await new Promise(resolve => setTimeout(resolve, seconds * 1000))
  const share = (await readProcessor(bus) - before) / (performance.now() - begin) * 1e5
  await ended
  return share
}

// A stream as the overview page has it, read as it comes.
function openStream (bus, path) {
  const control = new AbortController()
  const reading = fetch(bus.url + path, { headers: { Authorization: ADMIN }, signal: control.signal })
    .then(async answer => { for await (const _ of answer.body) ; }).catch(() => {})
  return async () => { control.abort(); await reading }
}

async function measureStreams (bus) {
  const shares = { without: [], overview: [], live: [] }
  for (let run = 0; run < 3; run++) {
    shares.without.push(await measureFlow(bus))
    for (const [name, path] of [['overview', '/api/v1/events'], ['live', '/api/v1/live']]) {
      const stop = openStream(bus, path)
      shares[name].push(await measureFlow(bus))
      await stop()
    }
  }
  report('console-streams', `the bus at ${RATE.toLocaleString('en')} msg/s: ${median(shares.without).toFixed(1)} % of a core, ` +
    `with an open overview ${median(shares.overview).toFixed(1)} %, with an open live page ${median(shares.live).toFixed(1)} % (medians of 3)`)
}

const folder = await mkdtemp(join(build, 'bench-console-'))
const bus = new Bus(join(build, 'core/simplebusd'), folder)
const browser = await launch()
try {
  await makeUsers(bus)
  await bus.start()
  await measureLoad(browser, bus)
  await measureAll(browser, bus)
  await measureStreams(bus)
  await fillQueues(bus)
  await measureLists(bus)
} finally {
  await browser.close()
  await bus.stop()
  await rm(folder, { recursive: true })
}
