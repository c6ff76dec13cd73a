// SPDX-License-Identifier: LGPL-2.1-or-later
// test-console: what people do with the console, in a browser: test-console.mjs SIMPLEBUSD PICTURES

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { launch, Person } from './browser.mjs'
import { Bus, userBasic } from './bus.mjs'
import { run } from './tap.mjs'

const [program, pictures] = process.argv.slice(2)
const pages = ['overview', 'users', 'users/alice', 'users//import', 'users//sheet', 'queues', 'queues/alice',
  'queues//dead', 'files', 'send', 'live', 'settings', 'password', 'about']

// A bus of its own for a test, with an admin and users, and somebody at its console.
async function site (world, options = {}) {
  const folder = await mkdtemp(join(world.folder, 'bus-'))
  const bus = new Bus(program, folder, ['bus.store=memory', ...(options.settings ?? [])])
  await bus.start()
  world.buses.push(bus)
  if (!options.empty) {
    await bus.signUp()
    await bus.makeUsers(...(options.users ?? ['alice', 'bob']))
  }
  const person = await Person.open(world.browser, bus, options.browser)
  return {
    bus, person, page: person.page,
    async end () {
      await bus.stop()
      await person.close()
    }
  }
}

async function adminSite (world, options) {
  const here = await site(world, options)
  await here.person.signIn('admin', 'secret')
  return here
}

