// SPDX-License-Identifier: LGPL-2.1-or-later
// browser: Debian's Chromium, and people who use the console in it. Whatever a page complains of, and
// whatever it loads from elsewhere, is a failure of the test that sees it.

import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
const DEADLINE = 20000

export function launch () {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync']
  })
}

// Somebody with a browser of his own: no cookies, and a language.
export class Person {
  constructor (browser, bus) {
    this.browser = browser
    this.bus = bus
    this.complaints = []
  }

  static async open (browser, bus, options = {}) {
    const self = new Person(browser, bus)
    self.context = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 800 }, ...options })
    self.context.setDefaultTimeout(DEADLINE)
    self.page = await self.context.newPage()
    self.watch()
    await self.page.goto(bus.url)
    await self.page.locator('main').waitFor()
    return self
  }

  watch () {
    this.page.on('pageerror', error => this.complaints.push(`error: ${error.message}`))
    this.page.on('dialog', dialog => { this.complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss() })
    this.page.on('console', message => {
      if (message.type() === 'error' && !/status of (4|5)\d\d/.test(message.text())) this.complaints.push(message.text())
    })
    this.page.on('request', request => {
      if (!request.url().startsWith(this.bus.url) && !/^(blob|data):/.test(request.url())) this.complaints.push(`loads ${request.url()}`)
    })
  }

  async close () {
    await this.context.close()
    assert.deepEqual(this.complaints, [])
  }

  async signIn (name, password) {
    await this.page.getByLabel('Name').fill(name)
    await this.page.getByLabel('Password', { exact: true }).fill(password)
    await this.page.getByRole('button', { name: 'Sign in' }).click()
    await this.page.locator('nav').waitFor({ state: 'attached' })
  }

  // A page, once it has its heading and nothing of it is being loaded any more.
  async go (name) {
    await this.page.goto(`${this.bus.url}/#/${name}`)
    await this.page.locator('main h1').first().waitFor()
    await this.settled()
  }

  async settled () {
    await this.page.waitForFunction(() => !document.querySelector('[aria-busy=true]'))
  }

  heading (text) { return this.page.getByRole('heading', { name: text, exact: true }) }
  button (name) { return this.page.getByRole('button', { name, exact: true }) }
  row (text) { return this.page.getByRole('row').filter({ hasText: text }) }
  toast (text) { return this.page.locator('.toast', { hasText: text }) }

  async picture (folder, name) {
    await mkdir(folder, { recursive: true })
    await this.page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
  }
}
