// SPDX-License-Identifier: LGPL-2.1-or-later
// test-tus-client: tus-js-client against the real simplebusd: pauses, aborts, and a bus that is
// killed and started again. The program is the first argument.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Upload } from 'tus-js-client'
import { Bus, userBasic } from './bus.mjs'
import { run } from './tap.mjs'

const MIB = 1024 * 1024
const NAME = 'отчёт за май.pdf'
const ALICE = userBasic('alice')
const BOB = userBasic('bob')

// An upload that is told to do something after some pieces. Its `done` is settled at its end.
function makeUpload (bus, id, data, options = {}) {
  const offsets = []
  let upload
  const done = new Promise((resolve, reject) => {
    upload = new Upload(data, {
      endpoint: bus.url + '/files/',
      chunkSize: MIB,
      retryDelays: [100, 200, 500, 1000, 2000],
      headers: { Authorization: ALICE },
      metadata: { filename: NAME, data: JSON.stringify({ _id: id, to: '@bob', message: { n: 1 } }) },
      onAfterResponse: (request, response) => {
        if (request.getMethod() === 'HEAD') offsets.push(Number(response.getHeader('Upload-Offset')))
      },
      onSuccess: resolve,
      onError: reject,
      ...options
    })
  })
  return { upload, done, offsets }
}

// Once that many bytes are there.
const after = (bytes, act) => {
  let acted = false
  return (size, accepted) => {
    if (acted || accepted < bytes) return
    acted = true
    act()
  }
}

async function assertDelivered (bus, id, data) {
  const messages = await (await bus.ask('/get?limit=50', { headers: { Authorization: BOB } })).json()
  const found = messages.filter(message => message._id === id)

  assert.equal(found.length, 1)
  assert.equal(found[0].type, 'file')
  assert.equal(found[0].display_filename, NAME)
  assert.equal(found[0].size, data.length)
  assert.equal(found[0].sha256, createHash('sha256').update(data).digest('hex'))
  const answer = await bus.ask('/download/' + encodeURIComponent(found[0].filename),
    { headers: { Authorization: BOB } })
  assert.ok(Buffer.from(await answer.arrayBuffer()).equals(data))
}

const tests = {
  async 'sends a file' (bus) {
    const data = randomBytes(3 * MIB + 5)
    const { upload, done } = makeUpload(bus, 'whole', data, { chunkSize: Infinity })

    upload.start()
    await done
    await assertDelivered(bus, 'whole', data)
  },

  async 'goes on after a pause' (bus) {
    const data = randomBytes(8 * MIB + 5)
    const paused = { }
    const wait = new Promise(resolve => { paused.resolve = resolve })
    const { upload, done, offsets } = makeUpload(bus, 'paused', data, {
      onChunkComplete: after(3 * MIB, async () => { await upload.abort(); paused.resolve() })
    })

    upload.start()
    await wait
    upload.start()
    await done
    assert.ok(offsets.some(offset => offset >= 3 * MIB && offset < data.length))
    await assertDelivered(bus, 'paused', data)
  },

  async 'goes on with another object after an abort' (bus) {
    const data = randomBytes(8 * MIB + 5)
    const aborted = { }
    const wait = new Promise(resolve => { aborted.resolve = resolve })
    const first = makeUpload(bus, 'aborted', data, {
      onChunkComplete: after(2 * MIB, async () => { await first.upload.abort(); aborted.resolve() })
    })

    first.upload.start()
    await wait
    const second = makeUpload(bus, 'aborted', data, { uploadUrl: first.upload.url })
    second.upload.start()
    await second.done
    assert.ok(second.offsets[0] >= 2 * MIB && second.offsets[0] < data.length)
    await assertDelivered(bus, 'aborted', data)
  },

  async 'goes on when the bus was killed and is back' (bus) {
    const data = randomBytes(8 * MIB + 5)
    let restarted
    const { upload, done, offsets } = makeUpload(bus, 'killed', data, {
      onChunkComplete: after(3 * MIB, () => {
        restarted = bus.stop('SIGKILL').then(() => bus.start())
      })
    })

    upload.start()
    await done
    await restarted
    assert.ok(offsets.some(offset => offset >= 3 * MIB && offset < data.length))
    await assertDelivered(bus, 'killed', data)
  },

  async 'gives an upload up' (bus) {
    const data = randomBytes(4 * MIB)
    const aborted = { }
    const wait = new Promise(resolve => { aborted.resolve = resolve })
    const { upload } = makeUpload(bus, 'given-up', data, {
      onChunkComplete: after(2 * MIB, async () => { await upload.abort(true); aborted.resolve() })
    })

    upload.start()
    await wait
    const answer = await fetch(upload.url, {
      method: 'HEAD', headers: { Authorization: ALICE, 'Tus-Resumable': '1.0.0' }
    })
    assert.equal(answer.status, 404)
  }
}

const folder = await mkdtemp(join(tmpdir(), 'simplebus-tus-'))
const bus = new Bus(process.argv[2], folder)
let failed = 1

try {
  await bus.start()
  await bus.signUp()
  await bus.makeUsers('alice', 'bob')
  failed = await run(tests, bus, 120, () => bus.child.kill('SIGKILL'))
} finally {
  if (bus.child) await bus.stop()
  await rm(folder, { recursive: true })
}
process.exit(failed > 0 ? 1 : 0)