// What somebody sees of a QR code with a telephone.
async function decode (page, image) {
  const folder = await mkdtemp(join(tmpdir(), 'simplebus-qr-'))
  try {
    await writeFile(join(folder, 'qr.png'), await image.screenshot())
    const { stdout } = await promisify(execFile)('zbarimg', ['--quiet', '--raw', '-Sdisable', '-Sqrcode.enable', join(folder, 'qr.png')])
    return JSON.parse(stdout)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const dead = async bus => {
  await bus.makeUsers('gone')
  await bus.post('/put', { _id: 'lost', to: '@gone', message: { order: 17 } })
  await bus.ask('/api/v1/users/gone', { method: 'DELETE', headers: { Authorization: 'Basic ' + Buffer.from('admin:secret').toString('base64') } })
}

const tests = {
  async 'the first who comes registers and is the admin' (world) {
    const here = await site(world, { empty: true })
    const { page, person } = here
    await person.heading('Register').waitFor()
    await page.getByLabel('Name').fill('boss')
    await page.getByLabel('Password', { exact: true }).fill('secret')
    await page.getByLabel('Password, once more').fill('other')
    await person.button('Register').click()
    await page.getByRole('alert').filter({ hasText: 'differ' }).waitFor()
    await page.getByLabel('Password, once more').fill('secret')
    await person.button('Register').click()
    await person.heading('Overview').waitFor()
    assert.equal(await page.evaluate(() => document.cookie), '')
    await here.end()
  },

  async 'signing in, out, and with a wrong password' (world) {
    const here = await site(world)
    const { page, person } = here
    await page.getByLabel('Name').fill('admin')
    await page.getByLabel('Password', { exact: true }).fill('wrong')
    await person.button('Sign in').click()
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Password', { exact: true }).fill('secret')
    await person.button('Sign in').click()
    await person.heading('Overview').waitFor()
    await page.reload()
    await person.heading('Overview').waitFor()
    await person.button('Sign out').click()
    await person.heading('Sign in').waitFor()
    await page.goto(`${here.bus.url}/#/users`)
    await person.heading('Sign in').waitFor()
    await here.end()
  },

  async 'a cookie that has ended leads to the sign-in' (world) {
    const here = await adminSite(world)
    await here.person.context.clearCookies()
    await here.page.goto(`${here.bus.url}/#/users`)
    await here.person.heading('Sign in').waitFor()
    await here.end()
  },

  async 'the overview moves with what happens' (world) {
    const here = await adminSite(world)
    await here.person.go('overview')
    const waiting = here.page.locator('.card', { has: here.person.heading('Waiting') }).locator('.value')
    await waiting.filter({ hasText: /^0$/ }).waitFor()
    for (let i = 0; i < 7; i++) await here.bus.post('/put', { to: '@alice', message: i })
    await waiting.filter({ hasText: /^7$/ }).waitFor()
    await here.end()
  },

  async 'users are added, changed, found and deleted' (world) {
    const here = await adminSite(world)
    const { page, person } = here
    await person.go('users')
    await person.button('Add a user').click()
    await page.getByLabel('Name', { exact: true }).fill('carol')
    await page.getByLabel('Password', { exact: true }).fill('carol-pw')
    await page.getByLabel('Tags').fill('orders news')
    await person.button('Save').click()
    await person.toast('Saved').waitFor()
    await person.row('carol').filter({ hasText: 'orders' }).waitFor()
    await page.getByLabel('Find by name or tag').fill('carol')
    await page.keyboard.press('Enter')
    await person.row('alice').waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'carol' }).click()
    await person.button('Change').click()
    await page.getByLabel('Tags').fill('news')
    await page.getByLabel('Administrator').check()
    await person.button('Save').click()
    await page.locator('main h1 .tag', { hasText: 'admin' }).waitFor()
    await here.bus.post('/put', { to: '@carol', message: 1 })
    await page.reload()
    await person.button('Delete').click()
    await page.getByText('1 delivery that waits for it will be dead').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await person.heading('Users').waitFor()
    await person.settled()
    assert.equal(await person.row('carol').count(), 0)
    await here.end()
  },

  async 'what is wrong with a user is said in the dialog' (world) {
    const here = await adminSite(world)
    await here.person.go('users')
    await here.person.button('Add a user').click()
    await here.page.getByLabel('Name', { exact: true }).fill('@carol')
    await here.page.getByLabel('Password', { exact: true }).fill('x')
    await here.person.button('Save').click()
    await here.page.getByRole('dialog').getByRole('alert').waitFor()
    await here.page.keyboard.press('Escape')
    await here.page.getByRole('dialog').waitFor({ state: 'detached' })
    await here.end()
  },

  async 'a QR code has what the device logs in with' (world) {
    const here = await adminSite(world)
    const { page, person, bus } = here
    await person.go('users/alice')
    await person.button('Device settings').click()
    await person.button('Give it a new password').click()
    await page.locator('img.qr').waitFor()
    const settings = await decode(page, page.locator('img.qr'))
    assert.deepEqual(Object.keys(settings), ['BusURL', 'BusURLHttp', 'BusID', 'BusPassword'])
    assert.equal(settings.BusURLHttp, bus.url)
    assert.equal(settings.BusURL, `${bus.url.replace('http', 'ws')}/ws`)
    assert.equal(settings.BusID, 'alice')
    await bus.ask('/get', { headers: { Authorization: 'Basic ' + Buffer.from(`alice:${settings.BusPassword}`).toString('base64') } })
    await here.end()
  },

  async 'a sheet of QR codes is made for a tag' (world) {
    const here = await adminSite(world)
    const { page, person, bus } = here
    await bus.post('/put_users', [{ _id: 'alice', tags: ['till'] }, { _id: 'bob', tags: ['till'] }])
    await person.go('users//sheet')
    await page.getByLabel('Users by name or tag').fill('till')
    await page.locator('main').getByRole('button', { name: 'Make it' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Make it' }).click()
    await page.locator('figure').nth(1).locator('img').waitFor()
    const settings = await decode(page, page.locator('figure', { hasText: 'bob' }).locator('img'))
    assert.equal(settings.BusID, 'bob')
    await here.end()
  },

  async 'users are imported from a table, all or none' (world) {
    const here = await adminSite(world)
    const { page, person } = here
    await person.go('users//import')
    await page.getByLabel('Or its text').fill('id,password,tags\ndora,pw,orders\n@bad,pw,\n')
    await person.button('Check').click()
    await page.getByRole('alert').filter({ hasText: 'Row' }).waitFor()
    assert.ok(await person.button('Import').isDisabled())
    await page.getByLabel('Or its text').fill('id,password,tags\ndora,pw,orders\nemil,pw,"a b"\n')
    await person.button('Check').click()
    await page.getByText('2 new users: dora, emil').waitFor()
    await person.button('Import').click()
    await person.toast('Imported').waitFor()
    await person.go('users/emil')
    await page.locator('.tag', { hasText: 'b' }).first().waitFor()
    await here.end()
  },

  async 'a message and a file are sent, and their receipts arrive' (world) {
    const here = await adminSite(world)
    const { page, person, bus } = here
    await person.go('send')
    await page.getByLabel('To').fill('@alice @nobody')
    await page.getByText('1 recipient: alice').waitFor()
    await page.getByText('Nobody is @nobody').waitFor()
    await page.getByLabel('To').fill('@alice')
    await page.getByLabel('Message').fill('{"sum": 1.10}')
    await person.button('Send').click()
    await page.locator('main').getByText('0 of 1 confirmed').waitFor()
    const [message] = await (await bus.ask('/get', { headers: { Authorization: userBasic('alice') } })).json()
    assert.equal(message.message.sum, 1.1)
    await bus.post('/confirm', [message._id], userBasic('alice'))
    await page.locator('main').getByText('1 of 1 confirmed').waitFor()

    await page.getByLabel('Files', { exact: true }).setInputFiles({ name: 'Счёт.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') })
    await person.button('Send').click()
    await page.locator('main').getByText('0 of 1 confirmed').waitFor()
    const [notice] = await (await bus.ask('/get', { headers: { Authorization: userBasic('alice') } })).json()
    assert.equal(notice.display_filename, 'Счёт.txt')
    await person.go('files')
    await person.row('Счёт.txt').filter({ hasText: 'alice' }).waitFor()
    await bus.ask(`/download/${encodeURIComponent(notice.filename)}`, { method: 'DELETE', headers: { Authorization: userBasic('alice') } })
    await person.go('overview')
    await person.go('files')
    assert.equal(await person.row('Счёт.txt').count(), 0)
    await here.end()
  },

  async 'a queue is paused, looked into and goes on' (world) {
    const here = await adminSite(world)
    const { page, person, bus } = here
    await bus.post('/put', { _id: 'order-1', to: '@alice', message: { sum: 5 } })
    await person.go('queues/alice')
    await person.button('Pause').click()
    await page.locator('h1 .tag', { hasText: 'paused' }).waitFor()
    await person.button('order-1').click()
    await person.button('Show the message').click()
    await page.locator('pre', { hasText: '"sum"' }).waitFor()
    await person.button('Close').click()
    await person.button('Resume').click()
    await page.locator('h1 .tag').waitFor({ state: 'detached' })
    await here.end()
  },

  async 'dead letters are moved to another user and dropped' (world) {
    const here = await adminSite(world)
    const { page, person, bus } = here
    await dead(bus)
    await person.go('queues//dead')
    await page.getByLabel('Choose lost').check()
    await page.locator('main').getByRole('button', { name: 'Move' }).click()
    await page.getByLabel('To the user').fill('bob')
    await page.getByRole('dialog').getByRole('button', { name: 'Move' }).click()
    await page.getByText('There are none.').waitFor()
    const messages = await (await bus.ask('/get', { headers: { Authorization: userBasic('bob') } })).json()
    assert.deepEqual(messages[0].message, { order: 17 })
    await person.go('queues/bob')
    await page.getByLabel('Choose lost').check()
    await page.locator('main').getByRole('button', { name: 'Drop' }).click()
    await page.getByText('1 delivery ends for good').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Drop' }).click()
    await page.getByText('There are none.').waitFor()
    await here.end()
  },

  async 'the flow is seen as it goes' (world) {
    const here = await adminSite(world)
    const { page, person, bus } = here
    await person.go('live')
    await page.waitForFunction(() => document.querySelector('main [role=status]').textContent === '')
    await bus.post('/put', { _id: 'seen-1', to: '@alice', message: 'not to be seen' })
    await person.row('seen-1').filter({ hasText: 'accepted' }).waitFor()
    await bus.post('/confirm', ['seen-1'], userBasic('alice'))
    await person.row('seen-1').filter({ hasText: 'confirmed' }).waitFor()
    assert.equal(await page.getByText('not to be seen').count(), 0)
    await here.end()
  },

  async 'who is no admin sees his own alone' (world) {
    const here = await site(world)
    const { page, person, bus } = here
    await bus.post('/put', { _id: 'for-alice', to: '@alice', message: { text: 'hello' } })
    await bus.post('/put', { _id: 'for-bob', to: '@bob', message: 1 })
    await person.signIn('alice', 'alice-pw')
    await person.heading('My messages').waitFor()
    await person.settled()
    assert.deepEqual(await page.locator('nav a').allTextContents(), ['My messages', 'Send', 'Password'])
    await person.button('for-alice').click()
    await page.locator('pre', { hasText: 'hello' }).waitFor()
    await person.button('Close').click()
    assert.equal(await page.getByText('for-bob').count(), 0)
    await page.goto(`${bus.url}/#/users`)
    await person.heading('My messages').waitFor()
    await here.end()
  },

  async 'one changes the own password' (world) {
    const here = await site(world)
    const { page, person } = here
    await person.signIn('bob', 'bob-pw')
    await person.go('password')
    await page.getByLabel('Old password').fill('bob-pw')
    await page.getByLabel('New password').fill('next')
    await page.getByLabel('Password, once more').fill('next')
    await person.button('Change').click()
    await person.toast('The password was changed').waitFor()
    await person.button('Sign out').click()
    await person.signIn('bob', 'next')
    await here.end()
  },

  async 'it speaks Russian to those who do' (world) {
    const here = await site(world, { browser: { locale: 'ru-RU' } })
    const { page, bus } = here
    await page.getByLabel('Имя').fill('admin')
    await page.getByLabel('Пароль').fill('secret')
    await page.getByRole('button', { name: 'Вход' }).click()
    await here.person.heading('Обзор').waitFor()
    assert.equal(await page.locator('html').getAttribute('lang'), 'ru')
    await bus.post('/put', { to: '@alice', message: 1 })
    await page.goto(`${bus.url}/#/users/alice`)
    await page.getByRole('button', { name: 'Удалить' }).click()
    await page.getByText('1 ожидающая доставка станет недоставленной').waitFor()
    await here.person.picture(pictures, 'russian')
    await here.end()
  },

  async 'every page fits a phone, by day and by night' (world) {
    const here = await adminSite(world, { browser: { viewport: { width: 360, height: 740 }, colorScheme: 'dark' } })
    const { page, person, bus } = here
    await dead(bus)
    await bus.post('/put', { _id: 'x'.repeat(128), to: '@alice', message: 1 })
    for (const name of pages) {
      await person.go(name)
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      assert.ok(wider <= 0, `${name} is ${wider} px wider than the screen`)
      await person.picture(pictures, `phone-${name.replaceAll('/', '-')}`)
    }
    await page.getByRole('button', { name: 'Menu' }).click()
    await page.getByRole('link', { name: 'Users', exact: true }).click()
    await person.heading('Users').waitFor()
    await here.end()
  },

  async 'every page has a heading, labels and a picture to look at' (world) {
    const here = await adminSite(world)
    const { page, person, bus } = here
    await dead(bus)
    await bus.post('/put', { to: ['@alice', '@bob'], message: 1 })
    for (const name of pages) {
      await person.go(name)
      const nameless = await page.evaluate(() => [...document.querySelectorAll('input, select, textarea, button, a, img')]
        .filter(one => !(one.labels?.length || one.textContent.trim() || one.getAttribute('aria-label') || one.getAttribute('alt')))
        .filter(one => !one.hidden).map(one => one.outerHTML))
      assert.deepEqual(nameless, [], name)
      assert.equal(await page.locator('h1').count(), 1, name)
      await person.picture(pictures, name.replaceAll('/', '-'))
    }
    await here.end()
  },

  async 'the keyboard is enough' (world) {
    const here = await site(world)
    const { page, person } = here
    await page.keyboard.type('admin')
    await page.keyboard.press('Tab')
    await page.keyboard.type('secret')
    await page.keyboard.press('Enter')
    await person.heading('Overview').waitFor()
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content')
    await page.keyboard.press('Enter')
    assert.equal(await page.evaluate(() => document.activeElement.id), 'content')
    await person.go('users')
    await person.button('Add a user').focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    assert.ok(await page.evaluate(() => document.activeElement.closest('dialog') !== null))
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Add a user')
    await here.end()
  },

  async 'markup in names, tags, ids and payloads stays text' (world) {
    const evil = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>'
    const here = await adminSite(world)
    const { page, person, bus } = here
    await bus.post('/put_users', [{ _id: evil.slice(0, 40), password: 'x', tags: [evil, '"><svg onload=hit=1>'] }])
    await bus.post('/put', { _id: evil.replaceAll('/', '|'), to: [`@${evil.slice(0, 40)}`, '@alice'], message: { text: evil } })
    const form = new FormData()
    form.append('data', JSON.stringify({ to: '@alice', message: 1 }))
    form.append('file', new Blob(['<script>window.hit=1</script>'], { type: 'text/html' }), 'a<script>window.hit=1<|script>.html')
    await bus.ask('/put', { method: 'POST', headers: { Authorization: 'Basic ' + Buffer.from('admin:secret').toString('base64') }, body: form })
    const id = encodeURIComponent(evil.slice(0, 40))
    for (const name of [...pages, `users/${id}`, `queues/${id}`]) {
      await person.go(name)
      assert.equal(await page.evaluate(() => window.hit), undefined, name)
    }
    await person.go('queues/alice')
    await page.getByRole('button', { name: /^<img/ }).click()
    await person.button('Show the message').click()
    await page.locator('pre', { hasText: 'onerror' }).waitFor()
    assert.equal(await page.evaluate(() => window.hit), undefined)
    await here.end()
  },

  async 'the policy stops scripts, styles and loads that are not the console\'s' (world) {
    const here = await adminSite(world)
    const answer = await fetch(here.bus.url)
    const policy = answer.headers.get('content-security-policy')
    assert.ok(!/unsafe|\*|https?:/.test(policy), policy)
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]) assert.ok(policy.includes(part), part)
    const hit = await here.page.evaluate(() => new Promise(resolve => {
      addEventListener('securitypolicyviolation', event => resolve(event.violatedDirective))
      const script = document.createElement('script')
      script.textContent = 'window.hit = 1'
      document.body.append(script)
    }))
    assert.equal(hit, 'script-src-elem')
    assert.equal(await here.page.evaluate(() => window.hit), undefined)
    await assert.rejects(here.page.evaluate(() => fetch('http://127.0.0.1:9/')))
    here.person.complaints.length = 0
    await here.end()
  },

  async 'no other site frames it or acts through it' (world) {
    const here = await adminSite(world)
    const { page, bus } = here
    const forged = await here.person.context.newPage()
    // The same host on another port: the browser takes it for the same site and sends the cookie.
    const other = await site(world, { empty: true })
    await forged.goto(`${other.bus.url}/signup`)
    const status = await forged.evaluate(async url => {
      const form = document.createElement('form')
      form.method = 'post'
      form.action = `${url}/put`
      form.enctype = 'text/plain'
      try {
        await fetch(`${url}/put`, { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"to":"@alice","message":"forged"}' })
      } catch { return 'blocked' }
      return 'sent'
    }, bus.url)
    assert.ok(['blocked', 'sent'].includes(status))
    const messages = await (await bus.ask('/get', { headers: { Authorization: userBasic('alice') } })).json()
    assert.deepEqual(messages, [])
    await forged.close()
    await other.end()
    await page.reload()
    await here.person.heading('Overview').waitFor()
    await here.end()
  },

  async 'a planted cookie gives nobody a log-in' (world) {
    const here = await site(world)
    const { person, bus } = here
    const planted = '0123456789abcdef'.repeat(4)
    await person.context.addCookies([{ name: 'simplebus', value: planted, url: bus.url }])
    await person.page.reload()
    await person.signIn('admin', 'secret')
    const [cookie] = await person.context.cookies(bus.url)
    assert.notEqual(cookie.value, planted)
    assert.ok(cookie.httpOnly)
    assert.equal(cookie.sameSite, 'Strict')
    const answer = await fetch(`${bus.url}/api/v1/users`, { headers: { Cookie: `simplebus=${planted}` } })
    assert.equal(answer.status, 401)
    await here.end()
  }
}

const folder = await mkdtemp(join(tmpdir(), 'simplebus-console-'))
const browser = await launch()
const world = { browser, folder, buses: [] }
// Those of tests that failed.
const stopBuses = () => world.buses.forEach(bus => bus.child.kill('SIGKILL'))
let failed = 1

try {
  failed = await run(tests, world, 560, stopBuses)
} finally {
  stopBuses()
  await browser.close()
  await rm(folder, { recursive: true, maxRetries: 3 })
}
process.exit(failed > 0 ? 1 : 0)
