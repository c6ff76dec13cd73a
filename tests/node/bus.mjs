// SPDX-License-Identifier: LGPL-2.1-or-later
// bus: a real simplebusd for tests that are written in JavaScript, and what nearly all of them ask it.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export const basic = (user, password) => 'Basic ' + Buffer.from(`${user}:${password}`).toString('base64')
export const ADMIN = basic('admin', 'secret')

export class Bus {
  // `settings` are words for --set; later ones win.
  constructor (program, folder, settings = []) {
    this.program = program
    this.folder = folder
    this.settings = settings
    this.port = 0
  }

  get url () { return `http://127.0.0.1:${this.port}` }

  async start () {
    const settings = [
      'transport-soup.listen=127.0.0.1', `transport-soup.http-port=${this.port}`,
      'transport-soup.websocket-port=0', 'bus.disk-reserve=0', ...this.settings
    ]
    this.child = spawn(this.program, [
      '--print-ports', '--data-dir', join(this.folder, 'data'), ...settings.flatMap(word => ['--set', word])
    ], { stdio: ['ignore', 'pipe', 'inherit'] })
    this.exited = new Promise(resolve => this.child.once('exit', resolve))
    for await (const line of createInterface({ input: this.child.stdout })) {
      this.port = Number(/http=[^ ]*:(\d+)/.exec(line)[1])
      this.websocketPort = Number(/websocket=[^ ]*:(\d+)/.exec(line)[1])
      return
    }
    throw new Error('simplebusd did not start')
  }

  async stop (signal = 'SIGTERM') {
    this.child.kill(signal)
    await this.exited
  }

  async ask (path, options = {}) {
    const answer = await fetch(this.url + path, options)

    if (answer.status >= 400) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return answer
  }

  // The first user, who is an admin.
  async signUp () {
    await this.ask('/signup', {
      method: 'POST', redirect: 'manual', body: new URLSearchParams({ name: 'admin', password: 'secret' })
    })
  }

  async post (path, value, authorization = ADMIN) {
    return this.ask(path, { method: 'POST', headers: { Authorization: authorization }, body: JSON.stringify(value) })
  }

  // Users with these ids, whose passwords are the ids with "-pw" behind.
  async makeUsers (...ids) {
    await this.post('/put_users', ids.map(_id => ({ _id, password: `${_id}-pw` })))
  }
}

export const userBasic = id => basic(id, `${id}-pw`)
